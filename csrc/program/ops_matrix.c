/* Products, and dropout, which follows them. */
#include "program.h"

#include "penchant/gemm.h"
#include "penchant/elementwise.h"

/* What the derivative of an activation is computed from: its output where that is enough. */
static bool from_output(size_t f) { return f == PN_ACT_RELU || f == PN_ACT_TANH || f == PN_ACT_SIGMOID; }

/* ---- linear: rows, in, out, f ---- */

static void linear_check(struct check *c)
{
    const size_t *s = c->op->size, y = pn_times(s[0], s[2]);
    pn_check_that(c, s[3] <= PN_ACT_SIGMOID, "unknown activation");
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[1]), MUST);
    pn_check_in(c, 1, PN_FLOAT, pn_times(s[2], s[1]), MUST);
    pn_check_in(c, 2, PN_FLOAT, s[2], MAY);
    pn_check_in(c, 3, PN_FLOAT, y, MAY);
    pn_check_out(c, 0, y, MUST);
    pn_check_out(c, 1, y, MAY);
}

static size_t linear_workspace(const pn_op *op)
{
    return pn_gemm_workspace(PN_NO_TRANS, PN_TRANS, op->size[0], op->size[2], op->size[1]);
}

static pn_status linear_run(const struct call *c)
{
    const size_t *s = c->op->size;
    const pn_gemm_epilogue end = { .column_bias = c->in[2], .pre = c->out[1], .ldpre = s[2],
                                   .activation = (pn_activation)s[3] };
    pn_start_from(c->out[0], c->in[3], s[0] * s[2]);
    return pn_gemm_f32(PN_NO_TRANS, PN_TRANS, s[0], s[2], s[1], 1, c->in[0], s[1], c->in[1], s[1], c->in[3] ? 1 : 0,
                       c->out[0], s[2], &end, c->workspace, c->workspace_bytes);
}

static void linear_grad_input_check(struct check *c)
{
    const size_t *s = c->op->size, x = pn_times(s[0], s[1]);
    pn_check_that(c, s[3] <= PN_ACT_SIGMOID, "unknown activation");
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[2]), MUST);
    pn_check_in(c, 1, PN_FLOAT, pn_times(s[2], s[1]), MUST);
    pn_check_in(c, 2, PN_FLOAT, x, MAY);
    pn_check_in(c, 3, PN_FLOAT, x, s[3] == PN_ACT_NONE ? MAY : MUST);
    pn_check_out(c, 0, x, MUST);
}

static size_t linear_grad_input_workspace(const pn_op *op)
{
    return pn_gemm_workspace(PN_NO_TRANS, PN_NO_TRANS, op->size[0], op->size[1], op->size[2]);
}

static pn_status linear_grad_input_run(const struct call *c)
{
    const size_t *s = c->op->size;
    const pn_gemm_epilogue end = { .gradient_of = (pn_activation)s[3], .gradient_from_output = from_output(s[3]),
                                   .gradient_at = c->in[3], .ldgradient = s[1] };
    pn_start_from(c->out[0], c->in[2], s[0] * s[1]);
    return pn_gemm_f32(PN_NO_TRANS, PN_NO_TRANS, s[0], s[1], s[2], 1, c->in[0], s[2], c->in[1], s[1],
                       c->in[2] ? 1 : 0, c->out[0], s[1], &end, c->workspace, c->workspace_bytes);
}

static void linear_grad_weight_check(struct check *c)
{
    const size_t *s = c->op->size, w = pn_times(s[2], s[1]);
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[2]), MUST);
    pn_check_in(c, 1, PN_FLOAT, pn_times(s[0], s[1]), MUST);
    pn_check_in(c, 2, PN_FLOAT, w, MAY);
    pn_check_in(c, 3, PN_FLOAT, s[2], MAY);
    pn_check_out(c, 0, w, MUST);
    pn_check_out(c, 1, s[2], pn_has_in(c->op, 3) ? MUST : MAY);
}

/* With a base for the bias its sum is made beside it first. */
static size_t bias_bytes(const pn_op *op) { return pn_ceil_div(op->size[2], 16) * 64; }

static size_t linear_grad_weight_workspace(const pn_op *op)
{
    const size_t *s = op->size;
    size_t sum = 0;
    if (pn_has_out(op, 1)) sum = pn_sum_rows_workspace(s[0], s[2]);
    if (pn_has_in(op, 3) && !pn_add_size(sum, bias_bytes(op), &sum)) return SIZE_MAX;
    return pn_max(pn_gemm_workspace(PN_TRANS, PN_NO_TRANS, s[2], s[1], s[0]), sum);
}

static pn_status bias_grad(const struct call *c)
{
    const size_t *s = c->op->size;
    if (!c->in[3])
        return pn_sum_rows_f32(s[0], s[2], 1, c->in[0], c->out[1], c->workspace, c->workspace_bytes);
    const size_t bytes = bias_bytes(c->op);
    float *sum = c->workspace;
    const pn_status status = pn_sum_rows_f32(s[0], s[2], 1, c->in[0], sum, (char *)c->workspace + bytes,
                                             c->workspace_bytes - bytes);
    if (status) return status;
    return pn_binary_f32(1, s[2], PN_BINARY_ADD, PN_SPREAD_NONE, c->in[3], sum, c->out[1]);
}

static pn_status linear_grad_weight_run(const struct call *c)
{
    const size_t *s = c->op->size;
    pn_start_from(c->out[0], c->in[2], s[2] * s[1]);
    const pn_status status = pn_gemm_f32(PN_TRANS, PN_NO_TRANS, s[2], s[1], s[0], 1, c->in[0], s[2], c->in[1], s[1],
                                         c->in[2] ? 1 : 0, c->out[0], s[1], NULL, c->workspace, c->workspace_bytes);
    return status || !c->out[1] ? status : bias_grad(c);
}

/* ---- matmul: batch, m, n, k, ta, tb; r0 factor ---- */

static void matmul_check(struct check *c)
{
    const size_t *s = c->op->size, mn = pn_times(pn_times(s[0], s[1]), s[2]);
    pn_check_that(c, s[4] <= 1 && s[5] <= 1, "a transpose flag is 0 or 1");
    pn_check_in(c, 0, PN_FLOAT, pn_times(pn_times(s[0], s[1]), s[3]), MUST);
    pn_check_in(c, 1, PN_FLOAT, pn_times(pn_times(s[0], s[3]), s[2]), MUST);
    pn_check_in(c, 2, PN_FLOAT, mn, MAY);
    pn_check_out(c, 0, mn, MUST);
}

static size_t matmul_workspace(const pn_op *op)
{
    const size_t *s = op->size;
    const pn_transpose ta = (pn_transpose)s[4], tb = (pn_transpose)s[5];
    return s[0] == 1 ? pn_gemm_workspace(ta, tb, s[1], s[2], s[3])
                     : pn_gemm_batched_workspace(s[0], ta, tb, s[1], s[2], s[3]);
}

static pn_status matmul_run(const struct call *c)
{
    const size_t *s = c->op->size, m = s[1], n = s[2], k = s[3];
    const pn_transpose ta = (pn_transpose)s[4], tb = (pn_transpose)s[5];
    const size_t lda = ta == PN_TRANS ? m : k, ldb = tb == PN_TRANS ? k : n;
    const float beta = c->in[2] ? 1 : 0, alpha = c->op->real[0];
    pn_start_from(c->out[0], c->in[2], s[0] * m * n);
    if (s[0] == 1)
        return pn_gemm_f32(ta, tb, m, n, k, alpha, c->in[0], lda, c->in[1], ldb, beta, c->out[0], n, NULL,
                           c->workspace, c->workspace_bytes);
    return pn_gemm_batched_f32(s[0], ta, tb, m, n, k, alpha, c->in[0], lda, m * k, c->in[1], ldb, k * n, beta,
                               c->out[0], n, m * n, c->workspace, c->workspace_bytes);
}

/* ---- dropout: n, stream; r0 probability ---- */

static void dropout_check(struct check *c)
{
    const size_t n = c->op->size[0];
    pn_check_that(c, c->op->real[0] >= 0 && c->op->real[0] < 1, "a probability is in [0, 1)");
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_out(c, 0, n, MUST);
}

static pn_status dropout_run(const struct call *c)
{
    const size_t n = c->op->size[0];
    if (!c->step->training) {
        pn_start_from(c->out[0], c->in[0], n);
        return PN_OK;
    }
    /* A stream of its own for every operation and step. */
    const uint64_t stream = (uint64_t)c->op->size[1] << 40 ^ c->step->step;
    return pn_dropout_f32(n, c->op->real[0], c->step->seed, stream, 0, c->in[0], c->out[0]);
}

const struct op_class pn_ops_matrix[] = {
    { dropout_check, NULL, dropout_run, { 1 << 0 } },
    { linear_check, linear_workspace, linear_run, { 1 << 3 } },
    { linear_grad_input_check, linear_grad_input_workspace, linear_grad_input_run, { 1 << 2 } },
    { linear_grad_weight_check, linear_grad_weight_workspace, linear_grad_weight_run, { 1 << 2, 1 << 3 } },
    { matmul_check, matmul_workspace, matmul_run, { 1 << 2 } },
};
