/* Products with one row or one column: bound by memory, so the matrix is read once, along its rows. Not public. */
#ifndef PN_GEMM_VECTOR_H
#define PN_GEMM_VECTOR_H

#include "block.h"

size_t pn_gemm_vector_workspace(size_t m, size_t n, size_t k);
pn_status pn_gemm_vector(const struct pn_gemm_kernels *kernels, const struct product *p, void *workspace,
                         size_t workspace_bytes);

#endif
