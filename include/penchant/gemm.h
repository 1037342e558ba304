/* Matrix products: C = epilogue(alpha * op(A) * op(B) + beta * C).
 *
 * Shapes       op(A): [m, k], op(B): [k, n], C: [m, n], row-major with leading dimensions in elements.
 *              PN_NO_TRANS: A is stored [m, k], B [k, n].  PN_TRANS: A is stored [k, m], B [n, k].
 *              A linear layer with weights [out, in] is (PN_NO_TRANS, PN_TRANS), its input gradient
 *              (PN_NO_TRANS, PN_NO_TRANS), its weight gradient (PN_TRANS, PN_NO_TRANS) with k = batch.
 * Accumulates  in float with fused multiply-add on tiers v3 and v4, sums of at most 384 products in order, then their sums
 * Accuracy     |error| <= 1.01 * k * 2^-24 * (|alpha| |A| |B| + |beta C|), element by element
 * Edges        m, n or batch 0 -> nothing is written; k = 0 or alpha = 0 -> A and B are not read, C = epilogue(beta * C);
 *              beta = 0 -> C is not read (it may hold NaN); NaN and infinity in A and B propagate as in the formula
 * Aliasing     C must not overlap an input; inputs may overlap each other. No alignment is needed
 * Determinism  same bits for any number of threads: work and split sums are cut by size only
 * Errors       PN_ENULL, PN_EDIM (a leading dimension shorter than its row, sizes that overflow), PN_EVALUE,
 *              PN_EWORKSPACE (call the workspace function on the same sizes)
 */
#ifndef PENCHANT_GEMM_H
#define PENCHANT_GEMM_H

#include "penchant/activation.h"
#include "penchant/status.h"

PN_BEGIN_C

typedef enum pn_transpose {
    PN_NO_TRANS = 0,
    PN_TRANS = 1,
} pn_transpose;

/* What happens to a value on its way into C, in the order of the fields. A zeroed struct (or NULL) does nothing. */
typedef struct pn_gemm_epilogue {
    const float *column_bias; /* [n] added to every row, or NULL */
    const float *row_bias;    /* [m] added to every column, or NULL */

    float *pre;            /* [m, n], or NULL: the value before the activation is stored here */
    size_t ldpre;
    pn_activation activation;

    /* Backward: the value is multiplied by the derivative of gradient_of, taken at the stored activation input, or
     * at the stored activation output when gradient_from_output (RELU, TANH, SIGMOID only, others PN_EVALUE). */
    pn_activation gradient_of; /* PN_ACT_NONE: off */
    bool gradient_from_output;
    const float *gradient_at; /* [m, n] */
    size_t ldgradient;
} pn_gemm_epilogue;

/* Bytes that a product of these sizes wants; SIZE_MAX on overflow. The amount grows with the team size at the time
 * of the call; a later call on a bigger team works with it too, on fewer threads. */
size_t pn_gemm_workspace(pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k);

pn_status pn_gemm_f32(pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k, float alpha,
                      const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc,
                      const pn_gemm_epilogue *epilogue, void *workspace, size_t workspace_bytes);

/* batch products; item i is at a + i * stride_a, b + i * stride_b, c + i * stride_c. A stride of 0 shares an input;
 * stride_c must keep the outputs apart. */
size_t pn_gemm_batched_workspace(size_t batch, pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n,
                                 size_t k);

pn_status pn_gemm_batched_f32(size_t batch, pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k,
                              float alpha, const float *a, size_t lda, size_t stride_a, const float *b, size_t ldb,
                              size_t stride_b, float beta, float *c, size_t ldc, size_t stride_c, void *workspace,
                              size_t workspace_bytes);

/* op(B) in the order in which products read it, to be used many times (weights during a step or for inference).
 * The layout belongs to this process (it depends on the tier): keep it in memory, never in a file. */
size_t pn_gemm_pack_b_bytes(size_t n, size_t k); /* size of `packed`; SIZE_MAX on overflow */

pn_status pn_gemm_pack_b_f32(pn_transpose trans_b, size_t n, size_t k, const float *b, size_t ldb, void *packed,
                             size_t packed_bytes);

size_t pn_gemm_packed_workspace(pn_transpose trans_a, size_t m, size_t n, size_t k);

pn_status pn_gemm_packed_f32(pn_transpose trans_a, size_t m, size_t n, size_t k, float alpha, const float *a,
                             size_t lda, const void *packed, float beta, float *c, size_t ldc,
                             const pn_gemm_epilogue *epilogue, void *workspace, size_t workspace_bytes);

PN_END_C

#endif
