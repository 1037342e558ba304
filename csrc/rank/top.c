/* Letters: n queries in panels of up to 64 lanes, V items in blocks of 1,024, d floats a row.
 *
 * A block's scores against a panel come a strip of items at a time into L1, as [item][query]; one comparison a vector
 * finds the few that may enter a heap. Every thread has its own heaps, so its thresholds rise over all blocks it
 * takes; which thread took which block does not matter, because the best k of an order without ties are unique.
 *
 * One query alone, as a server asks it, would leave fifteen of sixteen lanes empty: its scores are inner products of
 * rows, which read the items as fast as memory gives them. With a screen it reads a quarter of that, and of the items
 * only those rows whose bound reaches the worst of the heap. */
#include "penchant/rank.h"

#include "../tile/tile.h"
#include "exclude.h"
#include "heap.h"
#include "screen.h"

#define ITEMS ((size_t)1024) /* a block: read once from memory, then from L2 for the other panels */
#define STRIP ((size_t)64)   /* items whose scores fit L1 */

struct top {
    size_t n, V, d, k, panels, members, member_bytes;
    const float *queries, *items, *bias;
    const uint8_t *mask;
    struct pn_excluded excluded;
    const float *turned; /* [panel][d][64] */
    char *scratch;
    pn_tile tile;
    bool screened;
    struct pn_screen screen;
    struct pn_screen_query asked;
};

/* What a thread keeps: strip scores, and a heap a query. */
struct heaps {
    float *strip;     /* [64 items][64 lanes] */
    float *threshold; /* [n up to whole panels]: the worst of a full heap, else -inf */
    size_t *count;    /* [n] */
    float *scores;    /* [n][k] */
    uint32_t *ids;    /* [n][k] */
};

static bool lay_out(size_t n, size_t k, char *base, struct heaps *h, size_t *bytes)
{
    bool ok = n <= SIZE_MAX - PN_TILE_WIDTH;
    *bytes = 0;
#define TAKE(type, name, a, b) (h->name = (type *)(base ? base + *bytes : NULL), ok = ok && pn_add_part(bytes, a, b, sizeof(type)))
    TAKE(float, strip, STRIP, PN_TILE_WIDTH);
    TAKE(float, threshold, pn_ceil_div(n, PN_TILE_WIDTH), PN_TILE_WIDTH);
    TAKE(size_t, count, n, 1);
    TAKE(float, scores, n, k);
    TAKE(uint32_t, ids, n, k);
#undef TAKE
    return ok;
}

static bool turned_bytes(size_t n, size_t d, size_t *bytes)
{
    *bytes = 0;
    size_t lanes;
    return n <= SIZE_MAX - PN_TILE_WIDTH && pn_mul_size(pn_ceil_div(n, PN_TILE_WIDTH), PN_TILE_WIDTH, &lanes) &&
           pn_add_part(bytes, lanes, d, sizeof(float));
}

size_t pn_rank_top_workspace(size_t n, size_t V, size_t d, size_t k)
{
    struct heaps h;
    size_t bytes, turned;
    if (!lay_out(n, pn_min(k, V), NULL, &h, &bytes) || !turned_bytes(n, d, &turned)) return SIZE_MAX;
    if (!pn_mul_size(bytes, pn_team_size(), &bytes)) return SIZE_MAX;
    pn_add_size(bytes, turned, &bytes);
    return bytes;
}

/* Adds the bias; is any score at least its lane's threshold? */
PN_CLONES static void filter(size_t items, size_t lanes, const float *restrict bias,
                             const float *restrict threshold, float *restrict strip, uint8_t *restrict found)
{
    for (size_t v = 0; v < items; ++v) {
        float *restrict x = strip + v * PN_TILE_WIDTH;
        const float b = bias ? bias[v] : 0;
        int32_t any = 0;
        for (size_t c = 0; c < lanes; c += PN_LANES)
            for (size_t l = c; l < c + PN_LANES; ++l) {
                x[l] += b;
                any |= x[l] >= threshold[l];
            }
        found[v] = (uint8_t)any;
    }
}

static void offer(const struct top *t, struct heaps *h, size_t query, uint32_t id, float score)
{
    if (pn_is_excluded(t->excluded, query, id)) return;
    float *scores = h->scores + query * t->k;
    pn_heap_offer(t->k, &h->count[query], score, id, scores, h->ids + query * t->k);
    if (h->count[query] == t->k) h->threshold[query] = scores[0];
}

static void block(void *context, size_t b, size_t member)
{
    const struct top *t = context;
    struct heaps h;
    size_t bytes;
    lay_out(t->n, t->k, t->scratch + member * t->member_bytes, &h, &bytes);
    const size_t end = pn_min(t->V, (b + 1) * ITEMS);
    uint8_t found[STRIP];
    for (size_t p = 0; p < t->panels; ++p) {
        const size_t first = p * PN_TILE_WIDTH, count = pn_min(PN_TILE_WIDTH, t->n - first);
        const size_t lanes = pn_lanes(count);
        const float *turned = t->turned + first * t->d;
        for (size_t v = b * ITEMS; v < end; v += STRIP) {
            const size_t some = pn_min(STRIP, end - v);
            t->tile(some, lanes / PN_LANES, t->d, t->items + v * t->d, t->d, 1, turned, PN_TILE_WIDTH, h.strip,
                    PN_TILE_WIDTH, false);
            filter(some, lanes, t->bias ? t->bias + v : NULL, h.threshold + first, h.strip, found);
            for (size_t i = 0; i < some; ++i) {
                if (!found[i] || (t->mask && !t->mask[v + i])) continue;
                const float *x = h.strip + i * PN_TILE_WIDTH;
                for (size_t l = 0; l < count; ++l)
                    if (x[l] >= h.threshold[first + l]) offer(t, &h, first + l, (uint32_t)(v + i), x[l]);
            }
        }
    }
}

PN_CLONES static void products(size_t items, size_t d, const float *restrict rows, const float *restrict query,
                               const float *restrict bias, float *restrict x)
{
    for (size_t v = 0; v < items; ++v) x[v] = pn_dot(d, rows + v * d, query) + (bias ? bias[v] : 0);
}

PN_CLONES static bool any_at_least(size_t n, float threshold, const float *restrict x)
{
    int32_t any = 0;
    for (size_t i = 0; i < n; ++i) any |= x[i] >= threshold;
    return any;
}

static void block_alone(void *context, size_t b, size_t member)
{
    const struct top *t = context;
    struct heaps h;
    size_t bytes;
    lay_out(1, t->k, t->scratch + member * t->member_bytes, &h, &bytes);
    const size_t end = pn_min(t->V, (b + 1) * ITEMS);
    for (size_t v = b * ITEMS; v < end; v += STRIP) {
        const size_t some = pn_min(STRIP, end - v);
        if (t->screened) pn_screen_bounds(t->screen, t->asked, v, some, t->bias, h.strip);
        else products(some, t->d, t->items + v * t->d, t->queries, t->bias ? t->bias + v : NULL, h.strip);
        if (!any_at_least(some, h.threshold[0], h.strip)) continue;
        for (size_t i = 0; i < some; ++i) {
            if (!(h.strip[i] >= h.threshold[0]) || (t->mask && !t->mask[v + i])) continue;
            if (t->screened)
                products(1, t->d, t->items + (v + i) * t->d, t->queries, t->bias ? t->bias + v + i : NULL, &h.strip[i]);
            if (h.strip[i] >= h.threshold[0]) offer(t, &h, 0, (uint32_t)(v + i), h.strip[i]);
        }
    }
}

/* All threads' heaps of one query into the first, then in order. */
static void merge(void *context, size_t query)
{
    const struct top *t = context;
    struct heaps h, other;
    size_t bytes;
    lay_out(t->n, t->k, t->scratch, &h, &bytes);
    float *scores = h.scores + query * t->k;
    uint32_t *ids = h.ids + query * t->k;
    for (size_t m = 1; m < t->members; ++m) {
        lay_out(t->n, t->k, t->scratch + m * t->member_bytes, &other, &bytes);
        for (size_t i = 0; i < other.count[query]; ++i)
            pn_heap_offer(t->k, &h.count[query], other.scores[query * t->k + i], other.ids[query * t->k + i], scores,
                          ids);
    }
    pn_heap_sort(h.count[query], scores, ids);
}

pn_status pn_rank_top_f32(size_t n, size_t V, size_t d, size_t k, const float *queries, const float *items,
                          const float *screen, const float *bias, const uint8_t *mask, const uint32_t *offsets,
                          const uint32_t *excluded, uint32_t *ids, float *scores, void *workspace,
                          size_t workspace_bytes)
{
    if (k > PN_RANK_MAX) return PN_EVALUE;
    if (n == 0 || k == 0) return PN_OK;
    size_t size, turned;
    struct heaps h;
    struct top t = { .n = n, .V = V, .d = d, .k = pn_min(k, V), .queries = queries, .items = items, .bias = bias, .mask = mask,
                     .excluded = { offsets, excluded }, .panels = pn_ceil_div(n, PN_TILE_WIDTH) };
    if (V >= UINT32_MAX || !pn_mul_size(V, d, &size) || !pn_mul_size(size, sizeof(float), &size) ||
        !pn_mul_size(n, k, &size) || !pn_mul_size(size, sizeof(float), &size) || !turned_bytes(n, d, &turned) ||
        !lay_out(n, t.k, NULL, &h, &t.member_bytes))
        return PN_EDIM;
    if (!ids || !workspace || (d > 0 && (!queries || (V > 0 && !items)))) return PN_ENULL;
    if (workspace_bytes < turned || workspace_bytes - turned < t.member_bytes) return PN_EWORKSPACE;
    pn_status status = pn_excluded_check(n, V, t.excluded);
    if (status != PN_OK) return status;

    /* More heaps than threads or blocks would only be empty. */
    t.members = pn_min(pn_min(pn_team_size(), PN_TEAM_MAX), (workspace_bytes - turned) / t.member_bytes);
    t.members = pn_max(1, pn_min(t.members, pn_ceil_div(V, ITEMS)));
    t.tile = pn_tile_here();
    t.turned = workspace;
    t.scratch = (char *)workspace + turned;
    if (n == 1 && d > 0 && screen && pn_rank_screen_floats(V, d) != SIZE_MAX) {
        /* The codes lie where the lanes of many queries would. */
        t.screen = pn_screen_of(V, d, screen);
        t.screened = pn_screen_ask(t.screen, d, queries, workspace, &t.asked);
    }
    for (size_t p = 0; p < t.panels && n > 1; ++p)
        pn_tile_turn(pn_min(PN_TILE_WIDTH, n - p * PN_TILE_WIDTH), d, 1, queries + p * PN_TILE_WIDTH * d, d, NULL,
                     (float *)workspace + p * PN_TILE_WIDTH * d, PN_TILE_WIDTH);
    for (size_t m = 0; m < t.members; ++m) {
        lay_out(n, t.k, t.scratch + m * t.member_bytes, &h, &size);
        for (size_t i = 0; i < t.panels * PN_TILE_WIDTH; ++i) h.threshold[i] = i < n ? -INFINITY : INFINITY;
        memset(h.count, 0, n * sizeof *h.count);
    }
    status = pn_team_for_members(pn_ceil_div(V, ITEMS), t.members, n == 1 ? block_alone : block, &t);
    if (status == PN_OK) status = pn_team_for(n, merge, &t);
    if (status != PN_OK) return status;

    lay_out(n, t.k, t.scratch, &h, &size);
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < k; ++j) {
            const bool have = j < h.count[i];
            ids[i * k + j] = have ? h.ids[i * t.k + j] : PN_RANK_NONE;
            if (scores) scores[i * k + j] = have ? h.scores[i * t.k + j] : -INFINITY;
        }
    return PN_OK;
}

/* ---- rows of scores -------------------------------------------------------------------------------------- */

struct rows {
    size_t V, k;
    const float *scores;
    const uint8_t *mask;
    uint32_t *ids;
    float *best;
};

static void row_block(void *context, size_t row)
{
    const struct rows *r = context;
    const float *x = r->scores + row * r->V;
    const uint8_t *mask = r->mask ? r->mask + row * r->V : NULL;
    float *best = r->best + row * r->k;
    uint32_t *ids = r->ids + row * r->k;
    size_t count = 0;
    for (size_t first = 0; first < r->V; first += STRIP) {
        const size_t end = pn_min(r->V, first + STRIP);
        if (count == r->k && !any_at_least(end - first, best[0], x + first)) continue;
        for (size_t v = first; v < end; ++v)
            if (!mask || mask[v]) pn_heap_offer(r->k, &count, x[v], (uint32_t)v, best, ids);
    }
    pn_heap_sort(count, best, ids);
    for (; count < r->k; ++count) best[count] = -INFINITY, ids[count] = PN_RANK_NONE;
}

pn_status pn_rank_top_scores_f32(size_t n, size_t V, size_t k, const float *scores, const uint8_t *mask,
                                 uint32_t *ids, float *best)
{
    if (k > PN_RANK_MAX) return PN_EVALUE;
    size_t size;
    if (V >= UINT32_MAX || !pn_mul_size(n, V, &size) || !pn_mul_size(size, sizeof(float), &size) ||
        !pn_mul_size(n, k, &size) || !pn_mul_size(size, sizeof(float), &size))
        return PN_EDIM;
    if (n == 0 || k == 0) return PN_OK;
    if (!ids || !best || (!scores && V > 0)) return PN_ENULL;
    struct rows r = { V, k, scores, mask, ids, best };
    return pn_team_for(n, row_block, &r);
}
