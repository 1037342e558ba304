/* Operations that move rows. */
#include "program.h"

static void spread_check(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_that(c, s[2] == PN_SPREAD_ROW || s[2] == PN_SPREAD_COLUMN, "spread by row or by column");
    pn_check_in(c, 0, PN_FLOAT, s[2] == PN_SPREAD_ROW ? s[1] : s[0], MUST);
    pn_check_out(c, 0, pn_times(s[0], s[1]), MUST);
}

static pn_status spread_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_spread_f32(s[0], s[1], (pn_spread)s[2], c->op->real[0], c->in[0], c->out[0]);
}

static void slice_fits(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_that(c, s[2] <= s[1] && s[3] <= s[1] - s[2], "the slice leaves the row");
}

static void slice_check(struct check *c)
{
    const size_t *s = c->op->size;
    slice_fits(c);
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[1]), MUST);
    pn_check_out(c, 0, pn_times(s[0], s[3]), MUST);
}

static pn_status slice_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_slice_f32(s[0], s[1], s[2], s[3], c->in[0], c->out[0]);
}

static void slice_grad_check(struct check *c)
{
    const size_t *s = c->op->size;
    slice_fits(c);
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[3]), MUST);
    pn_check_in(c, 1, PN_FLOAT, pn_times(s[0], s[1]), MAY);
    pn_check_out(c, 0, pn_times(s[0], s[1]), MUST);
}

static pn_status slice_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    pn_start_from(c->out[0], c->in[1], s[0] * s[1]);
    return pn_slice_grad_f32(s[0], s[1], s[2], s[3], c->in[1] == NULL, c->in[0], c->out[0]);
}

static void concat_check(struct check *c)
{
    const size_t *s = c->op->size;
    pn_check_that(c, s[1] >= 1 && s[1] <= 8, "1 to 8 parts can be joined");
    size_t width = 0;
    for (unsigned i = 0; i < 8 && i < s[1]; ++i) {
        if (!pn_add_size(width, s[2 + i], &width)) break;
        pn_check_in(c, i, PN_FLOAT, pn_times(s[0], s[2 + i]), MUST);
    }
    pn_check_out(c, 0, pn_times(s[0], width), MUST);
}

static pn_status concat_run(const struct call *c)
{
    const float *parts[8];
    for (unsigned i = 0; i < 8; ++i) parts[i] = c->in[i];
    return pn_concat_f32(c->op->size[0], c->op->size[1], c->op->size + 2, parts, c->out[0]);
}

static void transpose_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(pn_times(s[0], s[1]), pn_times(s[2], s[3]));
    pn_check_in(c, 0, PN_FLOAT, n, MUST);
    pn_check_out(c, 0, n, MUST);
}

static pn_status transpose_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_transpose_f32(s[0], s[1], s[2], s[3], c->in[0], c->out[0]);
}

static void masked_mean_check(struct check *c)
{
    const size_t *s = c->op->size, rows = pn_times(s[0], s[1]);
    pn_check_in(c, 0, PN_FLOAT, pn_times(rows, s[2]), MUST);
    pn_check_in(c, 1, PN_MASK, rows, MUST);
    pn_check_out(c, 0, pn_times(s[0], s[2]), MUST);
}

static pn_status masked_mean_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_masked_mean_f32(s[0], s[1], s[2], c->in[0], c->in[1], c->out[0]);
}

static void masked_mean_grad_check(struct check *c)
{
    const size_t *s = c->op->size, rows = pn_times(s[0], s[1]);
    pn_check_in(c, 0, PN_FLOAT, pn_times(s[0], s[2]), MUST);
    pn_check_in(c, 1, PN_MASK, rows, MUST);
    pn_check_out(c, 0, pn_times(rows, s[2]), MUST);
}

static pn_status masked_mean_grad_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_masked_mean_grad_f32(s[0], s[1], s[2], c->in[0], c->in[1], c->out[0]);
}

const struct op_class pn_ops_layout[] = {
    { spread_check, NULL, spread_run, { 0 } },
    { slice_check, NULL, slice_run, { 0 } },
    { slice_grad_check, NULL, slice_grad_run, { 1 << 1 } },
    { concat_check, NULL, concat_run, { 0 } },
    { transpose_check, NULL, transpose_run, { 0 } },
    { masked_mean_check, NULL, masked_mean_run, { 0 } },
    { masked_mean_grad_check, NULL, masked_mean_grad_run, { 0 } },
};
