/* Losses: one number, and gradients in the same pass when the program asks for them. */
#include "program.h"

#include "penchant/catalogue.h"
#include "penchant/loss.h"
#include "penchant/preference.h"

static pn_status finish(const struct call *c, pn_status status, double mean)
{
    *(float *)c->out[0] = (float)mean;
    return status;
}

/* ---- bce, mse: n ---- */

static void pointwise_check(struct check *c)
{
    const size_t n = c->op->size[0];
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_FLOAT, n, MUST);
    pn_check_in(c, 2, PN_FLOAT, n, MAY);
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, n, MAY);
}

static size_t bce_workspace(const pn_op *op) { return pn_preference_workspace(op->size[0]); }

/* A margin with the target as its label: p softplus(-s) + (1 - p) softplus(s) is binary cross-entropy. */
static pn_status bce_run(const struct call *c)
{
    const size_t n = c->op->size[0];
    const pn_preference_options options = { .loss = PN_PREFERENCE_SIGMOID, .beta = 1,
                                            .grad_scale = c->op->real[0] / (float)n };
    double mean = 0;
    const pn_status status = pn_preference_margin_f32(n, &options, c->in[0], NULL, c->in[1], c->in[2], NULL,
                                                      c->out[1], &mean, c->workspace, c->workspace_bytes);
    return finish(c, status, mean);
}

static size_t mse_workspace(const pn_op *op) { return pn_squared_loss_workspace(op->size[0]); }

static pn_status mse_run(const struct call *c)
{
    double mean = 0;
    const pn_status status = pn_squared_loss_f32(c->op->size[0], c->op->real[0], c->in[0], c->in[1], c->in[2], &mean,
                                                 c->out[1], c->workspace, c->workspace_bytes);
    return finish(c, status, mean);
}

/* ---- cross_entropy: rows, classes ---- */

static void cross_entropy_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_ID, s[0], MUST);
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, n, MAY);
}

static size_t cross_entropy_workspace(const pn_op *op) { return pn_cross_entropy_workspace(op->size[0], op->size[1]); }

static pn_status cross_entropy_run(const struct call *c)
{
    double mean = 0;
    const pn_status status =
        pn_cross_entropy_f32(c->op->size[0], c->op->size[1], c->op->real[0], c->in[0], c->in[1], &mean, c->out[1],
                             c->workspace, c->workspace_bytes);
    return finish(c, status, mean);
}

/* ---- catalogue_cross_entropy: n, items, width ---- */

static void catalogue_check(struct check *c)
{
    const size_t *s = c->op->size, hidden = pn_times(s[0], s[2]), table = pn_times(s[1], s[2]);
    pn_check_in(c, 0, PN_FLOAT, hidden, MUST);
    pn_check_in(c, 1, PN_FLOAT, table, MUST);
    pn_check_in(c, 2, PN_ID, s[0], MUST);
    pn_check_in(c, 3, PN_FLOAT, s[1], MAY);
    pn_check_in(c, 4, PN_FLOAT, s[0], MAY);
    pn_check_that(c, pn_has_in(c->op, 3) || !pn_has_out(c->op, 3), "a gradient of a bias that is not there");
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, hidden, MAY);
    pn_check_out(c, 2, table, MAY);
    pn_check_out(c, 3, s[1], MAY);
}

static size_t catalogue_workspace(const pn_op *op)
{
    return pn_catalogue_loss_workspace(op->size[0], op->size[1], op->size[2]);
}

static pn_status catalogue_run(const struct call *c)
{
    const size_t *s = c->op->size;
    double mean = 0;
    const pn_status status = pn_catalogue_loss_f32(s[0], s[1], s[2], c->op->real[0], false, c->in[0], c->in[1],
                                                   c->in[3], c->in[2], c->in[4], NULL, &mean, c->out[1], c->out[2],
                                                   c->out[3], c->workspace, c->workspace_bytes);
    return finish(c, status, mean);
}

/* ---- preference: n, loss; r0 factor, r1 ... options ---- */

static void preference_check(struct check *c)
{
    const size_t n = c->op->size[0];
    pn_check_that(c, c->op->size[1] <= PN_PREFERENCE_EXO, "unknown preference loss");
    for (unsigned i = 0; i < 9; ++i)
        pn_check_in(c, i, i == 4 || i == 5 ? PN_ID : PN_FLOAT, n, i < 2 ? MUST : MAY);
    pn_check_that(c, pn_has_in(c->op, 2) == pn_has_in(c->op, 3), "references come both or not at all");
    pn_check_that(c, pn_has_in(c->op, 4) == pn_has_in(c->op, 5), "lengths come both or not at all");
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, n, MAY);
    pn_check_out(c, 2, n, MAY);
}

static size_t preference_workspace(const pn_op *op) { return pn_preference_workspace(op->size[0]); }

static pn_status preference_run(const struct call *c)
{
    const size_t n = c->op->size[0];
    const float *r = c->op->real;
    const pn_preference_options options = { (pn_preference_loss)c->op->size[1], r[1], r[2], r[3], r[4], r[5],
                                            r[0] / (float)n };
    double mean = 0;
    const pn_status status = pn_preference_logprob_f32(n, &options, c->in[0], c->in[1], c->in[2], c->in[3], c->in[4],
                                                       c->in[5], c->in[6], c->in[7], c->in[8], NULL, c->out[1],
                                                       c->out[2], &mean, c->workspace, c->workspace_bytes);
    return finish(c, status, mean);
}

/* ---- plackett_luce: lists, items, top ---- */

static void plackett_luce_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(s[0], s[1]);
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_in(c, 1, PN_ID, n, MAY);
    pn_check_in(c, 2, PN_FLOAT, s[0], MAY);
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, n, MAY);
}

/* Lists of one length: where each starts is written in front of the workspace. */
static size_t offset_bytes(const pn_op *op)
{
    size_t bytes;
    if (!pn_mul_size(op->size[0] / 8 + 1, 8 * sizeof(size_t), &bytes)) return SIZE_MAX;
    return bytes;
}

static size_t plackett_luce_workspace(const pn_op *op)
{
    size_t bytes;
    if (!pn_add_size(offset_bytes(op), pn_plackett_luce_workspace(op->size[0], pn_times(op->size[0], op->size[1])),
                     &bytes))
        return SIZE_MAX;
    return bytes;
}

static pn_status plackett_luce_run(const struct call *c)
{
    const size_t *s = c->op->size, bytes = offset_bytes(c->op);
    size_t *offsets = c->workspace;
    for (size_t i = 0; i <= s[0]; ++i) offsets[i] = i * s[1];
    double mean = 0;
    const pn_status status = pn_plackett_luce_f32(s[0], s[2], c->op->real[0] / (float)s[0], offsets, c->in[0],
                                                  c->in[1], c->in[2], NULL, c->out[1], &mean,
                                                  (char *)c->workspace + bytes, c->workspace_bytes - bytes);
    return finish(c, status, mean);
}

const struct op_class pn_ops_loss[] = {
    { pointwise_check, bce_workspace, bce_run, { 0 } },
    { pointwise_check, mse_workspace, mse_run, { 0 } },
    { cross_entropy_check, cross_entropy_workspace, cross_entropy_run, { 0 } },
    { catalogue_check, catalogue_workspace, catalogue_run, { 0 } },
    { preference_check, preference_workspace, preference_run, { 0 } },
    { plackett_luce_check, plackett_luce_workspace, plackett_luce_run, { 0 } },
};
