/* Squared error, value and gradient in one pass. */
#include "base.h"
#include "penchant/loss.h"
#include "penchant/reduce.h"

struct squared {
    size_t n;
    float factor; /* of the gradient: 2 scale / n */
    const float *x, *target, *weight;
    float *grad;
    double *partial;
};

PN_CLONES static double add_block(size_t n, const float *x, const float *target, const float *weight)
{
    double lane[16] = { 0 };
    for (size_t i = 0; i < n; ++i) {
        const float d = x[i] - target[i];
        lane[i % 16] += (double)((weight ? weight[i] : 1.0f) * d * d);
    }
    for (size_t width = 8; width; width /= 2)
        for (size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    return lane[0];
}

PN_CLONES static void grad_block(size_t n, float factor, const float *x, const float *target, const float *weight,
                                 float *grad)
{
    if (weight)
        for (size_t i = 0; i < n; ++i) grad[i] = factor * weight[i] * (x[i] - target[i]);
    else
        for (size_t i = 0; i < n; ++i) grad[i] = factor * (x[i] - target[i]);
}

static void block(void *context, size_t b)
{
    const struct squared *c = context;
    const size_t first = b * PN_BLOCK, n = pn_min(PN_BLOCK, c->n - first);
    const float *weight = c->weight ? c->weight + first : NULL;
    c->partial[b] = add_block(n, c->x + first, c->target + first, weight);
    if (c->grad) grad_block(n, c->factor, c->x + first, c->target + first, weight, c->grad + first);
}

size_t pn_squared_loss_workspace(size_t n) { return pn_blocks(n) * sizeof(double); }

pn_status pn_squared_loss_f32(size_t n, float scale, const float *x, const float *target, const float *weight,
                              double *mean, float *grad, void *workspace, size_t workspace_bytes)
{
    if (!mean) return PN_ENULL;
    *mean = 0;
    if (n == 0) return PN_OK;
    if (!x || !target || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_squared_loss_workspace(n)) return PN_EWORKSPACE;
    struct squared c = { n, 2 * scale / (float)n, x, target, weight, grad, workspace };
    const pn_status status = pn_team_for(pn_blocks(n), block, &c);
    *mean = pn_tree_sum(c.partial, pn_blocks(n)) / (double)n;
    return status;
}
