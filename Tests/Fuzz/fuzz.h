/* What the kernel targets share: bytes turned into sizes, shapes and numbers, memory that ends where the contract says,
 * and checks.
 *
 * A target reads its decisions from the input and, when that runs out, from a sequence that the input seeds: two bytes
 * are enough to reach a kernel's last line, and more bytes steer it. Numbers are ordinary ones, for which results are
 * compared with a reference in double, or contain infinities, NaN, subnormals and huge values, for which a call must
 * stay within its memory, finish, and give the same bits for every number of threads. */
#ifndef FUZZ_H
#define FUZZ_H

#include "penchant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a sanitizer watches for blocking calls, a kernel is declared to run in real time: memory and locks are faults. */
#if __has_feature(realtime_sanitizer)
void __rtsan_realtime_enter(void);
void __rtsan_realtime_exit(void);
#define ENTER() __rtsan_realtime_enter()
#define LEAVE() __rtsan_realtime_exit()
#else
#define ENTER() ((void)0)
#define LEAVE() ((void)0)
#endif

/* These two run with a stand-in for the OpenMP runtime that has one thread (one_thread.c). */
#if __has_feature(memory_sanitizer) || __has_feature(realtime_sanitizer)
#define MANY_THREADS 1
#else
#define MANY_THREADS 3
#endif

#define CALL(status, expression)                                                                             \
    do {                                                                                                     \
        ENTER();                                                                                             \
        (status) = (expression);                                                                             \
        LEAVE();                                                                                             \
    } while (0)

#define EXPECT(condition, ...)                                                                               \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n  ", __FILE__, __LINE__, #condition);                                \
            fprintf(stderr, __VA_ARGS__);                                                                    \
            fputc('\n', stderr);                                                                             \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* ---- decisions --------------------------------------------------------------------------------------------- */

static const uint8_t *fuzz_data;
static size_t fuzz_left;
static uint64_t fuzz_state;
static void *fuzz_blocks[512];
static size_t fuzz_block_count;

static uint64_t mixed(void)
{
    uint64_t z = fuzz_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void fuzz_begin(const uint8_t *data, size_t size)
{
    fuzz_data = data;
    fuzz_left = size;
    fuzz_state = size;
    for (size_t i = 0; i < size; ++i) fuzz_state = fuzz_state * 1099511628211u + data[i];
}

static int fuzz_end(void)
{
    while (fuzz_block_count) free(fuzz_blocks[--fuzz_block_count]);
    pn_team_use(0);
    return 0;
}

static uint8_t next_byte(void)
{
    if (!fuzz_left) return (uint8_t)mixed();
    --fuzz_left;
    return *fuzz_data++;
}

static uint32_t next_word(void)
{
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | next_byte();
    return word;
}

/* One of 0 ..< n; n <= 2^32. */
static uint32_t pick(uint64_t n) { return n <= 1 ? 0 : (uint32_t)((n <= 256 ? next_byte() : next_word()) % n); }
static bool flip(void) { return next_byte() & 1; }

/* A size up to `limit`: one time in two a size at which loops change their shape. */
static size_t a_size(size_t limit)
{
    static const size_t turns[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 255, 257 };
    if (flip()) {
        const size_t size = turns[pick(sizeof turns / sizeof *turns)];
        if (size <= limit) return size;
    }
    return pick((uint64_t)limit + 1);
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

/* Exactly `bytes` bytes that end at the end of their block, so that one byte too far is seen; sometimes the start is
 * aligned to the element only. Freed by fuzz_end. */
static void *block_of(size_t bytes, size_t element)
{
    const size_t shift = fuzz_block_count < 510 ? pick(4) * element : 0;
    char *block = malloc(bytes + shift + (bytes + shift == 0));
    EXPECT(block && fuzz_block_count < 512, "no memory for a test of %zu bytes", bytes);
    fuzz_blocks[fuzz_block_count++] = block;
    return block + shift;
}

/* Aligned as pn_alloc aligns; for workspaces. */
static void *workspace_of(size_t bytes)
{
    void *block = NULL;
    EXPECT(posix_memalign(&block, 64, bytes ? bytes : 1) == 0, "no memory for a workspace of %zu bytes", bytes);
    EXPECT(fuzz_block_count < 512, "too many blocks");
    fuzz_blocks[fuzz_block_count++] = block;
    return block;
}

/* An output: filled, so that an element that is never written is seen by comparing two runs with different fillings. */
static float *room_for(size_t n)
{
    float *x = block_of(n * sizeof *x, sizeof *x);
    for (size_t i = 0; i < n; ++i) x[i] = -12345.0f;
    return x;
}

static double *doubles_for(size_t n)
{
    double *x = block_of(n * sizeof *x, sizeof *x);
    for (size_t i = 0; i < n; ++i) x[i] = -12345.0;
    return x;
}

static float *copy_of(const float *x, size_t n)
{
    if (!x) return NULL;
    float *y = block_of(n * sizeof *y, sizeof *y);
    if (n) memcpy(y, x, n * sizeof *y);
    return y;
}

/* ---- numbers ----------------------------------------------------------------------------------------------- */

static float special_float(void)
{
    static const float table[] = {
        0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN, 3.4028235e38f, -3.4028235e38f, 1.17549435e-38f,
        1.4e-45f, -1.4e-45f, 88.72284f, -103.97208f, 1e30f, -1e30f, 16777216.0f, 8388607.5f, 1e-20f, 104.0f,
    };
    const uint32_t choice = pick(24);
    if (choice < 20) return table[choice];
    const uint32_t bits = next_word();
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Finite numbers of moderate size: uniform, small whole numbers, powers of two, or a wide spread. */
static float ordinary_float(uint32_t kind)
{
    const uint32_t r = (uint32_t)mixed();
    switch (kind) {
    case 0: return (float)r * 0x1p-31f - 1.0f;
    case 1: return (float)((int)(r % 17) - 8);
    case 2: return ((r & 1) ? 1.0f : -1.0f) * ldexpf(1.0f, (int)((r >> 1) % 9) - 4);
    default: return ((float)(r & 0xffff) * 0x1p-15f - 1.0f) * ldexpf(1.0f, (int)((r >> 16) % 11) - 6);
    }
}

/* n numbers; with `wild`, one in eight is a special one. */
static float *floats(size_t n, bool wild)
{
    float *x = block_of(n * sizeof *x, sizeof *x);
    const uint32_t kind = pick(4);
    for (size_t i = 0; i < n; ++i) x[i] = wild && (mixed() & 7) == 0 ? special_float() : ordinary_float(kind);
    return x;
}

static float *maybe_floats(size_t n, bool wild) { return flip() ? floats(n, wild) : NULL; }

/* Weights: not negative. */
static float *maybe_weights(size_t n)
{
    float *x = maybe_floats(n, false);
    for (size_t i = 0; x && i < n; ++i) x[i] = fabsf(x[i]);
    return x;
}

static uint32_t *ids_below(size_t n, size_t bound)
{
    uint32_t *x = block_of(n * sizeof *x, sizeof *x);
    for (size_t i = 0; i < n; ++i) x[i] = (uint32_t)(mixed() % (bound ? bound : 1));
    return x;
}

static uint8_t *maybe_mask(size_t n)
{
    if (flip()) return NULL;
    uint8_t *x = block_of(n, 1);
    const uint32_t dropped = pick(4);
    for (size_t i = 0; i < n; ++i) x[i] = dropped == 3 ? 0 : (mixed() & 3) >= dropped;
    return x;
}

/* ---- checks ------------------------------------------------------------------------------------------------ */

/* Equal, both NaN, or within `tolerance` of each other. */
static bool near(double value, double reference, double tolerance)
{
    if (isnan(reference)) return isnan(value);
    if (isinf(reference) || isinf(value)) return value == reference;
    return fabs(value - reference) <= tolerance;
}

/* The same bits; any NaN equals any NaN, because which one survives an operation depends on the order of its operands. */
static bool same_floats(const float *x, const float *y, size_t n)
{
    if (!x || !y) return x == y;
    for (size_t i = 0; i < n; ++i)
        if (memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i]))) return false;
    return true;
}

static bool same_doubles(const double *x, const double *y, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (memcmp(&x[i], &y[i], sizeof *x) != 0 && !(isnan(x[i]) && isnan(y[i]))) return false;
    return true;
}

static double sigmoid_of(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus_of(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target uses what it needs. */
static inline void fuzz_unused(void)
{
    (void)fuzz_begin, (void)fuzz_end, (void)a_size, (void)workspace_of, (void)room_for, (void)doubles_for, (void)copy_of;
    (void)maybe_weights, (void)ids_below, (void)maybe_mask, (void)near, (void)same_floats, (void)same_doubles;
    (void)sigmoid_of, (void)softplus_of;
}

#endif
