/* The preference loss over pairs of noise predictions. */
#include "program.h"

#include "penchant/diffusion.h"

/* ---- diffusion_preference: pairs, cols; r0 factor, r1 beta ---- */

static void preference_check(struct check *c)
{
    const size_t *s = c->op->size, n = pn_times(2, pn_times(s[0], s[1]));
    for (unsigned i = 0; i < 3; ++i) pn_check_in(c, i, PN_FLOAT, n, MUST);
    pn_check_in(c, 3, PN_FLOAT, s[0], MAY);
    pn_check_out(c, 0, 1, MUST);
    pn_check_out(c, 1, n, MAY);
}

static size_t preference_workspace(const pn_op *op) { return pn_diffusion_loss_workspace(op->size[0]); }

static pn_status preference_run(const struct call *c)
{
    const size_t pairs = c->op->size[0];
    double mean = 0;
    const pn_status status =
        pn_diffusion_loss_f32(pairs, c->op->size[1], c->op->real[1], c->op->real[0] / (float)pairs, c->in[0], c->in[1],
                              c->in[2], c->in[3], NULL, NULL, NULL, c->out[1], &mean, c->workspace, c->workspace_bytes);
    *(float *)c->out[0] = (float)mean;
    return status;
}

const struct op_class pn_ops_diffusion[] = {
    { preference_check, preference_workspace, preference_run, { 0 } },
};
