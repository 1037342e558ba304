/* What every kernel file includes: block sizes, the multi-versioning macro, vectors of lanes. Not public. */
#ifndef PN_BASE_H
#define PN_BASE_H

#include "penchant/cpu.h"
#include "penchant/memory.h"
#include "penchant/status.h"
#include "penchant/team.h"

#include "activation_math.h"
#include "scalar_math.h"

/* One source, compiled for three instruction sets and picked at load. Empty where it cannot work: the resolver
 * runs before ThreadSanitizer's runtime is up, and other processors have one tier. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PN_NO_CLONES 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || !defined(__x86_64__) || !defined(__linux__)
#define PN_NO_CLONES 1
#endif
#ifdef PN_NO_CLONES
#define PN_CLONES
#else
#define PN_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

/* Elements a block of an elementwise kernel: 16 KiB of float a stream, so that four streams stay in L2. */
#define PN_BLOCK ((size_t)4096)

PN_INLINE size_t pn_min(size_t a, size_t b) { return a < b ? a : b; }
PN_INLINE size_t pn_max(size_t a, size_t b) { return a > b ? a : b; }
PN_INLINE size_t pn_ceil_div(size_t a, size_t b) { return a / b + (a % b != 0); }
PN_INLINE size_t pn_blocks(size_t n) { return pn_ceil_div(n, PN_BLOCK); }

/* Adds an array of a * b entries of `width` bytes to a workspace whose parts begin at multiples of 64; false when the
 * sum is more than size_t holds. */
PN_INLINE bool pn_add_part(size_t *bytes, size_t a, size_t b, size_t width)
{
    size_t size;
    return pn_mul_size(a, b, &size) && pn_mul_size(size, width, &size) && pn_add_size(size, 63, &size) &&
           pn_add_size(*bytes, size & ~(size_t)63, bytes);
}

/* Whether offsets[0 ... count] go from 0 up to `end` and never down. */
PN_INLINE bool pn_ascends(size_t count, const uint32_t *offsets, size_t end)
{
    if (offsets[0] != 0 || offsets[count] != end) return false;
    for (size_t i = 0; i < count; ++i)
        if (offsets[i + 1] < offsets[i]) return false;
    return true;
}

#endif
