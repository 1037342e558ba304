/* Products: transposes, leading dimensions, epilogue, packed, batched. */
#include "../fuzz.h"

static double activated(pn_activation kind, double x)
{
    switch (kind) {
    case PN_ACT_NONE: return x;
    case PN_ACT_RELU: return x > 0 ? x : 0;
    case PN_ACT_GELU: return x * 0.5 * erfc(-x / sqrt(2));
    case PN_ACT_GELU_TANH: return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case PN_ACT_SILU: return x * sigmoid_of(x);
    case PN_ACT_TANH: return tanh(x);
    case PN_ACT_SIGMOID: return sigmoid_of(x);
    }
    return NAN;
}

static double entry(const float *x, size_t ld, bool transposed, size_t row, size_t column)
{
    return transposed ? x[column * ld + row] : x[row * ld + column];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip(), packed = flip();
    const pn_transpose ta = flip() ? PN_TRANS : PN_NO_TRANS, tb = flip() ? PN_TRANS : PN_NO_TRANS;
    const size_t limit = flip() ? 24 : 150, m = a_size(limit), n = a_size(limit), k = a_size(flip() ? limit : 600);
    const size_t a_rows = ta ? k : m, a_cols = ta ? m : k, b_rows = tb ? n : k, b_cols = tb ? k : n;
    const size_t lda = a_cols + pick(3), ldb = b_cols + pick(3), ldc = n + pick(3);
    /* A matrix ends with its last element: nothing behind the last row is promised. */
    const size_t a_size_ = a_rows && a_cols ? (a_rows - 1) * lda + a_cols : 0;
    const size_t b_size = b_rows && b_cols ? (b_rows - 1) * ldb + b_cols : 0;
    const size_t c_size = m && n ? (m - 1) * ldc + n : 0;
    float *a = floats(a_size_, wild), *b = floats(b_size, wild), *start = floats(c_size, wild);
    const float alpha = flip() ? 1 : 0.5f, beta = flip() ? 0 : (flip() ? 1 : 0.25f);
    const pn_gemm_epilogue epilogue = {
        .column_bias = maybe_floats(n, false), .row_bias = maybe_floats(m, false), .activation = (pn_activation)pick(7),
    };
    const pn_gemm_epilogue *how = flip() ? &epilogue : NULL;

    float *c[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        c[run] = copy_of(start, c_size);
        pn_status status;
        if (packed) {
            const size_t packed_bytes = pn_gemm_pack_b_bytes(n, k), bytes = pn_gemm_packed_workspace(ta, m, n, k);
            void *weights = workspace_of(packed_bytes), *workspace = workspace_of(bytes);
            CALL(status, pn_gemm_pack_b_f32(tb, n, k, b, ldb, weights, packed_bytes));
            EXPECT(status == PN_OK, "%s", pn_status_name(status));
            CALL(status, pn_gemm_packed_f32(ta, m, n, k, alpha, a, lda, weights, beta, c[run], ldc, how, workspace, bytes));
        } else {
            const size_t bytes = pn_gemm_workspace(ta, tb, m, n, k);
            void *workspace = workspace_of(bytes);
            CALL(status, pn_gemm_f32(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c[run], ldc, how, workspace, bytes));
        }
        EXPECT(status == PN_OK, "%s for %zu x %zu x %zu", pn_status_name(status), m, n, k);
    }
    EXPECT(same_floats(c[0], c[1], c_size), "%zu x %zu x %zu", m, n, k);
    for (size_t i = 0; i < c_size; ++i)
        if (ldc > n && i % ldc >= n) EXPECT(same_floats(&c[0][i], &start[i], 1), "wrote between rows at %zu", i);
    if (wild) return fuzz_end();
    for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < n; ++j) {
            double sum = 0, scale = 0;
            for (size_t l = 0; l < k; ++l) {
                const double term = entry(a, lda, ta, i, l) * entry(b, ldb, tb, l, j);
                sum += term;
                scale += fabs(term);
            }
            double expected = alpha * sum + beta * start[i * ldc + j];
            double bound = 1.05 * (double)(k + 4) * 0x1p-24 * (fabs((double)alpha) * scale + fabs((double)beta * start[i * ldc + j]));
            if (how) {
                const double column = how->column_bias ? how->column_bias[j] : 0, row = how->row_bias ? how->row_bias[i] : 0;
                bound += 1e-6 * (fabs(column) + fabs(row) + fabs(expected));
                expected = activated(how->activation, expected + column + row);
                bound = 1.2 * bound + 1e-6 * fabs(expected) + 1e-7;
            }
            EXPECT(near(c[0][i * ldc + j], expected, bound + 1e-30), "[%zu, %zu] of %zu x %zu x %zu: %.9g, expected %.9g", i, j, m,
                   n, k, c[0][i * ldc + j], expected);
        }
    return fuzz_end();
}
