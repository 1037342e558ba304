/* Losses of policy optimisation: one number, and gradients in the same pass when the program asks for them.
 * */
#include "program.h"

#include "penchant/policy.h"

static pn_status finish(const struct call *c, pn_status status, double loss)
{
    *(float *)c->out[0] = (float)loss;
    return status;
}

/* ---- policy_loss: rows, classes, estimator; r0 factor, r1 penalty, r2 r3 clip ---- */

static void policy_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_that(c, s[2] <= PN_KL_K3_REVERSED, "unknown estimator of the divergence");
    pn_check_that(c, s[2] == PN_KL_NONE || pn_has_in(c->op, 4), "an estimate of the divergence needs the reference");
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_ID, s[0], MUST);
    pn_check_in(c, 2, PN_FLOAT, s[0], MUST);
    for (unsigned i = 3; i < 6; ++i) pn_check_in(c, i, PN_FLOAT, s[0], MAY);
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, n, MAY);
}

static size_t policy_workspace(const pn_op *op) { return pn_policy_loss_workspace(op->size[0], op->size[1]); }

static pn_status policy_run(const struct call *c)
{
    const size_t *s = c->op->size;
    const float *r = c->op->real;
    const pn_policy_options options = { (pn_kl_estimator)s[2], r[1], r[2], r[3], r[0] };
    double loss = 0;
    const pn_status status =
        pn_policy_loss_f32(s[0], s[1], &options, c->in[0], c->in[1], c->in[2], c->in[3], c->in[4], c->in[5], &loss,
                           c->out[1], c->workspace, c->workspace_bytes);
    return finish(c, status, loss);
}

/* ---- value_loss: n; r0 factor, r1 clip ---- */

static void value_check(struct check *c)
{
    const size_t n = c->op->size[0];
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, n, MUST);
    pn_check_in(c, 2, PN_FLOAT, n, MAY);
    pn_check_in(c, 3, PN_FLOAT, n, MAY);
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, n, MAY);
}

static size_t value_workspace(const pn_op *op) { return pn_value_loss_workspace(op->size[0]); }

static pn_status value_run(const struct call *c)
{
    double loss = 0;
    const pn_status status =
        pn_value_loss_f32(c->op->size[0], c->op->real[1], c->op->real[0], c->in[0], c->in[1], c->in[2], c->in[3],
                          &loss, c->out[1], c->workspace, c->workspace_bytes);
    return finish(c, status, loss);
}

const struct op_class pn_ops_policy[] = {
    { policy_check, policy_workspace, policy_run, { 0 } },
    { value_check, value_workspace, value_run, { 0 } },
};
