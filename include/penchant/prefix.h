/* Attention of query rows over the beginnings of packed sequences and over rows of their own.
 *
 * What latent reasoning needs (ReaRec, arXiv 2503.22675, eq. 4): a thought behind the first n items of a history reads
 * those n items and the thoughts before it, and nobody reads a thought of another place. All places of a history
 * share the keys and values of its items, so that one encode of the items serves every prefix.
 *
 * Shapes       S sequences, R rows of items, M queries, H heads of D floats, k own rows a query.
 *              items: [R, 3, H, D];  own: [k, M, 3, H, D];  output, d_output: [M, H, D];  log_sum: [H, M]
 *              offsets: [S + 1] ascending from 0 to R; sequence s owns item rows offsets[s] ..< offsets[s + 1]
 *              first: [S + 1] ascending from 0 to M; sequence s owns queries first[s] ..< first[s + 1]
 *              seen: [M], how many items of its sequence, from the first on, a query reads
 *              Parts of a row: query, key, value. Only the queries of the last own rows are read.
 * Computes     q = query of own[k - 1, m];  keys and values: items offsets[s] ..< offsets[s] + seen[m] of the
 *              sequence s of m, then own[0, m] ... own[k - 1, m];
 *              o_m = sum_j p_j v_j,  p = softmax of scale * <q, k_j>;  log_sum = log sum_j exp(scale * <q, k_j>)
 * Gradient     needs the forward's output and log_sum and recomputes the scores. d_items and d_own are overwritten;
 *              parts that are not read get 0
 * Accumulates  float32; sums over keys in ascending order, of gradients over the queries of a sequence too
 * Accuracy     as sequence.h
 * Edges        S, M or H = 0 -> PN_OK, nothing written but d_items (0); seen = 0 reads own rows only; NaN and +inf in
 *              a score -> NaN output of that query
 * Errors       PN_EDIM: k = 0, offsets or first that do not ascend to R and M, seen above the length of the sequence
 * Workspace    pn_prefix_attention_workspace(shape), for both; less is accepted down to one thread's share
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_PREFIX_H
#define PENCHANT_PREFIX_H

#include "penchant/status.h"

PN_BEGIN_C

typedef struct pn_prefix_shape {
    size_t sequences; /* S */
    size_t rows;      /* R */
    size_t queries;   /* M */
    size_t heads;     /* H */
    size_t head_dim;  /* D */
    size_t own;       /* k */
    float scale;      /* usually 1 / sqrt(D) */
} pn_prefix_shape;

size_t pn_prefix_attention_workspace(const pn_prefix_shape *shape);

/* log_sum may be NULL when no gradient follows. */
pn_status pn_prefix_attention_f32(const pn_prefix_shape *shape, const uint32_t *offsets, const uint32_t *first,
                                  const uint32_t *seen, const float *items, const float *own, float *output,
                                  float *log_sum, void *workspace, size_t workspace_bytes);

pn_status pn_prefix_attention_grad_f32(const pn_prefix_shape *shape, const uint32_t *offsets, const uint32_t *first,
                                       const uint32_t *seen, const float *items, const float *own,
                                       const float *output, const float *log_sum, const float *d_output,
                                       float *d_items, float *d_own, void *workspace, size_t workspace_bytes);

PN_END_C

#endif
