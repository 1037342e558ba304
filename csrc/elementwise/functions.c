/* y = f(x) and dx = dy f'(x): one loop a function, all handed out in the same blocks. */
#include "penchant/elementwise.h"

#include "base.h"

/* The output may be the input: each element is read before it is written, so lanes are independent. */
#define EACH(i, n) _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < (n); ++i)

typedef void forward_run(size_t n, const float *x, float *y);
typedef void gradient_run(size_t n, const float *x, const float *dy, float *dx);

struct forward_args {
    size_t n;
    forward_run *run;
    const float *x;
    float *y;
};

static void forward_block(void *context, size_t b)
{
    const struct forward_args *a = context;
    const size_t first = b * PN_BLOCK;
    a->run(pn_min(PN_BLOCK, a->n - first), a->x + first, a->y + first);
}

static pn_status forward(size_t n, const float *x, float *y, forward_run *run)
{
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct forward_args a = { n, run, x, y };
    return pn_team_for(pn_blocks(n), forward_block, &a);
}

struct gradient_args {
    size_t n;
    gradient_run *run;
    const float *x, *dy;
    float *dx;
};

static void gradient_block(void *context, size_t b)
{
    const struct gradient_args *a = context;
    const size_t first = b * PN_BLOCK;
    a->run(pn_min(PN_BLOCK, a->n - first), a->x + first, a->dy + first, a->dx + first);
}

static pn_status gradient(size_t n, const float *x, const float *dy, float *dx, gradient_run *run)
{
    if (n == 0) return PN_OK;
    if (!x || !dy || !dx) return PN_ENULL;
    struct gradient_args a = { n, run, x, dy, dx };
    return pn_team_for(pn_blocks(n), gradient_block, &a);
}

#define FUNCTION(op, f, slope)                                                                               \
    PN_CLONES static void op##_run(size_t n, const float *x, float *y)                                       \
    {                                                                                                        \
        EACH(i, n) y[i] = f(x[i]);                                                                           \
    }                                                                                                        \
    PN_CLONES static void op##_grad_run(size_t n, const float *x, const float *dy, float *dx)                \
    {                                                                                                        \
        EACH(i, n) dx[i] = dy[i] * slope(x[i]);                                                              \
    }                                                                                                        \
    pn_status pn_##op##_f32(size_t n, const float *x, float *y) { return forward(n, x, y, op##_run); }       \
    pn_status pn_##op##_grad_f32(size_t n, const float *x, const float *dy, float *dx)                       \
    {                                                                                                        \
        return gradient(n, x, dy, dx, op##_grad_run);                                                        \
    }

PN_INLINE float log_slope(float x) { return x >= 0.0f ? 1.0f / x : NAN; }
PN_INLINE float log1p_slope(float x) { return x >= -1.0f ? 1.0f / (1.0f + x) : NAN; }
PN_INLINE float log_sigmoid_slope(float x) { return pn_sigmoidf(-x); }

FUNCTION(exp, pn_expf, pn_expf)
FUNCTION(log, pn_logf, log_slope)
FUNCTION(expm1, pn_expm1f, pn_expf)
FUNCTION(log1p, pn_log1pf, log1p_slope)
FUNCTION(tanh, pn_tanhf, pn_tanh_slopef)
FUNCTION(erf, pn_erff, pn_erf_slopef)
FUNCTION(sigmoid, pn_sigmoidf, pn_sigmoid_slopef)
FUNCTION(log_sigmoid, pn_log_sigmoidf, log_sigmoid_slope)
FUNCTION(softplus, pn_softplusf, pn_sigmoidf)
FUNCTION(relu, pn_reluf, pn_relu_slopef)
FUNCTION(gelu, pn_geluf, pn_gelu_slopef)
FUNCTION(gelu_tanh, pn_gelu_tanhf, pn_gelu_tanh_slopef)
FUNCTION(silu, pn_siluf, pn_silu_slopef)

static void copy_run(size_t n, const float *x, float *y) { memmove(y, x, n * sizeof *x); }
static void copy_grad_run(size_t n, const float *x, const float *dy, float *dx)
{
    (void)x;
    memmove(dx, dy, n * sizeof *dx);
}

pn_status pn_activation_f32(pn_activation activation, size_t n, const float *x, float *y)
{
    switch (activation) {
    case PN_ACT_NONE: return forward(n, x, y, copy_run);
    case PN_ACT_RELU: return forward(n, x, y, relu_run);
    case PN_ACT_GELU: return forward(n, x, y, gelu_run);
    case PN_ACT_GELU_TANH: return forward(n, x, y, gelu_tanh_run);
    case PN_ACT_SILU: return forward(n, x, y, silu_run);
    case PN_ACT_TANH: return forward(n, x, y, tanh_run);
    case PN_ACT_SIGMOID: return forward(n, x, y, sigmoid_run);
    }
    return PN_EVALUE;
}

pn_status pn_activation_grad_f32(pn_activation activation, size_t n, const float *x, const float *dy, float *dx)
{
    switch (activation) {
    case PN_ACT_NONE: return gradient(n, x, dy, dx, copy_grad_run);
    case PN_ACT_RELU: return gradient(n, x, dy, dx, relu_grad_run);
    case PN_ACT_GELU: return gradient(n, x, dy, dx, gelu_grad_run);
    case PN_ACT_GELU_TANH: return gradient(n, x, dy, dx, gelu_tanh_grad_run);
    case PN_ACT_SILU: return gradient(n, x, dy, dx, silu_grad_run);
    case PN_ACT_TANH: return gradient(n, x, dy, dx, tanh_grad_run);
    case PN_ACT_SIGMOID: return gradient(n, x, dy, dx, sigmoid_grad_run);
    }
    return PN_EVALUE;
}
