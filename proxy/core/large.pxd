# The types of large.py, for Cython: where they are not, it is Python as it stands.
cimport cython

from ackdrop.core.lane cimport Lane, Shared
from ackdrop.core.scan cimport Scanner
from ackdrop.core.several cimport Several

cdef class Large:
    cdef Scanner _open
    cdef Shared _shared
    cdef public Lane lane
    cdef public long long size, got
    cdef public list pieces, held
    cdef public Several several
    cdef public bint unfit

    @cython.locals(done=cython.longlong, rest=cython.longlong)
    cpdef long long requests(self, bytes data, double now) except -1

    @cython.locals(lane=Lane, size=cython.longlong)
    cpdef long long begin(self, bytes data, double now) except -1

    cdef bint _let_pass(self, Lane lane, bytes head, long long size, double now) except -1

    @cython.locals(several=Several, count=cython.longlong)
    cdef long long _begin_several(self, bytes data, double now) except -1

    @cython.locals(rest=cython.longlong, part=bytes, count=cython.longlong)
    cdef long long _several_on(self, bytes data, double now) except -1

    @cython.locals(several=Several, count=cython.longlong)
    cdef long long _walked(self, bytes part, double now) except -1

    cdef _take_back(self, long long count)

    @cython.locals(lane=Lane, size=cython.longlong, key=cython.longlong, version=cython.longlong, length=cython.longlong)
    cpdef Lane lane_of(self, bytes data, double now)

    @cython.locals(lane=Lane)
    cpdef bint short(self, bytes data, double now) except -1

    cpdef let_by(self, object piece)

    cpdef came(self, long long size)

    @cython.locals(lane=Lane)
    cpdef long long opaque(self) except -1

    @cython.locals(lane=Lane, head=bytes, least=cython.longlong)
    cpdef bint end(self, double now) except -1

    @cython.locals(tail=bytes)
    cdef bint _ends_well(self, Lane lane) except -1
