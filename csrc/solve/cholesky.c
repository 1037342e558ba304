/* A row-major lower triangle is a column-major upper one: LAPACK works in place without a transposition. */
#include "solve.h"

#include <cblas.h>
#include <lapacke.h>

pn_status pn_cholesky_f64(size_t n, double *a, size_t lda, size_t *pivot)
{
    if (pivot) *pivot = 0;
    if (n == 0) return PN_OK;
    if (!a) return PN_ENULL;
    if (!pn_solve_fits(n, n, lda)) return PN_EDIM;
    if (!pn_lower_is_finite(n, a, lda)) return PN_ENONFINITE;
    pn_solve_begin();
    const lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, a, (lapack_int)lda);
    if (info < 0) return PN_EDIM;
    if (info > 0) {
        if (pivot) *pivot = (size_t)info;
        return PN_ESINGULAR;
    }
    return PN_OK;
}

/* A factor with a zero or non-finite pivot did not come from pn_cholesky_f64. */
static pn_status check_factor(size_t n, const double *l, size_t ldl)
{
    if (!l) return PN_ENULL;
    if (!pn_solve_fits(n, n, ldl)) return PN_EDIM;
    if (!pn_lower_is_finite(n, l, ldl)) return PN_ENONFINITE;
    for (size_t i = 0; i < n; ++i)
        if (!(l[i * ldl + i] > 0)) return PN_ESINGULAR;
    return PN_OK;
}

pn_status pn_cholesky_solve_f64(size_t n, size_t columns, const double *l, size_t ldl, double *b, size_t ldb)
{
    if (n == 0 || columns == 0) return PN_OK;
    if (!b) return PN_ENULL;
    if (!pn_solve_fits(n, columns, ldb)) return PN_EDIM;
    const pn_status status = check_factor(n, l, ldl);
    if (status != PN_OK) return status;
    if (!pn_all_finite(n, columns, b, ldb)) return PN_ENONFINITE;
    pn_solve_begin();
    const int order = (int)n, width = (int)columns, step_l = (int)ldl, step_b = (int)ldb;
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, order, width, 1, l, step_l, b, step_b);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, order, width, 1, l, step_l, b, step_b);
    return PN_OK;
}

pn_status pn_cholesky_inverse_f64(size_t n, double *l, size_t ldl)
{
    if (n == 0) return PN_OK;
    const pn_status status = check_factor(n, l, ldl);
    if (status != PN_OK) return status;
    pn_solve_begin();
    const lapack_int info = LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, l, (lapack_int)ldl);
    if (info != 0) return info < 0 ? PN_EDIM : PN_ESINGULAR;
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < i; ++j) l[j * ldl + i] = l[i * ldl + j];
    return PN_OK;
}

pn_status pn_cholesky_log_determinant_f64(size_t n, const double *l, size_t ldl, double *value)
{
    if (!value) return PN_ENULL;
    *value = 0;
    if (n == 0) return PN_OK;
    const pn_status status = check_factor(n, l, ldl);
    if (status != PN_OK) return status;
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += log(l[i * ldl + i]);
    *value = 2 * sum;
    return PN_OK;
}
