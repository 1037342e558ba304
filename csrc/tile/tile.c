#include "tile.h"

#define AHEAD ((size_t)24) /* steps of k from asking for a line to reading it */

/* m rows by p vectors held in registers. m and p are constants after inlining. */
PN_INLINE void micro(const size_t m, const size_t p, size_t depth, const float *a, size_t a_row, size_t a_step,
                     const float *b, size_t b_row, float *c, size_t c_row, bool add)
{
    pn_f32x16 sum[12][4];
    /* C comes last: its lines travel while the sums are formed. */
    for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < p; ++j) __builtin_prefetch(c + i * c_row + j * PN_LANES, 1);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; ++i)
#pragma clang loop unroll(full)
        for (size_t j = 0; j < p; ++j) sum[i][j] = (pn_f32x16){ 0 };
    /* A pointer for every three rows, so that addresses fit the registers. */
    const float *a0 = a, *a3 = a + 3 * a_row, *a6 = a + 6 * a_row, *a9 = a + 9 * a_row;
    /* Rows without gaps may come from far away: the next m of them are asked for evenly, while these are used. Lines
     * that a step apart touches once are asked for AHEAD steps before: a stride finds too few sets of L1 to stay in. */
    const float *ahead = a_step == 1 ? a + m * a_row : a + AHEAD * a_step;
    const size_t ahead_step = a_step != 1 ? a_step : a_row == depth ? m : 0;
    /* Without this the compiler makes each row's address from the one before: a chain as long as the sums. */
    __asm__("" : "+r"(a3), "+r"(a6), "+r"(a9));
    for (size_t k = 0; k < depth; ++k) {
        __builtin_prefetch(ahead);
        ahead += ahead_step;
#pragma clang loop unroll(full)
        for (size_t j = 0; j < p; ++j) __builtin_prefetch(b + AHEAD * b_row + j * PN_LANES);
        pn_f32x16 right[4];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < p; ++j) right[j] = pn_load16(b + j * PN_LANES);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < m; ++i) {
            const float *base = i < 3 ? a0 : i < 6 ? a3 : i < 9 ? a6 : a9;
            const float left = base[i % 3 * a_row];
#pragma clang loop unroll(full)
            for (size_t j = 0; j < p; ++j) sum[i][j] += left * right[j];
        }
        a0 += a_step, a3 += a_step, a6 += a_step, a9 += a_step;
        b += b_row;
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < m; ++i)
#pragma clang loop unroll(full)
        for (size_t j = 0; j < p; ++j) {
            float *to = c + i * c_row + j * PN_LANES;
            if (add) sum[i][j] += pn_load16(to);
            pn_store16(to, sum[i][j]);
        }
}

/* All rows, `most` at a time, the rest in halves. */
PN_INLINE void rows_of(const size_t most, const size_t p, size_t rows, size_t depth, const float *a, size_t a_row,
                       size_t a_step, const float *b, size_t b_row, float *c, size_t c_row, bool add)
{
#define STEP(m)                                                        \
    do {                                                               \
        micro(m, p, depth, a, a_row, a_step, b, b_row, c, c_row, add); \
        a += (m) * a_row, c += (m) * c_row, rows -= (m);               \
    } while (0)
    while (rows >= most) STEP(most);
    if (most > 8 && rows >= 8) STEP(8);
    if (most > 4 && rows >= 4) STEP(4);
    if (most > 2 && rows >= 2) STEP(2);
    if (most > 1 && rows >= 1) STEP(1);
    if (most == 3 && rows == 1) STEP(1);
#undef STEP
}

#if defined(__x86_64__)
/* 32 registers: 12 to 24 sums, and rows that divide the sixteen of most callers. */
__attribute__((target("arch=x86-64-v4"), __min_vector_width__(512))) static void tile_v4(size_t rows, size_t p, size_t depth, const float *a,
                                                              size_t a_row, size_t a_step, const float *b,
                                                              size_t b_row, float *c, size_t c_row, bool add)
{
    switch (p) {
    case 1: rows_of(12, 1, rows, depth, a, a_row, a_step, b, b_row, c, c_row, add); break;
    case 2: rows_of(8, 2, rows, depth, a, a_row, a_step, b, b_row, c, c_row, add); break;
    case 3: rows_of(8, 3, rows, depth, a, a_row, a_step, b, b_row, c, c_row, add); break;
    default: rows_of(6, 4, rows, depth, a, a_row, a_step, b, b_row, c, c_row, add); break;
    }
}

/* 16 registers of 8: 12 sums. */
__attribute__((target("arch=x86-64-v3"))) static void tile_v3(size_t rows, size_t p, size_t depth, const float *a,
                                                              size_t a_row, size_t a_step, const float *b,
                                                              size_t b_row, float *c, size_t c_row, bool add)
{
    for (size_t j = 0; j < p * PN_LANES; j += PN_LANES)
        rows_of(6, 1, rows, depth, a, a_row, a_step, b + j, b_row, c + j, c_row, add);
}
#endif

/* The plain form, and 16 registers of 4. */
static void tile_base(size_t rows, size_t p, size_t depth, const float *a, size_t a_row, size_t a_step,
                      const float *b, size_t b_row, float *c, size_t c_row, bool add)
{
    for (size_t j = 0; j < p * PN_LANES; j += PN_LANES)
        rows_of(2, 1, rows, depth, a, a_row, a_step, b + j, b_row, c + j, c_row, add);
}

pn_tile pn_tile_here(void)
{
#if defined(__x86_64__)
    switch (pn_cpu_tier()) {
    case PN_TIER_V4: return tile_v4;
    case PN_TIER_V3: return tile_v3;
    case PN_TIER_BASE: break;
    }
#endif
    return tile_base;
}
