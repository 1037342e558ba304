/* Elementwise arithmetic and sums. */
#include "program.h"

#include "penchant/elementwise.h"

/* ---- unary: n, f ---- */

static bool known(size_t f) { return f <= PN_ACT_SIGMOID || (f >= PN_UNARY_EXP && f <= PN_UNARY_SQRT); }

static void unary_check(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_that(c, known(s[1]), "unknown function");
    pn_check_in(c, 0, PN_FLOAT, s[0], MUST);
    pn_check_out(c, 0, s[0], MUST);
}

static void unary_grad_check(struct check *c)
{
    unary_check(c);
    pn_check_in(c, 1, PN_FLOAT, c->op->size[0], MUST);
}

/* What elementwise.h does not have: squares, roots, and slopes from the output, which is what a program keeps. */
PN_CLONES static void own_block(size_t n, size_t f, const float *x, float *y)
{
    if (f == PN_UNARY_SQUARE)
        for (size_t i = 0; i < n; ++i) y[i] = x[i] * x[i];
    else
        for (size_t i = 0; i < n; ++i) y[i] = sqrtf(x[i]);
}

PN_CLONES static void own_slope_block(size_t n, size_t f, const float *saved, const float *dy, float *dx)
{
    switch (f) {
    case PN_ACT_TANH: for (size_t i = 0; i < n; ++i) dx[i] = dy[i] * (1 - saved[i] * saved[i]); break;
    case PN_ACT_SIGMOID: for (size_t i = 0; i < n; ++i) dx[i] = dy[i] * (saved[i] * (1 - saved[i])); break;
    case PN_UNARY_SQUARE: for (size_t i = 0; i < n; ++i) dx[i] = dy[i] * (2 * saved[i]); break;
    default: for (size_t i = 0; i < n; ++i) dx[i] = dy[i] * (0.5f / saved[i]); break;
    }
}

struct own {
    size_t n, f;
    const float *x, *dy; /* dy: NULL for the function itself */
    float *y;
};

static void own_team(void *context, size_t block)
{
    const struct own *c = context;
    const size_t first = block * PN_BLOCK, n = pn_min(PN_BLOCK, c->n - first);
    if (c->dy)
        own_slope_block(n, c->f, c->x + first, c->dy + first, c->y + first);
    else
        own_block(n, c->f, c->x + first, c->y + first);
}

static pn_status own_run(size_t n, size_t f, const float *x, const float *dy, float *y)
{
    struct own c = { n, f, x, dy, y };
    return pn_team_for(pn_blocks(n), own_team, &c);
}

static pn_status unary_run(const struct call *c)
{
    const size_t n = c->op->size[0], f = c->op->size[1];
    switch (f) {
    case PN_UNARY_EXP: return pn_exp_f32(n, c->in[0], c->out[0]);
    case PN_UNARY_LOG: return pn_log_f32(n, c->in[0], c->out[0]);
    case PN_UNARY_SOFTPLUS: return pn_softplus_f32(n, c->in[0], c->out[0]);
    case PN_UNARY_LOG_SIGMOID: return pn_log_sigmoid_f32(n, c->in[0], c->out[0]);
    case PN_UNARY_SQUARE:
    case PN_UNARY_SQRT: return own_run(n, f, c->in[0], NULL, c->out[0]);
    default: return pn_activation_f32((pn_activation)f, n, c->in[0], c->out[0]);
    }
}

static pn_status unary_grad_run(const struct call *c)
{
    const size_t n = c->op->size[0], f = c->op->size[1];
    const float *saved = c->in[0], *dy = c->in[1];
    switch (f) {
    case PN_UNARY_EXP: return pn_mul_f32(n, saved, dy, c->out[0]);
    case PN_UNARY_LOG: return pn_log_grad_f32(n, saved, dy, c->out[0]);
    case PN_UNARY_SOFTPLUS: return pn_softplus_grad_f32(n, saved, dy, c->out[0]);
    case PN_UNARY_LOG_SIGMOID: return pn_log_sigmoid_grad_f32(n, saved, dy, c->out[0]);
    case PN_ACT_TANH:
    case PN_ACT_SIGMOID:
    case PN_UNARY_SQUARE:
    case PN_UNARY_SQRT: return own_run(n, f, saved, dy, c->out[0]);
    default: return pn_activation_grad_f32((pn_activation)f, n, saved, dy, c->out[0]);
    }
}

/* ---- binary: rows, cols, operation, spread ---- */

static size_t spread_count(const size_t *s, size_t spread)
{
    return spread == PN_SPREAD_ROW ? s[1] : spread == PN_SPREAD_COLUMN ? s[0] : pn_times(s[0], s[1]);
}

static void binary_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_that(c, s[2] <= PN_BINARY_DIV, "unknown arithmetic");
    pn_check_that(c, s[3] <= PN_SPREAD_COLUMN, "unknown way to spread");
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, spread_count(s, s[3]), MUST);
    pn_check_out(c, 0, n, MUST);
}

static pn_status binary_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_binary_f32(s[0], s[1], (pn_binary)s[2], (pn_spread)s[3], c->in[0], c->in[1], c->out[0]);
}

static void affine_check(struct check *c)
{
    pn_check_in(c, 0, PN_FLOAT, c->op->size[0], MUST);
    pn_check_out(c, 0, c->op->size[0], MUST);
}

static pn_status affine_run(const struct call *c)
{
    return pn_affine_f32(c->op->size[0], c->op->real[0], c->op->real[1], c->in[0], c->out[0]);
}

/* ---- sums: rows, cols; r0 factor ---- */

static void sum_rows_check(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[1]), MUST);
    pn_check_out(c, 0, s[1], MUST);
}

static size_t sum_rows_workspace(const pn_op *op) { return pn_sum_rows_workspace(op->size[0], op->size[1]); }

static pn_status sum_rows_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_sum_rows_f32(s[0], s[1], c->op->real[0], c->in[0], c->out[0], c->workspace, c->workspace_bytes);
}

static void sum_columns_check(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[1]), MUST);
    pn_check_out(c, 0, s[0], MUST);
}

static size_t sum_columns_workspace(const pn_op *op) { return pn_sum_columns_workspace(op->size[0], op->size[1]); }

static pn_status sum_columns_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_sum_columns_f32(s[0], s[1], c->op->real[0], c->in[0], c->out[0], c->workspace, c->workspace_bytes);
}

const struct op_class pn_ops_elementwise[] = {
    { unary_check, NULL, unary_run, { 1 << 0 } },
    { unary_grad_check, NULL, unary_grad_run, { 1 << 0 | 1 << 1 } },
    { binary_check, NULL, binary_run, { 1 << 0 | 1 << 1 } },
    { affine_check, NULL, affine_run, { 1 << 0 } },
    { sum_rows_check, sum_rows_workspace, sum_rows_run, { 0 } },
    { sum_columns_check, sum_columns_workspace, sum_columns_run, { 0 } },
};
