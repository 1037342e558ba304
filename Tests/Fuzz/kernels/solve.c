/* Cholesky, symmetric eigenvalues, singular values, least squares: refused, or with small residuals. */
#include "../fuzz.h"

static double *numbers(size_t n, bool wild)
{
    const float *x = floats(n, wild);
    double *y = doubles_for(n);
    for (size_t i = 0; i < n; ++i) y[i] = x[i];
    return y;
}

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool huge(const double *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        if (fabs(x[i]) > 1e15) return true;
    return false;
}

static void cholesky(bool wild)
{
    const size_t n = a_size(20), columns = a_size(4);
    double *g = numbers(n * n, wild), *a = doubles_for(n * n), *l = doubles_for(n * n), *b = numbers(n * columns, false);
    const bool definite = flip();
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < n; ++j) {
            double sum = i == j ? 1 : 0;
            for (size_t k = 0; definite && k < n; ++k) sum += g[i * n + k] * g[j * n + k];
            a[i * n + j] = definite ? sum : g[(i > j ? i : j) * n + (i > j ? j : i)];
        }
    if (n) memcpy(l, a, n * n * sizeof *a);
    size_t pivot = 12345;
    const pn_status status = pn_cholesky_f64(n, l, n, &pivot);
    if (status != PN_OK) {
        EXPECT(status == PN_ESINGULAR || status == PN_ENONFINITE, "%s", pn_status_name(status));
        EXPECT(status != PN_ESINGULAR || (pivot >= 1 && pivot <= n), "pivot %zu of %zu", pivot, n);
        EXPECT(!definite || wild, "%s for a definite matrix of %zu", pn_status_name(status), n);
        return;
    }
    double *x = doubles_for(n * columns);
    if (n * columns) memcpy(x, b, n * columns * sizeof *b);
    EXPECT(pn_cholesky_solve_f64(n, columns, l, n, x, columns ? columns : 1) == PN_OK, "solve refused");
    if (huge(a, n * n)) return;
    for (size_t i = 0; i < n; ++i)
        for (size_t c = 0; c < columns; ++c) {
            double sum = 0, scale = 0;
            for (size_t k = 0; k < n; ++k) {
                sum += a[i * n + k] * x[k * columns + c];
                scale += fabs(a[i * n + k] * x[k * columns + c]);
            }
            EXPECT(near(sum, b[i * columns + c], 1e-10 * (1 + scale) * (double)(n + 1)), "%g, expected %g", sum, b[i * columns + c]);
        }
}

static void spectra(bool wild)
{
    const size_t m = a_size(16), n = flip() ? m : a_size(16), r = m < n ? m : n;
    double *a = numbers(m * n, wild);
    const size_t bytes = pn_svd_workspace(m, n, true);
    void *workspace = workspace_of(bytes);
    double *u = doubles_for(m * r), *values = doubles_for(r), *vt = doubles_for(r * n);
    pn_status status = pn_svd_f64(m, n, a, n ? n : 1, u, values, vt, workspace, bytes);
    EXPECT(status == PN_OK || status == PN_ENONFINITE || status == PN_ECONVERGE, "%s", pn_status_name(status));
    EXPECT((status == PN_ENONFINITE) == (r && !all_finite(a, m * n)), "%s", pn_status_name(status));
    if (status == PN_OK && !huge(a, m * n))
        for (size_t i = 0; i < m; ++i)
            for (size_t j = 0; j < n; ++j) {
                double sum = 0;
                for (size_t k = 0; k < r; ++k) sum += u[i * r + k] * values[k] * vt[k * n + j];
                EXPECT(near(sum, a[i * n + j], 1e-11 * (1 + (r ? values[0] : 0))), "%g, expected %g", sum, a[i * n + j]);
            }
    if (m != n) return;
    for (size_t i = 0; i < n; ++i)
        for (size_t j = i + 1; j < n; ++j) a[i * n + j] = a[j * n + i];
    const size_t eigen_bytes = pn_symmetric_eigen_workspace(n, true);
    double *vectors = doubles_for(n * n), *eigen = doubles_for(n);
    status = pn_symmetric_eigen_f64(n, a, n ? n : 1, eigen, vectors, workspace_of(eigen_bytes), eigen_bytes);
    EXPECT(status == PN_OK || status == PN_ENONFINITE || status == PN_ECONVERGE, "%s", pn_status_name(status));
    if (status != PN_OK || huge(a, n * n)) return;
    for (size_t k = 0; k < n; ++k)
        for (size_t i = 0; i < n; ++i) {
            double sum = 0;
            for (size_t j = 0; j < n; ++j) sum += a[i * n + j] * vectors[k * n + j];
            EXPECT(near(sum, eigen[k] * vectors[k * n + i], 1e-11 * (1 + fabs(eigen[0]) + fabs(eigen[n - 1]))), "%g", sum);
        }
}

static void least_squares(bool wild)
{
    const size_t m = a_size(20), n = a_size(12), columns = a_size(3);
    double *a = numbers(m * n, wild), *b = numbers(m * columns, wild), *x = doubles_for(n * columns);
    const size_t bytes = pn_least_squares_workspace(m, n, columns);
    size_t rank = 0;
    const pn_status status = pn_least_squares_f64(m, n, columns, -1, a, n ? n : 1, b, columns ? columns : 1, x,
                                                  columns ? columns : 1, &rank, workspace_of(bytes), bytes);
    EXPECT(status == PN_OK || status == PN_ENONFINITE || status == PN_ECONVERGE, "%s", pn_status_name(status));
    EXPECT(rank <= (m < n ? m : n), "rank %zu of %zu x %zu", rank, m, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    switch (pick(3)) {
    case 0: cholesky(wild); break;
    case 1: spectra(wild); break;
    default: least_squares(wild); break;
    }
    return fuzz_end();
}
