/* Policy optimisation over tokens: drawing them, advantages, and the losses of policy and critic with their
 * gradients.
 *
 * Shapes       logits, grad: [rows, classes];  what a token has: [rows];  packed sequences: sequence s owns
 *              the tokens offsets[s] ..< offsets[s + 1], offsets[0] = 0, never down;  rewards of groups:
 *              [groups, size]
 * Rows         of id PN_POLICY_IGNORE take no part: log-probability, entropy, loss and gradient 0
 * Accumulates  sums in double, one partial a block, added by one fixed tree
 * Edges        no rows -> loss 0; NaN in a row -> NaN in that row's results and in the loss, status PN_OK
 * Errors       PN_EINDEX an id at or above classes that is not PN_POLICY_IGNORE (nothing is written);
 *              PN_EVALUE an option outside its range; PN_EDIM offsets that go down; PN_EWORKSPACE
 * Determinism  same bits for any number of threads; a draw is a function of (seed, stream, index)
 *
 * Sources: Schulman et al. 2017 (PPO), 2016 (GAE); Schulman 2020 (estimators of KL); Shao et al. 2024 (GRPO);
 * Liu et al. 2025 (without the deviation: Dr. GRPO); Ahmadian et al. 2024 (leave one out); Li et al. 2023
 * (ReMax).
 */
#ifndef PENCHANT_POLICY_H
#define PENCHANT_POLICY_H

#include "penchant/status.h"

PN_BEGIN_C

#define PN_POLICY_IGNORE UINT32_MAX

/* Log-probability of a class a row, and the entropy of the row in nats.
 * Accuracy     within 2e-6 * (1 + max|logit|)
 * Edges        a class of logit -inf has probability 0 and log-probability -inf */
pn_status pn_token_logp_f32(size_t rows, size_t classes, const float *PN_COUNT(rows * classes) logits,
                            const uint32_t *PN_COUNT(rows) id, float *PN_COUNT(rows) logp,
                            float *PN_COUNT(rows) entropy /* or NULL */);

/* Draws one class a row from softmax(logits / temperature): row i by the uniform draw first + i of (seed,
 * stream). Writes the class and its log-probability at temperature 1, so that ratios of a loss are those of
 * the policy itself.
 * Errors       PN_EVALUE temperature not in (0, inf), first + rows not below 2^56; PN_EDIM no class;
 *              PN_ENONFINITE a row without a distribution (NaN, +inf, or all -inf) */
pn_status pn_draw_token_f32(size_t rows, size_t classes, float temperature, uint64_t seed, uint64_t stream, uint64_t first,
                            const float *PN_COUNT(rows * classes) logits, uint32_t *PN_COUNT(rows) id,
                            float *PN_COUNT(rows) logp);

/* Estimates of KL(policy || reference) from one token, with q = logp - reference_logp. */
typedef enum pn_kl_estimator {
    PN_KL_NONE = 0,
    PN_KL_K2 = 1,          /* q^2 / 2 */
    PN_KL_K3 = 2,          /* e^-q + q - 1: unbiased under samples of the policy */
    PN_KL_K3_REVERSED = 3, /* e^q - q - 1: of KL(reference || policy) turned round; what some code has for K3 */
} pn_kl_estimator;

typedef struct pn_policy_options {
    pn_kl_estimator estimator;
    float penalty;             /* of the estimate; finite, >= 0 */
    float clip_low, clip_high; /* of the ratio: [1 - clip_low, 1 + clip_high]; low in [0, 1], high >= 0 */
    float grad_scale;          /* multiplies the gradient; finite */
} pn_policy_options;

/* Loss of a policy.
 *
 * Computes     loss = sum of weight * (surrogate + penalty * estimate), grad = grad_scale * d loss / d logits
 *              with old_logp: surrogate = -min(A u, A clip(u)), u = e^(logp - old_logp)
 *              without:       surrogate = -A logp (REINFORCE, ReMax)
 *              no weights: 1.  Means over tokens, answers or groups are in the weights
 * Exponentials beyond 20 the exponential goes on as its tangent: nothing overflows and no slope is lost
 * Accuracy     of a token within 1e-5 * (1 + |A|) * u + 1e-5 * penalty * estimate
 * Aliasing     grad may be logits */
size_t pn_policy_loss_workspace(size_t rows, size_t classes);
pn_status pn_policy_loss_f32(size_t rows, size_t classes, const pn_policy_options *options,
                             const float *PN_COUNT(rows * classes) logits,
                             const uint32_t *PN_COUNT(rows) id,
                             const float *PN_COUNT(rows) advantage,
                             const float *PN_COUNT(rows) old_logp,       /* or NULL */
                             const float *PN_COUNT(rows) reference_logp, /* NULL with PN_KL_NONE */
                             const float *PN_COUNT(rows) weight,         /* or NULL */
                             double *loss,
                             float *PN_COUNT(rows * classes) grad,       /* or NULL */
                             void *workspace, size_t workspace_bytes);

/* Loss of a critic: sum of weight * max((V - G)^2, (Vc - G)^2), Vc = old + (V - old held in [-clip, clip]).
 * Without old values: weight * (V - G)^2. grad = grad_scale * d loss / d value. clip > 0. grad may be value.
 * */
size_t pn_value_loss_workspace(size_t n);
pn_status pn_value_loss_f32(size_t n, float clip, float grad_scale, const float *PN_COUNT(n) value,
                            const float *PN_COUNT(n) target,
                            const float *PN_COUNT(n) old,    /* or NULL */
                            const float *PN_COUNT(n) weight, /* or NULL */
                            double *loss, float *PN_COUNT(n) grad /* or NULL */, void *workspace,
                            size_t workspace_bytes);

/* Generalised advantages of packed sequences, and discounted sums of rewards.
 *
 * Computes     delta_t = reward_t + discount value_(t+1) - value_t, advantage_t = delta_t + discount lambda
 *              advantage_(t+1), total_t = reward_t + discount total_(t+1); a value beyond the end is 0
 * Accumulates  in double from the end of every sequence
 * Errors       PN_EVALUE discount or lambda outside [0, 1]
 * Aliasing     advantage may be value, total may be reward */
pn_status pn_advantage_f32(size_t sequences, size_t tokens, double discount, double lambda,
                           const uint32_t *PN_COUNT(sequences + 1) offsets, const float *PN_COUNT(tokens) reward,
                           const float *PN_COUNT(tokens) value, float *PN_COUNT(tokens) advantage,
                           float *PN_COUNT(tokens) total);

/* y = (x - mean) / sqrt(variance + epsilon), population variance. Numbers that are equal within their
 * rounding give 0. y may be x. epsilon >= 0. */
size_t pn_whiten_workspace(size_t n);
pn_status pn_whiten_f32(size_t n, double epsilon, const float *PN_COUNT(n) x, float *PN_COUNT(n) y, void *workspace,
                        size_t workspace_bytes);

/* Advantages of answers to one prompt by each other. Computed in double, a group at a time.
 *   CENTRE     r - mean
 *   DEVIATION  (r - mean) / (deviation + epsilon), the deviation divides by size - 1
 *   LEAVE_OUT  r - mean of the others
 * Edges        a group of one -> 0; rewards that are equal within 4 units of their last place -> 0, so that a
 *              saturated shaping is not blown up to rounding noise by its own deviation; NaN -> NaN in its
 *              group
 * Aliasing     advantage may be reward */
typedef enum pn_group_baseline {
    PN_GROUP_CENTRE = 0,
    PN_GROUP_DEVIATION = 1,
    PN_GROUP_LEAVE_OUT = 2,
} pn_group_baseline;

pn_status pn_group_advantage_f32(size_t groups, size_t size, pn_group_baseline baseline, double epsilon,
                                 const float *PN_COUNT(groups * size) reward,
                                 float *PN_COUNT(groups * size) advantage);

/* Best of n: place of the largest reward among the first 1, 2, 4, ... 2^(levels-1) answers of every prompt.
 * Ties go to the first; NaN is never better. Errors: PN_EDIM when 2^(levels-1) is above size */
pn_status pn_best_of_f32(size_t prompts, size_t size, size_t levels, const float *PN_COUNT(prompts * size) reward,
                         uint32_t *PN_COUNT(prompts * levels) place);

PN_END_C

#endif
