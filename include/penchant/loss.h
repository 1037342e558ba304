/* Losses of plain supervised heads: squared error, and softmax cross-entropy over a few classes.
 * Binary cross-entropy is pn_preference_margin_f32 with labels; large catalogues have catalogue.h.
 *
 * Shapes       x, target, weight, grad: [n];  logits, grad: [rows, classes];  ids: [rows];  mean: scalar
 * Computes     squared:        mean of weight * (x - target)^2;  grad = scale * d mean / d x
 *              cross-entropy:  mean over counted rows of log sum_c exp(logit_c) - logit_id;  rows with id
 *                              PN_LOSS_IGNORE do not count and get gradient 0;  grad = scale * d mean / d logits
 * Accumulates  means in double, one partial a block, added by one fixed tree
 * Accuracy     squared: each term within 2 ulp;  cross-entropy: within 2e-6 * (1 + max|logit|)
 * Edges        n = 0, or no counted row -> mean 0; NaN and inf in a term -> NaN or inf in the mean, status PN_OK
 * Errors       PN_EINDEX an id at or above classes (nothing is written); PN_EWORKSPACE
 * Aliasing     grad may be x or logits
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_LOSS_H
#define PENCHANT_LOSS_H

#include "penchant/status.h"

PN_BEGIN_C

#define PN_LOSS_IGNORE UINT32_MAX

size_t pn_squared_loss_workspace(size_t n);
pn_status pn_squared_loss_f32(size_t n, float scale, const float *PN_COUNT(n) x, const float *PN_COUNT(n) target,
                              const float *PN_COUNT(n) weight, /* or NULL */
                              double *mean, float *PN_COUNT(n) grad /* or NULL */, void *workspace,
                              size_t workspace_bytes);

size_t pn_cross_entropy_workspace(size_t rows, size_t classes);
pn_status pn_cross_entropy_f32(size_t rows, size_t classes, float scale, const float *PN_COUNT(rows * classes) logits,
                               const uint32_t *PN_COUNT(rows) ids, double *mean,
                               float *PN_COUNT(rows * classes) grad /* or NULL */, void *workspace,
                               size_t workspace_bytes);

PN_END_C

#endif
