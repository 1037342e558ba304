/* Sparse rows (CSR) beside dense ones: products and Gram matrices of text features.
 *
 * Shapes       starts: [rows + 1] with starts[0] = 0, ascending; row r holds entries starts[r] ... starts[r + 1] - 1 of
 *              column and value; columns ascend within a row and are below `columns`
 * Computes     y = X x; X^T as CSR; G = X X^T + D D^T with D: [rows, dense_width] dense; y = G x
 * Accumulates  in double, in the order of the entries (product), of the columns (gram), of eight fixed lanes (symmetric)
 * Edges        rows, columns, dense_width 0 -> sums of nothing are 0; NaN and infinity propagate to the rows that hold them
 * Determinism  same bits for any number of threads
 * Errors       PN_ENULL, PN_EDIM (starts do not ascend, sizes overflow), PN_EINDEX (a column out of range), PN_EWORKSPACE
 */
#ifndef PENCHANT_SPARSE_H
#define PENCHANT_SPARSE_H

#include "penchant/status.h"

PN_BEGIN_C

/* y[r] = sum of value * x[column] over row r. */
pn_status pn_csr_product_f64(size_t rows, size_t columns, const size_t *starts, const uint32_t *column,
                             const float *value, const double *x, double *y);

/* The transpose in the same form: to_starts [columns + 1], to_column and to_value as long as column and value.
 * Rows ascend within a column. */
pn_status pn_csr_transpose_f32(size_t rows, size_t columns, const size_t *starts, const uint32_t *column,
                               const float *value, size_t *to_starts, uint32_t *to_column, float *to_value);

/* gram: [rows, rows], both triangles. dense may be NULL when dense_width is 0. rows < 2^32. */
size_t pn_gram_workspace(size_t rows, size_t columns, size_t entries);
pn_status pn_gram_f32(size_t rows, size_t columns, const size_t *starts, const uint32_t *column, const float *value,
                      size_t dense_width, const float *dense, float *gram, void *workspace, size_t workspace_bytes);

/* y = G x for a full n x n matrix of floats. */
pn_status pn_gram_product_f64(size_t n, const float *gram, const double *x, double *y);

PN_END_C

#endif
