# The types of end.py, for Cython: where they are not, it is Python as it stands.
cimport cython

from ackdrop.core.large cimport Large
from ackdrop.relay.poller cimport Poller
from ackdrop.relay.road cimport Road

cdef class End:
    cdef public object session, side, peer
    cdef public bint reads, draining
    cdef Road _from, _onto
    cdef Poller _poller
    cdef public double heard
    cdef public long long taken
    cdef object _around, _recv, _send, _through, _pipes
    cdef Large _large
    cdef long long _fd, _to, _events, _most, _likely

    cdef _pass_on(self)

    @cython.locals(count=cython.longlong, done=cython.longlong, sent=cython.longlong, most=cython.longlong, now=cython.double)
    cdef bint _once(self) except -1

    cpdef double came(self, long long count) except -1

    cdef bint _goes_on(self) except -1

    @cython.locals(large=Large, count=cython.longlong, most=cython.longlong)
    cdef bint _move(self, bytes head) except -1
