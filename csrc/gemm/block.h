/* One block of a product on the calling thread. Not public. */
#ifndef PN_GEMM_BLOCK_H
#define PN_GEMM_BLOCK_H

#include "kernel.h"
#include "penchant/gemm.h"

enum b_form {
    B_ROWS,    /* stored [k, n] */
    B_COLUMNS, /* stored [n, k] */
    B_STRIPS,  /* packed */
};

struct product {
    bool a_by_columns; /* stored [k, m] */
    enum b_form form;
    size_t m, n, k;
    float alpha, beta;
    const float *a, *b;
    size_t lda, ldb;
    float *c;
    size_t ldc;
    const pn_gemm_epilogue *epilogue; /* never NULL */
};

/* A rectangle of C. first_column is a multiple of 16 when b is packed. */
struct region {
    size_t first_row, rows, first_column, columns;
};

extern const pn_gemm_epilogue pn_gemm_no_epilogue;

const struct pn_gemm_kernels *pn_gemm_kernels_now(void);

/* Products of k are added in blocks of this many, a function of k alone. */
size_t pn_gemm_k_block(size_t k);

/* Whether the product is better computed as C^T = op(B)^T op(A)^T: B, stored [n, k], is then read in place. */
bool pn_gemm_prefers_swap(bool a_by_columns, enum b_form form, size_t m, size_t n);

/* Bytes of scratch for a block of a product of these sizes, a multiple of 64 and at most 1 MiB. */
size_t pn_gemm_block_scratch(const struct pn_gemm_kernels *kernels, bool a_by_columns, enum b_form form, size_t m, size_t n,
                             size_t k);

void pn_gemm_block(const struct pn_gemm_kernels *kernels, const struct product *p, struct region r, void *scratch);

/* How the vectors of B are found. */
struct pn_gemm_vectors {
    const float *b;
    size_t vector, step; /* see pn_tile */
    bool cold;           /* in place and not used yet: every tile asks for the columns of the next one */
};

/* Some rows times `columns` columns with one block of k: `tiles` are those of the rows, a and a_stride as in
 * pn_tile. The tiles share out the rows that come next. */
void pn_gemm_tiles(const struct pn_gemm_kernels *kernels, pn_tile *const tiles[], size_t columns, size_t k,
                   const float *a, size_t a_stride, struct pn_gemm_vectors b,
                   const struct pn_tile_out *first);

/* Strips first ... first + count - 1 of the packed form of op(B), every block of k. */
void pn_gemm_pack_strips(const struct pn_gemm_kernels *kernels, bool transposed, size_t n, size_t k, const float *b,
                         size_t ldb, size_t first, size_t count, float *packed);

/* What is left after alpha, beta and biases: store of the value, activation, gradient factor. */
bool pn_gemm_needs_pass(const pn_gemm_epilogue *e);
void pn_gemm_pass(const struct product *p, struct region r);

#endif
