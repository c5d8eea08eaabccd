# The types of end.py, for Cython: where they are not, it is Python as it stands.
cdef class End:
    cdef public object session, side, peer
    cdef public bint reads
    cdef object _other, _around, _poller, _clock, _recv, _send, _through
    cdef long long _fd, _events, _most
