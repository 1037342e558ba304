/* Products on the calling thread, for kernels that work on tiles inside their own blocks (catalogue cross-entropy,
 * top-k, attention). Not public: nothing is checked.
 *
 *   - m, n, k > 0, pointers and leading dimensions as in penchant/gemm.h, C = alpha * op(A) * op(B) + beta * C;
 *   - scratch belongs to the caller's member and holds pn_gemm_serial_scratch(m, n, k) bytes, 64-byte aligned;
 *     that is at most 1 MiB for any size, so one buffer of PN_GEMM_SCRATCH bytes a member serves every tile;
 *   - the result depends on the sizes and the values only.
 *
 * Cost: an operand whose rows run along k (A not transposed) is read in place; B not transposed is copied or read in
 * place; B transposed is transposed into scratch, which pays when m >= 64 or so. When one operand is used by many
 * tiles, make it B, pack it once (pn_gemm_pack_b_f32) and call the packed form: for queries against a catalogue let
 * the items be A and the packed queries B, so that the catalogue streams through untouched.
 */
#ifndef PN_GEMM_MICRO_H
#define PN_GEMM_MICRO_H

#include "penchant/gemm.h"

#define PN_GEMM_SCRATCH ((size_t)1 << 20)

size_t pn_gemm_serial_scratch(size_t m, size_t n, size_t k);

void pn_gemm_serial_f32(pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k, float alpha,
                        const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc,
                        void *scratch);

/* packed as pn_gemm_pack_b_f32 wrote it for (n, k); scratch as above. */
void pn_gemm_serial_packed_f32(pn_transpose trans_a, size_t m, size_t n, size_t k, float alpha, const float *a,
                               size_t lda, const void *packed, float beta, float *c, size_t ldc, void *scratch);

/* The packing on the calling thread. */
void pn_gemm_serial_pack_b_f32(pn_transpose trans_b, size_t n, size_t k, const float *b, size_t ldb, void *packed);

#endif
