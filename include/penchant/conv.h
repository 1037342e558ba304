/* Two-dimensional convolution of pictures, forward and gradients.
 *
 * Shapes       B pictures of H x W pixels, channels last.  x, dx: [B, H, W, in];  y, dy: [B, H', W', out];
 *              weight, dweight: [out, k, k, in];  bias, dbias: [out];  s stride, p padding.
 *              H' = floor((H + 2 p - k) / s) + 1 = pn_conv_extent(H, k, s, p), W' likewise.
 *              So a batch is also a matrix [B * H * W, in], and a 1 x 1 convolution is a product of matrices
 * Computes     y[b, i, j, o] = bias[o] + sum over u, v, c of
 *                              weight[o, u, v, c] x[b, s i + u - p, s j + v - p, c]
 *              with zeros outside of the picture (multiplied: a weight of inf gives NaN at the border)
 * Gradient     dx and dweight are those of sum(y dy);  dbias = sum over b, i, j of dy
 * Accumulates  forward and dx in float with fused multiply-add on tiers v3 and v4, channels in groups, within
 *              a group along (v, u, c); dweight in float, at most 64 pixels in order, then their sums; dbias
 *              in double
 * Accuracy     |error| <= 1.01 n * 2^-24 * (sum of |products|), n products a result
 * Edges        B, H', W' or out = 0 -> nothing is written (dweight and dbias become 0); in = 0 -> y = bias;
 *              NaN and infinity reach the results that depend on them
 * Errors       PN_EDIM: k or s = 0, a kernel larger than the padded picture, sizes that overflow; PN_ENULL;
 *              PN_EWORKSPACE
 * Aliasing     outputs overlap nothing. No alignment is needed
 * Workspace    pn_conv2d_..._workspace(shape) is what pn_team_size() threads use now; less is accepted down
 *              to what one thread needs, and then fewer threads run
 * Determinism  same bits for any number of threads and any workspace; y and dx of a picture do not depend on
 *              the batch it is in
 */
#ifndef PENCHANT_CONV_H
#define PENCHANT_CONV_H

#include "penchant/status.h"

PN_BEGIN_C

typedef struct pn_conv_shape {
    size_t pictures;      /* B */
    size_t height, width; /* H, W of x */
    size_t in, out;       /* channels */
    size_t kernel;        /* k */
    size_t stride;        /* s */
    size_t padding;       /* p, zeros on all four sides */
} pn_conv_shape;

/* Pixels of y along an axis of x; 0 when the kernel does not fit, or k or s is 0, or a size overflows. */
size_t pn_conv_extent(size_t pixels, size_t kernel, size_t stride, size_t padding);

/* `add`: the result is added to what y holds, as in a residual block. bias may be NULL. */
size_t pn_conv2d_workspace(const pn_conv_shape *shape);
pn_status pn_conv2d_f32(const pn_conv_shape *shape, bool add, const float *x, const float *weight,
                        const float *bias, float *y, void *workspace, size_t workspace_bytes);

size_t pn_conv2d_grad_input_workspace(const pn_conv_shape *shape);
pn_status pn_conv2d_grad_input_f32(const pn_conv_shape *shape, bool add, const float *dy, const float *weight,
                                   float *dx, void *workspace, size_t workspace_bytes);

/* dbias may be NULL. */
size_t pn_conv2d_grad_weight_workspace(const pn_conv_shape *shape);
pn_status pn_conv2d_grad_weight_f32(const pn_conv_shape *shape, const float *dy, const float *x,
                                    float *dweight, float *dbias, void *workspace, size_t workspace_bytes);

PN_END_C

#endif
