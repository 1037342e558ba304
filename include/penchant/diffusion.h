/* Diffusion: moves between noise levels, implied noise, and the preference loss over a pair of latents.
 *
 * A level is abar in (0, 1]: x = sqrt(abar) x0 + sqrt(1-abar) noise. Levels are double, and so are the coefficients made
 * from them; a row is moved in float. Names say `from` and `to`, never "previous": the same move samples (to > from)
 * and inverts (to < from). Rows with different levels may share a call.
 *
 * Shapes       x, eps, z, out: [rows, cols]; one level or coefficient a row
 * Edges        rows * cols = 0 is PN_OK; a level outside its range is PN_EVALUE; NaN and inf go through
 * Aliasing     out may be any of the inputs itself, not a shifted view of one
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_DIFFUSION_H
#define PENCHANT_DIFFUSION_H

#include "penchant/status.h"

PN_BEGIN_C

typedef struct pn_ddim_coefficients {
    double x;   /* sqrt(to/from) for a deterministic move */
    double eps;
    double z;   /* sigma: 0 for a deterministic move */
} pn_ddim_coefficients;

/* Move from level `from` to level `to`, both in (0, 1], from > 0:
 *   x_to = sqrt(to/from) x + (sqrt(1-to-sigma^2) - sqrt(to/from) sqrt(1-from)) eps + sigma z
 *   sigma = eta * sqrt((1-to)/(1-from)) * sqrt(1 - from/to)  when to > from (0 otherwise), eta in [0, 1]
 * eta = 0 is DDIM, eta = 1 the posterior of DDPM. The difference for eps is computed without cancellation when the two
 * levels are close. */
pn_status pn_ddim_level(double from, double to, double eta, pn_ddim_coefficients *coefficients);

/* out = c_x[r] x + c_eps[r] eps (+ c_z[r] z). c_z and z come both or not at all. */
pn_status pn_ddim_move_f32(size_t rows, size_t cols,
                           const float *PN_COUNT(rows) c_x,
                           const float *PN_COUNT(rows) c_eps,
                           const float *PN_COUNT(rows) c_z,            /* or NULL, with z */
                           const float *PN_COUNT(rows * cols) x,
                           const float *PN_COUNT(rows * cols) eps,
                           const float *PN_COUNT(rows * cols) z,       /* or NULL */
                           float *PN_COUNT(rows * cols) out);

/* The same with eps = eps_free + guidance (eps_given - eps_free): classifier-free guidance. */
pn_status pn_ddim_move_guided_f32(size_t rows, size_t cols, float guidance,
                                  const float *PN_COUNT(rows) c_x,
                                  const float *PN_COUNT(rows) c_eps,
                                  const float *PN_COUNT(rows) c_z,          /* or NULL, with z */
                                  const float *PN_COUNT(rows * cols) x,
                                  const float *PN_COUNT(rows * cols) eps_given,
                                  const float *PN_COUNT(rows * cols) eps_free,
                                  const float *PN_COUNT(rows * cols) z,     /* or NULL */
                                  float *PN_COUNT(rows * cols) out);

/* Deterministic move with the levels given a row; the inversion step when to < from. */
pn_status pn_ddim_invert_f32(size_t rows, size_t cols,
                             const double *PN_COUNT(rows) from,
                             const double *PN_COUNT(rows) to,
                             const float *PN_COUNT(rows * cols) x,
                             const float *PN_COUNT(rows * cols) eps,
                             float *PN_COUNT(rows * cols) out);

/* out = (x - sqrt(level) x0) / sqrt(1 - level), level in (0, 1). */
pn_status pn_implied_noise_f32(size_t rows, size_t cols,
                               const double *PN_COUNT(rows) level,
                               const float *PN_COUNT(rows * cols) x,
                               const float *PN_COUNT(rows * cols) x0,
                               float *PN_COUNT(rows * cols) out);

/* Preference loss over pairs of noise predictions: Diffusion-DPO (tau is the noise that was added) and InPO (tau implied).
 *
 * Shapes       eps, reference, tau or x and x0: [2 * pairs, cols], winners first, then losers in the same order;
 *              level, weight, loss, h: [pairs]; error: [4, pairs]; grad: [2 * pairs, cols]
 * Computes     l = mean over cols of (eps - tau)^2, lr the same for the reference, of winner w and loser l;
 *              h = -(beta/2) [(l_w - l_l) - (lr_w - lr_l)];  loss = weight * softplus(-h);  mean = sum of loss / pairs;
 *              grad = +-grad_scale weight sigma(-h) (beta/cols) (eps - tau), + for the winner
 *              (l_w - lr_w) is summed as (eps - reference)(eps + reference - 2 tau): equal networks give h = 0 exactly
 * error        rows l_w, l_l, lr_w, lr_l: what to watch while training
 * Accumulates  in double over fixed pieces of a row
 * Edges        weight NULL is 1; cols = 0 or a level outside (0, 1) is PN_EVALUE; pairs = 0 -> mean 0 */
size_t pn_diffusion_loss_workspace(size_t pairs);
pn_status pn_diffusion_loss_f32(size_t pairs, size_t cols, float beta, float grad_scale,
                                const float *PN_COUNT(2 * pairs * cols) eps,
                                const float *PN_COUNT(2 * pairs * cols) reference,
                                const float *PN_COUNT(2 * pairs * cols) tau,
                                const float *PN_COUNT(pairs) weight,          /* or NULL */
                                float *PN_COUNT(pairs) loss,                  /* or NULL */
                                float *PN_COUNT(pairs) h,                     /* or NULL */
                                float *PN_COUNT(4 * pairs) error,             /* or NULL */
                                float *PN_COUNT(2 * pairs * cols) grad,       /* or NULL; may be eps */
                                double *mean,                                 /* or NULL */
                                void *workspace, size_t workspace_bytes);

/* The same with tau implied by x and x0 at the level of the pair, formed on the way: nothing of its size is stored. */
pn_status pn_inpo_loss_f32(size_t pairs, size_t cols, float beta, float grad_scale,
                           const double *PN_COUNT(pairs) level,
                           const float *PN_COUNT(2 * pairs * cols) eps,
                           const float *PN_COUNT(2 * pairs * cols) reference,
                           const float *PN_COUNT(2 * pairs * cols) x,
                           const float *PN_COUNT(2 * pairs * cols) x0,
                           const float *PN_COUNT(pairs) weight,               /* or NULL */
                           float *PN_COUNT(pairs) loss,                       /* or NULL */
                           float *PN_COUNT(pairs) h,                          /* or NULL */
                           float *PN_COUNT(4 * pairs) error,                  /* or NULL */
                           float *PN_COUNT(2 * pairs * cols) grad,            /* or NULL; may be eps */
                           double *mean,                                      /* or NULL */
                           void *workspace, size_t workspace_bytes);

PN_END_C

#endif
