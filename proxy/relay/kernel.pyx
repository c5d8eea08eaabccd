# cython: language_level=3, boundscheck=False, wraparound=False, annotation_typing=False
"""What only C can ask Linux for: bytes that go from socket to socket without being copied, and are still kept.

The body of a large request is spliced from one socket into a pipe and from there into the other socket: pages change
hands, nothing is copied. Before that, `tee` lets a second pipe share these pages: so the body can still be read if
anything ever happens to the request, and is let go with its answer.

Nothing here blocks, so the interpreter's lock is kept: whoever waits for it has its turn when the poller sleeps.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.errno cimport EAGAIN, EINTR, errno
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <fcntl.h>
    #include <sys/socket.h>
    #include <unistd.h>
    """
    enum: SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, MSG_NOSIGNAL, MSG_DONTWAIT, MSG_MORE, O_NONBLOCK, O_CLOEXEC
    enum: F_SETPIPE_SZ, O_WRONLY
    ssize_t c_splice "splice"(int, void *, int, void *, size_t, unsigned int)
    ssize_t c_tee "tee"(int, int, size_t, unsigned int)
    ssize_t c_send "send"(int, const void *, size_t, int)
    ssize_t c_recv "recv"(int, void *, size_t, int)
    struct iovec:
        void *iov_base
        size_t iov_len
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t recvmsg(int, msghdr *, int)
    ssize_t c_read "read"(int, void *, size_t)
    int pipe2(int *, int)
    int c_fcntl "fcntl"(int, int, ...)
    int c_open "open"(const char *, int, ...)
    int c_close "close"(int)

cdef enum:
    ROOM = 512 * 1024  # of a pipe: 128 places, of which each takes what the kernel has in one piece, up to 32 KiB
    ONE_GO = 1 << 20
    FEW = 64 * 1024
    LEAST = 4096  # of fewer bytes, to copy them costs less than to ask for them in two places

cdef char _buffer[FEW]


def receive(int fd, Py_ssize_t most, Py_ssize_t likely=0):
    """Bytes that have come, `most` of them at once; none at an end, None where there is nothing. So many as are `likely`
    are not copied once more. Raises OSError."""
    cdef Py_ssize_t count
    cdef bytes data
    if most <= FEW:
        if LEAST <= likely < most:
            return _expected(fd, most, likely)
        count = c_recv(fd, _buffer, most, MSG_DONTWAIT)
        return PyBytes_FromStringAndSize(_buffer, count) if count >= 0 else _nothing()
    data = PyBytes_FromStringAndSize(NULL, most)
    count = c_recv(fd, PyBytes_AS_STRING(data), most, MSG_DONTWAIT)
    if count < 0:
        return _nothing()
    return data if count == most else data[:count]


cdef bytes _expected(int fd, Py_ssize_t most, Py_ssize_t likely):
    """Read into what is kept, and only what is beyond it into the buffer of all."""
    cdef iovec parts[2]
    cdef msghdr message
    cdef bytes more, data = PyBytes_FromStringAndSize(NULL, likely)
    cdef Py_ssize_t count
    memset(&message, 0, sizeof(msghdr))
    message.msg_iov, message.msg_iovlen = parts, 2
    parts[0].iov_base, parts[0].iov_len = PyBytes_AS_STRING(data), likely
    parts[1].iov_base, parts[1].iov_len = _buffer, most - likely
    count = recvmsg(fd, &message, MSG_DONTWAIT)
    if count == likely:
        return data
    if count < 0:
        return _nothing()
    if count < likely:
        return data[:count]
    more = PyBytes_FromStringAndSize(NULL, count)
    memcpy(PyBytes_AS_STRING(more), PyBytes_AS_STRING(data), likely)
    memcpy(PyBytes_AS_STRING(more) + likely, _buffer, count - likely)
    return more


def send(int fd, bytes data):
    """How many bytes the kernel took: all, some, or none. Raises OSError."""
    cdef Py_ssize_t sent = c_send(fd, PyBytes_AS_STRING(data), len(data), MSG_DONTWAIT | MSG_NOSIGNAL)
    return sent if sent >= 0 else (_nothing() or 0)


cdef _nothing():
    if errno != EAGAIN and errno != EINTR:
        raise OSError(errno, "the connection is broken")
    return None


@cython.final
@cython.no_gc_clear
cdef class Pipe:
    """One of `Pipes`, which it goes back to once nobody has it; what is still in it is let go then."""

    cdef int source, target
    cdef Py_ssize_t count
    cdef Pipes home

    def __len__(self):
        return self.count

    def __dealloc__(self):
        if self.home is not None:
            self.home._back(self.source, self.target, self.count)

    def pour(self, int fd):
        """Let what is in it go on to a socket, as far as that has room; how many bytes went. Raises OSError."""
        cdef Py_ssize_t before = self.count
        if _pour(self, fd, False) < 0:
            _nothing()
        return before - self.count


@cython.final
cdef class Held:
    """Bytes that only the kernel has, until somebody wants them. Read once, they are bytes like any."""

    cdef Pipe pipe
    cdef bytes data
    cdef Py_ssize_t size

    def __len__(self):
        return self.size

    cdef bint adds(self, Pipe transit):
        """Whether there was room for what is in this pipe, too; what came in where there was not is behind the end."""
        cdef Py_ssize_t count
        if self.pipe is None or self.pipe.count > self.size:
            return False
        count = c_tee(transit.source, self.pipe.target, transit.count, SPLICE_F_NONBLOCK)
        if count > 0:
            self.pipe.count += count
        if count < transit.count:
            return False
        self.size += count
        return True

    def __bytes__(self):
        if self.data is None:
            self.data = _drained(self.pipe, self.size)
            self.pipe = None
        return self.data


cdef Held _held(Pipe pipe):
    cdef Held held = Held()
    held.pipe, held.size = pipe, 0
    return held


cdef bytes _drained(Pipe pipe, Py_ssize_t size):
    """Bytes at the beginning of a pipe."""
    cdef bytes data = PyBytes_FromStringAndSize(NULL, size)
    cdef Py_ssize_t done = 0, count
    while done < size:
        count = c_read(pipe.source, PyBytes_AS_STRING(data) + done, size - done)
        if count <= 0:
            raise OSError(errno, "a pipe does not give back what it was given")
        done += count
    pipe.count = 0 if pipe.count <= size else pipe.count - size
    return data


@cython.final
cdef class Pipes:
    """The pipes of a proxy, `most` of them at once. `moved` is how many bytes went through them in all."""

    cdef list _free
    cdef Py_ssize_t _made, _most
    cdef int _nowhere
    cdef readonly long long moved
    cdef list _left

    def __init__(self, Py_ssize_t most):
        self._free = []
        self._left = []
        self._made = 0
        self._most = most
        self._nowhere = c_open(b"/dev/null", O_WRONLY | O_CLOEXEC)

    def close(self):
        """Close those that nobody has; others are closed when they come back."""
        self._most = 0
        for source, target in self._free:
            c_close(source)
            c_close(target)
        self._free.clear()
        if self._nowhere >= 0:
            c_close(self._nowhere)
            self._nowhere = -1

    def move(self, int source, int target, Py_ssize_t most, bytes head, list kept, bint more):
        """Move bytes from one socket to the other, behind `head`, and add them to `kept`; `more` will follow at once.

        Their number, 0 where nothing was done: nothing is there, or no pipe is free. What the other side has no room
        for, or is broken over, can be taken by `take_left`: bytes that come first, and then a pipe.
        """
        cdef Py_ssize_t count, sent = 0
        cdef Pipe transit = self._take()
        cdef bytes data
        if transit is None:
            return 0
        count = c_splice(
            source, NULL, transit.target, NULL, min(most, <Py_ssize_t>ONE_GO), SPLICE_F_MOVE | SPLICE_F_NONBLOCK
        )
        if count <= 0:  # the next one who reads learns why
            return 0
        transit.count = count
        self.moved += count
        if not self._keep(transit, kept):
            data = _drained(transit, count)
            kept.append(data)
            head += data
        if head:
            sent = c_send(target, PyBytes_AS_STRING(head), len(head), MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE)
            sent = max(0, sent)
        if sent == len(head):
            _pour(transit, target, more)
        if sent < len(head) or transit.count:
            self._left = [each for each in (head[sent:], transit) if each]
        return count

    def take_left(self):
        """What the other side had no room for at the last `move`, once."""
        left, self._left = self._left, []
        return left

    cdef bint _keep(self, Pipe transit, list kept):
        """Let what is in a pipe be kept by another one too, the last one of these or a new one."""
        cdef object last = kept[len(kept) - 1] if kept else None
        cdef Pipe pipe
        if isinstance(last, Held) and (<Held>last).adds(transit):
            return True
        pipe = self._take()
        if pipe is None:
            return False
        last = _held(pipe)
        if not (<Held>last).adds(transit):
            return False
        kept.append(last)
        return True

    cdef Pipe _take(self):
        cdef int ends[2]
        cdef Pipe pipe
        if self._free:
            ends[0], ends[1] = self._free.pop()
        elif self._made >= self._most or pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0:
            return None
        elif c_fcntl(ends[1], F_SETPIPE_SZ, <int>ROOM) < ROOM:  # so it is for who has too many of them
            c_close(ends[0])
            c_close(ends[1])
            self._most = self._made
            return None
        else:
            self._made += 1
        pipe = Pipe()
        pipe.source, pipe.target, pipe.count, pipe.home = ends[0], ends[1], 0, self
        return pipe

    cdef void _back(self, int source, int target, Py_ssize_t count):
        cdef Py_ssize_t gone
        while count > 0 and self._nowhere >= 0:
            gone = c_splice(source, NULL, self._nowhere, NULL, count, SPLICE_F_NONBLOCK)
            if gone <= 0:
                break
            count -= gone
        if count == 0 and self._most:
            self._free.append((source, target))
            return
        self._made -= 1
        c_close(source)
        c_close(target)


cdef Py_ssize_t _pour(Pipe pipe, int target, bint more):
    """Let it go on, as far as there is room; how much went, below zero where something is wrong."""
    cdef Py_ssize_t gone = c_splice(
        pipe.source, NULL, target, NULL, pipe.count,
        SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (SPLICE_F_MORE if more else 0)
    )
    if gone > 0:
        pipe.count -= gone
    return gone
