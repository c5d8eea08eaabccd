# The types of scan.py, for Cython: where they are not, it is Python as it stands.
cimport cython

cdef bint _C
cdef long long _FAR, _SIGN, _WORD, _LOW, _LEAST_BATCH, _LAST_SEQUENCE, _TOLD, _N, _FEWEST, _MOST

cdef class Rows:
    cdef public long long count, room
    cdef public list aside
    cdef public long long[::1] cells
    cdef public double[::1] times

    cpdef set_aside(self)

cdef class Track:
    cdef public long long following
    cdef object __weakref__

cdef class Gate:
    cdef public long long[::1] total, untold, seen, matches, trigger
    cdef public long long limit, least_records, most_records, least_size, most_size
    cdef public object look

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
    cdef public long long numbered, unsettled, open, bytes, limit
    cdef public set checksums
    cdef public list fresh
    cdef public dict producers, known, lost_in
    cdef public object index, unlike, foresee
    cdef public long long[::1] changes
    cdef public bint let_pass

cdef class Open:
    cdef public long long first, last, answered, request_bytes, answer_bytes
    cdef public bint takes_requests, takes_answers
    cdef public dict lanes
    cdef public list lengths
    cdef public object beside
    cdef Shared _shared
    cdef Lane _last
    cdef long long _mask
    cdef long long[::1] _cells
    cdef double[::1] _times
    cdef list _lanes, _frames

    @cython.locals(at=cython.longlong, end=cython.longlong, behind=cython.longlong)
    cpdef long long requests(self, bytes data, double now) except -1

    @cython.locals(
        lane=Lane, length=cython.longlong, key=cython.longlong, version=cython.longlong,
        correlation_id=cython.longlong, stop=cython.longlong, begin=cython.longlong, size=cython.longlong,
        shift=cython.longlong, byte=cython.longlong, claimed=cython.longlong, magic=cython.longlong,
        crc=cython.longlong, producer_id=cython.longlong, epoch=cython.longlong, sequence=cython.longlong,
        records=cython.longlong, slot=cython.longlong, cell=cython.longlong, prefix=cython.longlong,
        first=cython.longlong, shared=Shared,
    )
    cdef long long _requests(self, bytes data, long long at, long long end, double now, Lane known, object frames) except -1

    @cython.locals(at=cython.longlong, behind=cython.longlong)
    cpdef long long answers(self, bytes data, double now) except -1

    @cython.locals(
        end=cython.longlong, slot=cython.longlong, cell=cython.longlong, lane=Lane,
        length=cython.longlong, correlation_id=cython.longlong, stop=cython.longlong, base_offset=cython.longlong,
        rows=Rows, row=cython.longlong, i=cython.longlong, first=cython.longlong, shared=Shared,
    )
    cdef long long _answers(self, bytes data, long long at, double now) except -1

    cpdef object oldest_together(self)

    cpdef _grow(self)

@cython.locals(gate=Gate, fits=cython.bint)
cdef bint _let_pass(tuple gates, long long records, long long size) except -1

@cython.locals(value=cython.longlong)
cdef long long _short(bytes data, long long at) except? -1

@cython.locals(value=cython.longlong)
cdef long long _int(bytes data, long long at) except? -1

cdef long long _long(bytes data, long long at) except? -1
