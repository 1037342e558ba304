/* The Bradley-Terry likelihood of comparisons between items, in double: the parts that estimators are made of.
 *
 * Shapes       chosen, rejected: [pairs] ids below `items`; weight: [pairs] or NULL for 1; scores, v, out: [items];
 *              miss, curvature, flow: [pairs]; starts: [items + 1], entries: [2 * pairs]
 * Computes     margin m = scores[chosen] - scores[rejected];  loss = sum of weight * log(1 + e^-m);
 *              miss = weight / (1 + e^m);  curvature = miss / (1 + e^-m)
 *              gradient of the loss at item i = - sum of miss where i is chosen + sum of miss where i is rejected
 *              Hessian times v at item i = the same sum with flow = curvature * (v[chosen] - v[rejected]), sign reversed
 * Accumulates  in double: the loss one partial a block and one fixed tree, an item's sums in the order of its pairs
 * Edges        no pairs -> loss 0, sums 0; NaN scores -> NaN in the loss and in the pairs of that item
 * Determinism  same bits for any number of threads
 * Errors       PN_ENULL, PN_EDIM (2^31 pairs or more), PN_EINDEX (an id out of range), PN_EWORKSPACE
 */
#ifndef PENCHANT_COMPARISON_H
#define PENCHANT_COMPARISON_H

#include "penchant/status.h"

PN_BEGIN_C

/* Which pairs an item is in: entries starts[i] ... starts[i + 1] - 1 are 2 * pair when i is chosen, 2 * pair + 1 when
 * it is rejected, in the order of the pairs. */
pn_status pn_comparison_incidence(size_t items, size_t pairs, const uint32_t *chosen, const uint32_t *rejected,
                                  size_t *starts, uint32_t *entries);

size_t pn_comparison_loss_workspace(size_t pairs);
/* miss and curvature may be NULL. The ids are those that pn_comparison_incidence has checked. */
pn_status pn_comparison_loss_f64(size_t pairs, const uint32_t *chosen, const uint32_t *rejected, const double *weight,
                                 const double *scores, double *miss, double *curvature, double *loss, void *workspace,
                                 size_t workspace_bytes);

/* out[i] = sum of per_pair where i is chosen - sum where i is rejected. */
pn_status pn_comparison_gather_f64(size_t items, const size_t *starts, const uint32_t *entries, const double *per_pair,
                                   double *out);

/* out = H v; flow is scratch. */
pn_status pn_comparison_hessian_f64(size_t items, size_t pairs, const uint32_t *chosen, const uint32_t *rejected,
                                    const size_t *starts, const uint32_t *entries, const double *curvature,
                                    const double *v, double *flow, double *out);

/* One step of Hunter's minorise-maximise iteration (2004, eq. 8) on strengths: out[i] = wins[i] / sum of
 * weight / (strength[i] + strength[other]) over the pairs of i; 0 pairs -> strength[i]. flow is scratch. */
pn_status pn_comparison_mm_f64(size_t items, size_t pairs, const uint32_t *chosen, const uint32_t *rejected,
                               const double *weight, const size_t *starts, const uint32_t *entries, const double *wins,
                               const double *strength, double *flow, double *out);

PN_END_C

#endif
