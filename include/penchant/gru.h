/* Gated recurrent unit over packed sequences (Cho et al. 2014, in the form of cuDNN and PyTorch), forward and gradient.
 *
 * Shapes       S sequences, R rows of all of them, H floats a state. Gates stand in the order reset, update, new.
 *              x: [R, 3, H], the input's share of the gates, bias included;  weight: [3, H, H];  bias: [3, H]
 *              offsets: [S + 1] ascending from 0 to R;  y: [R, H];  gates: [R, 4, H]: r, z, n and W_n h + b_n
 * Computes     h the state of the row before, 0 in front of a sequence;  r = sigmoid(x_r + W_r h + b_r),
 *              z = sigmoid(x_z + W_z h + b_z),  n = tanh(x_n + r (W_n h + b_n)),  y = (1 - z) n + z h
 * Method       all sequences take a step at once: one product a place, over the sequences that have it
 * Gradient     needs y and gates; d_x, d_weight and d_bias are overwritten
 * Accumulates  products as gemm.h; sums over rows of d_bias in double
 * Edges        R = 0 -> PN_OK, d_weight and d_bias 0; NaN stays in its sequence
 * Errors       PN_EDIM: offsets that do not ascend from 0 to R, sizes that overflow
 * Workspace    pn_gru_workspace and pn_gru_grad_workspace
 * Determinism  same bits for any number of threads
 */
#ifndef PENCHANT_GRU_H
#define PENCHANT_GRU_H

#include "penchant/status.h"

PN_BEGIN_C

size_t pn_gru_workspace(size_t S, size_t R, size_t H);
size_t pn_gru_grad_workspace(size_t S, size_t R, size_t H);

pn_status pn_gru_f32(size_t S, size_t R, size_t H, const uint32_t *offsets, const float *x, const float *weight,
                     const float *bias, float *y, float *gates, void *workspace, size_t workspace_bytes);

pn_status pn_gru_grad_f32(size_t S, size_t R, size_t H, const uint32_t *offsets, const float *weight, const float *y,
                          const float *gates, const float *d_y, float *d_x, float *d_weight, float *d_bias,
                          void *workspace, size_t workspace_bytes);

PN_END_C

#endif
