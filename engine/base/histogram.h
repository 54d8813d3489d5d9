/* histogram.h - how often what was seen: counts by powers of two. Any thread adds, any reads; a reader may see an addition half. */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Bucket n counts what is at most 2^n and above the bucket before; the last one all the rest. */
enum { HISTOGRAM_BUCKETS = 36 };

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS], sum;
};

static inline void
histogram_add(struct histogram *h, uint64_t value)
{
    size_t n = value <= 1 ? 0 : 64 - (size_t)__builtin_clzll(value - 1);

    if (n >= HISTOGRAM_BUCKETS) n = HISTOGRAM_BUCKETS - 1;
    atomic_fetch_add_explicit(&h->counts[n], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
}

#endif
