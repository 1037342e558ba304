/* Embeddings and attention. */
#include "program.h"

#include "penchant/attribute.h"
#include "penchant/embedding.h"
#include "penchant/sequence.h"

/* ---- embedding: n, rows, width ---- */

static void embedding_check(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[1], s[2]), MUST);
    pn_check_in(c, 1, PN_ID, s[0], MUST);
    pn_check_out(c, 0, pn_times(s[0], s[2]), MUST);
}

static pn_status embedding_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_embedding_gather_f32(s[0], s[1], s[2], c->in[0], c->in[1], c->out[0]);
}

static void embedding_grad_check(struct check *c)
{
    const size_t *s = c->op->size, table = pn_times(s[1], s[2]);
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[2]), MUST);
    pn_check_in(c, 1, PN_ID, s[0], MUST);
    pn_check_in(c, 2, PN_FLOAT, table, MAY);
    pn_check_out(c, 0, table, MUST);
}

static size_t embedding_grad_workspace(const pn_op *op)
{
    return pn_embedding_scatter_workspace(op->size[0], op->size[1]);
}

static pn_status embedding_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    if (c->in[2])
        pn_start_from(c->out[0], c->in[2], s[1] * s[2]);
    else
        pn_clear(c->out[0], s[1] * s[2]);
    return pn_embedding_scatter_f32(s[0], s[1], s[2], c->in[1], c->in[0], c->out[0], c->workspace,
                                    c->workspace_bytes);
}

/* ---- attention: batch, length, heads, width, causal, rows; r0 scale ---- */

static pn_sequence_shape attention_shape(const pn_op *op)
{
    const size_t *s = op->size;
    return (pn_sequence_shape){ s[0], s[1], s[2], s[3], 3 * s[2] * s[3], s[2] * s[3], op->real[0], s[4] != 0 };
}

struct attention_counts {
    size_t rows, out, qkv, sums;
};

static struct attention_counts attention_counts(const size_t *s)
{
    const size_t rows = s[5] ? s[5] : pn_times(s[0], s[1]), out = pn_times(rows, pn_times(s[2], s[3]));
    return (struct attention_counts){ rows, out, pn_times(3, out), pn_times(rows, s[2]) };
}

/* Packed sequences: rows > 0 and offsets[batch + 1] at operand `at`; else neither. */
static void offsets_check(struct check *c, unsigned at)
{
    const size_t *s = c->op->size;
    pn_check_that(c, (s[5] != 0) == pn_has_in(c->op, at), "rows and offsets belong together");
    pn_check_in(c, at, PN_ID, s[0] < SIZE_MAX ? s[0] + 1 : SIZE_MAX, MAY);
}

/* Every row belongs to a sequence: a row that none owns would keep what an earlier operation left there. */
static bool offsets_cover(const size_t *s, const uint32_t *offsets) { return !offsets || offsets[s[0]] == s[5]; }

static void attention_check(struct check *c)
{
    const struct attention_counts n = attention_counts(c->op->size);
    pn_check_in(c, 0, PN_FLOAT, n.qkv, MUST);
    pn_check_in(c, 1, PN_MASK, n.rows, MAY);
    offsets_check(c, 2);
    pn_check_out(c, 0, n.out, MUST);
    pn_check_out(c, 1, n.sums, MUST);
}

static size_t attention_workspace(const pn_op *op)
{
    const pn_sequence_shape shape = attention_shape(op);
    return pn_sequence_attention_workspace(&shape);
}

static pn_status attention_run(const struct call *c)
{
    const pn_sequence_shape shape = attention_shape(c->op);
    const size_t width = shape.out_row;
    const float *qkv = c->in[0];
    if (!offsets_cover(c->op->size, c->in[2])) return PN_EDIM;
    return pn_sequence_attention_f32(&shape, c->in[2], c->in[1], qkv, qkv + width, qkv + 2 * width, c->out[0], c->out[1],
                                     c->workspace, c->workspace_bytes);
}

static void attention_grad_check(struct check *c)
{
    const struct attention_counts n = attention_counts(c->op->size);
    pn_check_in(c, 0, PN_FLOAT, n.out, MUST);
    pn_check_in(c, 1, PN_FLOAT, n.qkv, MUST);
    pn_check_in(c, 2, PN_MASK, n.rows, MAY);
    pn_check_in(c, 3, PN_FLOAT, n.out, MUST);
    pn_check_in(c, 4, PN_FLOAT, n.sums, MUST);
    offsets_check(c, 5);
    pn_check_out(c, 0, n.qkv, MUST);
}

static size_t attention_grad_workspace(const pn_op *op)
{
    const pn_sequence_shape shape = attention_shape(op);
    return pn_sequence_attention_grad_workspace(&shape);
}

static pn_status attention_grad_run(const struct call *c)
{
    const pn_sequence_shape shape = attention_shape(c->op);
    const size_t width = shape.out_row;
    const float *qkv = c->in[1];
    float *d_qkv = c->out[0];
    if (!offsets_cover(c->op->size, c->in[5])) return PN_EDIM;
    return pn_sequence_attention_grad_f32(&shape, c->in[5], c->in[2], qkv, qkv + width, qkv + 2 * width, c->in[3],
                                          c->in[4], c->in[0], d_qkv, d_qkv + width, d_qkv + 2 * width, c->workspace,
                                          c->workspace_bytes);
}

/* ---- attribute attention: texts, attributes, width, queries, rank, kind; r0 scale ---- */

/* Operands of the model start at input `at`: E, mask?, id?, query, key?, bias?, score?. */
static void attribute_operands(struct check *c, unsigned at)
{
    const size_t *s = c->op->size;
    const bool additive = s[5] == PN_ATTRIBUTE_ADDITIVE;
    const enum need key = additive ? MUST : MAY;
    pn_check_that(c, s[5] <= PN_ATTRIBUTE_ADDITIVE, "unknown kind of score");
    pn_check_that(c, additive || s[4] == s[2], "dot-product queries are as wide as the attributes");
    pn_check_that(c, additive || !(pn_has_in(c->op, at + 4) || pn_has_in(c->op, at + 5) || pn_has_in(c->op, at + 6)),
                  "key, bias and score belong to the additive form");
    const size_t rows = pn_times(s[0], s[1]);
    pn_check_in(c, at, PN_FLOAT, pn_times(rows, s[2]), MUST);
    pn_check_in(c, at + 1, PN_MASK, rows, MAY);
    pn_check_in(c, at + 2, PN_ID, s[0], s[3] == s[0] ? MAY : MUST);
    pn_check_in(c, at + 3, PN_FLOAT, pn_times(s[3], s[4]), MUST);
    pn_check_in(c, at + 4, PN_FLOAT, pn_times(s[4], s[2]), key);
    pn_check_in(c, at + 5, PN_FLOAT, s[4], MAY);
    pn_check_in(c, at + 6, PN_FLOAT, s[4], key);
}

static pn_attribute_model attribute_model(const struct call *c, unsigned at)
{
    const size_t *s = c->op->size;
    return (pn_attribute_model){ (pn_attribute_score)s[5], c->op->real[0], s[3], s[4], c->in[at + 3],
                                 c->in[at + 4], c->in[at + 5], c->in[at + 6] };
}

static size_t attribute_workspace(const pn_op *op)
{
    const size_t *s = op->size;
    const pn_attribute_model model = { (pn_attribute_score)s[5], op->real[0], s[3], s[4], NULL, NULL, NULL, NULL };
    return pn_attribute_workspace(s[0], s[1], s[2], &model);
}

static void attribute_check(struct check *c)
{
    const size_t *s = c->op->size;
    attribute_operands(c, 0);
    pn_check_out(c, 0, pn_times(s[0], s[2]), MUST);
    pn_check_out(c, 1, pn_times(s[0], s[1]), MAY);
}

static pn_status attribute_run(const struct call *c)
{
    const size_t *s = c->op->size;
    const pn_attribute_model model = attribute_model(c, 0);
    return pn_attribute_pool_f32(s[0], s[1], s[2], &model, c->in[0], c->in[1], c->in[2], c->out[0], c->out[1],
                                 c->workspace, c->workspace_bytes);
}

static void attribute_grad_check(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[2]), MAY);
    pn_check_in(c, 1, PN_FLOAT, pn_times(s[0], s[1]), MAY);
    attribute_operands(c, 2);
    pn_check_that(c, s[5] == PN_ATTRIBUTE_ADDITIVE ||
                         !(pn_has_out(c->op, 2) || pn_has_out(c->op, 3) || pn_has_out(c->op, 4)),
                  "key, bias and score belong to the additive form");
    pn_check_out(c, 0, pn_times(pn_times(s[0], s[1]), s[2]), MAY);
    pn_check_out(c, 1, pn_times(s[3], s[4]), MAY);
    pn_check_out(c, 2, pn_times(s[4], s[2]), MAY);
    pn_check_out(c, 3, s[4], MAY);
    pn_check_out(c, 4, s[4], MAY);
}

static pn_status attribute_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    const pn_attribute_model model = attribute_model(c, 2);
    const pn_attribute_gradient gradient = { .E = c->out[0], .query = c->out[1], .key = c->out[2],
                                             .bias = c->out[3], .score = c->out[4] };
    return pn_attribute_pool_grad_f32(s[0], s[1], s[2], &model, c->in[2], c->in[3], c->in[4], c->in[0], c->in[1],
                                      &gradient, NULL, NULL, c->workspace, c->workspace_bytes);
}

const struct op_class pn_ops_sequence[] = {
    { embedding_check, NULL, embedding_run, { 0 } },
    { embedding_grad_check, embedding_grad_workspace, embedding_grad_run, { 1 << 2 } },
    { attention_check, attention_workspace, attention_run, { 0 } },
    { attention_grad_check, attention_grad_workspace, attention_grad_run, { 0 } },
    { attribute_check, attribute_workspace, attribute_run, { 0 } },
    { attribute_grad_check, attribute_workspace, attribute_grad_run, { 0 } },
};
