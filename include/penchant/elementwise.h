/* Elementwise functions, their gradients, and the small arithmetic of a tape.
 *
 * Shapes       every pointer: [n], unless said otherwise
 * Computes     y = f(x);  the gradient dx = dy f'(x), always from the input x
 * Accuracy     f within 2 ulp (SiLU 3) of the real value for every float x, subnormals included, on every tier;
 *              f' within 2 ulp (SiLU 5) too, for GELU and SiLU in units of max(|f'|, 2^-4) because their slopes cross zero;
 *              the product with dy is rounded once more.  Measured figures: docs/kernels/elementwise.md
 * Edges        NaN -> NaN; limits at infinities: exp(-inf) = 0, log(0) = -inf, log(negative) = NaN, sigmoid(+inf) = 1,
 *              softplus(-inf) = 0, GELU(-inf) = SiLU(-inf) = -0; relu(NaN) = NaN; relu'(0) = 0; n = 0 does nothing
 * Aliasing     an output may be the same array as an input; partial overlap is not allowed
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_ELEMENTWISE_H
#define PENCHANT_ELEMENTWISE_H

#include "penchant/activation.h"
#include "penchant/status.h"

PN_BEGIN_C

pn_status pn_exp_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_log_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_expm1_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_log1p_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_tanh_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_erf_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_sigmoid_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_log_sigmoid_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_softplus_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_relu_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_gelu_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_gelu_tanh_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_silu_f32(size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);

pn_status pn_exp_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_log_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_expm1_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_log1p_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_tanh_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_erf_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_sigmoid_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_log_sigmoid_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy,
                                  float *PN_COUNT(n) dx);
pn_status pn_softplus_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy,
                               float *PN_COUNT(n) dx);
pn_status pn_relu_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_gelu_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);
pn_status pn_gelu_tanh_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy,
                                float *PN_COUNT(n) dx);
pn_status pn_silu_grad_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);

/* The same functions picked by name; PN_ACT_NONE copies. PN_EVALUE for a value outside the enumeration. */
pn_status pn_activation_f32(pn_activation activation, size_t n, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_activation_grad_f32(pn_activation activation, size_t n, const float *PN_COUNT(n) x,
                                 const float *PN_COUNT(n) dy, float *PN_COUNT(n) dx);

/* y = a + b, a - b, a b;  y = alpha x;  y += alpha x. Each result is rounded as IEEE says. */
pn_status pn_add_f32(size_t n, const float *PN_COUNT(n) a, const float *PN_COUNT(n) b, float *PN_COUNT(n) y);
pn_status pn_sub_f32(size_t n, const float *PN_COUNT(n) a, const float *PN_COUNT(n) b, float *PN_COUNT(n) y);
pn_status pn_mul_f32(size_t n, const float *PN_COUNT(n) a, const float *PN_COUNT(n) b, float *PN_COUNT(n) y);
pn_status pn_scale_f32(size_t n, float alpha, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);
pn_status pn_axpy_f32(size_t n, float alpha, const float *PN_COUNT(n) x, float *PN_COUNT(n) y);

/* da = dy b, db = dy a in one pass; da or db may be NULL. */
pn_status pn_mul_grad_f32(size_t n, const float *PN_COUNT(n) a, const float *PN_COUNT(n) b,
                          const float *PN_COUNT(n) dy, float *da, float *db);

/* y[r, c] = x[r, c] + bias[c]. */
pn_status pn_add_bias_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) x,
                          const float *PN_COUNT(columns) bias, float *PN_COUNT(rows * columns) y);

/* dbias[c] = sum over rows of dy[r, c], accumulated in double; rows = 0 gives zeros. */
size_t pn_bias_grad_workspace(size_t rows, size_t columns);
pn_status pn_bias_grad_f32(size_t rows, size_t columns, const float *PN_COUNT(rows * columns) dy,
                           float *PN_COUNT(columns) dbias, void *workspace, size_t workspace_bytes);

/* y[i] = x[i] / (1 - p) where uniform draw first + i of (seed, stream) is at least p, else 0. The mask is never stored:
 * the gradient is the same call on dy. p in [0, 1]; p = 1 gives zeros. */
pn_status pn_dropout_f32(size_t n, float p, uint64_t seed, uint64_t stream, uint64_t first,
                         const float *PN_COUNT(n) x, float *PN_COUNT(n) y);

PN_END_C

#endif
