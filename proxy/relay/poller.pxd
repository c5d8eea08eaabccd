# The types of poller.py, for Cython: where they are not, it is Python as it stands.
cimport cython

cdef class Poller:
    cdef list _timers
    cdef dict _handlers
    cdef object _given, _poll, _clock
    cdef bint _ticks
    cdef double _offset

    cpdef double now(self) except -1

    @cython.locals(until=cython.double, now=cython.double, handlers=dict, timers=list, events=list)
    cpdef burst(self)
