# The types of unanswered.py, for Cython: where they are not, it is Python as it stands.
cimport cython

from ackdrop.core.lane cimport Lane, Rows, Shared

cdef long long _FAR, _TOLD, _N, _O, _FEWEST, _BEHIND

cdef class Unanswered:
    cdef public long long first, last, stop, answered
    cdef public object restore
    cdef Shared _shared
    cdef long long _begin, _end, _mask, _crc_mask, _told, _told_before
    cdef long long[::1] _cells, _told_cells
    cdef double[::1] _times, _told_times
    cdef unsigned int[::1] _crcs
    cdef list _lanes, _frames, _told_lanes

    cdef long long _place(self) except -1

    cdef int _keep(self, long long crc) except -1

    cpdef object oldest_together(self)

    @cython.locals(
        cell=cython.longlong, rows=Rows, series=cython.longlong, row=cython.longlong, place=cython.longlong,
        told=cython.longlong, i=cython.longlong,
    )
    cdef int _pass(self, Lane lane, long long slot, long long count, double now, long long base_offset) except -1

    @cython.locals(shared=Shared, cell=cython.longlong, i=cython.longlong)
    cdef int _leave(self, Lane lane, long long slot, long long count) except -1

    cdef _grow(self)
    cdef _grow_crcs(self)
