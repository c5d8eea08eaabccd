# The types of several.py, for Cython: where they are not, it is Python as it stands.
cimport cython
from ackdrop.core.batches cimport Batches, Head
from ackdrop.core.lane cimport Gate, Lane, Rows, Shared
from ackdrop.core.scan cimport Scanner, c_int, c_long, c_short

cdef bint _C
cdef long long _LEAST_BATCH, _LAST_SEQUENCE, _LOW, _N, _TOPIC_IDS, _HEAD_AT, _MOST_ANSWER
cdef long long _LONGEST_STEP, _NONE, _BATCH, _LAST

cdef class Several:
    cdef Shared _shared
    cdef object _reached
    cdef dict _heads, _partitions
    cdef list _lengths, _lanes, _headers
    cdef long long _longest, _size, _cursor, _base, _at, _end, _topics, _left, _found, _correlation_id, _room
    cdef bint _finished
    cdef Head _head
    cdef long long[::1] _cells
    cdef set _checksums

    @cython.locals(length=cython.longlong, head=Head)
    cpdef Head head(self, bytes data, long long at)

    @cython.locals(length=cython.longlong, stop=cython.longlong, head=Head)
    cpdef long long requests(self, Scanner opened, bytes data, long long at, double now) except -1

    @cython.locals(length=cython.longlong, count=cython.longlong, head=Head, lane=Lane)
    cpdef long long begin(self, bytes data, double now) except -2

    @cython.locals(n=cython.longlong, lane=Lane, shared=Shared)
    cpdef bint end(self, Scanner opened, list frame, double now) except -1

    @cython.locals(
        shared=Shared, numbered=cython.longlong, n=cython.longlong, lane=Lane, cells="long long[::1]",
    )
    cdef _count(self, Batches request, Scanner opened)

    cdef _start(self, Head head, long long size)

    @cython.locals(
        at=cython.longlong, topics=cython.longlong, left=cython.longlong, partitions=dict, step=cython.longlong
    )
    cpdef long long walk(self, bytes data, long long base, long long end, double now) except -2

    @cython.locals(head=Head, flexible=cython.bint, lane=Lane, size=cython.longlong)
    cdef long long _next(self, bytes data, double now) except -1

    @cython.locals(begin=cython.longlong, records=cython.longlong, cell=cython.longlong)
    cdef bint _fits(self, bytes data, Lane lane, long long size, double now) except -1

    @cython.locals(
        shared=Shared, cell=cython.longlong, sequence=cython.longlong, crc=cython.longlong, known=cython.bint,
        stale=cython.bint,
    )
    cdef bint _may_go(self, bytes data, Lane lane, long long n, double now) except -1

    @cython.locals(n=cython.longlong, lane=Lane, gate=Gate, gates=tuple, records=cython.longlong, size=cython.longlong)
    cdef bint _let_pass(self, list lanes, long long[::1] cells, bint answered) except -1

    @cython.locals(request=Batches, stop=cython.longlong, n=cython.longlong, lane=Lane)
    cpdef long long answers(self, Scanner opened, bytes data, long long at, double now) except -1

    @cython.locals(lane=Lane)
    cdef bint _may_pass(self, Batches request, double now) except -1

    @cython.locals(
        head=Head, flexible=cython.bint, each=cython.longlong, missing=cython.longlong, topics=cython.longlong,
        partitions=dict, left=cython.longlong, lane=Lane, offset=cython.longlong,
    )
    cdef bint _succeeded(self, bytes data, Batches request) except -1

    cdef bint _no_messages(self, bytes data, bint flexible) except -1

    @cython.locals(rows=Rows, series=cython.longlong, i=cython.longlong)
    cdef _passed(self, Batches request, Lane lane, long long n, double now)

    @cython.locals(value=cython.longlong, shift=cython.longlong, byte=cython.longlong)
    cdef long long _counted(self, bytes data, bint compact) except -2

    @cython.locals(size=cython.longlong)
    cdef dict _topic(self, bytes data, Head head)

    cdef bint _tagless(self, bytes data) except -1

cdef long long _short(bytes data, long long at) except? -1

cdef long long _int(bytes data, long long at) except? -1

cdef long long _long(bytes data, long long at) except? -1
