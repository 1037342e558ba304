/* Advantages: of tokens in time, whitened over a batch, of answers by each other; and the best of n. */
#include "base.h"
#include "penchant/policy.h"
#include "penchant/reduce.h"

/* ---- in time ---- */

struct scan {
    size_t sequences;
    double discount, lambda;
    const uint32_t *offsets;
    const float *reward, *value;
    float *advantage, *total;
};

/* Sequences a block; they differ in length, so that blocks are small. */
enum { SEQUENCES = 64 };

static void scan_block(void *context, size_t b)
{
    const struct scan *p = context;
    const size_t end = pn_min(p->sequences, (b + 1) * SEQUENCES);
    for (size_t s = b * SEQUENCES; s < end; ++s) {
        double next = 0, advantage = 0, total = 0;
        for (size_t t = p->offsets[s + 1]; t-- > p->offsets[s];) {
            const double reward = (double)p->reward[t], value = (double)p->value[t];
            advantage = reward + p->discount * next - value + p->discount * p->lambda * advantage;
            total = reward + p->discount * total;
            next = value;
            p->advantage[t] = (float)advantage;
            p->total[t] = (float)total;
        }
    }
}

static bool is_share(double x) { return x >= 0.0 && x <= 1.0; }

pn_status pn_advantage_f32(size_t sequences, size_t tokens, double discount, double lambda, const uint32_t *offsets,
                           const float *reward, const float *value, float *advantage, float *total)
{
    if (!is_share(discount) || !is_share(lambda)) return PN_EVALUE;
    if (sequences == 0) return tokens == 0 ? PN_OK : PN_EDIM;
    if (!offsets) return PN_ENULL;
    if (!pn_ascends(sequences, offsets, tokens)) return PN_EDIM;
    if (tokens == 0) return PN_OK;
    if (!reward || !value || !advantage || !total) return PN_ENULL;
    struct scan p = { sequences, discount, lambda, offsets, reward, value, advantage, total };
    return pn_team_for(pn_ceil_div(sequences, SEQUENCES), scan_block, &p);
}

/* ---- whitened ---- */

struct white {
    size_t n;
    const float *x;
    float *y;
    double mean, scale, *partial, *greatest;
};

PN_CLONES static double sum_of(size_t n, const float *x, double mean, bool squares)
{
    double lane[8] = { 0 };
    for (size_t i = 0; i < n; ++i) {
        const double d = (double)x[i] - mean;
        lane[i % 8] += squares ? d * d : d;
    }
    for (size_t width = 4; width; width /= 2)
        for (size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    return lane[0];
}

PN_CLONES static float largest(size_t n, const float *x)
{
    float most = 0;
    for (size_t i = 0; i < n; ++i) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    return most;
}

static void mean_block(void *context, size_t b)
{
    const struct white *p = context;
    const size_t first = b * PN_BLOCK, n = pn_min(PN_BLOCK, p->n - first);
    p->partial[b] = sum_of(n, p->x + first, 0.0, false);
    p->greatest[b] = (double)largest(n, p->x + first);
}

static void spread_block(void *context, size_t b)
{
    const struct white *p = context;
    const size_t first = b * PN_BLOCK;
    p->partial[b] = sum_of(pn_min(PN_BLOCK, p->n - first), p->x + first, p->mean, true);
}

static void white_block(void *context, size_t b)
{
    const struct white *p = context;
    const size_t first = b * PN_BLOCK, last = first + pn_min(PN_BLOCK, p->n - first);
    for (size_t i = first; i < last; ++i) p->y[i] = (float)(((double)p->x[i] - p->mean) * p->scale);
}

/* What floats of this size may differ by though they mean one number: four units of their last place. */
static double rounding(double greatest) { return 0x1p-22 * greatest; }

size_t pn_whiten_workspace(size_t n)
{
    size_t bytes;
    return pn_mul_size(pn_blocks(n), 2 * sizeof(double), &bytes) ? bytes : SIZE_MAX;
}

pn_status pn_whiten_f32(size_t n, double epsilon, const float *x, float *y, void *workspace, size_t workspace_bytes)
{
    if (!(epsilon >= 0.0) || !(epsilon < INFINITY)) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!x || !y || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_whiten_workspace(n)) return PN_EWORKSPACE;
    const size_t blocks = pn_blocks(n);
    double *partial = workspace;
    struct white p = { .n = n, .x = x, .y = y, .partial = partial, .greatest = partial + blocks };
    pn_status status = pn_team_for(blocks, mean_block, &p);
    if (status != PN_OK) return status;
    p.mean = pn_tree_sum(partial, blocks) / (double)n;
    double greatest = 0;
    for (size_t b = 0; b < blocks; ++b) greatest = fmax(greatest, p.greatest[b]);
    status = pn_team_for(blocks, spread_block, &p);
    if (status != PN_OK) return status;
    const double variance = pn_tree_sum(partial, blocks) / (double)n;
    p.scale = sqrt(variance) <= rounding(greatest) ? 0.0 : 1.0 / sqrt(variance + epsilon);
    return pn_team_for(blocks, white_block, &p);
}

/* ---- by each other ---- */

struct groups {
    size_t groups, size, height; /* height: groups a block */
    pn_group_baseline baseline;
    double epsilon;
    const float *reward;
    float *advantage;
};

static void group_block(void *context, size_t b)
{
    const struct groups *p = context;
    const size_t n = p->size, last = pn_min(p->groups, (b + 1) * p->height);
    for (size_t g = b * p->height; g < last; ++g) {
        const float *r = p->reward + g * n;
        float *a = p->advantage + g * n;
        double sum = 0, spread = 0, greatest = 0;
        for (size_t i = 0; i < n; ++i) {
            sum += (double)r[i];
            greatest = fmax(greatest, fabs((double)r[i]));
        }
        const double mean = sum / (double)n;
        for (size_t i = 0; i < n; ++i) spread += ((double)r[i] - mean) * ((double)r[i] - mean);
        const double deviation = n > 1 ? sqrt(spread / (double)(n - 1)) : 0.0;
        double scale = 1.0;
        if (p->baseline == PN_GROUP_DEVIATION) scale = 1.0 / (deviation + p->epsilon);
        if (p->baseline == PN_GROUP_LEAVE_OUT) scale = n > 1 ? (double)n / (double)(n - 1) : 1.0;
        const bool equal = deviation <= rounding(greatest);
        for (size_t i = 0; i < n; ++i) a[i] = equal ? 0.0f : (float)(((double)r[i] - mean) * scale);
    }
}

pn_status pn_group_advantage_f32(size_t groups, size_t size, pn_group_baseline baseline, double epsilon,
                                 const float *reward, float *advantage)
{
    size_t n;
    if (baseline > PN_GROUP_LEAVE_OUT || !(epsilon >= 0.0) || !(epsilon < INFINITY)) return PN_EVALUE;
    if (!pn_mul_size(groups, size, &n)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!reward || !advantage) return PN_ENULL;
    struct groups p = { groups, size, pn_max(1, PN_BLOCK / size), baseline, epsilon, reward, advantage };
    return pn_team_for(pn_ceil_div(groups, p.height), group_block, &p);
}

/* ---- the best of n ---- */

struct best {
    size_t prompts, size, levels, height;
    const float *reward;
    uint32_t *place;
};

static void best_block(void *context, size_t b)
{
    const struct best *p = context;
    const size_t last = pn_min(p->prompts, (b + 1) * p->height);
    for (size_t x = b * p->height; x < last; ++x) {
        const float *r = p->reward + x * p->size;
        size_t best = 0, seen = 0;
        for (size_t level = 0; level < p->levels; ++level) {
            for (; seen < (size_t)1 << level; ++seen)
                if (r[seen] > r[best] || (r[best] != r[best] && r[seen] == r[seen])) best = seen;
            p->place[x * p->levels + level] = (uint32_t)best;
        }
    }
}

pn_status pn_best_of_f32(size_t prompts, size_t size, size_t levels, const float *reward, uint32_t *place)
{
    size_t n;
    if (!pn_mul_size(prompts, size, &n)) return PN_EDIM;
    if (levels > 32 || (levels > 0 && ((size_t)1 << (levels - 1)) > size)) return PN_EDIM;
    if (prompts == 0 || levels == 0) return PN_OK;
    if (!reward || !place) return PN_ENULL;
    struct best p = { prompts, size, levels, pn_max(1, PN_BLOCK / size), reward, place };
    return pn_team_for(pn_ceil_div(prompts, p.height), best_block, &p);
}
