/* PrefPalette's preference model: utility = content + attributes that a softmax of their own content weighs.
 *
 * N texts, P pairs, d content width, K attributes, m their width, r rank, C communities, L = r + d + (SIGNED ? K : 0).
 *
 * Shapes       h: [N, d]; E: [N, K, m] in float, or E16 the same in bfloat16; s: [N, K] (SIGNED); mask: uint8 [N, K] or
 *              NULL (1 = keep); community: of a pair [P], of a text [N]; NULL stands for zeros
 * Parameters   one vector: W_q [r, d], W_f [r, m], w [r], beta [1], the shared row [L], one row [L] a community. A row is
 *              query [r], reward [d], direction [K]; a community uses the shared row plus its own (C = 0: the shared row)
 * Computes     q = W_q h + query_c;  alpha = softmax over the kept i of w . tanh(q + W_f e_i)
 *              kappa_i = beta alpha_i reward_c . e_i             PN_PALETTE_PAPER (d = m)
 *              kappa_i = beta K alpha_i direction_ci s_i         PN_PALETTE_SIGNED
 *              utility = reward_c . h + sum_i kappa_i            (use = false: reward_c . h)
 *              loss    = sum weight softplus(-(utility+ - utility- - margin)) / sum weight
 *                        + ridge / 2 |community rows|^2          (C = 0: |reward, direction|^2)
 * Edges        every attribute masked: kappa = 0 and no gradient passes; NaN reaches whatever is summed with it
 * Accuracy     utility within 1e-5 of the largest term; gradients within 1e-5 of the sum of magnitudes
 * Accumulates  a text and a chunk of pairs in float; chunks, shared row, loss and beta in double, in a fixed order
 * Errors       PN_EDIM d, K, m or r 0, or d != m for PAPER; PN_EINDEX a text >= N or a community >= C;
 *              PN_EVALUE ridge negative or not finite, or weights that do not sum to a positive number
 * Determinism  same bits for any number of threads
 *
 * Source: PrefPalette (Li et al. 2025), attention over attribute representations; the signed form is ours.
 */
#ifndef PENCHANT_PALETTE_H
#define PENCHANT_PALETTE_H

#include "penchant/status.h"

PN_BEGIN_C

typedef enum pn_palette_form {
    PN_PALETTE_PAPER = 0,
    PN_PALETTE_SIGNED = 1,
} pn_palette_form;

typedef struct pn_palette_shape {
    pn_palette_form form;
    size_t content;     /* d */
    size_t attributes;  /* K */
    size_t width;       /* m */
    size_t rank;        /* r */
    size_t communities; /* C */
} pn_palette_shape;

typedef struct pn_palette_texts {
    size_t count;        /* N */
    const float *h;      /* [N, d] */
    const float *E;      /* [N, K, m], or NULL */
    const uint16_t *E16; /* [N, K, m], read when E is NULL */
    const float *s;      /* [N, K]; PAPER: not read */
    const uint8_t *mask; /* [N, K] or NULL */
} pn_palette_texts;

/* Number of parameters; SIZE_MAX on overflow. */
size_t pn_palette_parameters(const pn_palette_shape *shape);

/* Bytes for the three calls below; SIZE_MAX on overflow. */
size_t pn_palette_loss_workspace(const pn_palette_shape *shape, size_t pairs);
size_t pn_palette_utility_workspace(const pn_palette_shape *shape, size_t texts);
size_t pn_palette_multi_workspace(const pn_palette_shape *shape, size_t texts);

/* The loss of P pairs and its gradient by every parameter (overwritten). Texts are read where they lie. */
pn_status pn_palette_loss_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, size_t pairs, bool use,
                              float ridge, const float *parameters,
                              const uint32_t *chosen,    /* [P] */
                              const uint32_t *rejected,  /* [P] */
                              const uint32_t *community, /* [P] or NULL */
                              const float *weight,       /* [P] or NULL: 1 */
                              const float *margin,       /* [P] or NULL: 0 */
                              double *loss, float *gradient, void *workspace, size_t workspace_bytes);

pn_status pn_palette_utility_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, bool use,
                                 const float *parameters,
                                 const uint32_t *community, /* [N] or NULL */
                                 float *utility,            /* [N] */
                                 float *alpha,              /* [N, K] or NULL */
                                 float *kappa,              /* [N, K] or NULL */
                                 void *workspace, size_t workspace_bytes);

/* Every text under every community, C >= 1: utility [N, C]. E is read, and keys are made, once. */
pn_status pn_palette_multi_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, bool use,
                               const float *parameters, float *utility, void *workspace, size_t workspace_bytes);

PN_END_C

#endif
