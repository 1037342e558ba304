/* Rows of a table: gather, and the gradient that adds rows back, always in the same order.
 *
 * Shapes       table, d_table: [rows, d];  ids: [n];  out, d_out: [n, d]
 * Ids          an id at or above `rows` -> PN_EINDEX, nothing written. PN_EMBEDDING_NONE gathers zeros and adds
 *              nothing (padding without a row of its own).
 * Accumulates  scatter: float32, occurrences of one id in ascending position
 * Edges        n = 0 or d = 0 -> PN_OK, nothing touched; NaN and inf are copied and added like any value
 * Determinism  same bits for any number of threads: positions are sorted by id, each row has one owner
 */
#ifndef PENCHANT_EMBEDDING_H
#define PENCHANT_EMBEDDING_H

#include "penchant/status.h"

PN_BEGIN_C

#define PN_EMBEDDING_NONE UINT32_MAX

/* out_i = table[ids_i] */
pn_status pn_embedding_gather_f32(size_t n, size_t rows, size_t d, const float *table, const uint32_t *ids,
                                  float *out);

/* d_table[ids_i] += d_out_i; rows that no id names are not touched. */
size_t pn_embedding_scatter_workspace(size_t n, size_t rows);
pn_status pn_embedding_scatter_f32(size_t n, size_t rows, size_t d, const uint32_t *ids, const float *d_out,
                                   float *d_table, void *workspace, size_t workspace_bytes);

/* The distinct ids of a batch: unique: [n] gets them ascending (PN_EMBEDDING_NONE left out), *count how many;
 * order: [n] gets the positions sorted by id, positions of one id ascending; starts: [n + 1] says where the positions
 * of unique[u] begin in order, starts[*count] where the last end. Sizes of the arrays are n, used are *count. */
size_t pn_embedding_unique_workspace(size_t n, size_t rows);
pn_status pn_embedding_unique(size_t n, size_t rows, const uint32_t *ids, uint32_t *order, uint32_t *unique,
                              uint32_t *starts, size_t *count, void *workspace, size_t workspace_bytes);

/* Row-sparse gradient: d_rows[u] = sum of d_out over the positions of unique[u]; d_rows: [count, d], overwritten. */
pn_status pn_embedding_sum_f32(size_t n, size_t count, size_t d, const uint32_t *order, const uint32_t *starts,
                               const float *d_out, float *d_rows);

/* y: [n, width], sines and cosines of times (Ho et al. 2020, after Vaswani et al. 2017): with h = width / 2 rounded
 * down and f_j = period^(-j / (h - shift)), column j < h is sin(t f_j) and column h + j is cos(t f_j); the other way
 * round when cosine_first; an odd last column is 0. Times may be negative and between whole numbers.
 * Computed in double, rounded once. PN_EVALUE: a time that is not finite, period <= 0, shift >= h. */
pn_status pn_time_embedding_f32(size_t n, size_t width, double period, double shift, bool cosine_first,
                                const double *PN_COUNT(n) times, float *PN_COUNT(n * width) y);

PN_END_C

#endif
