/* Produce v7 requests of an exact size with a record batch as a client writes it, and its CRC-32C.
 *
 * All frames of one program have the same records, so they share their end; what differs is in their first bytes: the
 * correlation id, topic, partition, producer id, base sequence and CRC. A CRC is linear: the one of a batch with other
 * numbers is that of the batch with zeros there, XORed with one word for each bit that is set. */
#ifndef ACKDROP_BENCH_FRAME_H
#define ACKDROP_BENCH_FRAME_H

#include "common.h"

enum { TOPIC = 10, BEFORE = 45 + TOPIC, BATCH = 61, HEAD = BEFORE + BATCH, RECORD = 1000 };
enum { AT_CORRELATION = 8, AT_TOPIC = BEFORE - 12 - TOPIC, AT_PARTITION = BEFORE - 8 };
enum { AT_CRC = BEFORE + 17, AT_CHECKED = BEFORE + 21, AT_PRODUCER = BEFORE + 43, AT_SEQUENCE = BEFORE + 53 };

struct frame {
    uint32_t size, records, crc;
    uint8_t *bytes; /* with zeros for all that differs */
    uint32_t producer[32], sequence[32];
};

static inline uint32_t crc_table(uint8_t byte)
{
    static uint32_t table[256];
    if (table[1] == 0)
        for (uint32_t n = 0; n < 256; n++) {
            uint32_t crc = n;
            for (int bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
            table[n] = crc;
        }
    return table[byte];
}

/* The register of CRC-32C after these bytes; NULL stands for zeros. */
static inline uint32_t crc_after(uint32_t crc, const uint8_t *bytes, size_t count)
{
    for (size_t n = 0; n < count; n++)
        crc = crc >> 8 ^ crc_table((uint8_t)(crc ^ (bytes ? bytes[n] : 0)));
    return crc;
}

static inline uint32_t crc32c(const uint8_t *bytes, size_t count) { return ~crc_after(~0u, bytes, count); }

/* What each bit of the number of four bytes at this place adds to the CRC. */
static inline void crc_bits(uint32_t bits[32], size_t at, size_t size)
{
    for (int bit = 0; bit < 32; bit++) {
        uint8_t alone[4];
        put32(alone, 1u << bit);
        bits[bit] = crc_after(crc_after(0, alone, 4), NULL, size - at - 4);
    }
}

static inline uint32_t crc_part(const uint32_t bits[32], uint32_t number)
{
    uint32_t crc = 0;
    for (; number; number &= number - 1)
        crc ^= bits[__builtin_ctz(number)];
    return crc;
}

/* A number that is not negative, as a varint in zigzag; NULL only counts its bytes. */
static inline size_t varint(uint8_t *at, uint32_t number)
{
    uint64_t left = (uint64_t)number << 1;
    size_t count = 0;
    do {
        uint8_t byte = left & 127;
        left >>= 7;
        if (at)
            at[count] = byte | (left ? 128 : 0);
        count++;
    } while (left);
    return count;
}

/* How long the value of a record of so many bytes is; -1 where no record is as long as that. */
static inline int64_t value_length(uint32_t total, uint32_t delta)
{
    for (int64_t value = total; value >= 0 && value + 20 > total; value--) {
        size_t body = 4 + varint(NULL, delta) + varint(NULL, (uint32_t)value) + (size_t)value;
        if (varint(NULL, (uint32_t)body) + body == total)
            return value;
    }
    return -1;
}

static inline uint8_t *put_record(uint8_t *at, uint32_t total, uint32_t delta)
{
    uint32_t value = (uint32_t)value_length(total, delta);
    at += varint(at, 4 + (uint32_t)varint(NULL, delta) + (uint32_t)varint(NULL, value) + value);
    *at++ = 0; /* attributes */
    *at++ = 0; /* timestamp delta */
    at += varint(at, delta);
    *at++ = 1; /* no key */
    at += varint(at, value);
    for (uint32_t n = 0; n < value; n++)
        *at++ = (uint8_t)(' ' + (n + delta) % 95);
    *at++ = 0; /* no headers */
    return at;
}

/* Fill so many bytes with records of about RECORD bytes; how many there are. */
static inline uint32_t put_records(uint8_t *at, uint32_t room, uint32_t size)
{
    uint8_t *end = at + room;
    uint32_t count = 0;
    while (at < end) {
        uint32_t left = (uint32_t)(end - at), total = left < 2 * RECORD ? left : RECORD;
        while (total > 8 && (value_length(total, count) < 0 ||
                             (total < left && value_length(left - total, count + 1) < 0 && left - total < 2 * RECORD)))
            total--;
        if (value_length(total, count) < 0)
            die("no frame of %u bytes can be made", size);
        at = put_record(at, total, count++);
    }
    return count;
}

static inline void make_frame(struct frame *frame, uint32_t size)
{
    if (size < HEAD + 8)
        die("a frame has at least %d bytes", HEAD + 8);
    uint8_t *bytes = frame->bytes = allocated(1, size), *batch = bytes + BEFORE;
    frame->size = size;
    frame->records = put_records(bytes + HEAD, size - HEAD, size);
    put32(bytes, size - 4);
    put16(bytes + 6, 7);
    put16(bytes + 12, 5);
    memcpy(bytes + 14, "bench", 5);
    put16(bytes + 19, 0xFFFF); /* no transaction */
    put16(bytes + 21, 0xFFFF); /* acks=all */
    put32(bytes + 23, 30000);
    put32(bytes + 27, 1);
    put16(bytes + 31, TOPIC);
    memcpy(bytes + AT_TOPIC, "bench-0000", TOPIC);
    put32(bytes + AT_TOPIC + TOPIC, 1);
    put32(bytes + AT_PARTITION + 4, size - BEFORE);
    put32(batch + 8, size - BEFORE - 12);
    put32(batch + 12, 0xFFFFFFFF); /* no leader epoch */
    batch[16] = 2;
    put32(batch + 23, frame->records - 1);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t milliseconds = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    put64(batch + 27, milliseconds);
    put64(batch + 35, milliseconds);
    put32(batch + 57, frame->records);
    frame->crc = crc32c(bytes + AT_CHECKED, size - AT_CHECKED);
    crc_bits(frame->producer, AT_PRODUCER + 4, size);
    crc_bits(frame->sequence, AT_SEQUENCE, size);
}

/* The first HEAD bytes of a frame with these numbers. */
static inline void put_head(uint8_t *at, const struct frame *frame, uint32_t correlation, uint32_t topic,
                            uint32_t partition, uint32_t producer, uint32_t sequence)
{
    memcpy(at, frame->bytes, HEAD);
    put32(at + AT_CORRELATION, correlation);
    for (int n = TOPIC - 1; topic; n--, topic /= 10)
        at[AT_TOPIC + n] = (uint8_t)('0' + topic % 10);
    put32(at + AT_PARTITION, partition);
    put32(at + AT_PRODUCER + 4, producer);
    put32(at + AT_SEQUENCE, sequence);
    put32(at + AT_CRC, frame->crc ^ crc_part(frame->producer, producer) ^ crc_part(frame->sequence, sequence));
}

#endif
