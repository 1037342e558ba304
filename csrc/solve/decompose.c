/* Eigenvalues, singular values, least squares. Row-major matrices are the transposed ones of LAPACK; where that can be
 * used the data is not turned. */
#include "solve.h"

#include <lapacke.h>

/* Sizes that LAPACK asks for, as it reports them: a double (exact up to 2^53) or an int. */
static size_t reported(double size) { return size >= 1 ? (size_t)size : 1; }

static pn_status translated(lapack_int info)
{
    if (info == 0) return PN_OK;
    return info < 0 ? PN_EDIM : PN_ECONVERGE;
}

struct eigen_memory {
    double *a, *work;
    lapack_int *iwork;
    size_t n_work, n_iwork;
};

/* The row-major lower triangle is LAPACK's upper one, and its eigenvectors, columns there, are rows here. */
static size_t eigen_memory(size_t n, bool with_vectors, void *base, struct eigen_memory *memory)
{
    double work = 1;
    lapack_int iwork = 1;
    double nothing = 0;
    if (LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, with_vectors ? 'V' : 'N', 'U', (lapack_int)n, &nothing, (lapack_int)n,
                            &nothing, &work, -1, &iwork, -1) != 0)
        return SIZE_MAX;
    struct pn_arena arena = { base, 0 };
    memory->n_work = reported(work);
    memory->n_iwork = (size_t)iwork;
    memory->work = pn_take(&arena, memory->n_work, sizeof(double));
    memory->iwork = pn_take(&arena, memory->n_iwork, sizeof(lapack_int));
    size_t elements;
    memory->a = with_vectors || !pn_mul_size(n, n, &elements) ? NULL : pn_take(&arena, elements, sizeof(double));
    return memory->n_work > INT32_MAX ? SIZE_MAX : arena.used;
}

size_t pn_symmetric_eigen_workspace(size_t n, bool with_vectors)
{
    if (n == 0) return 0;
    if (!pn_solve_fits(n, n, n)) return SIZE_MAX;
    struct eigen_memory memory;
    return eigen_memory(n, with_vectors, NULL, &memory);
}

pn_status pn_symmetric_eigen_f64(size_t n, const double *a, size_t lda, double *values, double *vectors, void *workspace,
                                 size_t workspace_bytes)
{
    if (n == 0) return PN_OK;
    if (!a || !values) return PN_ENULL;
    if (!pn_solve_fits(n, n, lda)) return PN_EDIM;
    const size_t bytes = pn_symmetric_eigen_workspace(n, vectors != NULL);
    if (bytes == SIZE_MAX) return PN_EDIM;
    if (!workspace || workspace_bytes < bytes) return PN_EWORKSPACE;
    if (!pn_lower_is_finite(n, a, lda)) return PN_ENONFINITE;
    pn_solve_begin();
    struct eigen_memory memory;
    (void)eigen_memory(n, vectors != NULL, workspace, &memory);
    double *target = vectors ? vectors : memory.a;
    for (size_t i = 0; i < n; ++i) memcpy(target + i * n, a + i * lda, (i + 1) * sizeof(double));
    return translated(LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, vectors ? 'V' : 'N', 'U', (lapack_int)n, target,
                                          (lapack_int)n, values, memory.work, (lapack_int)memory.n_work, memory.iwork,
                                          (lapack_int)memory.n_iwork));
}

struct svd_memory {
    double *a, *work;
    lapack_int *iwork;
    size_t n_work;
};

/* LAPACK sees A^T [n, m] = V diag U^T: its left vectors are our vt, its right ones our u, both already row-major. */
static size_t svd_memory(size_t m, size_t n, bool with_vectors, void *base, struct svd_memory *memory)
{
    double work = 1, nothing = 0;
    lapack_int small = 1;
    const size_t r = pn_min(m, n);
    if (LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, with_vectors ? 'S' : 'N', (lapack_int)n, (lapack_int)m, &nothing,
                            (lapack_int)n, &nothing, &nothing, (lapack_int)n, &nothing, (lapack_int)r, &work, -1,
                            &small) != 0)
        return SIZE_MAX;
    struct pn_arena arena = { base, 0 };
    size_t elements;
    if (!pn_mul_size(m, n, &elements)) return SIZE_MAX;
    memory->n_work = reported(work);
    memory->a = pn_take(&arena, elements, sizeof(double));
    memory->work = pn_take(&arena, memory->n_work, sizeof(double));
    memory->iwork = pn_take(&arena, 8 * r, sizeof(lapack_int));
    return memory->n_work > INT32_MAX ? SIZE_MAX : arena.used;
}

size_t pn_svd_workspace(size_t m, size_t n, bool with_vectors)
{
    if (m == 0 || n == 0) return 0;
    if (!pn_solve_fits(m, n, n) || !pn_solve_fits(n, m, m)) return SIZE_MAX;
    struct svd_memory memory;
    return svd_memory(m, n, with_vectors, NULL, &memory);
}

pn_status pn_svd_f64(size_t m, size_t n, const double *a, size_t lda, double *u, double *values, double *vt,
                     void *workspace, size_t workspace_bytes)
{
    if (m == 0 || n == 0) return PN_OK;
    if (!a || !values || !u != !vt) return PN_ENULL;
    if (!pn_solve_fits(m, n, lda)) return PN_EDIM;
    const size_t bytes = pn_svd_workspace(m, n, u != NULL);
    if (bytes == SIZE_MAX) return PN_EDIM;
    if (!workspace || workspace_bytes < bytes) return PN_EWORKSPACE;
    if (!pn_all_finite(m, n, a, lda)) return PN_ENONFINITE;
    pn_solve_begin();
    struct svd_memory memory;
    (void)svd_memory(m, n, u != NULL, workspace, &memory);
    for (size_t i = 0; i < m; ++i) memcpy(memory.a + i * n, a + i * lda, n * sizeof(double));
    return translated(LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, u ? 'S' : 'N', (lapack_int)n, (lapack_int)m, memory.a,
                                          (lapack_int)n, values, vt, (lapack_int)n, u, (lapack_int)pn_min(m, n),
                                          memory.work, (lapack_int)memory.n_work, memory.iwork));
}

struct least_squares_memory {
    double *a, *b, *s, *work;
    lapack_int *iwork;
    size_t n_work, n_iwork;
};

static size_t least_squares_memory(size_t m, size_t n, size_t columns, void *base, struct least_squares_memory *memory)
{
    double work = 1, nothing = 0;
    lapack_int iwork = 1, rank;
    const size_t longer = pn_max(m, n);
    if (LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, (lapack_int)m, (lapack_int)n, (lapack_int)columns, &nothing, (lapack_int)m,
                            &nothing, (lapack_int)longer, &nothing, 0, &rank, &work, -1, &iwork) != 0)
        return SIZE_MAX;
    struct pn_arena arena = { base, 0 };
    size_t in_a, in_b;
    if (!pn_mul_size(m, n, &in_a) || !pn_mul_size(longer, columns, &in_b)) return SIZE_MAX;
    memory->n_work = reported(work);
    memory->n_iwork = (size_t)pn_max((size_t)iwork, 1);
    memory->a = pn_take(&arena, in_a, sizeof(double));
    memory->b = pn_take(&arena, in_b, sizeof(double));
    memory->s = pn_take(&arena, pn_min(m, n), sizeof(double));
    memory->work = pn_take(&arena, memory->n_work, sizeof(double));
    memory->iwork = pn_take(&arena, memory->n_iwork, sizeof(lapack_int));
    return memory->n_work > INT32_MAX ? SIZE_MAX : arena.used;
}

size_t pn_least_squares_workspace(size_t m, size_t n, size_t columns)
{
    if (m == 0 || n == 0 || columns == 0) return 0;
    if (!pn_solve_fits(m, n, n) || !pn_solve_fits(n, m, m) || !pn_solve_fits(columns, pn_max(m, n), pn_max(m, n)))
        return SIZE_MAX;
    struct least_squares_memory memory;
    return least_squares_memory(m, n, columns, NULL, &memory);
}

pn_status pn_least_squares_f64(size_t m, size_t n, size_t columns, double rcond, const double *a, size_t lda,
                               const double *b, size_t ldb, double *x, size_t ldx, size_t *rank, void *workspace,
                               size_t workspace_bytes)
{
    if (rank) *rank = 0;
    if (n == 0 || columns == 0) return PN_OK;
    if (!x) return PN_ENULL;
    if (!pn_solve_fits(n, columns, ldx)) return PN_EDIM;
    if (isnan(rcond) || rcond >= 1) return PN_EVALUE;
    if (m == 0) { /* no equation: the solution of least norm is 0 */
        for (size_t i = 0; i < n; ++i) memset(x + i * ldx, 0, columns * sizeof(double));
        return PN_OK;
    }
    if (!a || !b) return PN_ENULL;
    if (!pn_solve_fits(m, n, lda) || !pn_solve_fits(m, columns, ldb)) return PN_EDIM;
    const size_t bytes = pn_least_squares_workspace(m, n, columns);
    if (bytes == SIZE_MAX) return PN_EDIM;
    if (!workspace || workspace_bytes < bytes) return PN_EWORKSPACE;
    if (!pn_all_finite(m, n, a, lda) || !pn_all_finite(m, columns, b, ldb)) return PN_ENONFINITE;
    pn_solve_begin();
    struct least_squares_memory memory;
    (void)least_squares_memory(m, n, columns, workspace, &memory);
    const size_t longer = pn_max(m, n);
    for (size_t i = 0; i < m; ++i) {
        for (size_t j = 0; j < n; ++j) memory.a[j * m + i] = a[i * lda + j];
        for (size_t j = 0; j < columns; ++j) memory.b[j * longer + i] = b[i * ldb + j];
    }
    if (rcond < 0) rcond = 0x1p-53 * (double)longer;
    lapack_int found = 0;
    const pn_status status = translated(LAPACKE_dgelsd_work(
        LAPACK_COL_MAJOR, (lapack_int)m, (lapack_int)n, (lapack_int)columns, memory.a, (lapack_int)m, memory.b,
        (lapack_int)longer, memory.s, rcond, &found, memory.work, (lapack_int)memory.n_work, memory.iwork));
    if (status != PN_OK) return status;
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < columns; ++j) x[i * ldx + j] = memory.b[j * longer + i];
    if (rank) *rank = (size_t)found;
    return PN_OK;
}
