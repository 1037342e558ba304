/* EM weight updates: labels that may be wrong, mixtures of preferences, Gaussian mixtures, prototypes a user.
 *
 * All of them are deterministic (same bits for any number of threads): sums are double, one partial table a chunk of
 * the input, added by one fixed tree. n = 0 gives sums, counts and means of 0.
 *
 * Label noise (LCPO / RPO / RE-PO, Cao et al. 2025). u[i] is the log-odds that the model gives to the observed order,
 * eta_k the probability that a label of annotator k is right, a_k = logit eta_k.
 *   posterior  w = sigma(u + a): the probability that label i is right
 *   gradient   grad_scale * weight * (sigma(u) - w), the exact gradient of the marginal loss with respect to u; computed as
 *              -e t / ((1+e)(..)), e = exp(-|u|), t = 2 eta - 1, so no digit is lost where sigma(u) and w are close
 *   loss       -log(eta sigma(u) + (1-eta) sigma(-u)), the marginal; mean over n in double
 *   sum, count [annotators]: sum of weight*w and of weight per annotator: what every rule for eta needs
 * a is read through a clamp to +-PN_EM_LOGIT_MAX (eta within 2e-9 of 0 or 1); a posterior below 1e-29 may be 0.
 * NaN in u -> NaN at that place and in the sums of its annotator; NaN in a is PN_EVALUE.
 */
#ifndef PENCHANT_EM_H
#define PENCHANT_EM_H

#include "penchant/status.h"

PN_BEGIN_C

#define PN_EM_LOGIT_MAX 20.0f

/* SIZE_MAX when it overflows. annotators >= 1. */
size_t pn_em_noise_workspace(size_t n, size_t annotators);

/* annotator NULL: everybody is annotator 0. An id >= annotators is PN_EINDEX (nothing is summed then). */
pn_status pn_em_noise_f32(size_t n, size_t annotators, float grad_scale,
                          const float *PN_COUNT(n) logit,                  /* u */
                          const uint32_t *PN_COUNT(n) annotator,           /* or NULL */
                          const float *PN_COUNT(annotators) reliability,   /* a = logit eta */
                          const float *PN_COUNT(n) weight,                 /* or NULL: 1 */
                          float *PN_COUNT(n) posterior,                    /* or NULL */
                          float *PN_COUNT(n) grad,                         /* or NULL */
                          float *PN_COUNT(n) loss,                         /* or NULL */
                          double *PN_COUNT(annotators) sum,                /* or NULL */
                          double *PN_COUNT(annotators) count,              /* or NULL */
                          double *mean,                                    /* or NULL: mean of weight * loss */
                          void *workspace, size_t workspace_bytes);

/* The same in double, for estimators that go to the last digit.
 *
 * Shapes       logit, annotator, weight, posterior, grad: [n]; reliability, sum, count, information: [annotators]
 * Computes     posterior, sum and count as above; grad = weight * (sigma(u) - w); total = sum of weight * loss;
 *              information_k = sum of weight ((2p - 1) / (eta p + (1 - eta)(1 - p)))^2, p = sigma(u): what the labels of k
 *              say of eta_k when the model is given; 1/sqrt of it is the standard error
 * Accuracy     posterior, gradient within 1e-15 relative, each loss within 1e-15 + 1e-15 relative
 * Edges        u = +-inf is a model that is sure; a label of weight 0 adds nothing, whatever its logit is; NaN as above
 * Errors       PN_EDIM no annotator, PN_EINDEX, PN_EVALUE NaN in reliability, PN_ENULL, PN_EWORKSPACE */
size_t pn_em_noise_f64_workspace(size_t n, size_t annotators);
pn_status pn_em_noise_f64(size_t n, size_t annotators,
                          const double *PN_COUNT(n) logit,
                          const uint32_t *PN_COUNT(n) annotator,            /* or NULL */
                          const double *PN_COUNT(annotators) reliability,   /* a = logit eta */
                          const double *PN_COUNT(n) weight,                 /* or NULL: 1 */
                          double *PN_COUNT(n) posterior,                    /* or NULL */
                          double *PN_COUNT(n) grad,                         /* or NULL */
                          double *PN_COUNT(annotators) sum,
                          double *PN_COUNT(annotators) count,
                          double *PN_COUNT(annotators) information,
                          double *total,
                          void *workspace, size_t workspace_bytes);

/* Induced logits: u = L(rejected over chosen) - L(chosen over rejected) of a preference loss. With d the difference of
 * log-probabilities as in pn_preference_logprob_f32:
 *   DPO    beta d                      IPO    2 d / beta (its tau)         HINGE  max(0, 1+beta d) - max(0, 1-beta d)
 *   SIMPO  softplus(gamma + beta d) - softplus(gamma - beta d)
 *   CPO    beta (chosen - rejected) + likelihood (chosen/m - rejected/k), m, k the lengths (1 without); no references */
typedef enum pn_em_objective {
    PN_EM_DPO = 0,
    PN_EM_IPO = 1,
    PN_EM_SIMPO = 2,
    PN_EM_CPO = 3,
    PN_EM_HINGE = 4,
} pn_em_objective;

typedef struct pn_em_options {
    pn_em_objective objective;
    float beta;       /* > 0, finite */
    float gamma;      /* SIMPO; finite */
    float likelihood; /* CPO; >= 0, finite */
    float grad_scale; /* multiplies the gradients: 1/n gives the gradient of the mean */
    bool weighted;    /* the gradients are those of the loss itself, as below */
} pn_em_options;

/* weighted: instead of the marginal loss, w L(chosen over rejected) + (1-w) L(rejected over chosen) with w held: for IPO
 * squares with the target (2w-1)/(2 tau), for CPO with its likelihood of the answer that is preferred. Under DPO both are
 * the same. Posterior, sums and mean stay those of the induced logit. */

/* The logit alone. */
pn_status pn_em_logit_f32(size_t n, const pn_em_options *options,
                          const float *PN_COUNT(n) chosen,
                          const float *PN_COUNT(n) rejected,
                          const float *PN_COUNT(n) reference_chosen,     /* or NULL, both */
                          const float *PN_COUNT(n) reference_rejected,
                          const uint32_t *PN_COUNT(n) length_chosen,     /* or NULL, both */
                          const uint32_t *PN_COUNT(n) length_rejected,
                          float *PN_COUNT(n) logit);

/* One pass from log-probabilities to the gradients of the policy and the sums of the annotators.
 * Workspace: pn_em_noise_workspace(n, annotators). */
pn_status pn_em_logprob_f32(size_t n, size_t annotators, const pn_em_options *options,
                            const float *PN_COUNT(n) chosen,
                            const float *PN_COUNT(n) rejected,
                            const float *PN_COUNT(n) reference_chosen,     /* or NULL, both */
                            const float *PN_COUNT(n) reference_rejected,
                            const uint32_t *PN_COUNT(n) length_chosen,     /* or NULL, both */
                            const uint32_t *PN_COUNT(n) length_rejected,
                            const uint32_t *PN_COUNT(n) annotator,         /* or NULL */
                            const float *PN_COUNT(annotators) reliability,
                            const float *PN_COUNT(n) weight,               /* or NULL */
                            float *PN_COUNT(n) posterior,                  /* or NULL */
                            float *PN_COUNT(n) grad_chosen,                /* or NULL */
                            float *PN_COUNT(n) grad_rejected,              /* or NULL */
                            double *PN_COUNT(annotators) sum,              /* or NULL */
                            double *PN_COUNT(annotators) count,            /* or NULL */
                            double *mean,                                  /* or NULL */
                            void *workspace, size_t workspace_bytes);

/* M-step of the reliabilities: eta [annotators] is updated in place from sum and count, clamped to [floor, 1-floor];
 * reliability [annotators] receives logit eta. An annotator without labels (count 0) keeps its eta, except under BETA.
 *   MEAN        sum/count
 *   EMA         (1-step) eta + step * sum/count
 *   COUNT_EMA   the same with 1 - (1-step)^count in place of step
 *   BETA        (sum + right) / (count + right + wrong), pseudo-counts >= 0 */
typedef enum pn_em_rule {
    PN_EM_MEAN = 0,
    PN_EM_EMA = 1,
    PN_EM_COUNT_EMA = 2,
    PN_EM_BETA = 3,
} pn_em_rule;

pn_status pn_em_reliability(size_t annotators, pn_em_rule rule, double step, double right, double wrong, double floor,
                            const double *PN_COUNT(annotators) sum,
                            const double *PN_COUNT(annotators) count,
                            double *PN_COUNT(annotators) eta,
                            float *PN_COUNT(annotators) reliability); /* or NULL */

/* Mixture of K components: responsibilities and new weights.
 *
 * Shapes       x: [n, K]; log_weight: [K]; weight: [n] or NULL; responsibility: [n, K] or NULL;
 *              new_weight: [K]; mean: scalar or NULL
 * Computes     r = softmax_k(log_weight_k + l_k) with l = x (LOG_LIKELIHOOD) or log sigma(x) (MARGIN);
 *              new_weight_k = sum_i weight_i r_ik / sum_i weight_i (0 when that is 0);
 *              mean = mean of weight_i * log sum_k exp(log_weight_k + l_k)
 * Edges        log_weight may be -inf (a closed component), not all of them (PN_EVALUE); a row of -inf in every open
 *              component gives r = NaN there; responsibility may be x itself
 * Accuracy     r within 1e-6 of the exact value, rows sum to 1 within 1e-6 */
typedef enum pn_em_input {
    PN_EM_LOG_LIKELIHOOD = 0,
    PN_EM_MARGIN = 1,
} pn_em_input;

/* Components a call may have: 1 ... this (PN_EDIM outside), here and below. */
#define PN_EM_COMPONENTS_MAX ((size_t)1024)

size_t pn_em_mixture_workspace(size_t n, size_t components);
pn_status pn_em_mixture_f32(size_t n, size_t components, pn_em_input input,
                            const float *PN_COUNT(n * components) x,
                            const float *PN_COUNT(components) log_weight,
                            const float *PN_COUNT(n) weight,                       /* or NULL */
                            float *PN_COUNT(n * components) responsibility,        /* or NULL */
                            double *PN_COUNT(components) new_weight,
                            double *mean,                                          /* or NULL */
                            void *workspace, size_t workspace_bytes);

/* Gaussian mixture with diagonal (variance: [K, d]) or spherical (variance: [K]) covariance.
 *
 * E: weight_k N(x; mean_k, variance_k) from squared differences (never from expanded squares), shares of their sum;
 *    loglik [n] is the log-density of the row. variance must be > 0, weight >= 0 (PN_EVALUE).
 * M: weight_k = N_k / n, mean_k, variance_k >= floor in two passes; a component with N_k < PN_EM_MASS_MIN keeps its
 *    mean and variance and gets weight N_k / n. Accumulates in double. d >= 1 (PN_EDIM). */
#define PN_EM_MASS_MIN 1e-10
typedef enum pn_em_covariance {
    PN_EM_SPHERICAL = 0,
    PN_EM_DIAGONAL = 1,
} pn_em_covariance;

size_t pn_em_gaussian_workspace(size_t n, size_t d, size_t components);
pn_status pn_em_gaussian_e_f32(size_t n, size_t d, size_t components, pn_em_covariance covariance,
                               const float *PN_COUNT(n * d) x,
                               const double *PN_COUNT(components) weight,
                               const float *PN_COUNT(components * d) mean,
                               const float *variance,
                               float *PN_COUNT(n * components) responsibility,
                               float *PN_COUNT(n) loglik,          /* or NULL */
                               double *mean_loglik,                /* or NULL */
                               void *workspace, size_t workspace_bytes);
pn_status pn_em_gaussian_m_f32(size_t n, size_t d, size_t components, pn_em_covariance covariance, float floor,
                               const float *PN_COUNT(n * d) x,
                               const float *PN_COUNT(n * components) responsibility,
                               double *PN_COUNT(components) weight,
                               float *PN_COUNT(components * d) mean,
                               float *variance,
                               void *workspace, size_t workspace_bytes);

/* Prototypes (as in PAL): user u's pairs offsets[u] ..< offsets[u+1] all come from one of K prototypes.
 *
 * Shapes       offsets: [users + 1] from 0, not decreasing; margin, grad: [offsets[users], K]; log_weight: [K];
 *              responsibility: [users, K]; new_weight: [K]
 * Computes     l_uk = sum over pairs of log sigma(margin_ik); r_u = softmax_k(log_weight_k + l_uk);
 *              mean = mean over users of -log sum_k exp(log_weight_k + l_uk); new_weight = mean of r;
 *              grad_ik = -grad_scale r_uk sigma(-margin_ik), the gradient of the sum of those losses
 * Accumulates  l in double: a user may have millions of pairs */
size_t pn_em_prototype_workspace(size_t users, size_t components);
pn_status pn_em_prototype_f32(size_t users, size_t components, float grad_scale,
                              const size_t *PN_COUNT(users + 1) offsets,
                              const float *margin,
                              const float *PN_COUNT(components) log_weight,
                              float *PN_COUNT(users * components) responsibility,
                              float *grad,                                /* or NULL */
                              double *PN_COUNT(components) new_weight,    /* or NULL */
                              double *mean,                               /* or NULL */
                              void *workspace, size_t workspace_bytes);

PN_END_C

#endif
