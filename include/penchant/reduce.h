/* Reductions of a vector to one number.
 *
 * Shapes       x, y: [n]; results are scalars
 * Accumulates  in double, 32 lanes a block, one partial a block, partials added by one fixed tree
 * Accuracy     the double result is within n 2^-53 / 32 (relative to the sum of magnitudes) of the exact one; rounded
 *              to float it is within 1 ulp for n <= 10^6 unless the terms cancel
 * Edges        n = 0: sum, mean, dot, sum of squares and count are 0, max is -inf, min is +inf;
 *              NaN anywhere -> NaN (also for max and min); an infinity counts as IEEE addition says
 * Determinism  same bits for any number of threads: blocks depend on n alone
 */
#ifndef PENCHANT_REDUCE_H
#define PENCHANT_REDUCE_H

#include "penchant/status.h"

PN_BEGIN_C

/* Sum of n partial results by a fixed tree: the split is at the largest power of two below n. 0 for n = 0. */
double pn_tree_sum(const double *PN_COUNT(n) partials, size_t n);

pn_status pn_sum_f32(size_t n, const float *PN_COUNT(n) x, double *sum);
pn_status pn_mean_f32(size_t n, const float *PN_COUNT(n) x, double *mean);
pn_status pn_dot_f32(size_t n, const float *PN_COUNT(n) x, const float *PN_COUNT(n) y, double *dot);
pn_status pn_sum_squares_f32(size_t n, const float *PN_COUNT(n) x, double *sum);
pn_status pn_max_f32(size_t n, const float *PN_COUNT(n) x, float *max);
pn_status pn_min_f32(size_t n, const float *PN_COUNT(n) x, float *min);

/* How many elements are NaN or infinite. */
pn_status pn_count_nonfinite_f32(size_t n, const float *PN_COUNT(n) x, size_t *count);

PN_END_C

#endif
