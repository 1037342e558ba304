/* Attention inside short sequences: multi-head, causal or not, padded, masked or ragged, forward and gradient.
 *
 * Shapes       B sequences, H heads of D floats, R rows (tokens) of all sequences together.
 *              offsets NULL: R = B * length and sequence s owns rows s * length ..< (s + 1) * length;
 *              offsets [B + 1], ascending from 0: R = offsets[B], sequence s owns offsets[s] ..< offsets[s + 1]
 *              (each at most `length` rows, some may be empty).
 *              query, key, value: row t, head h starts at  t * qkv_row + h * D;  so the output of one fused
 *              projection [R, 3, H, D] is used in place: query = x, key = x + H*D, value = x + 2*H*D, qkv_row = 3*H*D.
 *              output, d_output: t * out_row + h * D.   log_sum: [H, R].   mask: [R], 1 = keep.
 * Computes     o_i = sum_j p_ij v_j,  p_i = softmax over j of  scale * <q_i, k_j>,  j over the kept rows of i's
 *              sequence, j <= i when causal.  log_sum_i = log sum_j exp(scale * <q_i, k_j>).
 *              A row that the mask drops takes no part: nobody attends to it, its output and gradients are 0 and
 *              its log_sum is -inf. (So a sequence may be padded on the left or on the right.)
 * Gradient     needs the forward's output and log_sum; recomputes the scores, so nothing of size length^2 is kept.
 *              d_query, d_key, d_value are overwritten; they use qkv_row (one fused [R, 3, H, D] works).
 * Accumulates  float32, fused multiply-add where the processor has it; sums over j in ascending order
 * Accuracy     forward within 1e-6 * max|v|, gradient within 1e-5 of its largest term (float64 reference, length 512)
 * Edges        B, H or length = 0 -> PN_OK, nothing written; a row whose scores contain NaN or +inf -> NaN output
 *              for that row; a score of -inf has weight 0, a row with only such scores -> NaN
 * Workspace    pn_sequence_attention_workspace(shape) is what pn_team_size() threads use now; less is accepted down
 *              to what one thread needs (bytes / pn_team_size()) and then fewer threads run
 * Determinism  same bits for any number of threads and any workspace
 */
#ifndef PENCHANT_SEQUENCE_H
#define PENCHANT_SEQUENCE_H

#include "penchant/status.h"

PN_BEGIN_C

typedef struct pn_sequence_shape {
    size_t sequences; /* B */
    size_t length;    /* rows a sequence; with offsets: the longest */
    size_t heads;     /* H */
    size_t head_dim;  /* D */
    size_t qkv_row;   /* floats from one row to the next in query, key, value and their gradients; >= H * D */
    size_t out_row;   /* the same for output and d_output; >= H * D */
    float scale;      /* usually 1 / sqrt(D) */
    bool causal;
} pn_sequence_shape;

size_t pn_sequence_attention_workspace(const pn_sequence_shape *shape);
size_t pn_sequence_attention_grad_workspace(const pn_sequence_shape *shape);

/* log_sum may be NULL when no gradient follows. PN_EDIM: a stride below H * D, offsets that do not ascend from 0
 * or a sequence above `length`. output must not overlap an input. */
pn_status pn_sequence_attention_f32(const pn_sequence_shape *shape, const uint32_t *offsets, const uint8_t *mask,
                                    const float *query, const float *key, const float *value, float *output,
                                    float *log_sum, void *workspace, size_t workspace_bytes);

pn_status pn_sequence_attention_grad_f32(const pn_sequence_shape *shape, const uint32_t *offsets,
                                         const uint8_t *mask, const float *query, const float *key,
                                         const float *value, const float *output, const float *log_sum,
                                         const float *d_output, float *d_query, float *d_key, float *d_value,
                                         void *workspace, size_t workspace_bytes);

PN_END_C

#endif
