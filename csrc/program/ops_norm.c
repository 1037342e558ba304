/* Softmax and norms. */
#include "program.h"

#include "penchant/norm.h"

/* ---- softmax: rows, cols, log ---- */

static void softmax_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_that(c, s[2] <= 1, "the flag of the logarithm is 0 or 1");
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_MASK, n, MAY);
    pn_check_out(c, 0, n, MUST);
}

static void softmax_grad_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_that(c, s[2] <= 1, "the flag of the logarithm is 0 or 1");
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, n, MUST);
    pn_check_out(c, 0, n, MUST);
}

/* ---- norms: rows, cols; r0 epsilon ---- */

static void layer_norm_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_that(c, c->op->real[0] >= 0, "epsilon is not negative");
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, s[1], MUST);
    pn_check_in(c, 2, PN_FLOAT, s[1], MUST);
    pn_check_in(c, 3, PN_FLOAT, n, MAY);
    pn_check_out(c, 0, n, MUST);
    pn_check_out(c, 1, s[0], MUST);
    pn_check_out(c, 2, s[0], MUST);
    pn_check_out(c, 3, n, pn_has_in(c->op, 3) ? MUST : MAY);
}

static void layer_norm_grad_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, n, MUST);
    pn_check_in(c, 2, PN_FLOAT, s[1], MUST);
    pn_check_in(c, 3, PN_FLOAT, s[0], MUST);
    pn_check_in(c, 4, PN_FLOAT, s[0], MUST);
    pn_check_in(c, 5, PN_FLOAT, n, MAY);
    pn_check_out(c, 0, n, MUST);
    pn_check_out(c, 1, s[1], MUST);
    pn_check_out(c, 2, s[1], MUST);
}

static void rms_norm_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_that(c, c->op->real[0] >= 0, "epsilon is not negative");
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, s[1], MUST);
    pn_check_in(c, 2, PN_FLOAT, n, MAY);
    pn_check_out(c, 0, n, MUST);
    pn_check_out(c, 1, s[0], MUST);
    pn_check_out(c, 2, n, pn_has_in(c->op, 2) ? MUST : MAY);
}

static void rms_norm_grad_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, n, MUST);
    pn_check_in(c, 2, PN_FLOAT, s[1], MUST);
    pn_check_in(c, 3, PN_FLOAT, s[0], MUST);
    pn_check_in(c, 4, PN_FLOAT, n, MAY);
    pn_check_out(c, 0, n, MUST);
    pn_check_out(c, 1, s[1], MUST);
}

static pn_status softmax_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return (s[2] ? pn_log_softmax_f32 : pn_softmax_f32)(s[0], s[1], c->in[0], c->in[1], c->out[0]);
}

static pn_status softmax_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return (s[2] ? pn_log_softmax_grad_f32 : pn_softmax_grad_f32)(s[0], s[1], c->in[0], c->in[1], c->out[0]);
}

static pn_status layer_norm_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_layer_norm_f32(s[0], s[1], c->op->real[0], c->in[0], c->in[3], c->in[1], c->in[2], c->out[0],
                             c->out[3], c->out[1], c->out[2]);
}

static size_t layer_norm_grad_workspace(const pn_op *op)
{
    return pn_layer_norm_grad_workspace(op->size[0], op->size[1]);
}

static pn_status layer_norm_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_layer_norm_grad_f32(s[0], s[1], c->in[1], c->in[2], c->in[3], c->in[4], c->in[0], c->in[5], c->out[0],
                                  c->out[1], c->out[2], c->workspace, c->workspace_bytes);
}

static pn_status rms_norm_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_rms_norm_f32(s[0], s[1], c->op->real[0], c->in[0], c->in[2], c->in[1], c->out[0], c->out[2],
                           c->out[1]);
}

static size_t rms_norm_grad_workspace(const pn_op *op)
{
    return pn_rms_norm_grad_workspace(op->size[0], op->size[1]);
}

static pn_status rms_norm_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_rms_norm_grad_f32(s[0], s[1], c->in[1], c->in[2], c->in[3], c->in[0], c->in[4], c->out[0], c->out[1],
                                c->workspace, c->workspace_bytes);
}

const struct op_class pn_ops_norm[] = {
    { softmax_check, NULL, softmax_run, { 1 << 0 } },
    { softmax_grad_check, NULL, softmax_grad_run, { 1 << 1 } },
    { layer_norm_check, NULL, layer_norm_run, { 1 << 0 } },
    { layer_norm_grad_check, layer_norm_grad_workspace, layer_norm_grad_run, { 1 << 0 } },
    { rms_norm_check, NULL, rms_norm_run, { 1 << 0 } },
    { rms_norm_grad_check, rms_norm_grad_workspace, rms_norm_grad_run, { 1 << 0 } },
};
