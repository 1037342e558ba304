/* Moving, spreading and summing rows: what stands between the larger kernels of a network.
 *
 * Shapes       matrices are rows x cols, row-major and dense; [outer, width] is a matrix whose rows hold an axis
 *              and everything inside it
 * Accumulates  sums in double; rows are added in blocks of 256 whose partial sums are added in order
 * Accuracy     moves are exact; one rounding for each element of a binary result; sums within 1 ulp of the exact sum
 *              when nothing cancels
 * Edges        empty sizes do nothing (sums over nothing are 0); NaN and infinities follow IEEE arithmetic
 * Aliasing     pn_binary_f32, pn_affine_f32: y may be a or b (when b is not spread) or x; elsewhere no overlap
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_LAYOUT_H
#define PENCHANT_LAYOUT_H

#include "penchant/status.h"

PN_BEGIN_C

typedef enum pn_binary { PN_BINARY_ADD = 0, PN_BINARY_SUB = 1, PN_BINARY_MUL = 2, PN_BINARY_DIV = 3 } pn_binary;

/* How an operand is spread over rows x cols. */
typedef enum pn_spread {
    PN_SPREAD_NONE = 0,   /* it has rows * cols elements */
    PN_SPREAD_ROW = 1,    /* cols elements, the same in every row */
    PN_SPREAD_COLUMN = 2, /* rows elements, each the same along its row */
} pn_spread;

/* y = a o b, with b spread. */
pn_status pn_binary_f32(size_t rows, size_t cols, pn_binary op, pn_spread spread,
                        const float *PN_COUNT(rows * cols) a, const float *b, float *PN_COUNT(rows * cols) y);

/* y = factor * x + shift. */
pn_status pn_affine_f32(size_t n, float factor, float shift, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);

/* y = factor * x with x spread by row (cols elements) or by column (rows elements). */
pn_status pn_spread_f32(size_t rows, size_t cols, pn_spread spread, float factor, const float *x,
                        float *PN_COUNT(rows * cols) y);

/* y[c] = factor * sum over r of x[r, c]. */
size_t pn_sum_rows_workspace(size_t rows, size_t cols);
pn_status pn_sum_rows_f32(size_t rows, size_t cols, float factor, const float *PN_COUNT(rows * cols) x,
                          float *PN_COUNT(cols) y, void *workspace, size_t workspace_bytes);

/* y[r] = factor * sum over c of x[r, c]. */
size_t pn_sum_columns_workspace(size_t rows, size_t cols);
pn_status pn_sum_columns_f32(size_t rows, size_t cols, float factor, const float *PN_COUNT(rows * cols) x,
                             float *PN_COUNT(rows) y, void *workspace, size_t workspace_bytes);

/* y[o, 0 ..< length] = x[o, first ..< first + length].  PN_EDIM when the slice leaves the row. */
pn_status pn_slice_f32(size_t outer, size_t width, size_t first, size_t length,
                       const float *PN_COUNT(outer * width) x, float *PN_COUNT(outer * length) y);

/* dx[o, first ..< first + length] += dy[o, :]; with `clear` the rest of dx becomes 0 and the slice is set. */
pn_status pn_slice_grad_f32(size_t outer, size_t width, size_t first, size_t length, bool clear,
                            const float *PN_COUNT(outer * length) dy, float *PN_COUNT(outer * width) dx);

/* y[o] = x0[o], x1[o], ...: `number` matrices [outer, widths[i]] side by side. */
pn_status pn_concat_f32(size_t outer, size_t number, const size_t *PN_COUNT(number) widths,
                        const float *const *PN_COUNT(number) x, float *y);

/* y[b, c, r, :] = x[b, r, c, :] with `inner` elements each. */
pn_status pn_transpose_f32(size_t batch, size_t rows, size_t cols, size_t inner, const float *x, float *y);

/* y[b] = mean of x[b, t] over the positions t with mask[b, t] != 0; zeros when there is none. */
pn_status pn_masked_mean_f32(size_t batch, size_t length, size_t width, const float *x,
                             const uint8_t *PN_COUNT(batch * length) mask, float *PN_COUNT(batch * width) y);
pn_status pn_masked_mean_grad_f32(size_t batch, size_t length, size_t width,
                                  const float *PN_COUNT(batch * width) dy,
                                  const uint8_t *PN_COUNT(batch * length) mask, float *dx);

/* Pictures [pictures, height, width, channels] at twice the size: y [pictures, 2 height, 2 width, channels]
 * repeats factor * x over squares of four. At half the size: y = factor * the sum of a square of x, neighbours in a
 * line first; height and width are those of the smaller picture, 1/4 gives means. Each is the gradient of the
 * other. */
pn_status pn_upsample_f32(size_t pictures, size_t height, size_t width, size_t channels, float factor,
                          const float *x, float *y);
pn_status pn_downsample_f32(size_t pictures, size_t height, size_t width, size_t channels, float factor,
                            const float *x, float *y);

PN_END_C

#endif
