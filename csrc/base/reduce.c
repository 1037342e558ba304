#include "penchant/reduce.h"

#include "lanes.h"

double pn_tree_sum(const double *partials, size_t n)
{
    if (n == 0) return 0;
    if (n == 1) return partials[0];
    size_t half = 1;
    while (half * 2 < n) half *= 2;
    return pn_tree_sum(partials, half) + pn_tree_sum(partials + half, n - half);
}

/* At most this many blocks, so that partials fit on the stack and a reduction needs no workspace. */
#define MOST_BLOCKS ((size_t)256)

/* A multiple of PN_BLOCK that depends on n alone. */
static size_t block_length(size_t n) { return pn_max(1, pn_ceil_div(pn_blocks(n), MOST_BLOCKS)) * PN_BLOCK; }

struct args {
    size_t n, length;
    const float *x, *y;
    double partials[MOST_BLOCKS];
};

/* Four accumulators of eight lanes hide the latency of an addition; the tail goes to the first lanes. */
#define LANES 32
PN_INLINE double total(const pn_f64x8 acc[4], double tail)
{
    return ((pn_sum8(&acc[0]) + pn_sum8(&acc[1])) + (pn_sum8(&acc[2]) + pn_sum8(&acc[3]))) + tail;
}

PN_CLONES static double sum_run(size_t n, const float *x)
{
    pn_f64x8 acc[4] = { { 0 } };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < 4; ++l) acc[l] += pn_load8_f64(x + i + 8 * l);
    double tail = 0;
    for (; i < n; ++i) tail += x[i];
    return total(acc, tail);
}

/* A product of two floats is exact in double. */
PN_CLONES static double dot_run(size_t n, const float *x, const float *y)
{
    pn_f64x8 acc[4] = { { 0 } };
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t l = 0; l < 4; ++l) acc[l] += pn_load8_f64(x + i + 8 * l) * pn_load8_f64(y + i + 8 * l);
    double tail = 0;
    for (; i < n; ++i) tail += (double)x[i] * y[i];
    return total(acc, tail);
}

/* The largest of sign * x. NaN loses every comparison, so it is looked for beside. */
PN_CLONES static float extreme_run(size_t n, const float *x, float sign)
{
    pn_f32x16 best[2];
    for (size_t l = 0; l < 16; ++l) best[0][l] = best[1][l] = -INFINITY;
    pn_i32x16 nan = { 0 };
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (size_t l = 0; l < 2; ++l) {
            const pn_f32x16 v = pn_load16(x + i + 16 * l) * sign;
            nan |= v != v;
            best[l] = pn_select16(v > best[l], v, best[l]);
        }
    float result = -INFINITY;
    bool found = false;
    for (; i < n; ++i) {
        const float v = x[i] * sign;
        found |= v != v;
        result = v > result ? v : result;
    }
    for (size_t l = 0; l < 16; ++l) {
        const float v = best[0][l] > best[1][l] ? best[0][l] : best[1][l];
        result = v > result ? v : result;
        found |= nan[l] != 0;
    }
    return found ? NAN : result;
}

PN_CLONES static size_t nonfinite_run(size_t n, const float *x)
{
    size_t all = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = i + pn_min(n - i, PN_BLOCK);
        uint32_t count = 0; /* narrow, so that the loop has as many lanes as x */
        for (; i < end; ++i) count += (pn_bits(x[i]) & 0x7f800000u) == 0x7f800000u;
        all += count;
    }
    return all;
}

PN_INLINE size_t extent(const struct args *a, size_t b) { return pn_min(a->length, a->n - b * a->length); }

static void sum_block(void *context, size_t b)
{
    struct args *a = context;
    a->partials[b] = sum_run(extent(a, b), a->x + b * a->length);
}

static void dot_block(void *context, size_t b)
{
    struct args *a = context;
    a->partials[b] = dot_run(extent(a, b), a->x + b * a->length, a->y + b * a->length);
}

static void max_block(void *context, size_t b)
{
    struct args *a = context;
    a->partials[b] = extreme_run(extent(a, b), a->x + b * a->length, 1.0f);
}

static void min_block(void *context, size_t b)
{
    struct args *a = context;
    a->partials[b] = extreme_run(extent(a, b), a->x + b * a->length, -1.0f);
}

static void nonfinite_block(void *context, size_t b)
{
    struct args *a = context;
    a->partials[b] = (double)nonfinite_run(extent(a, b), a->x + b * a->length);
}

/* Fills the partials; *blocks says how many. */
static pn_status reduce(struct args *a, void (*body)(void *, size_t), size_t *blocks)
{
    a->length = block_length(a->n);
    *blocks = pn_ceil_div(a->n, a->length);
    return pn_team_for(*blocks, body, a);
}

static pn_status add_up(size_t n, const float *x, const float *y, void (*body)(void *, size_t), double *sum)
{
    if (!sum) return PN_ENULL;
    *sum = 0;
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct args a = { .n = n, .x = x, .y = y };
    size_t blocks;
    const pn_status status = reduce(&a, body, &blocks);
    if (status != PN_OK) return status;
    *sum = pn_tree_sum(a.partials, blocks);
    return PN_OK;
}

pn_status pn_sum_f32(size_t n, const float *x, double *sum) { return add_up(n, x, x, sum_block, sum); }

pn_status pn_mean_f32(size_t n, const float *x, double *mean)
{
    const pn_status status = add_up(n, x, x, sum_block, mean);
    if (status == PN_OK && n > 0) *mean /= (double)n;
    return status;
}

pn_status pn_dot_f32(size_t n, const float *x, const float *y, double *dot)
{
    return add_up(n, x, y, dot_block, dot);
}

pn_status pn_sum_squares_f32(size_t n, const float *x, double *sum)
{
    return add_up(n, x, x, dot_block, sum);
}

static pn_status extreme(size_t n, const float *x, void (*body)(void *, size_t), float sign, float *result)
{
    if (!result) return PN_ENULL;
    *result = sign * -INFINITY;
    if (n == 0) return PN_OK;
    if (!x) return PN_ENULL;
    struct args a = { .n = n, .x = x };
    size_t blocks;
    const pn_status status = reduce(&a, body, &blocks);
    if (status != PN_OK) return status;
    double best = a.partials[0];
    for (size_t b = 1; b < blocks; ++b)
        if (a.partials[b] > best || isnan(a.partials[b])) best = a.partials[b];
    *result = sign * (float)best;
    return PN_OK;
}

pn_status pn_max_f32(size_t n, const float *x, float *max) { return extreme(n, x, max_block, 1.0f, max); }

pn_status pn_min_f32(size_t n, const float *x, float *min) { return extreme(n, x, min_block, -1.0f, min); }

pn_status pn_count_nonfinite_f32(size_t n, const float *x, size_t *count)
{
    if (!count) return PN_ENULL;
    *count = 0;
    if (n == 0) return PN_OK;
    if (!x) return PN_ENULL;
    struct args a = { .n = n, .x = x };
    size_t blocks;
    const pn_status status = reduce(&a, nonfinite_block, &blocks);
    if (status == PN_OK) *count = (size_t)pn_tree_sum(a.partials, blocks);
    return status;
}
