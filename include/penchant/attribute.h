/* Attention over attribute dimensions: every text has K attribute vectors, a query (a community's, or its own) weighs them.
 *
 * B texts, K attributes, m their width, r the width of a query, Q queries.
 *
 * Shapes       E: [B, K, m]; mask: uint8 [B, K] or NULL (1 = keep); query: [Q, r]; id: [B] or NULL;
 *              key: [r, m], bias: [r] or NULL, score: [r] (additive); dot product: r = m and these three are not read;
 *              pooled, content: [B, m]; alpha, kappa: [B, K]; utility: [B], or [B, Q] in the calls named `multi`
 * Computes     sigma_i = scale * q . e_i                              PN_ATTRIBUTE_DOT
 *              sigma_i = score . tanh(q + key e_i + bias)             PN_ATTRIBUTE_ADDITIVE
 *              alpha = softmax over the kept i of sigma;  pooled = sum_i alpha_i e_i
 *              utility = u . content + beta * sum_i alpha_i (u . e_i);  kappa_i = beta alpha_i (u . e_i)
 * id           row of `query` for each text; NULL: text b uses row b, and Q must be B (PN_EDIM). id >= Q is PN_EINDEX
 * Edges        a text with every attribute masked: alpha = 0, pooled = 0, utility = u . content, gradients 0;
 *              masked entries of E are not read into any result; NaN stays in its text and in sums over texts
 * Accuracy     alpha within 2e-6 absolute for |sigma| <= 60; utility summed so that kappa and u . content add up to it
 *              within 1e-5 relative to the largest term
 * Accumulates  a text in float; sums over texts (query, key, bias, score, direction, beta) in double, one table a chunk
 *              of texts, added by one fixed tree (query in float, in the order of the texts, when Q >= B)
 * Errors       PN_EDIM attributes, width or rank 0, or rank != width for DOT; PN_EVALUE scale or beta not finite
 * Determinism  same bits for any number of threads
 *
 * Source: PrefPalette (Li et al. 2025), section on attribute attention; the additive bias b is one vector because the two
 * of the paper receive the same gradient, and the bias behind `score` has none at all.
 */
#ifndef PENCHANT_ATTRIBUTE_H
#define PENCHANT_ATTRIBUTE_H

#include "penchant/status.h"

PN_BEGIN_C

typedef enum pn_attribute_score {
    PN_ATTRIBUTE_DOT = 0,
    PN_ATTRIBUTE_ADDITIVE = 1,
} pn_attribute_score;

typedef struct pn_attribute_model {
    pn_attribute_score kind;
    float scale;          /* DOT; finite */
    size_t queries;       /* Q */
    size_t rank;          /* r; DOT: m */
    const float *query;   /* [Q, r] */
    const float *key;     /* [r, m]  W_f, ADDITIVE */
    const float *bias;    /* [r]     b, ADDITIVE, or NULL */
    const float *score;   /* [r]     w, ADDITIVE */
} pn_attribute_model;

/* Where gradients go. NULL: not wanted. Every one is overwritten, not added to. */
typedef struct pn_attribute_gradient {
    float *E;          /* [B, K, m]; may be E itself */
    float *query;      /* [Q, r]; a query without texts gets 0 */
    float *key;        /* [r, m]; ADDITIVE */
    float *bias;       /* [r];    ADDITIVE */
    float *score;      /* [r];    ADDITIVE */
    float *content;    /* [B, m]; utility calls */
    float *direction;  /* [m];    utility calls: du */
    double *beta;      /* scalar; utility calls */
} pn_attribute_gradient;

/* Bytes for the calls below with this model, forward and gradient: the first for a query a text, the second for those
 * named `multi`. Only kind, queries and rank of the model are read. SIZE_MAX on overflow. */
size_t pn_attribute_workspace(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model);
size_t pn_attribute_multi_workspace(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model);

pn_status pn_attribute_pool_f32(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model,
                                const float *E,
                                const uint8_t *mask,   /* or NULL */
                                const uint32_t *id,    /* or NULL */
                                float *pooled,         /* or NULL */
                                float *alpha,          /* or NULL */
                                void *workspace, size_t workspace_bytes);

/* Forward and gradient in one reading of E, from the gradients that reach pooled and alpha (either may be NULL). */
pn_status pn_attribute_pool_grad_f32(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model,
                                     const float *E,
                                     const uint8_t *mask,         /* or NULL */
                                     const uint32_t *id,          /* or NULL */
                                     const float *grad_pooled,    /* [B, m] or NULL */
                                     const float *grad_alpha,     /* [B, K] or NULL */
                                     const pn_attribute_gradient *gradient,
                                     float *pooled,               /* or NULL */
                                     float *alpha,                /* or NULL */
                                     void *workspace, size_t workspace_bytes);

/* direction u: [m]; content [B, m] or NULL (its term is then 0). */
pn_status pn_attribute_utility_f32(size_t texts, size_t attributes, size_t width, float beta,
                                   const pn_attribute_model *model,
                                   const float *E,
                                   const uint8_t *mask,     /* or NULL */
                                   const uint32_t *id,      /* or NULL */
                                   const float *direction,
                                   const float *content,    /* or NULL */
                                   float *utility,
                                   float *alpha,            /* or NULL */
                                   float *kappa,            /* or NULL */
                                   void *workspace, size_t workspace_bytes);

/* From grad_utility [B]; utility, when asked for, is the forward value of the same pass. */
pn_status pn_attribute_utility_grad_f32(size_t texts, size_t attributes, size_t width, float beta,
                                        const pn_attribute_model *model,
                                        const float *E,
                                        const uint8_t *mask,     /* or NULL */
                                        const uint32_t *id,      /* or NULL */
                                        const float *direction,
                                        const float *content,    /* or NULL */
                                        const float *grad_utility,
                                        const pn_attribute_gradient *gradient,
                                        float *utility,          /* or NULL */
                                        void *workspace, size_t workspace_bytes);

/* Every text under every query: utility [B, Q], alpha [B, Q, K] or NULL. E is read, and keys are made, once. */
pn_status pn_attribute_utility_multi_f32(size_t texts, size_t attributes, size_t width, float beta,
                                         const pn_attribute_model *model,
                                         const float *E,
                                         const uint8_t *mask,     /* or NULL */
                                         const float *direction,
                                         const float *content,    /* or NULL */
                                         float *utility,
                                         float *alpha,            /* or NULL */
                                         void *workspace, size_t workspace_bytes);

/* From grad_utility [B, Q]. */
pn_status pn_attribute_utility_multi_grad_f32(size_t texts, size_t attributes, size_t width, float beta,
                                              const pn_attribute_model *model,
                                              const float *E,
                                              const uint8_t *mask,     /* or NULL */
                                              const float *direction,
                                              const float *content,    /* or NULL */
                                              const float *grad_utility,
                                              const pn_attribute_gradient *gradient,
                                              float *utility,          /* or NULL */
                                              void *workspace, size_t workspace_bytes);

PN_END_C

#endif
