/* Losses that look at the rewards of a pair one by one, not only at their difference. One loop serves all: a loss is two
 * numbers (value, and the slopes to both rewards) of a pair. */
#include "base.h"
#include "scalar_math.h"
#include "block_sum.h"
#include "penchant/preference.h"
#include "penchant/reduce.h"

enum { TILE = 256 };

struct rewards {
    size_t n;
    pn_reward_options options;
    const float *chosen, *rejected, *reference_chosen, *reference_rejected, *weight;
    float *loss, *grad_chosen, *grad_rejected;
    double *partial;
};

struct terms {
    float loss, chosen, rejected; /* slopes by r+ and r- */
};

PN_INLINE float bell(float r) { return pn_sigmoidf(r) * pn_sigmoidf(-r); }

PN_INLINE struct terms nca(float c, float r)
{
    return (struct terms){ pn_softplusf(-c) + 0.5f * pn_softplusf(c) + 0.5f * pn_softplusf(r),
                           0.5f * pn_sigmoidf(c) - pn_sigmoidf(-c), 0.5f * pn_sigmoidf(r) };
}

PN_INLINE struct terms bco(float c, float r)
{
    return (struct terms){ pn_softplusf(-c) + pn_softplusf(r), -pn_sigmoidf(-c), pn_sigmoidf(r) };
}

PN_INLINE struct terms sppo(float c, float r, float half)
{
    const float a = c - half, b = r + half;
    return (struct terms){ a * a + b * b, 2.0f * a, 2.0f * b };
}

PN_INLINE struct terms apo_zero(float c, float r)
{
    return (struct terms){ pn_sigmoidf(-c) + pn_sigmoidf(r), -bell(c), bell(r) };
}

PN_INLINE struct terms apo_down(float c, float r)
{
    const float fall = bell(c - r);
    return (struct terms){ pn_sigmoidf(c) + pn_sigmoidf(r - c), bell(c) - fall, fall };
}

#define EACH(expression)                                                                                     \
    for (size_t i = 0; i < n; ++i) {                                                                         \
        const float c = chosen[i], r = rejected[i];                                                          \
        const struct terms t = (expression);                                                                 \
        loss[i] = t.loss;                                                                                    \
        chosen[i] = t.chosen;                                                                                \
        rejected[i] = t.rejected;                                                                            \
    }

PN_CLONES static void run(const struct rewards *p, size_t first, size_t count, double *partial)
{
    const pn_reward_options *o = &p->options;
    /* SPPO looks at log-ratios as they are; beta places its target. */
    const float slope = o->loss == PN_REWARD_SPPO ? 1.0f : o->beta, half = 0.5f / o->beta;
    float chosen[TILE], rejected[TILE], loss[TILE];
    pn_block_sum sum = { 0 };
    for (size_t done = 0; done < count; done += TILE) {
        const size_t at = first + done, n = pn_min(TILE, count - done);
        for (size_t i = 0; i < n; ++i) {
            const float a = p->reference_chosen ? p->reference_chosen[at + i] : 0.0f;
            const float b = p->reference_rejected ? p->reference_rejected[at + i] : 0.0f;
            chosen[i] = slope * (p->chosen[at + i] - a) - o->shift;
            rejected[i] = slope * (p->rejected[at + i] - b) - o->shift;
        }
        switch (o->loss) {
        case PN_REWARD_NCA: EACH(nca(c, r)) break;
        case PN_REWARD_BCO: EACH(bco(c, r)) break;
        case PN_REWARD_SPPO: EACH(sppo(c, r, half)) break;
        case PN_REWARD_APO_ZERO: EACH(apo_zero(c, r)) break;
        case PN_REWARD_APO_DOWN: EACH(apo_down(c, r)) break;
        }
        const float scale = slope * o->grad_scale;
        for (size_t i = 0; i < n; ++i) {
            const float weight = p->weight ? p->weight[at + i] : 1.0f;
            loss[i] *= weight;
            chosen[i] *= scale * weight;
            rejected[i] *= scale * weight;
        }
        if (p->loss) memcpy(p->loss + at, loss, n * sizeof *loss);
        if (p->grad_chosen) memcpy(p->grad_chosen + at, chosen, n * sizeof *chosen);
        if (p->grad_rejected) memcpy(p->grad_rejected + at, rejected, n * sizeof *rejected);
        if (partial) pn_block_sum_add(&sum, n, loss);
    }
    if (partial) *partial = pn_block_sum_total(&sum);
}

static void block(void *context, size_t b)
{
    const struct rewards *p = context;
    const size_t first = b * PN_BLOCK;
    run(p, first, pn_min(PN_BLOCK, p->n - first), p->partial ? p->partial + b : NULL);
}

static bool in_range(const pn_reward_options *o)
{
    return fabsf(o->beta) < INFINITY && o->beta > 0.0f && fabsf(o->shift) < INFINITY &&
           fabsf(o->grad_scale) < INFINITY && (o->shift == 0.0f || o->loss == PN_REWARD_BCO) &&
           o->loss <= PN_REWARD_APO_DOWN;
}

pn_status pn_preference_reward_f32(size_t n, const pn_reward_options *options, const float *chosen,
                                   const float *rejected, const float *reference_chosen,
                                   const float *reference_rejected, const float *weight, float *loss,
                                   float *grad_chosen, float *grad_rejected, double *mean, void *workspace,
                                   size_t workspace_bytes)
{
    if (!options) return PN_ENULL;
    if (!in_range(options)) return PN_EVALUE;
    if (mean) *mean = 0.0;
    if (n == 0) return PN_OK;
    if (!chosen || !rejected || !reference_chosen != !reference_rejected) return PN_ENULL;
    struct rewards p = { n, *options, chosen, rejected, reference_chosen, reference_rejected, weight, loss,
                         grad_chosen, grad_rejected, NULL };
    if (mean) {
        if (!workspace || workspace_bytes < pn_preference_workspace(n)) return PN_EWORKSPACE;
        p.partial = workspace;
    }
    const pn_status status = pn_team_for(pn_blocks(n), block, &p);
    if (mean && status == PN_OK) *mean = pn_tree_sum(p.partial, pn_blocks(n)) / (double)n;
    return status;
}
