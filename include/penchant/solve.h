/* Small dense linear algebra: Cholesky, symmetric eigenvalues, singular values, least squares.
 *
 * Shapes       matrices are row-major with a leading dimension in elements; symmetric ones are read from and written to
 *              their lower triangle (row i, columns 0 ... i)
 * Computes     LAPACK's potrf, potrs, potri, syevd, gesdd and gelsd in double, run on the calling thread
 * Accuracy     backward stable: normalised residuals (divided by n * norm * 2^-53) below 10
 * Edges        a size of 0 -> PN_OK, nothing read or written; NaN or infinity in an input -> PN_ENONFINITE before anything is
 *              written
 * Determinism  same bits for any number of threads: the library below is held at one
 * Errors       PN_ENULL, PN_EDIM, PN_EWORKSPACE, PN_ENONFINITE, PN_ESINGULAR (with the pivot), PN_ECONVERGE
 */
#ifndef PENCHANT_SOLVE_H
#define PENCHANT_SOLVE_H

#include "penchant/status.h"

PN_BEGIN_C

/* A = L L^T in place, L lower triangular; the upper triangle keeps what it held. When the leading minor of order p
 * (1-based) is not positive, PN_ESINGULAR and *pivot = p; else *pivot = 0. pivot may be NULL. */
pn_status pn_cholesky_f64(size_t n, double *a, size_t lda, size_t *pivot);

/* Solves L L^T X = B for `columns` right-hand sides in place; b: [n, columns]. */
pn_status pn_cholesky_solve_f64(size_t n, size_t columns, const double *l, size_t ldl, double *b, size_t ldb);

/* The inverse of A from its factor, in place, both triangles filled (covariances, standard errors). */
pn_status pn_cholesky_inverse_f64(size_t n, double *l, size_t ldl);

/* Logarithm of the determinant of A = L L^T: 2 * sum(log l_ii). */
pn_status pn_cholesky_log_determinant_f64(size_t n, const double *l, size_t ldl, double *value);

/* A = V diag(values) V^T. values ascend; row i of `vectors` ([n, n], leading dimension n) is the eigenvector of values[i];
 * NULL vectors: values only. a is read only. */
size_t pn_symmetric_eigen_workspace(size_t n, bool with_vectors);
pn_status pn_symmetric_eigen_f64(size_t n, const double *a, size_t lda, double *values, double *vectors, void *workspace,
                                 size_t workspace_bytes);

/* A [m, n] = U diag(values) Vt with r = min(m, n): u: [m, r], vt: [r, n], dense; values descend. u and vt may both be
 * NULL: values only. */
size_t pn_svd_workspace(size_t m, size_t n, bool with_vectors);
pn_status pn_svd_f64(size_t m, size_t n, const double *a, size_t lda, double *u, double *values, double *vt,
                     void *workspace, size_t workspace_bytes);

/* The X [n, columns] of least norm that minimises |A X - B|; a: [m, n], b: [m, columns]. Singular values below rcond * the
 * largest count as 0 (rcond < 0: 2^-53 times max(m, n)); *rank (may be NULL) says how many are left. */
size_t pn_least_squares_workspace(size_t m, size_t n, size_t columns);
pn_status pn_least_squares_f64(size_t m, size_t n, size_t columns, double rcond, const double *a, size_t lda,
                               const double *b, size_t ldb, double *x, size_t ldx, size_t *rank, void *workspace,
                               size_t workspace_bytes);

PN_END_C

#endif
