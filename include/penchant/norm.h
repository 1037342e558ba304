/* Softmax over rows, layer norm, RMS norm, group norm, and their gradients.
 *
 * Shapes       x, y, dy, dx, mask, residual, sum: [rows, columns];  gain, bias, dgain, dbias: [columns];
 *              mean, rstd: [rows]
 * Accumulates  every sum over a row or over rows in double, 16 lanes; sums over rows one partial a block of rows, added
 *              by one fixed tree
 * Accuracy     softmax within 4 ulp of the real value, its logarithm within 4 ulp or 2^-49, whichever is larger
 *              (differences to the maximum keep their low part); norms within 4 ulp of the largest term of each sum x_hat gain + bias
 * Edges        NaN or +inf in a row -> NaN in all of that row; masked entries are not read as numbers and come out as 0 (softmax) or
 *              -inf (log-softmax); a row that is fully masked or all -inf gives zeros, or -inf;
 *              columns = 0 or rows = 0 does nothing (parameter gradients are set to 0)
 * Aliasing     y may be x, dx may be dy; no other overlap
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_NORM_H
#define PENCHANT_NORM_H

#include "penchant/status.h"

PN_BEGIN_C

/* y = e^x / sum e^x over the entries of a row whose mask is 1; mask NULL keeps all. */
pn_status pn_softmax_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) x, const uint8_t *mask,
                         float *PN_COUNT(rows * columns) y);
/* dx = y (dy - sum y dy), from the result y. Masked places (y = 0) give 0. */
pn_status pn_softmax_grad_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) y,
                              const float *PN_COUNT(rows * columns) dy, float *PN_COUNT(rows * columns) dx);

/* y = x - log sum e^x. */
pn_status pn_log_softmax_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) x,
                             const uint8_t *mask, float *PN_COUNT(rows * columns) y);
/* dx = dy - e^y sum dy, from the result y. Masked places (y = -inf) give 0 and their dy is ignored. */
pn_status pn_log_softmax_grad_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) y,
                                  const float *PN_COUNT(rows * columns) dy, float *PN_COUNT(rows * columns) dx);

/* h = x + residual;  y = (h - mean h) / sqrt(var h + eps) gain + bias, var over columns (not columns - 1), two passes.
 * residual NULL: h = x. sum receives h and is required with a residual (the gradient takes h as its x).
 * gain NULL: 1, bias NULL: 0. mean and rstd = 1 / sqrt(var + eps) are for the gradient; each may be NULL.
 * eps >= 0 and finite (PN_EVALUE). A constant row with eps = 0 gives NaN. */
pn_status pn_layer_norm_f32(size_t rows, size_t columns, float eps, const float *PN_COUNT(rows * columns) x,
                            const float *residual, const float *gain, const float *bias,
                            float *PN_COUNT(rows * columns) y, float *sum, float *mean, float *rstd);

/* With h_hat = (h - mean) rstd and g = dy gain:  dx = rstd (g - mean g - h_hat mean(g h_hat)) + dsum,
 * dgain = sum over rows of dy h_hat,  dbias = sum over rows of dy.
 * h is the x of a forward call without residual, else its sum. dsum (NULL: 0) is the gradient that reaches h on another
 * way. dgain and dbias may be NULL; the workspace is needed unless both are. */
size_t pn_layer_norm_grad_workspace(size_t rows, size_t columns);
pn_status pn_layer_norm_grad_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) h,
                                 const float *gain, const float *PN_COUNT(rows) mean, const float *PN_COUNT(rows) rstd,
                                 const float *PN_COUNT(rows * columns) dy, const float *dsum,
                                 float *PN_COUNT(rows * columns) dx, float *dgain, float *dbias, void *workspace,
                                 size_t workspace_bytes);

/* y = h / sqrt(mean h^2 + eps) gain; arguments as above. */
pn_status pn_rms_norm_f32(size_t rows, size_t columns, float eps, const float *PN_COUNT(rows * columns) x,
                          const float *residual, const float *gain, float *PN_COUNT(rows * columns) y, float *sum,
                          float *rstd);

/* With g = dy gain and h_hat = h rstd:  dx = rstd (g - h_hat mean(g h_hat)) + dsum,  dgain = sum of dy h_hat. */
size_t pn_rms_norm_grad_workspace(size_t rows, size_t columns);
pn_status pn_rms_norm_grad_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) h,
                               const float *gain, const float *PN_COUNT(rows) rstd,
                               const float *PN_COUNT(rows * columns) dy, const float *dsum,
                               float *PN_COUNT(rows * columns) dx, float *dgain, void *workspace,
                               size_t workspace_bytes);

/* Group norm of pictures (Wu & He 2018), SiLU behind it, and between them a scale and shift a picture (FiLM,
 * Perez et al. 2018):
 *   x_hat = (x - mean) / sqrt(var + eps) over the pixels and channels of a group,
 *   z = (x_hat gain + bias) (1 + scale) + shift,   y = z sigmoid(z) with silu, else z.
 * x, y, dy, dx: [pictures, pixels, channels], channels last; a group is channels / groups neighbours (PN_EDIM when
 * they do not divide). gain, bias: [channels], or NULL for 1 and 0. film: [pictures, 2, channels], scale and shift,
 * or NULL for 0. mean, rstd: [pictures, groups], for the gradient; each may be NULL.
 * Sums in double, two passes; z within 4 ulp of its largest term, SiLU and its slope within 3 and 5 ulp of what the
 * rounded z gives. A picture does not depend on the others. Edges, aliasing and determinism as above. */
typedef struct pn_group_norm_shape {
    size_t pictures, pixels, channels, groups;
    float eps; /* >= 0 and finite */
    bool silu;
} pn_group_norm_shape;

pn_status pn_group_norm_f32(const pn_group_norm_shape *shape, const float *x, const float *gain,
                            const float *bias, const float *film, float *y, float *mean, float *rstd);

/* With dz = dy silu'(z) and g = dz (1 + scale) gain:  dx = rstd (g - mean g - x_hat mean(g x_hat)) + dsum;
 * dgain = sum of dz (1 + scale) x_hat,  dbias = sum of dz (1 + scale),  over pictures and pixels;
 * dfilm = sums over pixels of dz (x_hat gain + bias) and of dz. dsum (NULL: 0) is the gradient that reaches x on
 * another way and overlaps nothing; dgain, dbias and dfilm may be NULL. */
size_t pn_group_norm_grad_workspace(const pn_group_norm_shape *shape);
pn_status pn_group_norm_grad_f32(const pn_group_norm_shape *shape, const float *x, const float *gain,
                                 const float *bias, const float *film, const float *mean, const float *rstd,
                                 const float *dy, const float *dsum, float *dx, float *dgain, float *dbias,
                                 float *dfilm, void *workspace, size_t workspace_bytes);

PN_END_C

#endif
