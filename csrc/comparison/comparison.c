#include "base.h"
#include "penchant/comparison.h"
#include "penchant/reduce.h"

#define ITEMS ((size_t)256)

pn_status pn_comparison_incidence(size_t items, size_t pairs, const uint32_t *chosen, const uint32_t *rejected,
                                  size_t *starts, uint32_t *entries)
{
    if (pairs > INT32_MAX || items == SIZE_MAX) return PN_EDIM;
    if (!starts || (pairs > 0 && (!chosen || !rejected || !entries))) return PN_ENULL;
    for (size_t p = 0; p < pairs; ++p)
        if (chosen[p] >= items || rejected[p] >= items) return PN_EINDEX;
    memset(starts, 0, (items + 1) * sizeof *starts);
    for (size_t p = 0; p < pairs; ++p) {
        ++starts[chosen[p] + 1];
        ++starts[rejected[p] + 1];
    }
    /* starts[i + 1] becomes the place of the next entry of item i, and ends as the start of item i + 1. */
    size_t before = 0;
    for (size_t i = 0; i < items; ++i) {
        const size_t count = starts[i + 1];
        starts[i + 1] = before;
        before += count;
    }
    for (size_t p = 0; p < pairs; ++p) {
        entries[starts[chosen[p] + 1]++] = (uint32_t)(2 * p);
        entries[starts[rejected[p] + 1]++] = (uint32_t)(2 * p + 1);
    }
    return PN_OK;
}

struct loss {
    size_t pairs;
    const uint32_t *chosen, *rejected;
    const double *weight, *scores;
    double *miss, *curvature, *partials;
};

static void loss_block(void *context, size_t b)
{
    const struct loss *a = context;
    const size_t last = pn_min(a->pairs, (b + 1) * PN_BLOCK);
    double sum = 0;
    for (size_t p = b * PN_BLOCK; p < last; ++p) {
        const double w = a->weight ? a->weight[p] : 1;
        const double m = a->scores[a->chosen[p]] - a->scores[a->rejected[p]];
        const double e = exp(-fabs(m));
        const double near = 1 / (1 + e), far = e * near; /* sigmoid(|m|) and sigmoid(-|m|) */
        const double miss = w * (m >= 0 ? far : near);
        if (a->miss) a->miss[p] = miss;
        if (a->curvature) a->curvature[p] = miss * (m >= 0 ? near : far);
        sum += w * ((m >= 0 ? 0 : -m) + log1p(e));
    }
    a->partials[b] = sum;
}

size_t pn_comparison_loss_workspace(size_t pairs)
{
    return pn_max(1, pn_blocks(pairs)) * sizeof(double);
}

pn_status pn_comparison_loss_f64(size_t pairs, const uint32_t *chosen, const uint32_t *rejected, const double *weight,
                                 const double *scores, double *miss, double *curvature, double *loss, void *workspace,
                                 size_t workspace_bytes)
{
    if (!loss) return PN_ENULL;
    *loss = 0;
    if (pairs == 0) return PN_OK;
    if (!chosen || !rejected || !scores || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_comparison_loss_workspace(pairs)) return PN_EWORKSPACE;
    struct loss a = { pairs, chosen, rejected, weight, scores, miss, curvature, workspace };
    const pn_status status = pn_team_for(pn_blocks(pairs), loss_block, &a);
    if (status == PN_OK) *loss = pn_tree_sum(a.partials, pn_blocks(pairs));
    return status;
}

struct gather {
    size_t items;
    const size_t *starts;
    const uint32_t *entries;
    const double *per_pair;
    double *out;
};

static void gather_block(void *context, size_t b)
{
    const struct gather *a = context;
    const size_t last = pn_min(a->items, (b + 1) * ITEMS);
    for (size_t i = b * ITEMS; i < last; ++i) {
        double sum = 0;
        for (size_t e = a->starts[i]; e < a->starts[i + 1]; ++e) {
            const double x = a->per_pair[a->entries[e] >> 1];
            sum += a->entries[e] & 1 ? -x : x;
        }
        a->out[i] = sum;
    }
}

pn_status pn_comparison_gather_f64(size_t items, const size_t *starts, const uint32_t *entries, const double *per_pair,
                                   double *out)
{
    if (items == 0) return PN_OK;
    if (!starts || !out || (starts[items] > 0 && (!entries || !per_pair))) return PN_ENULL;
    struct gather a = { items, starts, entries, per_pair, out };
    return pn_team_for(pn_ceil_div(items, ITEMS), gather_block, &a);
}

struct flow {
    size_t pairs;
    const uint32_t *chosen, *rejected;
    const double *factor, *v;
    double *flow;
};

static void flow_block(void *context, size_t b)
{
    const struct flow *a = context;
    const size_t last = pn_min(a->pairs, (b + 1) * PN_BLOCK);
    for (size_t p = b * PN_BLOCK; p < last; ++p)
        a->flow[p] = a->factor[p] * (a->v[a->chosen[p]] - a->v[a->rejected[p]]);
}

pn_status pn_comparison_hessian_f64(size_t items, size_t pairs, const uint32_t *chosen, const uint32_t *rejected,
                                    const size_t *starts, const uint32_t *entries, const double *curvature,
                                    const double *v, double *flow, double *out)
{
    if (pairs > 0) {
        if (!chosen || !rejected || !curvature || !v || !flow) return PN_ENULL;
        struct flow a = { pairs, chosen, rejected, curvature, v, flow };
        const pn_status status = pn_team_for(pn_blocks(pairs), flow_block, &a);
        if (status != PN_OK) return status;
    }
    return pn_comparison_gather_f64(items, starts, entries, flow, out);
}

struct mm {
    size_t items, pairs;
    const uint32_t *chosen, *rejected;
    const double *weight, *wins, *strength;
    const size_t *starts;
    const uint32_t *entries;
    double *flow, *out;
};

static void mm_pairs(void *context, size_t b)
{
    const struct mm *a = context;
    const size_t last = pn_min(a->pairs, (b + 1) * PN_BLOCK);
    for (size_t p = b * PN_BLOCK; p < last; ++p)
        a->flow[p] = (a->weight ? a->weight[p] : 1) / (a->strength[a->chosen[p]] + a->strength[a->rejected[p]]);
}

static void mm_items(void *context, size_t b)
{
    const struct mm *a = context;
    const size_t last = pn_min(a->items, (b + 1) * ITEMS);
    for (size_t i = b * ITEMS; i < last; ++i) {
        double sum = 0;
        for (size_t e = a->starts[i]; e < a->starts[i + 1]; ++e) sum += a->flow[a->entries[e] >> 1];
        a->out[i] = sum > 0 ? a->wins[i] / sum : a->strength[i];
    }
}

pn_status pn_comparison_mm_f64(size_t items, size_t pairs, const uint32_t *chosen, const uint32_t *rejected,
                               const double *weight, const size_t *starts, const uint32_t *entries, const double *wins,
                               const double *strength, double *flow, double *out)
{
    if (items == 0) return PN_OK;
    if (!starts || !wins || !strength || !out) return PN_ENULL;
    if (pairs > 0 && (!chosen || !rejected || !entries || !flow)) return PN_ENULL;
    struct mm a = { items, pairs, chosen, rejected, weight, wins, strength, starts, entries, flow, out };
    const pn_status status = pn_team_for(pn_blocks(pairs), mm_pairs, &a);
    return status != PN_OK ? status : pn_team_for(pn_ceil_div(items, ITEMS), mm_items, &a);
}
