/* What cannot ride on the tile: done on a few rows of C right after they were written. */
#include "block.h"

bool pn_gemm_needs_pass(const pn_gemm_epilogue *e)
{
    return e->pre || e->gradient_of != PN_ACT_NONE || (e->activation != PN_ACT_NONE && e->activation != PN_ACT_RELU);
}

#define MAP(NAME, VALUE)                                                                                             \
    PN_CLONES static void NAME(size_t n, float *restrict y)                                                          \
    {                                                                                                                \
        for (size_t i = 0; i < n; ++i) {                                                                             \
            const float x = y[i];                                                                                    \
            y[i] = (VALUE);                                                                                          \
        }                                                                                                            \
    }

MAP(relu, x < 0 ? 0 : x)
MAP(gelu, pn_geluf(x))
MAP(gelu_tanh, pn_gelu_tanhf(x))
MAP(silu, pn_siluf(x))
MAP(tanh_, pn_tanhf(x))
MAP(sigmoid, pn_sigmoidf(x))

/* y *= derivative at x */
#define SCALE(NAME, DERIVATIVE)                                                                                      \
    PN_CLONES static void NAME(size_t n, const float *restrict at, float *restrict y)                                \
    {                                                                                                                \
        for (size_t i = 0; i < n; ++i) {                                                                             \
            const float x = at[i];                                                                                   \
            y[i] *= (DERIVATIVE);                                                                                    \
        }                                                                                                            \
    }

SCALE(relu_gradient, x > 0 ? 1 : x != x ? x : 0) /* input and output have the same sign */
SCALE(gelu_gradient, pn_gelu_slopef(x))
SCALE(gelu_tanh_gradient, pn_gelu_tanh_slopef(x))
SCALE(silu_gradient, pn_silu_slopef(x))
SCALE(tanh_gradient, pn_tanh_slopef(x))
SCALE(tanh_gradient_from_output, 1 - x * x)
SCALE(sigmoid_gradient, pn_sigmoid_slopef(x))
SCALE(sigmoid_gradient_from_output, x * (1 - x))

static void activate(pn_activation activation, size_t n, float *y)
{
    switch (activation) {
    case PN_ACT_NONE: return;
    case PN_ACT_RELU: relu(n, y); return;
    case PN_ACT_GELU: gelu(n, y); return;
    case PN_ACT_GELU_TANH: gelu_tanh(n, y); return;
    case PN_ACT_SILU: silu(n, y); return;
    case PN_ACT_TANH: tanh_(n, y); return;
    case PN_ACT_SIGMOID: sigmoid(n, y); return;
    }
}

static void scale_by_gradient(pn_activation activation, bool from_output, size_t n, const float *at, float *y)
{
    switch (activation) {
    case PN_ACT_NONE: return;
    case PN_ACT_RELU: relu_gradient(n, at, y); return;
    case PN_ACT_GELU: gelu_gradient(n, at, y); return;
    case PN_ACT_GELU_TANH: gelu_tanh_gradient(n, at, y); return;
    case PN_ACT_SILU: silu_gradient(n, at, y); return;
    case PN_ACT_TANH: (from_output ? tanh_gradient_from_output : tanh_gradient)(n, at, y); return;
    case PN_ACT_SIGMOID: (from_output ? sigmoid_gradient_from_output : sigmoid_gradient)(n, at, y); return;
    }
}

void pn_gemm_pass(const struct product *p, struct region r)
{
    const pn_gemm_epilogue *e = p->epilogue;
    for (size_t i = r.first_row; i < r.first_row + r.rows; ++i) {
        float *row = p->c + i * p->ldc + r.first_column;
        if (e->pre) memcpy(e->pre + i * e->ldpre + r.first_column, row, r.columns * sizeof *row);
        activate(e->activation, r.columns, row);
        if (e->gradient_of != PN_ACT_NONE)
            scale_by_gradient(e->gradient_of, e->gradient_from_output, r.columns,
                              e->gradient_at + i * e->ldgradient + r.first_column, row);
    }
}
