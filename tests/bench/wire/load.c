/* Kafka produce requests as fast as they are answered, or at a rate; one thread, one JSON object a line.
 *
 *   cd tests/bench/wire && cc -O2 -o load load.c && cc -O2 -o sink sink.c
 *   ./sink --partitions 64                           {"port": 40001}
 *   ./load --port 40001 --size 1024 --window 100 --connections 8 --seconds 2 --warmup 0.5
 *   ./load --port 40001 --requests 1000000           so many in all, instead of --seconds
 *   ./load --port 40001 --rate 5000 --seconds 5      paced; RTT counts from when a request was due
 *   ./load --port 40001 --partitions 10000 --topics 1 --spread      each request goes to the next partition
 *   ./load --port 40001 --connections 2000 --idle --hold            connects; with --each 1 one request on each
 *   ./load --self-test                               the shortcut to the CRC against the whole computation
 *
 * Version 7, acks=all, topics bench-0000 and so on, real record batches (idempotent: a producer id a connection, epoch
 * 0, sequences that go on). Without --spread a connection writes to the partition of its index. A first line tells what
 * passed before the measuring (--each requests on every connection, --before in all, --warmup seconds), answered; with
 * --hold it then waits for a line on standard input, and after the second line, the figures, for another one, before
 * it closes its connections. RTT, in microseconds, is from the first byte of a request to the whole answer. Ends with 1
 * at any answer that is not the next one's, of its topic and partition, without an error. */
#include "frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ANSWER = 52 + TOPIC, INBOX = 64 * 1024, RUN = 512, SUB = 8 };

struct connection {
    int fd, blocked;
    uint32_t index, made, begun, answered, unread; /* unread: bytes of an answer that is not whole */
    size_t gone;                                  /* bytes of the frame that is going out */
    uint32_t next;                                /* the place that comes next, with --spread */
    uint32_t *sequences, *places;                 /* by place; by request in flight */
    int64_t *since;
    uint8_t *heads, part[ANSWER];
};

static struct {
    double seconds, warmup, rate;
    uint32_t port, size, window, connections, partitions, topics, requests, each, before;
    int spread, idle, hold;
} wanted = {.seconds = 2, .size = 1024, .window = 10, .connections = 1, .partitions = 1, .topics = 1};

static struct frame frame;
static struct connection *all;
static int poller;
static uint64_t histogram[64 << SUB], answered;
static int64_t longest;
static uint64_t left;  /* requests that may still begin */
static uint32_t most;  /* requests in flight on a connection */
static int64_t began, due_since;
static uint32_t producers; /* the first producer id: no two runs have the same, as from a broker */

static void count_rtt(int64_t span)
{
    uint64_t ns = span < 1 ? 1 : (uint64_t)span;
    int high = 63 - __builtin_clzll(ns), shift = high > SUB ? high - SUB : 0;
    histogram[((uint64_t)shift << SUB) + (ns >> shift)]++;
    if (span > longest)
        longest = span;
}

static double quantile(double part)
{
    uint64_t count = 0, seen = 0;
    for (size_t n = 0; n < sizeof histogram / sizeof *histogram; n++)
        count += histogram[n];
    for (size_t n = 0; n < sizeof histogram / sizeof *histogram; n++)
        if ((seen += histogram[n]) > 0 && (double)seen >= part * (double)count) {
            uint64_t shift = n >> SUB > 1 ? (n >> SUB) - 1 : 0;
            return (double)((n - (shift << SUB)) << shift) / 1000;
        }
    return 0;
}

static uint32_t places(void) { return wanted.partitions * wanted.topics; }

static void open_connection(struct connection *c, uint32_t index)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)wanted.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->index = index;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address))
        die("connection %u: %s", index, strerror(errno));
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->next = index % places();
    c->sequences = allocated(wanted.spread ? places() : 1, sizeof *c->sequences);
    c->places = allocated(wanted.window, sizeof *c->places);
    c->since = allocated(wanted.window, sizeof *c->since);
    c->heads = allocated(wanted.window, HEAD);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event))
        die("epoll: %s", strerror(errno));
}

/* Another request; `due` is 0, or since when it should have been on its way. */
static void make(struct connection *c, int64_t due)
{
    uint32_t slot = c->made % wanted.window, place = c->next;
    uint32_t *sequence = &c->sequences[wanted.spread ? place : 0];
    c->places[slot] = place;
    c->since[slot] = due;
    put_head(c->heads + (size_t)slot * HEAD, &frame, c->made, place / wanted.partitions, place % wanted.partitions,
             producers + c->index, *sequence);
    *sequence = (*sequence + frame.records) & 0x7FFFFFFF;
    if (wanted.spread)
        c->next = place + 1 == places() ? 0 : place + 1;
    c->made++;
    left--;
}

static void refill(struct connection *c)
{
    while (left && c->made - c->answered < most)
        make(c, 0);
}

static void watch(struct connection *c, int blocked)
{
    if (c->blocked == blocked)
        return;
    c->blocked = blocked;
    struct epoll_event event = {.events = EPOLLIN | (blocked ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

/* Send all that is made, as far as the kernel takes it. */
static void push(struct connection *c)
{
    while (c->begun != c->made) {
        struct iovec run[RUN];
        int count = 0;
        size_t gone = c->gone;
        int64_t now = nanoseconds();
        for (uint32_t n = c->begun; n != c->made && count < RUN - 1; n++, gone = 0) {
            uint8_t *head = c->heads + (size_t)(n % wanted.window) * HEAD;
            if (c->since[n % wanted.window] == 0)
                c->since[n % wanted.window] = now;
            if (gone < HEAD)
                run[count++] = (struct iovec){head + gone, HEAD - gone};
            size_t past = gone < HEAD ? HEAD : gone;
            run[count++] = (struct iovec){frame.bytes + past, frame.size - past};
        }
        ssize_t went = writev(c->fd, run, count);
        if (went < 0) {
            if (errno != EAGAIN)
                die("connection %u: %s", c->index, strerror(errno));
            watch(c, 1);
            return;
        }
        size_t total = c->gone + (size_t)went;
        c->begun += (uint32_t)(total / frame.size);
        c->gone = total % frame.size;
    }
    watch(c, 0);
}

static void take_answer(struct connection *c, const uint8_t *answer, int64_t now)
{
    uint32_t slot = c->answered % wanted.window, place = c->places[slot];
    if (c->answered == c->begun)
        die("connection %u: an answer to nothing", c->index);
    if (get32(answer) != ANSWER - 4 || get32(answer + 4) != c->answered)
        die("connection %u: the answer to %u has %u bytes and is to %u", c->index, c->answered, get32(answer),
            get32(answer + 4));
    uint32_t topic = 0;
    for (const uint8_t *digit = answer + 14 + 6; digit < answer + 14 + TOPIC; digit++)
        topic = topic * 10 + *digit - '0';
    if (get16(answer + 22 + TOPIC) != 0 || get32(answer + 18 + TOPIC) != place % wanted.partitions ||
        topic != place / wanted.partitions)
        die("connection %u: error %u, or another's topic or partition, in the answer to %u", c->index,
            get16(answer + 22 + TOPIC), c->answered);
    count_rtt(now - c->since[slot]);
    c->answered++;
    answered++;
}

static void pull(struct connection *c)
{
    static uint8_t inbox[INBOX];
    memcpy(inbox, c->part, c->unread);
    ssize_t came = recv(c->fd, inbox + c->unread, INBOX - c->unread, MSG_DONTWAIT);
    if (came <= 0) {
        if (came < 0 && errno == EAGAIN)
            return;
        die("connection %u: %s", c->index, came ? strerror(errno) : "closed by its peer");
    }
    int64_t now = nanoseconds();
    size_t count = c->unread + (size_t)came, at = 0;
    for (; count - at >= ANSWER; at += ANSWER)
        take_answer(c, inbox + at, now);
    c->unread = (uint32_t)(count - at);
    memcpy(c->part, inbox + at, c->unread);
}

/* Make the requests that are due by now, one connection after the other; nanoseconds until the next one. */
static int64_t pace(int64_t now)
{
    static uint64_t paced;
    static uint32_t turn;
    int64_t due = 0;
    if (due_since != began)
        paced = 0, due_since = began;
    while (left && (due = began + (int64_t)((double)paced / wanted.rate * 1e9)) <= now) {
        struct connection *c = &all[turn];
        if (c->made - c->answered == wanted.window)
            return 50000; /* its window is full: it counts from when it was due */
        make(c, now - due > 1000000 ? due : 0);
        push(c);
        turn = turn + 1 == wanted.connections ? 0 : turn + 1;
        paced++;
    }
    return left ? due - now : 1000000000;
}

static uint64_t in_flight(void)
{
    uint64_t count = 0;
    for (uint32_t n = 0; n < wanted.connections; n++)
        count += all[n].made - all[n].answered;
    return count;
}

/* Begin so many requests, or for so long, and wait until all are answered; the nanoseconds that it took. */
static int64_t measure(uint64_t requests, double seconds, double rate)
{
    struct epoll_event events[256];
    left = requests ? requests : seconds > 0 ? UINT64_MAX : 0;
    began = nanoseconds();
    int64_t until = requests ? INT64_MAX : began + (int64_t)(seconds * 1e9);
    int ended = 0;
    for (uint32_t n = 0; n < wanted.connections && rate == 0; n++) {
        refill(&all[n]);
        push(&all[n]);
    }
    while (left || in_flight()) {
        int64_t now = nanoseconds(), wait = 100000000;
        if (!ended && now >= until) {
            left = 0;
            ended = 1;
            until = now + 60000000000LL;
        } else if (ended && now >= until)
            die("%llu requests have no answer", (unsigned long long)in_flight());
        if (rate > 0 && left)
            wait = pace(now);
        struct timespec most = {wait / 1000000000, wait % 1000000000};
        int count = epoll_pwait2(poller, events, 256, &most, NULL);
        for (int n = 0; n < count; n++) {
            struct connection *c = events[n].data.ptr;
            if (events[n].events & ~(uint32_t)EPOLLOUT)
                pull(c);
            if (rate == 0)
                refill(c);
            push(c);
        }
    }
    return nanoseconds() - began;
}

static double cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void await_line(void)
{
    char line[64];
    if (wanted.hold && fgets(line, sizeof line, stdin) == NULL)
        exit(1);
}

static int self_test(void)
{
    static const uint32_t sizes[] = {HEAD + 8, 200, 1024, 1025, 16384, 102400, 1048576};
    static const uint32_t numbers[] = {0, 1, 2, 3, 1000, 65535, 0x12345678, 0x7FFFFFFF};
    if (crc32c((const uint8_t *)"123456789", 9) != 0xE3069283)
        die("the CRC is wrong");
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        make_frame(&frame, sizes[n]);
        for (size_t m = 0; m < sizeof numbers / sizeof *numbers; m++) {
            put_head(frame.bytes, &frame, 7, 9999, 5, 1000 + numbers[sizeof numbers / sizeof *numbers - 1 - m] / 2,
                     numbers[m]);
            if (get32(frame.bytes + AT_CRC) != crc32c(frame.bytes + AT_CHECKED, frame.size - AT_CHECKED))
                die("the CRC of %u bytes with sequence %u is wrong", sizes[n], numbers[m]);
            memset(frame.bytes + AT_PRODUCER, 0, 8);
            put32(frame.bytes + AT_SEQUENCE, 0);
        }
        free(frame.bytes);
    }
    puts("{\"right\": true}");
    return 0;
}

static void read_options(char **word)
{
    while (*++word) {
        const char *name = *word;
        double *real = !strcmp(name, "--seconds")  ? &wanted.seconds
                       : !strcmp(name, "--warmup") ? &wanted.warmup
                       : !strcmp(name, "--rate")   ? &wanted.rate
                                                   : NULL;
        uint32_t *whole = !strcmp(name, "--port")          ? &wanted.port
                          : !strcmp(name, "--size")        ? &wanted.size
                          : !strcmp(name, "--window")      ? &wanted.window
                          : !strcmp(name, "--connections") ? &wanted.connections
                          : !strcmp(name, "--partitions")  ? &wanted.partitions
                          : !strcmp(name, "--topics")      ? &wanted.topics
                          : !strcmp(name, "--requests")    ? &wanted.requests
                          : !strcmp(name, "--each")        ? &wanted.each
                          : !strcmp(name, "--before")      ? &wanted.before
                                                           : NULL;
        int *flag = !strcmp(name, "--spread") ? &wanted.spread
                    : !strcmp(name, "--idle") ? &wanted.idle
                    : !strcmp(name, "--hold") ? &wanted.hold
                                              : NULL;
        if (!strcmp(name, "--self-test"))
            exit(self_test());
        if (flag)
            *flag = 1;
        else if (real)
            *real = number(name, *++word, 0, 1e9);
        else if (whole)
            *whole = (uint32_t)number(name, *++word, strstr("--each --before --requests", name) ? 0 : 1, 1e9);
        else
            die("there is no option %s", name);
        if (!flag && *word == NULL)
            die("%s wants a value", name);
    }
    if (wanted.port == 0 || wanted.port > 65535 || wanted.topics > 9999 || places() > 10000000)
        die("--port is needed; topics go to 9999, and partitions to 10000000 in all");
    if (wanted.each > wanted.window)
        die("--each is at most --window");
}

int main(int count, char **words)
{
    (void)count;
    read_options(words);
    prctl(PR_SET_TIMERSLACK, 1);
    make_frame(&frame, wanted.size);
    struct timespec today;
    clock_gettime(CLOCK_REALTIME, &today);
    producers = (uint32_t)(today.tv_sec << 12) + (uint32_t)getpid();
    all = allocated(wanted.connections, sizeof *all);
    poller = epoll_create1(0);
    for (uint32_t n = 0; n < wanted.connections; n++)
        open_connection(&all[n], n);
    if ((most = wanted.each))
        measure((uint64_t)wanted.each * wanted.connections, 0, 0);
    most = wanted.window;
    if (wanted.before)
        measure(wanted.before, 0, 0);
    if (wanted.warmup > 0)
        measure(0, wanted.warmup, wanted.rate);
    printf("{\"warm\": %llu}\n", (unsigned long long)answered);
    fflush(stdout);
    await_line();
    if (wanted.idle)
        return 0;
    memset(histogram, 0, sizeof histogram);
    longest = 0;
    uint64_t warm = answered;
    double spent = cpu();
    int64_t span = measure(wanted.requests, wanted.seconds, wanted.rate);
    uint64_t frames = answered - warm;
    printf("{\"frames\": %llu, \"seconds\": %.6f, \"bytes\": %llu, \"records\": %u, \"p50\": %.2f, \"p90\": %.2f, "
           "\"p99\": %.2f, \"max\": %.2f, \"cpu\": %.6f}\n",
           (unsigned long long)frames, (double)span / 1e9, (unsigned long long)(frames * frame.size), frame.records,
           quantile(0.5), quantile(0.9), quantile(0.99), (double)longest / 1000, cpu() - spent);
    fflush(stdout);
    await_line();
    return 0;
}
