/* Elementwise functions over every float, against double: the largest error in ulp, and where.
 *
 *   exhaustive [--step k] [function ...]
 *
 * Without a function: exp, sigmoid, log_sigmoid, tanh. "all" takes every function and gradient of the table below.
 * --step k takes every k-th bit pattern (an odd k visits all binades evenly). Exit 1 when a bound is passed.
 *
 * The error is counted in units of the last place that the nearest float of the true value has, so a perfectly rounded
 * result is at most 0.5. Slopes of GELU and SiLU cross zero: there the unit is that of 2^-4 (see the header). */
#include "penchant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK ((size_t)4096)
#define BLOCKS ((size_t)4096)
#define BOUND 2.0

static double sigmoid(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double log_sigmoid(double x) { return -softplus(-x); }
static double relu(double x) { return x < 0 ? 0 : x; }
static double limit(double x) { return x > 0 ? x : -0.0; }
static double normal_cdf(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }
static double gelu(double x) { return isinf(x) ? limit(x) : x * normal_cdf(x); }
static double bend(double x) { return 2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }
static double gelu_tanh(double x) { return isinf(x) ? limit(x) : x * sigmoid(bend(x)); }
static double silu(double x) { return isinf(x) ? limit(x) : x * sigmoid(x); }

static double reciprocal(double x) { return x >= 0 ? 1 / x : NAN; }
static double reciprocal1p(double x) { return x >= -1 ? 1 / (1 + x) : NAN; }
static double sigmoid_slope(double x) { return sigmoid(x) * sigmoid(-x); }
static double tanh_slope(double x) { return 4 * sigmoid_slope(2 * x); }
static double erf_slope(double x) { return M_2_SQRTPI * exp(-x * x); }
static double opposite(double x) { return sigmoid(-x); }
static double relu_slope(double x) { return isnan(x) ? x : x > 0; }
static double gelu_slope(double x)
{
    return fabs(x) > 1e3 ? x > 0 : normal_cdf(x) + x * exp(-0.5 * x * x) * M_2_SQRTPI * M_SQRT1_2 / 2;
}
static double gelu_tanh_slope(double x)
{
    if (fabs(x) > 1e3) return x > 0;
    const double z = bend(x), rise = 2 * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
    return sigmoid(z) * (1 + x * rise * sigmoid(-z));
}
static double silu_slope(double x) { return fabs(x) > 1e3 ? x > 0 : sigmoid(x) * (1 + x * sigmoid(-x)); }

typedef pn_status forward(size_t, const float *, float *);
typedef pn_status gradient(size_t, const float *, const float *, float *);

static const struct function {
    const char *name;
    forward *forward;
    gradient *gradient;
    double (*reference)(double);
    double floor; /* smallest magnitude whose unit counts; 0: the result's own */
    double bound; /* 0: BOUND */
} table[] = {
    { "exp", pn_exp_f32, NULL, exp, 0 },
    { "sigmoid", pn_sigmoid_f32, NULL, sigmoid, 0 },
    { "log_sigmoid", pn_log_sigmoid_f32, NULL, log_sigmoid, 0 },
    { "tanh", pn_tanh_f32, NULL, tanh, 0 },
    { "log", pn_log_f32, NULL, log, 0 },
    { "expm1", pn_expm1_f32, NULL, expm1, 0 },
    { "log1p", pn_log1p_f32, NULL, log1p, 0 },
    { "erf", pn_erf_f32, NULL, erf, 0 },
    { "softplus", pn_softplus_f32, NULL, softplus, 0 },
    { "relu", pn_relu_f32, NULL, relu, 0 },
    { "gelu", pn_gelu_f32, NULL, gelu, 0 },
    { "gelu_tanh", pn_gelu_tanh_f32, NULL, gelu_tanh, 0 },
    { "silu", pn_silu_f32, NULL, silu, 0, 3 },
    { "exp_grad", NULL, pn_exp_grad_f32, exp, 0 },
    { "log_grad", NULL, pn_log_grad_f32, reciprocal, 0 },
    { "expm1_grad", NULL, pn_expm1_grad_f32, exp, 0 },
    { "log1p_grad", NULL, pn_log1p_grad_f32, reciprocal1p, 0 },
    { "tanh_grad", NULL, pn_tanh_grad_f32, tanh_slope, 0 },
    { "erf_grad", NULL, pn_erf_grad_f32, erf_slope, 0 },
    { "sigmoid_grad", NULL, pn_sigmoid_grad_f32, sigmoid_slope, 0 },
    { "log_sigmoid_grad", NULL, pn_log_sigmoid_grad_f32, opposite, 0 },
    { "softplus_grad", NULL, pn_softplus_grad_f32, sigmoid, 0 },
    { "relu_grad", NULL, pn_relu_grad_f32, relu_slope, 0 },
    { "gelu_grad", NULL, pn_gelu_grad_f32, gelu_slope, 0x1p-4 },
    { "gelu_tanh_grad", NULL, pn_gelu_tanh_grad_f32, gelu_tanh_slope, 0x1p-4 },
    { "silu_grad", NULL, pn_silu_grad_f32, silu_slope, 0x1p-4, 5 },
};
#define FUNCTIONS (sizeof table / sizeof *table)

static double ulps(float got, double want, double floor)
{
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : INFINITY;
    const float nearest = (float)want;
    if (isinf(nearest) || isinf(got)) {
        if (nearest == got) return 0;
        /* An infinity and the largest finite number are neighbours, if the true value is finite. */
        return !isinf(want) && nextafterf(got, nearest) == nearest ? 1 : INFINITY;
    }
    const double magnitude = fmax(fabs((double)nearest), fmax(floor, 0x1p-126));
    return fabs((double)got - want) / ldexp(1, ilogb(magnitude) - 23);
}

struct job {
    const struct function *f;
    uint64_t step, perblock;
    double error[BLOCKS];
    float at[BLOCKS];
    uint64_t count[BLOCKS];
};

static float pattern(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void block(void *context, size_t b)
{
    struct job *job = context;
    float x[CHUNK], y[CHUNK], ones[CHUNK];
    for (size_t i = 0; i < CHUNK; ++i) ones[i] = 1;
    job->error[b] = 0;
    job->at[b] = 0;
    job->count[b] = 0;
    uint64_t bits = ((uint64_t)b * job->perblock + job->step - 1) / job->step * job->step;
    const uint64_t end = ((uint64_t)b + 1) * job->perblock;
    while (bits < end) {
        size_t n = 0;
        for (; n < CHUNK && bits < end; ++n, bits += job->step) x[n] = pattern((uint32_t)bits);
        const pn_status status = job->f->forward ? job->f->forward(n, x, y) : job->f->gradient(n, x, ones, y);
        for (size_t i = 0; i < n; ++i) {
            const double error =
                status == PN_OK ? ulps(y[i], job->f->reference((double)x[i]), job->f->floor) : INFINITY;
            if (error > job->error[b]) {
                job->error[b] = error;
                job->at[b] = x[i];
            }
        }
        job->count[b] += n;
    }
}

static bool run(const struct function *f, uint64_t step)
{
    static struct job job;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    job.f = f;
    job.step = step;
    job.perblock = ((uint64_t)1 << 32) / BLOCKS;
    if (pn_team_for(BLOCKS, block, &job) != PN_OK) return false;
    clock_gettime(CLOCK_MONOTONIC, &end);
    size_t worst = 0;
    uint64_t count = 0;
    for (size_t b = 0; b < BLOCKS; ++b) {
        count += job.count[b];
        if (job.error[b] > job.error[worst]) worst = b;
    }
    const double bound = f->bound > 0 ? f->bound : BOUND;
    const bool good = job.error[worst] <= bound;
    printf("%-17s %10llu floats  max %.3f of %.1f ulp at %a (%.9g)  %s  %.0f s\n", f->name, (unsigned long long)count,
           job.error[worst], bound, job.at[worst], job.at[worst], good ? "ok" : "OVER THE BOUND",
           (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec));
    fflush(stdout);
    return good;
}

int main(int argc, char **argv)
{
    uint64_t step = 1;
    int named = 0;
    bool good = true;
    printf("%s, %zu threads\n", pn_tier_name(pn_cpu_tier()), pn_team_size());
    for (int i = 1; i < argc; ++i) {
        if (!strcmp(argv[i], "--step")) {
            step = i + 1 < argc ? strtoull(argv[++i], NULL, 10) : 0;
            if (step == 0) return fprintf(stderr, "--step needs a positive number\n"), 64;
            continue;
        }
        ++named;
        bool known = false;
        for (size_t t = 0; t < FUNCTIONS; ++t)
            if (!strcmp(argv[i], "all") || !strcmp(argv[i], table[t].name)) {
                known = true;
                good &= run(&table[t], step);
            }
        if (!known) return fprintf(stderr, "%s: no such function\n", argv[i]), 64;
    }
    if (!named)
        for (size_t t = 0; t < 4; ++t) good &= run(&table[t], step);
    return good ? 0 : 1;
}
