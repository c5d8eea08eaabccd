# The types of road.py, for Cython: where they are not, it is Python as it stands.
cdef class Road:
    cdef public bint plain
    cdef object __weakref__
