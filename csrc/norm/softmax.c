/* Softmax and log-softmax of rows. A row is in L1 after its first pass, so passes are cheap and kept simple. */
#include "penchant/norm.h"

#include "lanes.h"

struct args {
    size_t rows, columns;
    const float *x, *dy;
    const uint8_t *mask;
    float *y;
};

/* Rows of about one block of elements. */
static size_t rows_a_block(size_t columns) { return pn_max(1, PN_BLOCK / columns); }

/* The next n lanes of a row; masked ones and those beyond n are -inf. */
PN_INLINE void load_row(pn_f32x16 *v, const float *x, const uint8_t *mask, size_t n)
{
    if (!mask) {
        pn_load_upto16(v, x, n, -INFINITY);
        return;
    }
    float lanes[16];
    uint8_t keep[16];
    const uint32_t limit = (uint32_t)n;
    _Pragma("clang loop unroll(disable) vectorize(enable) vectorize_width(16)")
    for (uint32_t i = 0; i < 16; ++i) keep[i] = i < limit ? mask[i] : 0;
    pn_load_upto16(v, x, n, -INFINITY);
    memcpy(lanes, v, sizeof lanes);
    _Pragma("clang loop unroll(disable) vectorize(enable) vectorize_width(16)")
    for (uint32_t i = 0; i < 16; ++i) lanes[i] = keep[i] ? lanes[i] : -INFINITY;
    memcpy(v, lanes, sizeof lanes);
}

/* NaN loses the comparison and shows up in the sum. A row without a finite entry has maximum 0: e^-inf is 0 then. */
PN_INLINE float row_max(size_t columns, const float *x, const uint8_t *mask)
{
    pn_f32x16 best;
    for (size_t l = 0; l < 16; ++l) best[l] = -INFINITY;
    PN_EACH16(c, n, columns)
    {
        pn_f32x16 v;
        load_row(&v, x + c, mask ? mask + c : NULL, n);
        best = pn_select16(v > best, v, best);
    }
    const float max = pn_max16(&best);
    return max == -INFINITY ? 0.0f : max;
}

/* x - max as a float and what that float lost. Beyond -110 the exponential is 0 and the rest does not matter. */
PN_INLINE void difference(float x, float max, float *d, float *low)
{
    *d = x - max;
    const float back = *d + max, lost = (x - back) + (max - (back - *d));
    *low = *d > -110.0f ? lost : 0.0f;
}

/* e^(x - max) of 16 lanes. */
PN_INLINE void exponentials(pn_f32x16 *v, float max)
{
    float lanes[16];
    memcpy(lanes, v, sizeof lanes);
    _Pragma("clang loop unroll(disable) vectorize(enable) vectorize_width(16)")
    for (size_t i = 0; i < 16; ++i) {
        float d, low;
        difference(lanes[i], max, &d, &low);
        lanes[i] = pn_exp_pair(pn_clamp_low(d, -110.0f), low);
    }
    memcpy(v, lanes, sizeof lanes);
}

/* Rows up to this width keep their exponentials on the stack, in whole vectors: a load of what a masked store has just
 * written waits until the store has left the core. */
#define ROW_ON_STACK ((size_t)1024)

PN_CLONES static void softmax_run(size_t rows, size_t columns, const float *x, const uint8_t *mask, float *y)
{
    float stack[ROW_ON_STACK];
    const bool narrow = columns <= ROW_ON_STACK;
    for (size_t r = 0; r < rows; ++r, x += columns, y += columns, mask = mask ? mask + columns : NULL) {
        const float max = row_max(columns, x, mask);
        float *row = narrow ? stack : y;
        pn_f64x8 acc[2] = { { 0 }, { 0 } };
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v;
            load_row(&v, x + c, mask ? mask + c : NULL, n);
            exponentials(&v, max);
            pn_add_wide(acc, v);
            pn_store_upto16(row + c, &v, narrow ? 16 : n);
        }
        const double sum = pn_sum_wide(acc);
        const float factor = sum == 0 ? 0.0f : (float)(1 / sum);
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v;
            pn_load_upto16(&v, row + c, narrow ? 16 : n, 0.0f);
            v *= factor;
            pn_store_upto16(y + c, &v, n);
        }
    }
}

/* log sum goes in two floats, so that (x - max) - log sum loses nothing but its own rounding. */
PN_CLONES static void log_softmax_run(size_t rows, size_t columns, const float *x, const uint8_t *mask, float *y)
{
    for (size_t r = 0; r < rows; ++r, x += columns, y += columns, mask = mask ? mask + columns : NULL) {
        const float max = row_max(columns, x, mask);
        pn_f64x8 acc[2] = { { 0 }, { 0 } };
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v;
            load_row(&v, x + c, mask ? mask + c : NULL, n);
            exponentials(&v, max);
            pn_add_wide(acc, v);
        }
        const double sum = pn_sum_wide(acc), logarithm = sum == 0 ? 0 : log(sum);
        const float high = (float)logarithm, rest = (float)(logarithm - high);
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v;
            load_row(&v, x + c, mask ? mask + c : NULL, n);
            float lanes[16];
            memcpy(lanes, &v, sizeof lanes);
            _Pragma("clang loop unroll(disable) vectorize(enable) vectorize_width(16)")
            for (size_t i = 0; i < 16; ++i) {
                float d, low;
                difference(lanes[i], max, &d, &low);
                lanes[i] = (d - high) + (low - rest);
            }
            memcpy(&v, lanes, sizeof lanes);
            pn_store_upto16(y + c, &v, n);
        }
    }
}

PN_CLONES static void softmax_grad_run(size_t rows, size_t columns, const float *y, const float *dy, float *dx)
{
    for (size_t r = 0; r < rows; ++r, y += columns, dy += columns, dx += columns) {
        pn_f64x8 acc[2] = { { 0 }, { 0 } };
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, g;
            pn_load_upto16(&v, y + c, n, 0.0f);
            pn_load_upto16(&g, dy + c, n, 0.0f);
            pn_add_wide_product(acc, v, g);
        }
        const float dot = (float)pn_sum_wide(acc);
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, g;
            pn_load_upto16(&v, y + c, n, 0.0f);
            pn_load_upto16(&g, dy + c, n, 0.0f);
            v *= g - dot;
            pn_store_upto16(dx + c, &v, n);
        }
    }
}

/* The gradient that counts: 0 at masked places. */
PN_INLINE void unmasked(pn_f32x16 *g, const pn_f32x16 *y)
{
    const pn_f32x16 zero = { 0 }, dead = zero - INFINITY;
    *g = pn_select16(*y == dead, zero, *g);
}

PN_CLONES static void log_softmax_grad_run(size_t rows, size_t columns, const float *y, const float *dy, float *dx)
{
    for (size_t r = 0; r < rows; ++r, y += columns, dy += columns, dx += columns) {
        pn_f64x8 acc[2] = { { 0 }, { 0 } };
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, g;
            pn_load_upto16(&v, y + c, n, -INFINITY);
            pn_load_upto16(&g, dy + c, n, 0.0f);
            unmasked(&g, &v);
            pn_add_wide(acc, g);
        }
        const float total = (float)pn_sum_wide(acc);
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, g;
            pn_load_upto16(&v, y + c, n, -INFINITY);
            pn_load_upto16(&g, dy + c, n, 0.0f);
            unmasked(&g, &v);
            exponentials(&v, 0.0f);
            g -= v * total;
            pn_store_upto16(dx + c, &g, n);
        }
    }
}

/* Rows begin ..< end of block b. */
#define BLOCK(name, call)                                                                                    \
    static void name##_block(void *context, size_t b)                                                        \
    {                                                                                                        \
        const struct args *a = context;                                                                      \
        const size_t height = rows_a_block(a->columns), begin = b * height;                                  \
        const size_t rows = pn_min(height, a->rows - begin), at = begin * a->columns;                        \
        call;                                                                                                \
    }

BLOCK(softmax, softmax_run(rows, a->columns, a->x + at, a->mask ? a->mask + at : NULL, a->y + at))
BLOCK(log_softmax, log_softmax_run(rows, a->columns, a->x + at, a->mask ? a->mask + at : NULL, a->y + at))
BLOCK(softmax_grad, softmax_grad_run(rows, a->columns, a->x + at, a->dy + at, a->y + at))
BLOCK(log_softmax_grad, log_softmax_grad_run(rows, a->columns, a->x + at, a->dy + at, a->y + at))

static pn_status start(const struct args *a, void (*block)(void *, size_t))
{
    size_t n;
    if (!pn_mul_size(a->rows, a->columns, &n)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!a->x || !a->dy || !a->y) return PN_ENULL;
    struct args args = *a;
    return pn_team_for(pn_ceil_div(a->rows, rows_a_block(a->columns)), block, &args);
}

pn_status pn_softmax_f32(size_t rows, size_t columns, const float *x, const uint8_t *mask, float *y)
{
    const struct args a = { rows, columns, x, x, mask, y };
    return start(&a, softmax_block);
}

pn_status pn_log_softmax_f32(size_t rows, size_t columns, const float *x, const uint8_t *mask, float *y)
{
    const struct args a = { rows, columns, x, x, mask, y };
    return start(&a, log_softmax_block);
}

pn_status pn_softmax_grad_f32(size_t rows, size_t columns, const float *y, const float *dy, float *dx)
{
    const struct args a = { rows, columns, y, dy, NULL, dx };
    return start(&a, softmax_grad_block);
}

pn_status pn_log_softmax_grad_f32(size_t rows, size_t columns, const float *y, const float *dy, float *dx)
{
    const struct args a = { rows, columns, y, dy, NULL, dx };
    return start(&a, log_softmax_grad_block);
}
