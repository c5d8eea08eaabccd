# The types of chance.py, for Cython: where they are not, it is Python as it stands.
cimport cython

cdef bint _C
cdef long long _BLOCK, _DIGEST, _ROUNDS
cdef bytes _ORDER

cdef class Chance:
    cdef object _begun
    cdef unsigned long long[::1] _state, _scratch
    cdef unsigned char[::1] _block
    cdef long long _hashed, _rest, _used

    @cython.locals(number=cython.longlong, scaled=cython.double)
    cpdef long long next_below(self, double limit, long long first, long long count) except -1

    @cython.locals(rest=cython.longlong, at=cython.longlong, end=cython.longlong, i=cython.longlong)
    cdef unsigned long long _hash(self, long long number) except? 7

ctypedef unsigned long long _Word

@cython.locals(
    order="const unsigned char *", words="unsigned long long[16]", v0=cython.ulonglong, v1=cython.ulonglong, v2=cython.ulonglong, v3=cython.ulonglong, v4=cython.ulonglong, v5=cython.ulonglong,
    v6=cython.ulonglong, v7=cython.ulonglong, v8=cython.ulonglong, v9=cython.ulonglong, v10=cython.ulonglong, v11=cython.ulonglong, v12=cython.ulonglong, v13=cython.ulonglong, v14=cython.ulonglong, v15=cython.ulonglong,
)
cdef int _compress(unsigned long long[::1] state, unsigned char[::1] block, long long at, long long size, bint last) except -1

cdef inline (_Word, _Word, _Word, _Word) _mixed(_Word a, _Word b, _Word c, _Word d, _Word x, _Word y) noexcept

cdef inline unsigned long long _rotated(unsigned long long word, int by) noexcept

@cython.locals(value="unsigned long long", i="long long")
cdef inline unsigned long long _word(unsigned char[::1] block, long long at) noexcept

@cython.locals(value="unsigned long long")
cdef unsigned long long _turned(unsigned long long word) noexcept
