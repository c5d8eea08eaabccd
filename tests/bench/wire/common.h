/* What load.c and sink.c share: big-endian numbers, the clock, options, and the end of a program. */
#ifndef ACKDROP_BENCH_COMMON_H
#define ACKDROP_BENCH_COMMON_H

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline void put16(uint8_t *at, uint16_t n) { n = htobe16(n); memcpy(at, &n, 2); }
static inline void put32(uint8_t *at, uint32_t n) { n = htobe32(n); memcpy(at, &n, 4); }
static inline void put64(uint8_t *at, uint64_t n) { n = htobe64(n); memcpy(at, &n, 8); }
static inline uint16_t get16(const uint8_t *at) { uint16_t n; memcpy(&n, at, 2); return be16toh(n); }
static inline uint32_t get32(const uint8_t *at) { uint32_t n; memcpy(&n, at, 4); return be32toh(n); }

/* Ends with 1 and a sentence: what is measured is worth nothing then. */
__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *form, ...)
{
    va_list rest;
    va_start(rest, form);
    vfprintf(stderr, form, rest);
    va_end(rest);
    fputc('\n', stderr);
    exit(1);
}

/* Nanoseconds of a clock that only goes forward. */
static inline int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void *allocated(size_t count, size_t size)
{
    void *room = calloc(count ? count : 1, size);
    if (room == NULL)
        die("no memory for %zu times %zu bytes", count, size);
    return room;
}

/* A number behind an option, within bounds. */
static inline double number(const char *option, const char *text, double least, double most)
{
    char *end;
    double value = text == NULL ? 0 : strtod(text, &end);
    if (text == NULL || *text == 0 || *end != 0 || !(value >= least && value <= most))
        die("%s takes a number from %.15g to %.15g", option, least, most);
    return value;
}

#endif
