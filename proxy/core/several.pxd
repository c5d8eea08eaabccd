# The types of several.py, for Cython: where they are not, it is Python as it stands.
cimport cython
from ackdrop.core.scan cimport Lane, Open, Rows, Shared

cdef long long _LEAST_BATCH, _LAST_SEQUENCE, _SIGN, _WORD, _LOW, _N, _FLEXIBLE, _TOPIC_IDS, _HEAD_AT, _MOST_ANSWER

cdef class Head:
    cdef public long long version, numbers
    cdef public bint flexible
    cdef public dict topics

cdef class Batches:
    cdef public long long correlation_id, count, size
    cdef public double at, told_at
    cdef public Head head
    cdef public list lanes
    cdef public long long[::1] cells
    cdef public bytes frame
    cdef public bint apart

cdef class Several:
    cdef Shared _shared
    cdef object _reached
    cdef dict _heads
    cdef list _lengths
    cdef public long long longest
    cdef long long _stamp, _at, _end, _room
    cdef long long[::1] _cells
    cdef set _checksums

    @cython.locals(length=cython.longlong, head=Head)
    cpdef Head head(self, bytes data, long long at)

    @cython.locals(length=cython.longlong, stop=cython.longlong, head=Head, lanes=list, request=Batches)
    cpdef long long requests(self, Open opened, bytes data, long long at, double now) except -1

    @cython.locals(
        shared=Shared, numbered=cython.longlong, n=cython.longlong, lane=Lane, cells="long long[::1]",
    )
    cdef _count(self, Batches request)

    @cython.locals(lanes=list, topics=cython.longlong, partitions=dict, left=cython.longlong, lane=Lane, size=cython.longlong)
    cdef list _lanes_of(self, bytes data, Head head, double now)

    @cython.locals(
        shared=Shared, begin=cython.longlong, records=cython.longlong, producer_id=cython.longlong,
        sequence=cython.longlong, crc=cython.longlong, known=cython.bint, cell=cython.longlong,
    )
    cdef bint _fits(self, bytes data, Lane lane, long long size, long long n, double now) except -1

    @cython.locals(request=Batches, stop=cython.longlong, n=cython.longlong, lane=Lane)
    cpdef long long answers(self, Open opened, bytes data, long long at, double now) except -1

    @cython.locals(lane=Lane)
    cdef bint _may_pass(self, Batches request, double now) except -1

    @cython.locals(
        head=Head, flexible=cython.bint, each=cython.longlong, missing=cython.longlong, topics=cython.longlong,
        partitions=dict, left=cython.longlong, lane=Lane, offset=cython.longlong,
    )
    cdef bint _succeeded(self, bytes data, Batches request) except -1

    cdef bint _no_messages(self, bytes data, bint flexible) except -1

    @cython.locals(rows=Rows, i=cython.longlong)
    cdef _passed(self, Batches request, Lane lane, long long n, double now)

    @cython.locals(value=cython.longlong, shift=cython.longlong, byte=cython.longlong)
    cdef long long _counted(self, bytes data, bint compact) except -2

    @cython.locals(size=cython.longlong)
    cdef dict _partitions(self, bytes data, Head head)

    cdef bint _tagless(self, bytes data) except -1

@cython.locals(value=cython.longlong)
cdef long long _short(bytes data, long long at) except? -1

@cython.locals(value=cython.longlong)
cdef long long _int(bytes data, long long at) except? -1

cdef long long _long(bytes data, long long at) except? -1
