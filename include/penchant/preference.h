/* Preference losses: value and gradient in one pass over pairs, and Plackett-Luce over rankings.
 *
 * Shapes       every array of a pair is [n]; optional ones may be NULL
 * Computes     s = beta * d - gamma - target[i], d the raw difference of a pair (IPO: h = d - gamma - target[i]);
 *              loss[i] = weight[i] * L(s), mean = sum of loss / n, gradients = grad_scale * d loss[i] / d input:
 *              grad_scale = 1/n gives the gradient of the mean.  No target: 0; no weight: 1; no label: 1 - smoothing
 * L, p = label the probability that `chosen` is the better one:
 *   SIGMOID    p softplus(-s) + (1-p) softplus(s)         Bradley-Terry, DPO; smoothing > 0 is cDPO; gamma > 0 SimPO
 *   ROBUST     [(1-e) softplus(-s) - e softplus(s)]/(1-2e)   rDPO, e = smoothing < 1/2; unbounded below
 *   HINGE      p max(0, 1-s) + (1-p) max(0, 1+s)          SLiC; its gradient at the kink is 0
 *   IPO        p (h-c)^2 + (1-p) (h+c)^2, c = 1/(2 beta)
 *   HOLDER     -(1+g) sigma(s)^g + g sigma(s)^(1+g), g = shape > 0
 *   ROPO       4a/(1+a)^2 [softplus(-s) + a sigma(-s)], a = shape > 0: its largest weight is 1 at a = 1
 *   EXO        sigma(s) log(sigma(s)/(1-e)) + sigma(-s) log(sigma(-s)/e), e = smoothing in (0, 1)
 *   DISCOPOP   (1-g) softplus(-s) + g e^-s, g = sigma(s / shape), shape > 0: tau; e^-s is held below e^30
 * Accumulates  each loss in float, the mean in double, one partial a block, added by one fixed tree
 * Accuracy     SIGMOID: loss within 4 ulp of the float margin s, gradient within 4 ulp; no difference of near-equal terms
 * Edges        SIGMOID at s = +inf -> 0, at -inf -> +inf with gradient -beta; NaN -> NaN at that place (and in the mean),
 *              status PN_OK; n = 0 -> mean 0
 * Errors       PN_ENULL a required array missing; PN_EWORKSPACE; PN_EVALUE options outside their range
 * Determinism  same bits for any number of threads
 * Aliasing     a gradient may be written over the input it belongs to; loss may not overlap an input
 *
 * Sources: Bradley & Terry 1952; Rafailov et al. 2023 (DPO); Zhao et al. 2023 (SLiC); Azar et al. 2023 (IPO);
 * Meng et al. 2024 (SimPO); Xu et al. 2024 (CPO); Mitchell 2023 (cDPO); Chowdhury et al. 2024 (rDPO);
 * Fujisawa et al. 2025 (Hoelder-DPO); Liang et al. 2024 (ROPO); Ji et al. 2024 (EXO); Lu et al. 2024 (DiscoPOP);
 * Luce 1959, Plackett 1975.
 */
#ifndef PENCHANT_PREFERENCE_H
#define PENCHANT_PREFERENCE_H

#include "penchant/status.h"

PN_BEGIN_C

typedef enum pn_preference_loss {
    PN_PREFERENCE_SIGMOID = 0,
    PN_PREFERENCE_ROBUST = 1,
    PN_PREFERENCE_HINGE = 2,
    PN_PREFERENCE_IPO = 3,
    PN_PREFERENCE_HOLDER = 4,
    PN_PREFERENCE_ROPO = 5,
    PN_PREFERENCE_EXO = 6,
    PN_PREFERENCE_DISCOPOP = 7,
} pn_preference_loss;

typedef struct pn_preference_options {
    pn_preference_loss loss;
    float beta;       /* slope of the margin (1/temperature); IPO: its tau. Finite, > 0 */
    float gamma;      /* target margin, subtracted from s. Finite; SimPO writes it as gamma, in units of s */
    float smoothing;  /* probability that a label is wrong: [0, 1), ROBUST [0, 1/2), EXO (0, 1), the others 0 */
    float shape;      /* HOLDER's exponent, ROPO's alpha, DISCOPOP's tau; > 0 there, not read elsewhere */
    float likelihood; /* weight of the -log-probability of `chosen`, pn_preference_logprob_f32 only (CPO: 1). >= 0 */
    float grad_scale; /* multiplies every gradient; any finite number */
} pn_preference_options;

/* Bytes of workspace of the three losses below; needed only when `mean` is asked for. */
size_t pn_preference_workspace(size_t n);

/* From margins d. grad [n]: with respect to d. label needs SIGMOID, HINGE or IPO (PN_EVALUE otherwise), in [0, 1]. */
pn_status pn_preference_margin_f32(size_t n, const pn_preference_options *options,
                                   const float *PN_COUNT(n) margin,
                                   const float *PN_COUNT(n) target,  /* or NULL */
                                   const float *PN_COUNT(n) label,   /* or NULL */
                                   const float *PN_COUNT(n) weight,  /* or NULL */
                                   float *PN_COUNT(n) loss,          /* or NULL */
                                   float *PN_COUNT(n) grad,          /* or NULL */
                                   double *mean,                     /* or NULL */
                                   void *workspace, size_t workspace_bytes);

/* From two scores: d = chosen - rejected. */
pn_status pn_preference_score_f32(size_t n, const pn_preference_options *options,
                                  const float *PN_COUNT(n) chosen,
                                  const float *PN_COUNT(n) rejected,
                                  const float *PN_COUNT(n) target,        /* or NULL */
                                  const float *PN_COUNT(n) label,         /* or NULL */
                                  const float *PN_COUNT(n) weight,        /* or NULL */
                                  float *PN_COUNT(n) loss,                /* or NULL */
                                  float *PN_COUNT(n) grad_chosen,         /* or NULL */
                                  float *PN_COUNT(n) grad_rejected,       /* or NULL */
                                  double *mean,                           /* or NULL */
                                  void *workspace, size_t workspace_bytes);

/* From sequence log-probabilities: d = (chosen - reference_chosen)/m - (rejected - reference_rejected)/k with
 * m, k the lengths (1 without lengths; a length of 0 counts as 1). Gradients go to the policy.
 * DPO: references, no lengths. IPO: references, lengths or not. SimPO: lengths, gamma. CPO: neither, likelihood 1.
 * likelihood adds -likelihood * chosen/m to the loss before the weight. References come both or not at all, lengths too. */
pn_status pn_preference_logprob_f32(size_t n, const pn_preference_options *options,
                                    const float *PN_COUNT(n) chosen,
                                    const float *PN_COUNT(n) rejected,
                                    const float *PN_COUNT(n) reference_chosen,     /* or NULL */
                                    const float *PN_COUNT(n) reference_rejected,   /* or NULL */
                                    const uint32_t *PN_COUNT(n) length_chosen,     /* or NULL */
                                    const uint32_t *PN_COUNT(n) length_rejected,   /* or NULL */
                                    const float *PN_COUNT(n) target,               /* or NULL */
                                    const float *PN_COUNT(n) label,                /* or NULL */
                                    const float *PN_COUNT(n) weight,               /* or NULL */
                                    float *PN_COUNT(n) loss,                       /* or NULL */
                                    float *PN_COUNT(n) grad_chosen,                /* or NULL */
                                    float *PN_COUNT(n) grad_rejected,              /* or NULL */
                                    double *mean,                                  /* or NULL */
                                    void *workspace, size_t workspace_bytes);

/* Losses of the two rewards of a pair, r = beta * (log-probability - reference) - shift, one by one:
 *   NCA        softplus(-r+) + softplus(r+)/2 + softplus(r-)/2         Chen et al. 2024
 *   BCO        softplus(-r+) + softplus(r-); shift is its running mean   Jung et al. 2024
 *   SPPO       (d+ - c)^2 + (d- + c)^2, d the log-ratio, c = 1/(2 beta)    Wu et al. 2024, hard labels
 *   APO_ZERO   sigma(-r+) + sigma(r-)                                  D'Oosterlinck et al. 2024
 *   APO_DOWN   sigma(r+) + sigma(r- - r+)                              the same
 * Shapes, gradients, sums, edges and determinism as above; gradients are to the log-probabilities.
 * Accuracy     within 4 ulp of each term
 * Errors       PN_EVALUE beta not above 0, or a shift with another loss than BCO */
typedef enum pn_reward_loss {
    PN_REWARD_NCA = 0,
    PN_REWARD_BCO = 1,
    PN_REWARD_SPPO = 2,
    PN_REWARD_APO_ZERO = 3,
    PN_REWARD_APO_DOWN = 4,
} pn_reward_loss;

typedef struct pn_reward_options {
    pn_reward_loss loss;
    float beta;       /* finite, > 0 */
    float shift;      /* BCO; finite */
    float grad_scale; /* multiplies every gradient; any finite number */
} pn_reward_options;

pn_status pn_preference_reward_f32(size_t n, const pn_reward_options *options,
                                   const float *PN_COUNT(n) chosen,
                                   const float *PN_COUNT(n) rejected,
                                   const float *PN_COUNT(n) reference_chosen,     /* or NULL, both */
                                   const float *PN_COUNT(n) reference_rejected,
                                   const float *PN_COUNT(n) weight,               /* or NULL */
                                   float *PN_COUNT(n) loss,                       /* or NULL */
                                   float *PN_COUNT(n) grad_chosen,                /* or NULL */
                                   float *PN_COUNT(n) grad_rejected,              /* or NULL */
                                   double *mean,                                  /* or NULL */
                                   void *workspace, size_t workspace_bytes);

/* Dr. DPO (Wu et al. 2024): what pairs weigh under the mildest distribution near a batch.
 *
 * Computes     weight[i] = n e^(-loss[i]/beta) / sum of e^(-loss[j]/beta); value = -beta log mean of e^(-loss/beta), whose
 *              gradient is the mean of weight[i] * d loss[i]
 * Accuracy     each weight within 4e-7 relative; value in double
 * Edges        the smallest loss is taken off first: nothing overflows; a loss of +inf has weight 0; NaN anywhere -> NaN
 *              everywhere; n = 0 -> value 0
 * Aliasing     weight may be loss
 * Workspace    pn_preference_workspace(n), always */
pn_status pn_preference_robust_weight_f32(size_t n, float beta,
                                          const float *PN_COUNT(n) loss,
                                          float *PN_COUNT(n) weight,
                                          double *value,                          /* or NULL */
                                          void *workspace, size_t workspace_bytes);

/* Plackett-Luce over ragged rankings: the negative log-probability that the items of list l are picked in this order.
 *
 * Shapes       offsets: [lists + 1], offsets[0] = 0, not decreasing; score, place, grad: [offsets[lists]];
 *              weight, loss: [lists]
 * Computes     loss[l] = weight[l] * sum over places j < k of (log sum over places i >= j of exp(score_i) - score_j);
 *              mean = sum of loss / lists; grad = grad_scale * d loss / d score
 * place        0 = best. The ranked items of a list carry 0 ..< k, each once; the others PN_UNRANKED, below all of
 *              them (a top-k ranking). NULL: items stand in order, best first, all ranked. A tie or a gap is PN_EVALUE.
 *              `top` > 0 counts only the first `top` places; 0 counts all
 * Accumulates  running maximum and sum from the tail, in double
 * Edges        a list of 0 or 1 items, or with nothing ranked -> loss 0, gradient 0; NaN score -> NaN in that list only;
 *              lists = 0 -> mean 0
 */
#define PN_UNRANKED UINT32_MAX

/* SIZE_MAX when it overflows. */
size_t pn_plackett_luce_workspace(size_t lists, size_t items);

pn_status pn_plackett_luce_f32(size_t lists, size_t top, float grad_scale,
                               const size_t *PN_COUNT(lists + 1) offsets,
                               const float *score,
                               const uint32_t *place,                /* or NULL */
                               const float *PN_COUNT(lists) weight,  /* or NULL */
                               float *PN_COUNT(lists) loss,          /* or NULL */
                               float *grad,                          /* or NULL */
                               double *mean,                         /* or NULL */
                               void *workspace, size_t workspace_bytes);

PN_END_C

#endif
