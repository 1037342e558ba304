/* Pictures: convolution, group norm, other sizes. */
#include "program.h"

#include "penchant/conv.h"
#include "penchant/norm.h"

/* ---- conv2d: pictures, height, width, in, out, kernel, stride, padding ---- */

static pn_conv_shape conv_shape(const pn_op *op)
{
    const size_t *s = op->size;
    return (pn_conv_shape){ s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7] };
}

struct conv_counts {
    size_t x, y, w;
};

static struct conv_counts conv_counts(struct check *c)
{
    const pn_conv_shape s = conv_shape(c->op);
    const size_t height = pn_conv_extent(s.height, s.kernel, s.stride, s.padding);
    const size_t width = pn_conv_extent(s.width, s.kernel, s.stride, s.padding);
    pn_check_that(c, height > 0 && width > 0, "the kernel does not fit into the picture");
    return (struct conv_counts){
        pn_times(pn_times(s.pictures, s.height), pn_times(s.width, s.in)),
        pn_times(pn_times(s.pictures, height), pn_times(width, s.out)),
        pn_times(pn_times(s.out, s.in), pn_times(s.kernel, s.kernel)),
    };
}

static void conv_check(struct check *c)
{
    const struct conv_counts n = conv_counts(c);
    pn_check_in(c, 0, PN_FLOAT, n.x, MUST);
    pn_check_in(c, 1, PN_FLOAT, n.w, MUST);
    pn_check_in(c, 2, PN_FLOAT, c->op->size[4], MAY);
    pn_check_in(c, 3, PN_FLOAT, n.y, MAY);
    pn_check_out(c, 0, n.y, MUST);
}

static size_t conv_workspace(const pn_op *op)
{
    const pn_conv_shape shape = conv_shape(op);
    return pn_conv2d_workspace(&shape);
}

static pn_status conv_run(const struct call *c)
{
    const pn_conv_shape s = conv_shape(c->op);
    if (c->in[3])
        pn_start_from(c->out[0], c->in[3],
                      s.pictures * s.out * pn_conv_extent(s.height, s.kernel, s.stride, s.padding) *
                          pn_conv_extent(s.width, s.kernel, s.stride, s.padding));
    return pn_conv2d_f32(&s, c->in[3] != NULL, c->in[0], c->in[1], c->in[2], c->out[0], c->workspace,
                         c->workspace_bytes);
}

static void conv_grad_input_check(struct check *c)
{
    const struct conv_counts n = conv_counts(c);
    pn_check_in(c, 0, PN_FLOAT, n.y, MUST);
    pn_check_in(c, 1, PN_FLOAT, n.w, MUST);
    pn_check_in(c, 2, PN_FLOAT, n.x, MAY);
    pn_check_out(c, 0, n.x, MUST);
}

static size_t conv_grad_input_workspace(const pn_op *op)
{
    const pn_conv_shape shape = conv_shape(op);
    return pn_conv2d_grad_input_workspace(&shape);
}

static pn_status conv_grad_input_run(const struct call *c)
{
    const pn_conv_shape s = conv_shape(c->op);
    pn_start_from(c->out[0], c->in[2], s.pictures * s.height * s.width * s.in);
    return pn_conv2d_grad_input_f32(&s, c->in[2] != NULL, c->in[0], c->in[1], c->out[0], c->workspace,
                                    c->workspace_bytes);
}

static void conv_grad_weight_check(struct check *c)
{
    const struct conv_counts n = conv_counts(c);
    pn_check_in(c, 0, PN_FLOAT, n.y, MUST);
    pn_check_in(c, 1, PN_FLOAT, n.x, MUST);
    pn_check_out(c, 0, n.w, MUST);
    pn_check_out(c, 1, c->op->size[4], MAY);
}

static size_t conv_grad_weight_workspace(const pn_op *op)
{
    const pn_conv_shape shape = conv_shape(op);
    return pn_conv2d_grad_weight_workspace(&shape);
}

static pn_status conv_grad_weight_run(const struct call *c)
{
    const pn_conv_shape s = conv_shape(c->op);
    return pn_conv2d_grad_weight_f32(&s, c->in[0], c->in[1], c->out[0], c->out[1], c->workspace,
                                     c->workspace_bytes);
}

/* ---- group norm: pictures, pixels, channels, groups, silu; r0 epsilon ---- */

static pn_group_norm_shape group_shape(const pn_op *op)
{
    const size_t *s = op->size;
    return (pn_group_norm_shape){ s[0], s[1], s[2], s[3], op->real[0], s[4] != 0 };
}

struct group_counts {
    size_t x, film, sums;
};

/* The operands that the gradient reads too: x, scale, shift, film, from input `at` on. */
static struct group_counts group_operands(struct check *c, unsigned at)
{
    const size_t *s = c->op->size;
    const struct group_counts n = { pn_times(pn_times(s[0], s[1]), s[2]), pn_times(2, pn_times(s[0], s[2])),
                                    pn_times(s[0], s[3]) };
    pn_check_that(c, s[4] <= 1, "the flag of SiLU is 0 or 1");
    pn_check_that(c, s[3] > 0 && s[2] % s[3] == 0, "the channels do not make equal groups");
    pn_check_in(c, at, PN_FLOAT, n.x, MUST);
    pn_check_in(c, at + 1, PN_FLOAT, s[2], MAY);
    pn_check_in(c, at + 2, PN_FLOAT, s[2], MAY);
    pn_check_in(c, at + 3, PN_FLOAT, n.film, MAY);
    return n;
}

static void group_norm_check(struct check *c)
{
    const struct group_counts n = group_operands(c, 0);
    pn_check_that(c, c->op->real[0] >= 0 && c->op->real[0] < INFINITY, "epsilon is not negative");
    pn_check_out(c, 0, n.x, MUST);
    pn_check_out(c, 1, n.sums, MUST);
    pn_check_out(c, 2, n.sums, MUST);
}

static pn_status group_norm_run(const struct call *c)
{
    const pn_group_norm_shape shape = group_shape(c->op);
    return pn_group_norm_f32(&shape, c->in[0], c->in[1], c->in[2], c->in[3], c->out[0], c->out[1], c->out[2]);
}

static void group_norm_grad_check(struct check *c)
{
    const struct group_counts n = group_operands(c, 1);
    const size_t channels = c->op->size[2];
    pn_check_in(c, 0, PN_FLOAT, n.x, MUST);
    pn_check_in(c, 5, PN_FLOAT, n.sums, MUST);
    pn_check_in(c, 6, PN_FLOAT, n.sums, MUST);
    pn_check_in(c, 7, PN_FLOAT, n.x, MAY);
    pn_check_out(c, 0, n.x, MUST);
    pn_check_out(c, 1, channels, MAY);
    pn_check_out(c, 2, channels, MAY);
    pn_check_out(c, 3, n.film, MAY);
}

static size_t group_norm_grad_workspace(const pn_op *op)
{
    const pn_group_norm_shape shape = group_shape(op);
    return pn_group_norm_grad_workspace(&shape);
}

static pn_status group_norm_grad_run(const struct call *c)
{
    const pn_group_norm_shape shape = group_shape(c->op);
    return pn_group_norm_grad_f32(&shape, c->in[1], c->in[2], c->in[3], c->in[4], c->in[5], c->in[6],
                                  c->in[0], c->in[7], c->out[0], c->out[1], c->out[2], c->out[3],
                                  c->workspace, c->workspace_bytes);
}

/* ---- other sizes: pictures, height, width, channels; r0 factor ---- */

static void resample_check(struct check *c, bool up)
{
    const size_t *s = c->op->size, small = pn_times(pn_times(s[0], s[1]), pn_times(s[2], s[3]));
    pn_check_in(c, 0, PN_FLOAT, up ? small : pn_times(4, small), MUST);
    pn_check_out(c, 0, up ? pn_times(4, small) : small, MUST);
}

static void upsample_check(struct check *c)
{
    resample_check(c, true);
}

static void downsample_check(struct check *c)
{
    resample_check(c, false);
}

static pn_status upsample_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_upsample_f32(s[0], s[1], s[2], s[3], c->op->real[0], c->in[0], c->out[0]);
}

static pn_status downsample_run(const struct call *c)
{
    const size_t *s = c->op->size;
    return pn_downsample_f32(s[0], s[1], s[2], s[3], c->op->real[0], c->in[0], c->out[0]);
}

const struct op_class pn_ops_picture[] = {
    { conv_check, conv_workspace, conv_run, { 1 << 3 } },
    { conv_grad_input_check, conv_grad_input_workspace, conv_grad_input_run, { 1 << 2 } },
    { conv_grad_weight_check, conv_grad_weight_workspace, conv_grad_weight_run, { 0 } },
    { group_norm_check, NULL, group_norm_run, { 1 << 0 } },
    { group_norm_grad_check, group_norm_grad_workspace, group_norm_grad_run, { 1 << 0 } },
    { upsample_check, NULL, upsample_run, { 0 } },
    { downsample_check, NULL, downsample_run, { 0 } },
};
