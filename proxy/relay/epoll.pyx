# cython: language_level=3, boundscheck=False, wraparound=False, annotation_typing=False
"""epoll, with a look again before it sleeps.

To fall asleep and be woken costs a core some 20 to 60 µs, on virtual machines above all: more than all that is done for
a small request, and most of what a proxy adds where one is sent at a time. So where nearly all that came lately has come
within that time, it is looked for so long before the core is given up. That takes no more of it than sleeping does;
where what comes does not come soon, or somebody else wants the core, it sleeps at once.
"""

cimport cython
from libc.errno cimport EINTR, errno
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef extern from "<sys/epoll.h>":
    enum: EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL
    ctypedef union epoll_data_t:
        int fd
    struct epoll_event:
        unsigned int events
        epoll_data_t data
    int epoll_create1(int) nogil
    int epoll_ctl(int, int, int, epoll_event *) nogil
    int epoll_wait(int, epoll_event *, int, int) nogil

cdef extern from "<unistd.h>":
    int c_close "close"(int)

cdef enum:
    MOST = 64
    LOOK = 50_000  # ns for which it is looked before sleeping
    SOON = 100_000  # ns of a sleep that looking would have spared: what came, came earlier than that
    TAKEN = 100_000  # ns between two looks in which somebody else has had the core
    LEAVE = 5_000_000  # ns for which it is left to them then
    SURE = 16
    ENOUGH = 4
    MISSED = 4


@cython.final
cdef class Epoll:
    """As `select.epoll`, level-triggered, as far as `poller` wants it. Raises OSError."""

    cdef int _fd
    cdef epoll_event _events[MOST]
    cdef readonly int sure
    """How sure it is that what comes next comes soon: from ENOUGH on it looks."""
    cdef long long _leave_until

    def __init__(self):
        self._fd = epoll_create1(EPOLL_CLOEXEC)
        if self._fd < 0:
            raise OSError(errno, "the system has no epoll for us")

    def fileno(self):
        return self._fd

    def register(self, int fd, unsigned int events):
        self._control(EPOLL_CTL_ADD, fd, events)

    def modify(self, int fd, unsigned int events):
        self._control(EPOLL_CTL_MOD, fd, events)

    def unregister(self, int fd):
        self._control(EPOLL_CTL_DEL, fd, 0)

    def close(self):
        if self._fd >= 0:
            c_close(self._fd)
            self._fd = -1

    cdef _control(self, int what, int fd, unsigned int events):
        cdef epoll_event event
        event.events, event.data.fd = events, fd
        if epoll_ctl(self._fd, what, fd, &event) < 0:
            raise OSError(errno, "a socket cannot be watched")

    def poll(self, double timeout, int most):
        """What is ready within so many seconds: at most so many descriptors, each with its events."""
        cdef int count, wait = <int>(timeout * 1000 + 0.999)
        most = min(most, MOST)
        with nogil:
            count = epoll_wait(self._fd, self._events, most, 0)
            if count == 0 and wait > 0:
                count = self._await(most, wait)
        if count < 0 and errno != EINTR:
            raise OSError(errno, "nothing can be watched any more")
        return [(self._events[i].data.fd, self._events[i].events) for i in range(count)]

    cdef int _await(self, int most, int wait) noexcept nogil:
        """Look again for a moment where that has paid, and then sleep, so many milliseconds at most."""
        cdef long long now = _now()
        cdef int count
        if self.sure >= ENOUGH and now >= self._leave_until:
            count = self._look(most, now)
            if count != 0:
                return count
            now = _now()
        count = epoll_wait(self._fd, self._events, most, wait)
        if count > 0 and _now() - now < SOON:
            self.sure = min(self.sure + 1, SURE)
        else:
            self.sure = max(self.sure - 1, 0)
        return count

    cdef int _look(self, int most, long long now) noexcept nogil:
        cdef long long until = now + LOOK, before
        cdef int count
        while True:
            before = now
            count = epoll_wait(self._fd, self._events, most, 0)
            now = _now()
            if now - before > TAKEN:
                self._leave_until = now + LEAVE
            if count != 0:
                self.sure = min(self.sure + 1, SURE)
                return count
            if now >= until or now < self._leave_until:
                self.sure = max(self.sure - MISSED, 0)
                return 0


cdef long long _now() noexcept nogil:
    """Nanoseconds."""
    cdef timespec time
    clock_gettime(CLOCK_MONOTONIC, &time)
    return <long long>time.tv_sec * 1_000_000_000 + time.tv_nsec
