/* Weights of a batch under the worst distribution near it (Dr. DPO): a softmax over pairs of -loss / beta. */
#include "base.h"
#include "penchant/preference.h"
#include "penchant/reduce.h"

struct batch {
    size_t n;
    float beta, low;
    const float *loss;
    float *weight;
    double *partial;
    double scale;
};

PN_CLONES static void exponentials(size_t n, float beta, float low, const float *restrict loss, float *restrict weight)
{
    /* A pair of infinite loss has weight 0; where all are infinite, low is, and inf - inf must not make NaN of it. */
    for (size_t i = 0; i < n; ++i) weight[i] = loss[i] == low ? 1.0f : pn_expf((low - loss[i]) / beta);
}

static void exponential_block(void *context, size_t b)
{
    const struct batch *p = context;
    const size_t first = b * PN_BLOCK, n = pn_min(PN_BLOCK, p->n - first);
    float *weight = p->weight + first;
    exponentials(n, p->beta, p->low, p->loss + first, weight);
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += (double)weight[i];
    p->partial[b] = sum;
}

static void scale_block(void *context, size_t b)
{
    const struct batch *p = context;
    const size_t first = b * PN_BLOCK, last = first + pn_min(PN_BLOCK, p->n - first);
    for (size_t i = first; i < last; ++i) p->weight[i] = (float)((double)p->weight[i] * p->scale);
}

pn_status pn_preference_robust_weight_f32(size_t n, float beta, const float *loss, float *weight, double *value,
                                          void *workspace, size_t workspace_bytes)
{
    if (!(beta > 0.0f) || !(beta < INFINITY)) return PN_EVALUE;
    if (value) *value = 0.0;
    if (n == 0) return PN_OK;
    if (!loss || !weight) return PN_ENULL;
    if (!workspace || workspace_bytes < pn_preference_workspace(n)) return PN_EWORKSPACE;
    struct batch p = { .n = n, .beta = beta, .loss = loss, .weight = weight, .partial = workspace };
    pn_status status = pn_min_f32(n, loss, &p.low);
    if (status != PN_OK) return status;
    status = pn_team_for(pn_blocks(n), exponential_block, &p);
    if (status != PN_OK) return status;
    const double sum = pn_tree_sum(p.partial, pn_blocks(n));
    if (value) *value = (double)p.low - (double)beta * log(sum / (double)n);
    p.scale = (double)n / sum;
    return pn_team_for(pn_blocks(n), scale_block, &p);
}
