/* A broker that only answers: Produce 7 with success, and the few questions that ackdrop asks before; one thread.
 *
 *   ./sink [--port 0] [--partitions 64]      prints {"port": N}; ends with its parent, or at SIGTERM
 *
 * Bodies are thrown away as they come. Base offsets go on for each topic and partition by the records of each batch.
 * Every topic exists and has so many partitions, with an end offset of 0. Answers that are ready go out in one send. */
#include "common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INBOX = 256 * 1024, ENOUGH = 256, MOST = 64 << 20, CROWDED = 1 << 20, PLACES = 1 << 18 };
enum { PRODUCE = 0, LIST_OFFSETS = 2, METADATA = 3, API_VERSIONS = 18 };

struct bytes {
    uint8_t *at;
    size_t count, room;
};

struct client {
    int fd, crowded;
    struct bytes in, out;
    size_t gone, skip; /* of `out`, how much has gone; of what comes, how much is a body that nobody reads */
    size_t before;     /* of `out`, what stands before the last answer: that waits until its request is whole */
};

static struct { uint64_t key, offset; } offsets[PLACES];
static uint32_t port, partitions = 64;
static int poller;

static uint8_t *grow(struct bytes *bytes, size_t more)
{
    if (bytes->count + more > bytes->room) {
        bytes->room = (bytes->count + more) * 2;
        bytes->at = realloc(bytes->at, bytes->room);
        if (bytes->at == NULL)
            die("no memory");
    }
    bytes->count += more;
    return bytes->at + bytes->count - more;
}

static void add16(struct bytes *out, uint16_t n) { put16(grow(out, 2), n); }
static void add32(struct bytes *out, uint32_t n) { put32(grow(out, 4), n); }
static void add64(struct bytes *out, uint64_t n) { put64(grow(out, 8), n); }
static void add_text(struct bytes *out, const uint8_t *text, size_t count)
{
    add16(out, (uint16_t)count);
    memcpy(grow(out, count), text, count);
}

/* Where the next record of this topic and partition goes. */
static uint64_t *offset_of(const uint8_t *topic, size_t count, uint32_t partition)
{
    uint64_t key = 14695981039346656037u ^ partition;
    for (size_t n = 0; n < count; n++)
        key = (key ^ topic[n]) * 1099511628211u;
    key = key * 0x9E3779B97F4A7C15u | 1;
    for (size_t n = 0, at = key >> 46; n < PLACES; n++, at = (at + 1) % PLACES)
        if (offsets[at].key == key || offsets[at].key == 0) {
            offsets[at].key = key;
            return &offsets[at].offset;
        }
    die("more than %d partitions", PLACES);
}

/* A part of a request, read from front to back. */
struct reader {
    const uint8_t *at, *end;
};

static const uint8_t *take(struct reader *reader, size_t count)
{
    if ((size_t)(reader->end - reader->at) < count)
        die("a request is shorter than it says");
    reader->at += count;
    return reader->at - count;
}

static size_t take_text(struct reader *reader, const uint8_t **text)
{
    uint16_t count = get16(take(reader, 2));
    *text = count == 0xFFFF ? NULL : take(reader, count);
    return *text ? count : 0;
}

static void produce(struct reader *reader, struct bytes *out)
{
    const uint8_t *text, *topic;
    take_text(reader, &text);
    take(reader, 2 + 4);
    if (get32(take(reader, 4)) != 1)
        die("a produce request has more than one topic");
    size_t count = take_text(reader, &topic);
    if (get32(take(reader, 4)) != 1)
        die("a produce request has more than one partition");
    uint32_t partition = get32(take(reader, 4));
    const uint8_t *batch = take(reader, 4 + 61) + 4;
    uint64_t *offset = offset_of(topic, count, partition);
    add32(out, 1);
    add_text(out, topic, count);
    add32(out, 1);
    add32(out, partition);
    add16(out, 0);
    add64(out, *offset);
    add64(out, UINT64_MAX); /* no append time */
    add64(out, 0);          /* log start */
    add32(out, 0);          /* throttle time */
    *offset += get32(batch + 57);
}

static void api_versions(uint16_t version, struct bytes *out)
{
    static const uint16_t known[][3] = {{PRODUCE, 7, 7}, {LIST_OFFSETS, 2, 2}, {METADATA, 4, 4}, {API_VERSIONS, 0, 0}};
    add16(out, version ? 35 : 0);
    add32(out, 4);
    for (int n = 0; n < 4; n++)
        for (int m = 0; m < 3; m++)
            add16(out, known[n][m]);
}

static void metadata(struct reader *reader, struct bytes *out)
{
    uint32_t topics = get32(take(reader, 4));
    add32(out, 0);
    add32(out, 1); /* a broker, which has id 1 */
    add32(out, 1);
    add_text(out, (const uint8_t *)"127.0.0.1", 9);
    add32(out, port);
    add16(out, 0xFFFF);
    add_text(out, (const uint8_t *)"bench", 5);
    add32(out, 1);
    add32(out, topics == UINT32_MAX ? 0 : topics);
    for (uint32_t n = 0; topics != UINT32_MAX && n < topics; n++) {
        const uint8_t *topic;
        size_t count = take_text(reader, &topic);
        add16(out, 0);
        add_text(out, topic, count);
        *grow(out, 1) = 0;
        add32(out, partitions);
        for (uint32_t partition = 0; partition < partitions; partition++) {
            add16(out, 0);
            add32(out, partition);
            for (int m = 0; m < 5; m++) /* leader, one replica, one in sync */
                add32(out, 1);
        }
    }
}

static void list_offsets(struct reader *reader, struct bytes *out)
{
    take(reader, 4 + 1);
    uint32_t topics = get32(take(reader, 4));
    add32(out, 0);
    add32(out, topics);
    while (topics--) {
        const uint8_t *topic;
        size_t count = take_text(reader, &topic);
        uint32_t entries = get32(take(reader, 4));
        add_text(out, topic, count);
        add32(out, entries);
        while (entries--) {
            add32(out, get32(take(reader, 12)));
            add16(out, 0);
            add64(out, UINT64_MAX);
            add64(out, 0);
        }
    }
}

/* A request: its first ENOUGH bytes of a produce request, the whole of any other. */
static void answer(const uint8_t *bytes, size_t count, struct bytes *out)
{
    struct reader reader = {bytes, bytes + count};
    const uint8_t *client;
    uint16_t api = get16(take(&reader, 6) + 4), version = get16(take(&reader, 2));
    size_t begin = out->count;
    add32(out, 0);
    add32(out, get32(take(&reader, 4)));
    take_text(&reader, &client);
    if (api == PRODUCE && version == 7)
        produce(&reader, out);
    else if (api == API_VERSIONS)
        api_versions(version, out);
    else if (api == METADATA && version == 4)
        metadata(&reader, out);
    else if (api == LIST_OFFSETS && version == 2)
        list_offsets(&reader, out);
    else
        die("a request of API %u in version %u", api, version);
    put32(out->at + begin, (uint32_t)(out->count - begin - 4));
}

/* How many of these bytes were used: of a frame that is not there far enough, none. */
static size_t take_frame(struct client *c, const uint8_t *bytes, size_t count)
{
    if (count < 6)
        return 0;
    size_t size = 4 + (size_t)get32(bytes);
    if (size < 14 || size > MOST)
        die("a frame of %zu bytes", size);
    size_t needed = get16(bytes + 4) == PRODUCE && size > ENOUGH ? ENOUGH : size;
    if (count < needed)
        return 0;
    c->before = c->out.count;
    answer(bytes, needed, &c->out);
    size_t used = size < count ? size : count;
    c->skip = size - used;
    return used;
}

static void leave(struct client *c)
{
    close(c->fd);
    free(c->in.at);
    free(c->out.at);
    free(c);
}

static void watch(struct client *c, int crowded)
{
    if (c->crowded == crowded)
        return;
    c->crowded = crowded;
    struct epoll_event event = {.events = crowded ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Send what is ready; 0 where the client is gone. */
static int push(struct client *c)
{
    size_t ready = c->skip ? c->before : c->out.count;
    while (c->gone < ready) {
        ssize_t went = send(c->fd, c->out.at + c->gone, ready - c->gone, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (went < 0) {
            watch(c, 1);
            return errno == EAGAIN;
        }
        c->gone += (size_t)went;
    }
    if (ready == c->out.count)
        c->gone = c->out.count = c->before = 0;
    watch(c, 0);
    return 1;
}

/* Read once; 0 where the client is gone. */
static int pull(struct client *c)
{
    static uint8_t inbox[INBOX];
    if (c->skip >= INBOX / 4) { /* the kernel drops it, without a copy */
        ssize_t came = recv(c->fd, NULL, c->skip, MSG_DONTWAIT | MSG_TRUNC);
        if (came > 0)
            c->skip -= (size_t)came;
        return came > 0 || (came < 0 && errno == EAGAIN);
    }
    ssize_t came = recv(c->fd, inbox, INBOX, MSG_DONTWAIT);
    if (came <= 0)
        return came < 0 && errno == EAGAIN;
    const uint8_t *bytes = inbox;
    size_t count = (size_t)came, used;
    if (c->in.count) {
        memcpy(grow(&c->in, count), inbox, count);
        bytes = c->in.at;
        count = c->in.count;
    }
    size_t at = c->skip < count ? c->skip : count;
    c->skip -= at;
    while (at < count && (used = take_frame(c, bytes + at, count - at)) > 0)
        at += used;
    if (c->in.count) {
        memmove(c->in.at, bytes + at, count - at);
        c->in.count = count - at;
    } else
        memcpy(grow(&c->in, count - at), bytes + at, count - at);
    return 1;
}

static void enter(int listening)
{
    int fd = accept(listening, NULL, NULL), on = 1;
    if (fd < 0)
        die("accept: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct client *c = allocated(1, sizeof *c);
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int main(int count, char **words)
{
    for (int n = 1; n < count; n += 2) {
        uint32_t *into = !strcmp(words[n], "--port") ? &port : !strcmp(words[n], "--partitions") ? &partitions : NULL;
        if (into == NULL)
            die("there is no option %s", words[n]);
        *into = (uint32_t)number(words[n], words[n + 1], 0, into == &port ? 65535 : 100000);
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int listening = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&address, length) || listen(listening, 4096))
        die("port %u: %s", port, strerror(errno));
    getsockname(listening, (struct sockaddr *)&address, &length);
    port = ntohs(address.sin_port);
    printf("{\"port\": %u}\n", port);
    fflush(stdout);
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, 256, -1);
        for (int n = 0; n < ready; n++) {
            struct client *c = events[n].data.ptr;
            if (c == NULL)
                enter(listening);
            else if (!(c->crowded ? 1 : pull(c)) || !push(c))
                leave(c);
        }
    }
}
