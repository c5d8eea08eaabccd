# The types of lane.py, for Cython: where they are not, it is Python as it stands.
cdef long long _N, _FEWEST, _MOST, _FAR

cdef class Rows:
    cdef public long long count, behind, room, room_behind
    cdef public long long[::1] cells
    cdef public double[::1] times
    cdef public unsigned int[::1] more
    cdef list _aside

    cpdef make_room(self, long long behind)
    cdef tuple _used(self)

cdef class Track:
    cdef public long long following
    cdef public list opens
    cdef object __weakref__

cdef class Gate:
    cdef public long long[::1] total, untold, seen, matches, trigger
    cdef public long long limit, least_records, most_records, least_size, most_size
    cdef public object look
    cdef public tuple once

cdef class Lane:
    cdef public object flow, request, topic_id, armed
    cdef public bint whole
    cdef public long long foreseen
    cdef public double until
    cdef public tuple at_requests, at_answers
    cdef public tuple where
    cdef public long long asked, version, batch_at, behind, answer_size, offset_at, answer_behind, producer_id, epoch
    cdef public bint compact
    cdef public bytes prefix, suffix, answer_prefix, answer_suffix
    cdef public Track track
    cdef public Rows rows, apart
    cdef public long long stamp, offset

cdef class Shared:
    cdef public long long numbered, unsettled, open, bytes, limit, stamp
    cdef public list fresh
    cdef public dict checksums, producers, known, lost_in
    cdef public object index, unlike, foresee
    cdef public long long[::1] changes
    cdef public bint let_pass, shut
