# The types of scan.py, for Cython: where they are not, it is Python as it stands.
cimport cython

from ackdrop.core.lane cimport Gate, Lane, Shared
from ackdrop.core.unanswered cimport Unanswered

cdef extern from *:
    """
    #include <string.h>

    static CYTHON_INLINE int ackdrop_same(
        const unsigned char *one, long long at, const unsigned char *other, long long where, long long size
    ) {
        return memcmp(one + at, other + where, size) == 0;
    }

    static CYTHON_INLINE long long ackdrop_short(const unsigned char *data, long long at) {
        const unsigned char *here = data + at;
        return (short)(here[0] << 8 | here[1]);
    }

    static CYTHON_INLINE long long ackdrop_int(const unsigned char *data, long long at) {
        const unsigned char *here = data + at;
        return (int)((unsigned int)here[0] << 24 | (unsigned int)here[1] << 16 | (unsigned int)here[2] << 8 | here[3]);
    }

    static CYTHON_INLINE long long ackdrop_long(const unsigned char *data, long long at) {
        unsigned long long low = (unsigned int)ackdrop_int(data, at + 4);
        return (long long)((unsigned long long)ackdrop_int(data, at) << 32 | low);
    }
    """
    bint c_same "ackdrop_same"(
        const unsigned char *one, long long at, const unsigned char *other, long long where, long long size
    ) nogil
    long long c_short "ackdrop_short"(const unsigned char *data, long long at) nogil
    long long c_int "ackdrop_int"(const unsigned char *data, long long at) nogil
    long long c_long "ackdrop_long"(const unsigned char *data, long long at) nogil

cdef bint _C
cdef long long _FAR, _LOW, _LEAST_BATCH, _LAST_SEQUENCE, _O

@cython.final
cdef class Scanner(Unanswered):
    cdef public long long request_bytes, answer_bytes
    cdef public bint takes_requests, takes_answers
    cdef public dict lanes
    cdef public list lengths
    cdef public object beside
    cdef Lane _last

    @cython.locals(at=cython.longlong, end=cython.longlong, behind=cython.longlong)
    cpdef Py_ssize_t requests(self, bytes data, double now) except -1

    @cython.locals(
        raw="const unsigned char *", lane=Lane, length=cython.longlong, key=cython.longlong,
        version=cython.longlong, correlation_id=cython.longlong, stop=cython.longlong, begin=cython.longlong,
        size=cython.longlong, shift=cython.longlong, byte=cython.longlong, claimed=cython.longlong,
        magic=cython.longlong, crc=cython.longlong, producer_id=cython.longlong, epoch=cython.longlong,
        sequence=cython.longlong, records=cython.longlong, slot=cython.longlong, cell=cython.longlong,
        prefix=cython.longlong, count=cython.longlong, asks=cython.bint, lost=cython.bint, shared=Shared,
        room=cython.longlong,
    )
    cdef Py_ssize_t _requests(
        self, bytes data, long long at, long long end, double now, Lane known, object frames
    ) except -1

    @cython.locals(
        shared=Shared, cell=cython.longlong, correlation_id=cython.longlong, sequence=cython.longlong,
        records=cython.longlong, size=cython.longlong, begin=cython.longlong, whole=cython.longlong,
        step=cython.longlong, count=cython.longlong, batch=cython.longlong, crc=cython.longlong,
    )
    cdef Py_ssize_t _in_step(
        self, const unsigned char *raw, long long at, long long end, Lane lane, long long slot, long long most
    ) except -1

    @cython.locals(at=cython.longlong, behind=cython.longlong)
    cpdef Py_ssize_t answers(self, bytes data, double now) except -1

    @cython.locals(
        raw="const unsigned char *", end=cython.longlong, slot=cython.longlong, lane=Lane, count=cython.longlong,
        first=cython.longlong,
    )
    cdef Py_ssize_t _answers(self, bytes data, long long at, double now) except -1

    @cython.locals(
        shared=Shared, whole=cython.longlong, correlation_id=cython.longlong, records=cython.longlong,
        size=cython.longlong, most=cython.longlong, count=cython.longlong, expected=cython.longlong,
        base_offset=cython.longlong,
    )
    cdef Py_ssize_t _answered(
        self, const unsigned char *raw, long long at, long long end, double now, Lane lane, long long cell
    ) except -1

cpdef bint may_fire(tuple gates, long long records, long long size) except -1

@cython.locals(gate=Gate, most=cython.longlong)
cdef long long pass_by(tuple gates, long long records, long long size) except -2

@cython.locals(gate=Gate)
cdef int _let_pass(Shared shared, tuple gates, long long records, long long size, long long count) except -1

cdef inline bint _same(
    const unsigned char *one, long long at, const unsigned char *other, long long where, long long size
) except -1
cdef inline long long _short(const unsigned char *data, long long at) except? -1
cdef inline long long _int(const unsigned char *data, long long at) except? -1
cdef inline long long _long(const unsigned char *data, long long at) except? -1
