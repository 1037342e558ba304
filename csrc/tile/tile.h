/* The inner product of the kernels that never keep a matrix: a small product whose left side is read in place, one
 * number at a time, and whose right side is read in rows of whole vectors. Nothing is packed.
 *
 *     C[i][0 ..< 16 p]  =  sum over k < depth of  a[i * a_row + k * a_step] * B[k][0 ..< 16 p]     for i < rows
 *                         (added to C when add)
 *
 * b_row, c_row: floats from one row to the next; p is 1 ... 4; rows and depth may be 0. No alignment is needed.
 * Every element is one chain in ascending k (fused multiply-add where the tier has it), so its bits depend on
 * neither rows nor p nor its place: code that must reproduce one number may call the tile for that number alone. */
#ifndef PN_TILE_H
#define PN_TILE_H

#include "lanes.h"

#define PN_LANES ((size_t)16)     /* floats a vector */
#define PN_TILE_VECTORS ((size_t)4) /* vectors a row at most */
#define PN_TILE_WIDTH (PN_LANES * PN_TILE_VECTORS)

/* The inner product of two rows: a sum a lane, added in a fixed order. */
PN_INLINE float pn_dot(size_t d, const float *restrict x, const float *restrict y)
{
    pn_f32x16 sum = { 0 };
    size_t j = 0;
    for (; j + PN_LANES <= d; j += PN_LANES) {
        pn_f32x16 a, b;
        memcpy(&a, x + j, sizeof a);
        memcpy(&b, y + j, sizeof b);
        sum += a * b;
    }
    if (j < d) {
        pn_f32x16 a = { 0 }, b = { 0 };
        for (size_t l = 0; j + l < d; ++l) a[l] = x[j + l], b[l] = y[j + l];
        sum += a * b;
    }
    return pn_sum16(&sum);
}

PN_INLINE size_t pn_lanes(size_t n) { return (n + PN_LANES - 1) / PN_LANES * PN_LANES; }

typedef void (*pn_tile)(size_t rows, size_t p, size_t depth, const float *a, size_t a_row, size_t a_step,
                        const float *b, size_t b_row, float *c, size_t c_row, bool add);

/* The one for this processor; ask once a call, hand it to the blocks. */
pn_tile pn_tile_here(void);

/* to[j * to_row + l] = factor * (row l of from)[j] for j < d: rows become lanes. Lanes up to a whole vector are
 * zero. index: which rows, or NULL for the first ones. */
void pn_tile_turn(size_t rows, size_t d, float factor, const float *from, size_t from_row, const uint32_t *index,
                  float *to, size_t to_row);

#endif
