/* Softmax cross-entropy over a whole catalogue of items, without a matrix of logits.
 *
 * Shapes       hidden: [n, d];  items: [V, d];  bias: [V] or NULL;  targets: [n];  weights: [n] or NULL (all 1);
 *              loss: [n] or NULL;  mean: scalar or NULL;  d_hidden: [n, d];  d_items: [V, d];  d_bias: [V]
 * Computes     s_iv = <hidden_i, items_v> + bias_v
 *              loss_i = log sum_v exp(s_iv) - s_i,target        mean = sum_i w_i loss_i / sum_i w_i
 *              d_x = scale * d mean / d x
 *              A row whose target is PN_CATALOGUE_IGNORE has weight 0: loss 0, d_hidden 0. When all weights are 0
 *              the mean and every gradient are 0.
 * Method       rows are taken a chunk at a time. A chunk's logits are computed a tile of items at a time and turned
 *              at once into exp(s - tile maximum), which are kept; the row sums give each tile its factor
 *              exp(tile maximum - log sum), and the two products of the gradient read the kept tile once more:
 *              three products, one exponential a logit. Kept at once: at most PN_CATALOGUE_BYTES and at most a
 *              quarter of all n * V (or 2 MiB), but never fewer than 16 rows.
 * Accumulates  products float32 in ascending order; row sums float32 in a tile, float64 across tiles; mean float64
 * Accuracy     loss within 2e-6 * (1 + max|s|); gradients within 1e-5 of their largest term
 * Edges        n = 0 or V = 0 with n = 0 -> mean 0, d_items written (0) unless accumulated; V = 0 with n > 0 ->
 *              PN_EDIM; target >= V -> PN_EINDEX, nothing written; NaN or +inf in a logit -> NaN in that row's loss
 *              and gradients, PN_OK; loss is not clamped, so it may be below 0 by rounding
 * Workspace    pn_catalogue_loss_workspace(n, V, d) is what pn_team_size() threads use now; less is accepted down to
 *              one thread's share, and then fewer threads run
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_CATALOGUE_H
#define PENCHANT_CATALOGUE_H

#include "penchant/status.h"

PN_BEGIN_C

/* A target that is not counted (padding). */
#define PN_CATALOGUE_IGNORE UINT32_MAX

/* Bound on the logits that are kept at once. */
#define PN_CATALOGUE_BYTES ((size_t)16 << 20)

size_t pn_catalogue_loss_workspace(size_t n, size_t V, size_t d);

/* Value and gradients in one pass. d_items and d_bias are added to when `accumulate`, overwritten otherwise (for tied
 * weights: overwrite here, then pn_embedding_scatter_f32 adds). d_hidden, d_items and d_bias may each be NULL; when
 * all are, the logits are not kept. */
pn_status pn_catalogue_loss_f32(size_t n, size_t V, size_t d, float scale, bool accumulate, const float *hidden,
                                const float *items, const float *bias, const uint32_t *targets,
                                const float *weights, float *loss, double *mean, float *d_hidden, float *d_items,
                                float *d_bias, void *workspace, size_t workspace_bytes);

/* For evaluation: log_sum: [n] or NULL gets log sum_v exp(s_iv); log_prob: [n] or NULL gets log of the probability
 * of the target (0 for PN_CATALOGUE_IGNORE); targets may be NULL when log_prob is. */
size_t pn_catalogue_log_prob_workspace(size_t n, size_t V, size_t d);
pn_status pn_catalogue_log_prob_f32(size_t n, size_t V, size_t d, const float *hidden, const float *items,
                                    const float *bias, const uint32_t *targets, float *log_prob, float *log_sum,
                                    void *workspace, size_t workspace_bytes);

/* Sampled softmax with the logQ correction (Bengio & Senecal 2008; Yi et al. 2019): the softmax runs over the target
 * and c candidates shared by all rows.
 *
 * Shapes       candidates: [c] ids;  candidate_log_q: [c] or NULL (0);  target_log_q: [n] or NULL (0), log of the
 *              probability with which an id was drawn;  d_candidates: [c, d];  d_targets: [n, d]
 * Computes     z_i0 = <hidden_i, items_target> - target_log_q_i,  z_ij = <hidden_i, items_c_j> - candidate_log_q_j;
 *              a candidate equal to the row's target is left out of that row;  loss_i = log sum_j exp(z_ij) - z_i0
 * Gradient     rows of the table that took part: d_candidates[j] belongs to id candidates[j], d_targets[i] to id
 *              targets[i]; both overwritten, ready for pn_embedding_scatter_f32. Each may be NULL.
 * Edges        as above; c = 0 -> loss 0. Ids at or above V -> PN_EINDEX.
 */
size_t pn_catalogue_sampled_loss_workspace(size_t n, size_t c, size_t d);
pn_status pn_catalogue_sampled_loss_f32(size_t n, size_t V, size_t d, size_t c, float scale, const float *hidden,
                                        const float *items, const uint32_t *targets, const float *target_log_q,
                                        const uint32_t *candidates, const float *candidate_log_q,
                                        const float *weights, float *loss, double *mean, float *d_hidden,
                                        float *d_candidates, float *d_targets, void *workspace,
                                        size_t workspace_bytes);

/* How far the distributions of several states of a row lie apart: ReaRec's regulariser (arXiv 2503.22675, eq. 7, as its
 * authors compute it).
 *
 * Shapes       T states of n rows: hidden: [T, n, d];  items: [V, d];  bias: [V] or NULL;  targets: [n], read for
 *              PN_CATALOGUE_IGNORE only;  mean: scalar;  d_hidden: [T, n, d];  d_items: [V, d];  each may be NULL
 * Computes     p_t = softmax over v of s_tv = <hidden_t, items_v> + bias_v;  a row's value is the mean over ordered
 *              pairs t != u of KL(p_t || p_u);  mean is that over the rows that count, 0 when none does
 * Gradient     scale * d mean / d x with p_u held fixed in every pair (a stop-gradient), so
 *              d / d s_tv = p_tv (D_tv - sum_w p_tw D_tw) / (T (T - 1)),  D_t = T s_t - sum_u s_u:
 *              no pass over pairs. Nothing flows to the bias
 * Method       rows are taken a chunk at a time, whose logits are kept: three products, two exponentials a logit
 * Accumulates  products as gemm.h; sums over items in double; d_items over chunks in order
 * Accuracy     value within 1e-6 * (1 + max|s|); gradients within 1e-5 of their largest term
 * Edges        T < 2 or n = 0 -> value and gradients 0; V = 0 with n > 0 -> PN_EDIM; T above PN_CATALOGUE_STATES ->
 *              PN_EDIM; NaN or infinity in a logit -> NaN
 */
#define PN_CATALOGUE_STATES 16

size_t pn_catalogue_divergence_workspace(size_t T, size_t n, size_t V, size_t d);
pn_status pn_catalogue_divergence_f32(size_t T, size_t n, size_t V, size_t d, float scale, const float *hidden,
                                      const float *items, const float *bias, const uint32_t *targets, double *mean,
                                      float *d_hidden, float *d_items, void *workspace, size_t workspace_bytes);

PN_END_C

#endif
