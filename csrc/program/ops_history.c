/* What sequential recommenders add: attention over prefixes, recurrence, the divergence of states. */
#include "program.h"

#include "penchant/catalogue.h"
#include "penchant/gru.h"
#include "penchant/prefix.h"

/* ---- prefix attention: sequences, rows, queries, heads, width, own; r0 scale ---- */

static pn_prefix_shape prefix_shape(const pn_op *op)
{
    const size_t *s = op->size;
    return (pn_prefix_shape){ s[0], s[1], s[2], s[3], s[4], s[5], op->real[0] };
}

struct prefix_counts {
    size_t items, own, out, sums;
};

/* The operands that the gradient reads too: items, own, offsets, first, seen, from input `at` on. */
static struct prefix_counts prefix_operands(struct check *c, unsigned at)
{
    const size_t *s = c->op->size, width = pn_times(s[3], s[4]), out = pn_times(s[2], width);
    const struct prefix_counts n = { pn_times(pn_times(3, s[1]), width), pn_times(pn_times(3, s[5]), out), out,
                                     pn_times(s[2], s[3]) };
    const size_t offsets = s[0] < SIZE_MAX ? s[0] + 1 : SIZE_MAX;
    pn_check_that(c, s[5] > 0, "a query has no row of its own");
    pn_check_in(c, at, PN_FLOAT, n.items, MUST);
    pn_check_in(c, at + 1, PN_FLOAT, n.own, MUST);
    pn_check_in(c, at + 2, PN_ID, offsets, MUST);
    pn_check_in(c, at + 3, PN_ID, offsets, MUST);
    pn_check_in(c, at + 4, PN_ID, s[2], MUST);
    return n;
}

static void prefix_check(struct check *c)
{
    const struct prefix_counts n = prefix_operands(c, 0);
    pn_check_out(c, 0, n.out, MUST);
    pn_check_out(c, 1, n.sums, MUST);
}

static size_t prefix_workspace(const pn_op *op)
{
    const pn_prefix_shape shape = prefix_shape(op);
    return pn_prefix_attention_workspace(&shape);
}

static pn_status prefix_run(const struct call *c)
{
    const pn_prefix_shape shape = prefix_shape(c->op);
    return pn_prefix_attention_f32(&shape, c->in[2], c->in[3], c->in[4], c->in[0], c->in[1], c->out[0], c->out[1],
                                   c->workspace, c->workspace_bytes);
}

static void prefix_grad_check(struct check *c)
{
    const struct prefix_counts n = prefix_operands(c, 3);
    pn_check_in(c, 0, PN_FLOAT, n.out, MUST);
    pn_check_in(c, 1, PN_FLOAT, n.out, MUST);
    pn_check_in(c, 2, PN_FLOAT, n.sums, MUST);
    pn_check_out(c, 0, n.items, MUST);
    pn_check_out(c, 1, n.own, MUST);
}

static pn_status prefix_grad_run(const struct call *c)
{
    const pn_prefix_shape shape = prefix_shape(c->op);
    return pn_prefix_attention_grad_f32(&shape, c->in[5], c->in[6], c->in[7], c->in[3], c->in[4], c->in[1], c->in[2],
                                        c->in[0], c->out[0], c->out[1], c->workspace, c->workspace_bytes);
}

/* ---- gru: sequences, rows, width ---- */

static void gru_check(struct check *c)
{
    const size_t *s = c->op->size, y = pn_times(s[1], s[2]);
    pn_check_in(c, 0, PN_FLOAT, pn_times(3, y), MUST);
    pn_check_in(c, 1, PN_FLOAT, pn_times(3, pn_times(s[2], s[2])), MUST);
    pn_check_in(c, 2, PN_FLOAT, pn_times(3, s[2]), MUST);
    pn_check_in(c, 3, PN_ID, s[0] < SIZE_MAX ? s[0] + 1 : SIZE_MAX, MUST);
    pn_check_out(c, 0, y, MUST);
    pn_check_out(c, 1, pn_times(4, y), MUST);
}

static size_t gru_workspace(const pn_op *op) { return pn_gru_workspace(op->size[0], op->size[1], op->size[2]); }

static pn_status gru_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_gru_f32(s[0], s[1], s[2], c->in[3], c->in[0], c->in[1], c->in[2], c->out[0], c->out[1], c->workspace,
                      c->workspace_bytes);
}

static void gru_grad_check(struct check *c)
{
    const size_t *s = c->op->size, y = pn_times(s[1], s[2]), weight = pn_times(3, pn_times(s[2], s[2]));
    pn_check_in(c, 0, PN_FLOAT, y, MUST);
    pn_check_in(c, 1, PN_FLOAT, weight, MUST);
    pn_check_in(c, 2, PN_FLOAT, y, MUST);
    pn_check_in(c, 3, PN_FLOAT, pn_times(4, y), MUST);
    pn_check_in(c, 4, PN_ID, s[0] < SIZE_MAX ? s[0] + 1 : SIZE_MAX, MUST);
    pn_check_out(c, 0, pn_times(3, y), MUST);
    pn_check_out(c, 1, weight, MUST);
    pn_check_out(c, 2, pn_times(3, s[2]), MUST);
}

static size_t gru_grad_workspace(const pn_op *op)
{
    return pn_gru_grad_workspace(op->size[0], op->size[1], op->size[2]);
}

static pn_status gru_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_gru_grad_f32(s[0], s[1], s[2], c->in[4], c->in[1], c->in[2], c->in[3], c->in[0], c->out[0], c->out[1],
                           c->out[2], c->workspace, c->workspace_bytes);
}

/* ---- catalogue_divergence: states, n, items, width ---- */

static void divergence_check(struct check *c)
{
    const size_t *s = c->op->size, table = pn_times(s[2], s[3]), hidden = pn_times(s[0], pn_times(s[1], s[3]));
    pn_check_that(c, s[0] <= PN_CATALOGUE_STATES, "more states than a row may have");
    pn_check_in(c, 0, PN_FLOAT, hidden, MUST);
    pn_check_in(c, 1, PN_FLOAT, table, MUST);
    pn_check_in(c, 2, PN_ID, s[1], MUST);
    pn_check_in(c, 3, PN_FLOAT, s[2], MAY);
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, hidden, MAY);
    pn_check_out(c, 2, table, MAY);
}

static size_t divergence_workspace(const pn_op *op)
{
    const size_t *s = op->size;
    return pn_catalogue_divergence_workspace(s[0], s[1], s[2], s[3]);
}

static pn_status divergence_run(const struct call *c)
{
    const size_t *s = c->op->size;
    double mean = 0;
    const pn_status status =
        pn_catalogue_divergence_f32(s[0], s[1], s[2], s[3], c->op->real[0], c->in[0], c->in[1], c->in[3], c->in[2],
                                    &mean, c->out[1], c->out[2], c->workspace, c->workspace_bytes);
    *(float *)c->out[0] = (float)mean;
    return status;
}

const struct op_class pn_ops_history[] = {
    { prefix_check, prefix_workspace, prefix_run, { 0 } },
    { prefix_grad_check, prefix_workspace, prefix_grad_run, { 0 } },
    { gru_check, gru_workspace, gru_run, { 0 } },
    { gru_grad_check, gru_grad_workspace, gru_grad_run, { 0 } },
    { divergence_check, divergence_workspace, divergence_run, { 0 } },
};
