/* Letters as in top.c. The score of a target is computed by the same tile as every other score, so an item with
 * the same row and bias ties exactly. */
#include "penchant/rank.h"

#include "../tile/tile.h"
#include "exclude.h"

#define ITEMS ((size_t)1024)
#define STRIP ((size_t)64)

/* Blocks of items are counted apart and added: counts are exact, so any order would do, but one place a block keeps
 * threads apart. */
#define PARTS ((size_t)32)

struct target {
    size_t n, V, d, panels, parts;
    const float *items, *bias;
    const uint8_t *mask;
    struct pn_excluded excluded;
    const uint32_t *targets;
    float *turned;       /* [panel][d][64] */
    float *score;        /* [n up to whole panels] of the target */
    uint32_t *counts;    /* [part][2][n up to whole panels]: above, tied */
    pn_tile tile;
    uint32_t *above, *tied;
};

static bool take(size_t *bytes, size_t a, size_t b)
{
    size_t size;
    return pn_mul_size(a, b, &size) && pn_mul_size(size, sizeof(float), &size) && pn_add_size(*bytes, size, bytes);
}

static size_t parts_of(size_t V) { return pn_max(1, pn_min(PARTS, pn_ceil_div(V, ITEMS))); }

size_t pn_rank_of_target_workspace(size_t n, size_t V, size_t d)
{
    size_t bytes = 0, lanes;
    if (n > SIZE_MAX - PN_TILE_WIDTH) return SIZE_MAX;
    lanes = pn_ceil_div(n, PN_TILE_WIDTH) * PN_TILE_WIDTH;
    if (!take(&bytes, lanes, d) || !take(&bytes, lanes, 1) || !take(&bytes, lanes, 2 * parts_of(V)))
        return SIZE_MAX;
    return bytes;
}

/* The score of one item for the sixteen queries around one lane. */
static float score_of(const struct target *t, size_t query, size_t item)
{
    float lanes[PN_LANES];
    const size_t panel = query / PN_TILE_WIDTH, lane = query % PN_TILE_WIDTH / PN_LANES * PN_LANES;
    t->tile(1, 1, t->d, t->items + item * t->d, t->d, 1, t->turned + panel * PN_TILE_WIDTH * t->d + lane,
            PN_TILE_WIDTH, lanes, PN_LANES, false);
    const float score = lanes[query % PN_LANES];
    return t->bias ? score + t->bias[item] : score;
}

static void score_targets(void *context, size_t p)
{
    const struct target *t = context;
    const size_t first = p * PN_TILE_WIDTH, end = pn_min(t->n, first + PN_TILE_WIDTH);
    for (size_t i = first; i < end; ++i) t->score[i] = score_of(t, i, t->targets[i]);
    for (size_t i = end; i < first + PN_TILE_WIDTH; ++i) t->score[i] = 0;
}

/* A comparison with NaN is false; a target of NaN counts every item whose own score is a number. */
PN_CLONES static void count(size_t items, size_t lanes, const float *restrict bias, const uint8_t *restrict mask,
                            const float *restrict target, float *restrict strip, uint32_t *restrict above,
                            uint32_t *restrict tied)
{
    for (size_t v = 0; v < items; ++v) {
        if (mask && !mask[v]) continue;
        float *restrict x = strip + v * PN_TILE_WIDTH;
        const float b = bias ? bias[v] : 0;
        for (size_t c = 0; c < lanes; c += PN_LANES)
            for (size_t l = c; l < c + PN_LANES; ++l) {
                const float s = x[l] + b;
                above[l] += (s > target[l]) | ((target[l] != target[l]) & (s == s));
                tied[l] += s == target[l];
            }
    }
}

static void count_part(void *context, size_t part)
{
    const struct target *t = context;
    const size_t width = t->panels * PN_TILE_WIDTH;
    uint32_t *above = t->counts + part * 2 * width, *tied = above + width;
    memset(above, 0, 2 * width * sizeof *above);
    float strip[STRIP * PN_TILE_WIDTH];
    const size_t blocks = pn_ceil_div(t->V, ITEMS), each = pn_ceil_div(blocks, t->parts);
    for (size_t b = part * each; b < pn_min(blocks, (part + 1) * each); ++b) {
        const size_t end = pn_min(t->V, (b + 1) * ITEMS);
        for (size_t p = 0; p < t->panels; ++p) {
            const size_t first = p * PN_TILE_WIDTH, lanes = pn_lanes(pn_min(PN_TILE_WIDTH, t->n - first));
            for (size_t v = b * ITEMS; v < end; v += STRIP) {
                const size_t some = pn_min(STRIP, end - v);
                t->tile(some, lanes / PN_LANES, t->d, t->items + v * t->d, t->d, 1, t->turned + first * t->d,
                        PN_TILE_WIDTH, strip, PN_TILE_WIDTH, false);
                count(some, lanes, t->bias ? t->bias + v : NULL, t->mask ? t->mask + v : NULL, t->score + first,
                      strip, above + first, tied + first);
            }
        }
    }
}

/* Takes an item out of the counts again. */
static void uncount(const struct target *t, size_t query, size_t item, uint32_t *above, uint32_t *tied)
{
    if (t->mask && !t->mask[item]) return;
    const float s = score_of(t, query, item), target = t->score[query];
    *above -= s > target || (isnan(target) && !isnan(s));
    *tied -= s == target;
}

/* Sums of the parts, without the target itself and without what is excluded. */
static void finish(void *context, size_t query)
{
    const struct target *t = context;
    const size_t width = t->panels * PN_TILE_WIDTH;
    uint32_t above = 0, tied = 0;
    for (size_t part = 0; part < t->parts; ++part) {
        above += t->counts[part * 2 * width + query];
        tied += t->counts[(part * 2 + 1) * width + query];
    }
    uncount(t, query, t->targets[query], &above, &tied);
    const uint32_t *offsets = t->excluded.offsets, *ids = t->excluded.ids;
    for (size_t i = offsets ? offsets[query] : 0; offsets && i < offsets[query + 1]; ++i) {
        const bool again = i > offsets[query] && ids[i] == ids[i - 1];
        if (!again && ids[i] != t->targets[query]) uncount(t, query, ids[i], &above, &tied);
    }
    t->above[query] = above;
    t->tied[query] = tied;
}

pn_status pn_rank_of_target_f32(size_t n, size_t V, size_t d, const float *queries, const float *items,
                                const float *bias, const uint8_t *mask, const uint32_t *offsets,
                                const uint32_t *excluded, const uint32_t *targets, uint32_t *above, uint32_t *tied,
                                float *target_scores, void *workspace, size_t workspace_bytes)
{
    size_t size;
    const size_t bytes = pn_rank_of_target_workspace(n, V, d);
    if (V >= UINT32_MAX || bytes == SIZE_MAX || !pn_mul_size(V, d, &size) || !pn_mul_size(size, sizeof(float), &size))
        return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!targets || !above || !tied || !workspace || (d > 0 && (!queries || (V > 0 && !items)))) return PN_ENULL;
    if (workspace_bytes < bytes) return PN_EWORKSPACE;
    struct target t = { .n = n, .V = V, .d = d, .panels = pn_ceil_div(n, PN_TILE_WIDTH), .parts = parts_of(V),
                        .items = items, .bias = bias, .mask = mask, .excluded = { offsets, excluded },
                        .targets = targets, .above = above, .tied = tied };
    pn_status status = pn_excluded_check(n, V, t.excluded);
    for (size_t i = 0; i < n && status == PN_OK; ++i)
        if (targets[i] >= V) status = PN_EINDEX;
    if (status != PN_OK) return status;
    const size_t width = t.panels * PN_TILE_WIDTH;
    t.turned = workspace;
    t.score = t.turned + width * d;
    t.counts = (uint32_t *)(t.score + width);
    t.tile = pn_tile_here();
    for (size_t p = 0; p < t.panels; ++p)
        pn_tile_turn(pn_min(PN_TILE_WIDTH, n - p * PN_TILE_WIDTH), d, 1, queries + p * PN_TILE_WIDTH * d, d, NULL,
                     t.turned + p * PN_TILE_WIDTH * d, PN_TILE_WIDTH);
    status = pn_team_for(t.panels, score_targets, &t);
    if (status == PN_OK) status = pn_team_for(t.parts, count_part, &t);
    if (status == PN_OK) status = pn_team_for(n, finish, &t);
    if (status == PN_OK && target_scores) memcpy(target_scores, t.score, n * sizeof *target_scores);
    return status;
}

/* ---- rows of scores -------------------------------------------------------------------------------------- */

struct rows {
    size_t V;
    const float *scores;
    struct pn_excluded excluded;
    const uint32_t *targets;
    uint32_t *above, *tied, *missing;
};

/* counts: above, tied, missing. */
PN_CLONES static void count_row(size_t n, float target, const float *restrict x, uint32_t *restrict counts)
{
    uint32_t above = 0, tied = 0, missing = 0;
    const uint32_t lost = target != target;
    for (size_t v = 0; v < n; ++v) {
        const uint32_t nan = x[v] != x[v];
        above += (uint32_t)(x[v] > target) | (lost & (nan ^ 1));
        tied += x[v] == target;
        missing += nan;
    }
    counts[0] = above, counts[1] = tied, counts[2] = missing;
}

static void row_block(void *context, size_t row)
{
    const struct rows *r = context;
    const float *x = r->scores + row * r->V;
    const uint32_t own = r->targets[row];
    const float target = x[own];
    uint32_t counts[3];
    count_row(r->V, target, x, counts);
    counts[1] -= target == target;
    const uint32_t *offsets = r->excluded.offsets, *ids = r->excluded.ids;
    for (size_t i = offsets ? offsets[row] : 0; offsets && i < offsets[row + 1]; ++i) {
        if ((i > offsets[row] && ids[i] == ids[i - 1]) || ids[i] == own) continue;
        const float s = x[ids[i]];
        counts[0] -= s > target || (isnan(target) && !isnan(s));
        counts[1] -= s == target;
    }
    r->above[row] = counts[0];
    r->tied[row] = counts[1];
    if (r->missing) r->missing[row] = counts[2];
}

pn_status pn_rank_of_target_scores_f32(size_t n, size_t V, const float *scores, const uint32_t *offsets,
                                       const uint32_t *excluded, const uint32_t *targets, uint32_t *above,
                                       uint32_t *tied, uint32_t *missing)
{
    size_t size;
    if (V >= UINT32_MAX || !pn_mul_size(n, V, &size) || !pn_mul_size(size, sizeof(float), &size)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!targets || !above || !tied || (!scores && V > 0)) return PN_ENULL;
    struct rows r = { V, scores, { offsets, excluded }, targets, above, tied, missing };
    pn_status status = pn_excluded_check(n, V, r.excluded);
    for (size_t i = 0; i < n && status == PN_OK; ++i)
        if (targets[i] >= V) status = PN_EINDEX;
    return status == PN_OK ? pn_team_for(n, row_block, &r) : status;
}
