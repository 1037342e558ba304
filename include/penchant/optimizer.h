/* Optimisers over one contiguous buffer of parameters, one pass over memory a step.
 *
 * Shapes       parameter, gradient, first, second, momentum, average: [n]
 * Scaling      every gradient is read as  g = gradient_scale * gradient  (clip factor, loss scale, 1 / accumulation)
 * Ranges       NULL: the whole buffer with the rate and decay of the settings. Otherwise ascending, disjoint ranges;
 *              a range has its own factor on the rate and its own decay; elements in no range are not touched.
 * Non-finite   an element whose scaled gradient is NaN or inf is left as it is, with its moments; the call finishes
 *              the other elements, writes the lowest such index to *bad and returns PN_ENONFINITE. *bad = SIZE_MAX
 *              when there is none; bad may be NULL. To leave everything untouched call pn_gradient_norm_f32 first.
 * Accumulates  float32 state and arithmetic as in PyTorch; bias corrections in float64; the norm in float64
 * Edges        n = 0 -> PN_OK. Pointers must not overlap.
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_OPTIMIZER_H
#define PENCHANT_OPTIMIZER_H

#include "penchant/status.h"

PN_BEGIN_C

typedef struct pn_parameter_range {
    size_t first, count;
    float rate;  /* multiplies the learning rate */
    float decay; /* weight decay here, instead of the settings' */
} pn_parameter_range;

/* Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019).
 *   decoupled:  p <- p - rate * decay * p          otherwise:  g <- g + decay * p
 *   m <- m + (1 - beta1) (g - m);   v <- beta2 v + (1 - beta2) g^2
 *   p <- p - rate / (1 - beta1^step) * m / (sqrt(v / (1 - beta2^step)) + epsilon) */
typedef struct pn_adam {
    double rate;    /* learning rate, >= 0 */
    double beta1;   /* in [0, 1) */
    double beta2;   /* in [0, 1) */
    double epsilon; /* >= 0 */
    double decay;   /* >= 0 */
    uint64_t step;  /* counts from 1 */
    bool decoupled; /* AdamW */
} pn_adam;

/* average: [n] or NULL; when given, average <- average_decay * average + (1 - average_decay) * p in the same pass. */
pn_status pn_adam_f32(size_t n, const pn_adam *settings, double gradient_scale, double average_decay,
                      size_t ranges, const pn_parameter_range *range, const float *gradient, float *parameter,
                      float *first, float *second, float *average, size_t *bad);

/* SGD with momentum:  g <- g + decay p;  b <- momentum b + (1 - dampening) g (b = g at step 1);
 * p <- p - rate * (nesterov ? g + momentum b : b).  momentum buffer may be NULL when settings.momentum is 0. */
typedef struct pn_sgd {
    double rate;      /* >= 0 */
    double momentum;  /* in [0, 1) */
    double dampening; /* in [0, 1] */
    double decay;     /* >= 0 */
    uint64_t step;    /* counts from 1 */
    bool nesterov;
} pn_sgd;

pn_status pn_sgd_f32(size_t n, const pn_sgd *settings, double gradient_scale, size_t ranges,
                     const pn_parameter_range *range, const float *gradient, float *parameter, float *momentum,
                     size_t *bad);

/* Adam on some rows of a table [rows, d], for row-sparse gradients: row row_ids[u] gets gradient d_rows[u]. This is
 * the lazy variant: moments and decay of the other rows stand still, so results differ from the dense step (which is
 * the default everywhere). row_ids must be distinct and ascending, else PN_EINDEX. *bad indexes d_rows. */
pn_status pn_adam_rows_f32(size_t count, size_t rows, size_t d, const pn_adam *settings, double gradient_scale,
                           const uint32_t *row_ids, const float *d_rows, float *table, float *first, float *second,
                           size_t *bad);

/* *norm = sqrt(sum gradient^2) in float64. A NaN or inf: *norm is NaN or inf, *bad its lowest index (else SIZE_MAX),
 * status PN_ENONFINITE. bad may be NULL. */
pn_status pn_gradient_norm_f32(size_t n, const float *gradient, double *norm, size_t *bad);

/* The factor that brings a norm down to `limit`: min(1, limit / (norm + 1e-6)), as PyTorch clips. 0 for a norm that
 * is not finite; 1 when limit is +inf. */
double pn_clip_factor(double norm, double limit);

/* average <- decay * average + (1 - decay) * parameter */
pn_status pn_average_f32(size_t n, double decay, const float *parameter, float *average);

PN_END_C

#endif
