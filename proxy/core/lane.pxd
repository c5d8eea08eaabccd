# The types of lane.py, for Cython: where they are not, it is Python as it stands.
cimport cython

cdef long long _N, _CRC, _BEHIND, _MOST, _FAR

cdef class Lane

cdef class Rows:
    cdef public bint armed
    cdef public long long turn, count, behind, requests
    cdef public list flows, asked
    cdef public long long[::1] which, cells
    cdef public double[::1] times
    cdef public unsigned int[::1] more
    cdef list _aside

    cpdef long long begin(self, Lane lane, long long behind) except -1

    @cython.locals(
        count=cython.longlong, behind=cython.longlong, lanes=cython.longlong, i=cython.longlong,
        cells="long long[::1]", times="double[::1]", more="unsigned int[::1]", counts="long long[::1]",
    )
    cdef object _by_lanes(self)

    @cython.locals(
        lanes=cython.longlong, lane=cython.longlong, at=cython.longlong, at_behind=cython.longlong,
        behind=cython.longlong, source=cython.longlong, i=cython.longlong, j=cython.longlong,
        place="long long[::1]", place_behind="long long[::1]",
    )
    cdef _sort(self, long long[::1] counts, long long[::1] cells, double[::1] times, unsigned int[::1] more)

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
    cdef public long long turn, place, stamp, offset

cdef class Shared:
    cdef public long long numbered, unsettled, open, bytes, limit, stamp
    cdef public Rows asked, unasked
    cdef public dict checksums, producers, known, lost_in
    cdef public object index, unlike, foresee
    cdef public long long[::1] changes
    cdef public bint let_pass, shut
