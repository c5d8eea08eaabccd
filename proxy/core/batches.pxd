# The types of batches.py, for Cython: where they are not, it is Python as it stands.
from ackdrop.core.lane cimport Lane, Shared

cdef long long _N, _FLEXIBLE

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
    cdef public object frame
    cdef public bint apart
