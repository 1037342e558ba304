/* BERT-style sentence encoder, forward only: tokens in, one vector a sequence out.
 *
 * Shapes       d = width, f = inner, H = heads of d / H, L = layers, S sequences. Sequence s owns the tokens
 *              offsets[s] ..< offsets[s + 1]; offsets: [S + 1], ascending from 0. Nothing is padded.
 *              output: [S, d]
 * Computes     x = norm(words[token] + positions[place in the sequence]); then a layer:
 *                x = norm(x + attention(x Wqkv^T + bqkv) Wout^T + bout)
 *                x = norm(x + act(x Wup^T + bup) Wdown^T + bdown)
 *              norm(v) = (v - mean) / sqrt(variance + epsilon) * scale + shift over d; attention over all
 *              tokens of the sequence, scores * 1 / sqrt(d / H). Then the mean over the tokens (or the first
 *              token), then the length is made 1 when asked.
 * Weights      [out, in] as in the files of such models, packed by pn_gemm_pack_b_f32(PN_TRANS, out, in,
 *              ...); qkv has the rows of query, key, value one behind the other. `positions` has the first row
 *              of the token type table added already.
 * Accumulates  as pn_gemm_f32, pn_sequence_attention_f32 and pn_layer_norm_f32; means over tokens in double
 * Edges        S = 0 -> nothing; a sequence without tokens -> zeros; NaN and infinity in weights propagate
 * Workspace    pn_encoder_workspace is what pn_team_size() threads use now; less is accepted down to what one
 *              thread needs
 * Determinism  same bits for any number of threads: sequences are grouped by their lengths alone
 * Errors       PN_ENULL, PN_EVALUE (d not a multiple of H, epsilon < 0), PN_EDIM (offsets do not ascend from
 *              0, a sequence longer than the table of positions), PN_EINDEX (a token outside the vocabulary;
 *              nothing is written then), PN_EWORKSPACE
 */
#ifndef PENCHANT_ENCODER_H
#define PENCHANT_ENCODER_H

#include "penchant/activation.h"
#include "penchant/status.h"

PN_BEGIN_C

typedef struct pn_encoder_shape {
    size_t width, heads, inner, layers;
    size_t vocabulary; /* rows of words */
    size_t positions;  /* rows of positions: the longest sequence */
    float epsilon;
    pn_activation activation;
} pn_encoder_shape;

typedef struct pn_encoder_layer {
    const void *qkv, *out, *up, *down; /* packed: [3d, d], [d, d], [f, d], [d, f] */
    const float *qkv_bias, *out_bias, *up_bias, *down_bias;
    const float *norm1_scale, *norm1_shift; /* after attention */
    const float *norm2_scale, *norm2_shift;
} pn_encoder_layer;

typedef struct pn_encoder_weights {
    const float *words, *positions, *norm_scale, *norm_shift;
    const pn_encoder_layer *layers;
} pn_encoder_weights;

typedef enum pn_encoder_pooling {
    PN_POOL_MEAN = 0,
    PN_POOL_FIRST = 1,
} pn_encoder_pooling;

/* longest: tokens of the longest sequence. SIZE_MAX on overflow. */
size_t pn_encoder_workspace(const pn_encoder_shape *shape, size_t sequences, size_t longest);

pn_status pn_encoder_f32(const pn_encoder_shape *shape, size_t sequences, pn_encoder_pooling pooling,
                         bool normalise, const uint32_t *offsets, const uint32_t *tokens,
                         const pn_encoder_weights *weights, float *output, void *workspace,
                         size_t workspace_bytes);

PN_END_C

#endif
