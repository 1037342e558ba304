/* The table of inner kernels of one tier. Not public; gemm.c drives it.
 *
 * Letters: R rows of a tile, V vectors of a tile, L lanes of a vector. A tile is R x (V * L) results held in registers
 * while k runs. One operand is broadcast element by element and read where it lies; the other one is loaded by
 * vectors, in place or from a strip: a copy of L columns as [k][L], zeros behind the last column.
 */
#ifndef PN_GEMM_KERNEL_H
#define PN_GEMM_KERNEL_H

#include "base.h"

#define PN_TILE_ROWS_MAX 8
#define PN_TILE_VECTORS_MAX 3
#define PN_LANES_MAX 16

/* Where a tile goes: value = alpha * sum + beta * c + biases, negative values to 0 with relu. */
struct pn_tile_out {
    float *c;
    size_t ldc;
    size_t columns; /* columns that exist; the tile computes V * L */
    float alpha, beta;
    const float *column_bias; /* at the tile's first column, or NULL */
    const float *row_bias;    /* at the tile's first row, or NULL */
    bool relu;
    /* Memory that later tiles will read, asked for while this one runs: rows of k floats of A by rows, and what lies
     * so many floats behind the values in use, of A by columns and of B (0: nothing). */
    const float *next;
    size_t next_rows, next_stride, a_ahead, b_ahead;
    /* Rows of B come in pieces of so many, with a gap of so many floats behind each (0: one piece). */
    size_t b_piece;
    ptrdiff_t b_gap;
};

/* a: element (r, k) at a[r * a_row + k] (by rows) or a[r + k * a_step] (by columns); the stride is `a_stride`.
 * b: vector v of row k at b + v * b_vector + k * b_step. */
typedef void pn_tile(size_t k, const float *a, size_t a_stride, const float *b, size_t b_vector, size_t b_step,
                     const struct pn_tile_out *out);

struct pn_gemm_kernels {
    size_t lanes, rows, vectors; /* rows divide lanes */
    pn_tile *by_rows[PN_TILE_ROWS_MAX][PN_TILE_VECTORS_MAX];    /* [R - 1][V - 1] */
    pn_tile *by_columns[PN_TILE_ROWS_MAX][PN_TILE_VECTORS_MAX];
    /* All strips of b [k][n], `stride` apart, reading along the rows. */
    void (*strips_copy)(size_t k, size_t n, const float *b, size_t ldb, float *strips, size_t stride);
    /* One strip of `columns` <= L columns from b stored [n][k]: row k to strip + k * step. */
    void (*strip_transpose)(size_t k, size_t columns, const float *b, size_t ldb, float *strip, size_t step);
    /* c[j] = value[j] + beta * c[j] + column_bias[j] + row_bias, negative values to 0 with relu. */
    void (*write)(size_t n, const float *value, float beta, const float *column_bias, float row_bias, bool relu,
                  float *c);
    /* y[i] = sum over k of a[i * lda + k] * x[k] */
    void (*dots)(size_t m, size_t k, const float *a, size_t lda, const float *x, float *y);
    /* y[j] (+)= sum over i of x[i] * a[i * lda + j] */
    void (*axpys)(size_t m, size_t n, const float *a, size_t lda, const float *x, bool add, float *y);
};

extern const struct pn_gemm_kernels pn_gemm_kernels_base;
#if defined(__x86_64__)
extern const struct pn_gemm_kernels pn_gemm_kernels_v3;
extern const struct pn_gemm_kernels pn_gemm_kernels_v4;
#endif

#endif
