/* Reward shaping: what stands between a reward model and the policy that is trained on its rewards.
 *
 * Shapes       reward, shaped, length: [n];  reference: [prompts, references];  prompt: [n], ids below
 *              `prompts`, or NULL when row i is of prompt i (then prompts = n);  threshold: [prompts]
 * Computes     z = slope * (reward - shift - reference), shaped = mean over the references of a prompt of
 *              f(z); references = 0: z = slope * (reward - shift), shaped = f(z), `prompt` and `reference`
 *              are not read
 * f            LINEAR z;  SIGMOID 1 / (1 + e^-z);  TANH tanh z;  LOG_SIGMOID log of SIGMOID;
 *              CLIP z held in [low, high];
 *              POLYNOMIAL 0 from -5 down, 1 from 5 up, between them the least-squares fit of degree 5 to
 *              SIGMOID at 100 equispaced points; it jumps by 0.0109 at both ends
 * Names of the field
 *              vanilla LINEAR; centred LINEAR with references; PAR SIGMOID with references; SgFc the same
 *              with shift 3; ceil CLIP with low -inf; clip CLIP at mean -/+ deviation of the rewards so far;
 *              meanstd LINEAR with shift mean and slope 1/deviation; minmax LINEAR with shift min and slope
 *              1/(max - min); LSC LOG_SIGMOID with one reference a prompt, the threshold of
 *              pn_reward_threshold_f32
 * Accumulates  z in double, rounded to float once; f in float; the mean in double
 * Accuracy     every f(z) within 4 ulp of f at the float z
 * Edges        NaN, or inf against inf -> NaN at that place, status PN_OK; SIGMOID is 1 from z = 17 up; n = 0
 *              is fine
 * Errors       PN_EVALUE slope or shift not finite, low or high NaN or crossed, unknown f; PN_EINDEX a prompt
 *              outside; PN_EDIM no `prompt` and prompts != n
 * Aliasing     shaped may be reward
 * Determinism  same bits for any number of threads
 *
 * Source: Fu et al., Reward Shaping to Mitigate Reward Hacking in RLHF, arXiv 2502.18770.
 */
#ifndef PENCHANT_SHAPING_H
#define PENCHANT_SHAPING_H

#include "penchant/status.h"

PN_BEGIN_C

typedef enum pn_shaping_function {
    PN_SHAPE_LINEAR = 0,
    PN_SHAPE_SIGMOID = 1,
    PN_SHAPE_TANH = 2,
    PN_SHAPE_POLYNOMIAL = 3,
    PN_SHAPE_LOG_SIGMOID = 4,
    PN_SHAPE_CLIP = 5,
} pn_shaping_function;

typedef struct pn_shaping {
    pn_shaping_function function;
    double slope, shift; /* finite */
    double low, high;    /* CLIP; low <= high, infinities allowed */
} pn_shaping;

pn_status pn_shape_reward_f32(size_t n, size_t prompts, size_t references, const pn_shaping *options,
                              const float *PN_COUNT(n) reward,
                              const uint32_t *PN_COUNT(n) prompt,                  /* or NULL */
                              const float *PN_COUNT(prompts * references) reference, /* NULL without references */
                              float *PN_COUNT(n) shaped);

/* Statistics of all rewards that were added so far; { 0 } has none, and its low and high are not read.
 *
 * Computes     count, mean, sum of squared distances from the mean (`spread`), smallest and largest
 * Accumulates  in double: two passes a block, blocks and then the state merged by Chan's formula in one fixed
 *              tree
 * Accuracy     mean and spread of ordinary data within 1e-12 of one pass over all of it, however it was cut
 * Errors       PN_ENONFINITE a reward is NaN or infinite; PN_EVALUE a state that cannot be. The state stays
 *              as it was
 *
 * Source: Chan, Golub & LeVeque 1979. */
typedef struct pn_reward_moments {
    double count, mean, spread, low, high;
} pn_reward_moments;

size_t pn_reward_moments_workspace(size_t n); /* SIZE_MAX when it overflows */
pn_status pn_reward_moments_f32(size_t n, const float *PN_COUNT(n) reward, pn_reward_moments *moments, void *workspace,
                                size_t workspace_bytes);

/* Where LSC puts its zero: mean + quantile * (deviation + 1e-5) of the references of every prompt.
 *
 * Accumulates  in double, two passes; the deviation divides by references - 1
 * Edges        NaN or inf in a row -> NaN or inf in its threshold
 * Errors       PN_EDIM fewer than two references: one has no deviation; PN_EVALUE quantile not finite */
pn_status pn_reward_threshold_f32(size_t prompts, size_t references, double quantile,
                                  const float *PN_COUNT(prompts * references) reference,
                                  float *PN_COUNT(prompts) threshold);

/* penalised = reward - rate * max(0, length - limit), rounded once. rate finite and >= 0 (PN_EVALUE).
 * penalised may be reward. */
pn_status pn_length_penalty_f32(size_t n, uint32_t limit, double rate, const float *PN_COUNT(n) reward,
                                const uint32_t *PN_COUNT(n) length, float *PN_COUNT(n) penalised);

PN_END_C

#endif
