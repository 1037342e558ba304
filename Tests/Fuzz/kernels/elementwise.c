/* Elementwise functions within the bounds of their header of the C library in double, whatever the input; gradients of
 * the same bits for any team and in place; dropout; bias sums. */
#include "../fuzz.h"

typedef pn_status function_fn(size_t, const float *, float *);
typedef pn_status gradient_fn(size_t, const float *, const float *, float *);

static double log_sigmoid_of(double x) { return -softplus_of(-x); }
static double relu_of(double x) { return x > 0 || isnan(x) ? x : 0; }
static double gelu_of(double x) { return x == -INFINITY ? -0.0 : x * 0.5 * erfc(-x / sqrt(2)); }
static double silu_of(double x) { return x == -INFINITY ? -0.0 : x * sigmoid_of(x); }

static const struct {
    const char *name;
    function_fn *f;
    gradient_fn *gradient;
    double (*reference)(double);
    double ulps;
} table[] = {
    { "exp", pn_exp_f32, pn_exp_grad_f32, exp, 2 },
    { "log", pn_log_f32, pn_log_grad_f32, log, 2 },
    { "expm1", pn_expm1_f32, pn_expm1_grad_f32, expm1, 2 },
    { "log1p", pn_log1p_f32, pn_log1p_grad_f32, log1p, 2 },
    { "tanh", pn_tanh_f32, pn_tanh_grad_f32, tanh, 2 },
    { "erf", pn_erf_f32, pn_erf_grad_f32, erf, 2 },
    { "sigmoid", pn_sigmoid_f32, pn_sigmoid_grad_f32, sigmoid_of, 2 },
    { "log_sigmoid", pn_log_sigmoid_f32, pn_log_sigmoid_grad_f32, log_sigmoid_of, 2 },
    { "softplus", pn_softplus_f32, pn_softplus_grad_f32, softplus_of, 2 },
    { "relu", pn_relu_f32, pn_relu_grad_f32, relu_of, 2 },
    { "gelu", pn_gelu_f32, pn_gelu_grad_f32, gelu_of, 2 },
    { "gelu_tanh", pn_gelu_tanh_f32, pn_gelu_tanh_grad_f32, NULL, 2 },
    { "silu", pn_silu_f32, pn_silu_grad_f32, silu_of, 3 },
};

/* One unit in the last place of the float next to `reference`; of the largest float where that rounds to infinity. */
static double ulp_of(double reference)
{
    const float nearest = fminf(fabsf((float)reference), 3.4028235e38f);
    return nearest >= 3.4e38f ? 0x1p104 : (double)(nextafterf(nearest, INFINITY) - nearest);
}

static void functions(bool wild)
{
    const size_t n = flip() ? a_size(300) : a_size(9000), which = pick(sizeof table / sizeof *table);
    float *x = floats(n, wild), *dy = floats(n, wild), *y[2], *dx[2];
    const bool in_place = flip();
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        pn_status status;
        y[run] = run && in_place ? copy_of(x, n) : room_for(n);
        CALL(status, table[which].f(n, run && in_place ? y[run] : x, y[run]));
        EXPECT(status == PN_OK, "%s: %s", table[which].name, pn_status_name(status));
        dx[run] = run && in_place ? copy_of(dy, n) : room_for(n);
        CALL(status, table[which].gradient(n, x, run && in_place ? dx[run] : dy, dx[run]));
        EXPECT(status == PN_OK, "%s: %s", table[which].name, pn_status_name(status));
    }
    EXPECT(same_floats(y[0], y[1], n) && same_floats(dx[0], dx[1], n), "%s, n %zu", table[which].name, n);
    for (size_t i = 0; table[which].reference && i < n; ++i) {
        const double expected = table[which].reference(x[i]);
        const bool overflows = fabs(expected) > 3.4028235e38;
        EXPECT(overflows ? isinf(y[0][i]) || fabsf(y[0][i]) > 3.4e38f
                         : near(y[0][i], expected, table[which].ulps * ulp_of(expected)),
               "%s(%.9g): %.9g, expected %.17g", table[which].name, x[i], y[0][i], expected);
    }
}

static void masks(void)
{
    const size_t n = a_size(5000), cut = n ? pick(n) : 0;
    const float p = (float)pick(5) * 0.25f;
    float *x = floats(n, false), *whole = room_for(n), *parts = room_for(n);
    pn_status status;
    CALL(status, pn_dropout_f32(n, p, 7, 3, 11, x, whole));
    EXPECT(status == PN_OK, "%s", pn_status_name(status));
    pn_team_use(MANY_THREADS);
    /* A draw depends on its place alone, so two halves give what the whole gives. */
    CALL(status, pn_dropout_f32(cut, p, 7, 3, 11, x, parts));
    CALL(status, pn_dropout_f32(n - cut, p, 7, 3, 11 + cut, x + cut, parts + cut));
    EXPECT(status == PN_OK && same_floats(whole, parts, n), "p %g, n %zu, cut %zu", p, n, cut);
    for (size_t i = 0; i < n; ++i)
        EXPECT(whole[i] == 0 || near(whole[i], x[i] / (1 - p), 1e-6 * fabs(whole[i])), "%g from %g", whole[i], x[i]);
}

static void bias(bool wild)
{
    const size_t rows = a_size(300), columns = a_size(70);
    float *dy = floats(rows * columns, wild), *sum[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t bytes = pn_bias_grad_workspace(rows, columns);
        void *workspace = workspace_of(bytes);
        sum[run] = room_for(columns);
        pn_status status;
        CALL(status, pn_bias_grad_f32(rows, columns, dy, sum[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(sum[0], sum[1], columns), "%zu rows of %zu", rows, columns);
    for (size_t c = 0; !wild && c < columns; ++c) {
        double expected = 0, scale = 0;
        for (size_t r = 0; r < rows; ++r) {
            expected += dy[r * columns + c];
            scale += fabs(dy[r * columns + c]);
        }
        EXPECT(near(sum[0][c], expected, 1e-7 * scale), "%g, expected %g", sum[0][c], expected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    switch (pick(4)) {
    case 0: masks(); break;
    case 1: bias(wild); break;
    default: functions(wild); break;
    }
    return fuzz_end();
}
