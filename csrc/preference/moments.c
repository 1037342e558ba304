/* Running statistics of rewards. */
#include "base.h"
#include "penchant/shaping.h"

struct batch {
    size_t n;
    const float *reward;
    pn_reward_moments *part;
};

/* Both passes keep eight sums whose order the source fixes. */
PN_CLONES static pn_reward_moments of_block(size_t n, const float *x)
{
    double sum[8] = { 0 }, spread[8] = { 0 }, rest[8] = { 0 };
    float low = x[0], high = x[0];
    for (size_t i = 0; i < n; ++i) {
        sum[i % 8] += (double)x[i];
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    for (size_t width = 4; width; width /= 2)
        for (size_t l = 0; l < width; ++l) sum[l] += sum[l + width];
    const double mean = sum[0] / (double)n;
    for (size_t i = 0; i < n; ++i) {
        const double d = (double)x[i] - mean;
        spread[i % 8] += d * d;
        rest[i % 8] += d; /* what the rounding of the mean left over */
    }
    for (size_t width = 4; width; width /= 2)
        for (size_t l = 0; l < width; ++l) {
            spread[l] += spread[l + width];
            rest[l] += rest[l + width];
        }
    const double s = spread[0] - rest[0] * rest[0] / (double)n;
    return (pn_reward_moments){ (double)n, mean, s > 0.0 || s != s ? s : 0.0, (double)low, (double)high };
}

static pn_reward_moments merged(pn_reward_moments a, pn_reward_moments b)
{
    if (a.count == 0.0) return b;
    if (b.count == 0.0) return a;
    const double n = a.count + b.count, d = b.mean - a.mean;
    return (pn_reward_moments){ n, a.mean + d * (b.count / n), a.spread + b.spread + d * d * (a.count * b.count / n),
                                a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high };
}

static pn_reward_moments tree(const pn_reward_moments *part, size_t n)
{
    if (n == 1) return part[0];
    size_t half = 1;
    while (half < n - half) half *= 2;
    return merged(tree(part, half), tree(part + half, n - half));
}

static void block(void *context, size_t b)
{
    const struct batch *p = context;
    const size_t first = b * PN_BLOCK;
    p->part[b] = of_block(pn_min(PN_BLOCK, p->n - first), p->reward + first);
}

size_t pn_reward_moments_workspace(size_t n)
{
    size_t bytes;
    return pn_mul_size(pn_blocks(n), sizeof(pn_reward_moments), &bytes) ? bytes : SIZE_MAX;
}

static bool sound(const pn_reward_moments *m)
{
    return m->count == 0.0 || (m->count > 0.0 && m->count < INFINITY && fabs(m->mean) < INFINITY && m->spread >= 0.0 &&
                               m->spread < INFINITY && m->low <= m->high);
}

pn_status pn_reward_moments_f32(size_t n, const float *reward, pn_reward_moments *moments, void *workspace,
                                size_t workspace_bytes)
{
    if (!moments) return PN_ENULL;
    if (!sound(moments)) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!reward || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_reward_moments_workspace(n)) return PN_EWORKSPACE;
    struct batch p = { n, reward, workspace };
    const pn_status status = pn_team_for(pn_blocks(n), block, &p);
    if (status != PN_OK) return status;
    /* A reward that is not finite makes the mean so; squares of finite floats do not overflow a double. */
    const pn_reward_moments all = tree(p.part, pn_blocks(n));
    if (!(fabs(all.mean) < INFINITY) || !(all.spread < INFINITY)) return PN_ENONFINITE;
    *moments = merged(*moments, all);
    return PN_OK;
}
