/* Plackett-Luce: the loss and gradient of one list run along its tail sums.
 *
 * T_j = log of the sum of exp(score) over places >= j, kept as a maximum and a sum relative to it. With p_j the
 * probability that place j wins its tail, the loss is -sum log p_j, and the item of place j gets
 *   p_j * sum_{i<j} exp(T_j - T_i) - (1 - p_j),
 * where the sum follows from the one before and 1 - p_j is the rest of the tail, not a difference. */
#include "base.h"
#include "scalar_math.h"
#include "penchant/reduce.h"
#include "penchant/preference.h"

#include <stdatomic.h>

enum { LISTS_A_BLOCK = 64 };

struct place {
    double sum;  /* of the tail from here, relative to exp(max) */
    double rest; /* the same without this item */
    float max;
    float own;   /* exp(score - max) */
};

struct rankings {
    size_t lists, top;
    float grad_scale;
    const size_t *offsets;
    const float *score;
    const uint32_t *place;
    const float *weight;
    float *loss, *grad;
    double *partial;        /* one a block */
    struct place *places;   /* one an item */
    uint32_t *order;        /* item at a place, one an item */
    _Atomic int status;
};

/* Adds an item to the tail (max, sum). */
PN_INLINE struct place push(float max, double sum, float score)
{
    struct place p;
    p.max = score > max ? score : max;
    p.rest = sum == 0.0 ? 0.0 : sum * (double)pn_expf(max - p.max);
    p.own = sum == 0.0 ? 1.0f : pn_expf(score - p.max);
    p.sum = p.rest + (double)p.own;
    return p;
}

/* Fills order with the items by place and returns how many are ranked; PN_UNRANKED says that the places are no ranking. */
static uint32_t sort_places(uint32_t items, const uint32_t *place, uint32_t *order)
{
    if (!place) {
        for (uint32_t i = 0; i < items; ++i) order[i] = i;
        return items;
    }
    uint32_t ranked = 0;
    for (uint32_t i = 0; i < items; ++i) order[i] = PN_UNRANKED;
    for (uint32_t i = 0; i < items; ++i) {
        if (place[i] == PN_UNRANKED) continue;
        if (place[i] >= items || order[place[i]] != PN_UNRANKED) return PN_UNRANKED;
        order[place[i]] = i;
        ++ranked;
    }
    for (uint32_t j = 0; j < ranked; ++j)
        if (order[j] == PN_UNRANKED) return PN_UNRANKED;
    return ranked;
}

/* Loss of one list; grad, when wanted, is scaled. ranked: places that count; the other items are the end of the tail. */
static double list(uint32_t items, uint32_t ranked, float scale, const float *score, const uint32_t *place,
                   const uint32_t *order, struct place *places, float *grad)
{
    float max = -INFINITY;
    double sum = 0.0, loss = 0.0;
    for (uint32_t i = 0; i < items; ++i) {
        const bool in_tail = place ? place[i] >= ranked : i >= ranked;
        if (!in_tail) continue;
        const struct place p = push(max, sum, score[i]);
        max = p.max;
        sum = p.sum;
    }
    for (uint32_t j = ranked; j-- > 0;) {
        const float s = score[order[j]];
        const struct place p = push(max, sum, s);
        max = p.max;
        sum = p.sum;
        places[j] = p;
        /* -log p_j: exactly log1p(rest) where the item is the largest of its tail. */
        loss += p.own == 1.0f ? (double)pn_log1pf((float)p.rest)
                              : (double)(p.max - s) + (double)pn_logf((float)p.sum);
    }
    if (!grad) return loss;
    double before = 0.0; /* sum over i < j of exp(T_j - T_i) */
    for (uint32_t j = 0; j < ranked; ++j) {
        const struct place *p = &places[j];
        if (j > 0) {
            const struct place *q = &places[j - 1];
            before = (1.0 + before) * (p->sum / q->sum * (double)pn_expf(p->max - q->max));
        }
        grad[order[j]] = scale * (float)(((double)p->own * before - p->rest) / p->sum);
    }
    const double all = ranked ? 1.0 + before : 0.0;
    for (uint32_t i = 0; i < items; ++i) {
        const bool in_tail = place ? place[i] >= ranked : i >= ranked;
        if (!in_tail) continue;
        const struct place *last = ranked ? &places[ranked - 1] : NULL;
        grad[i] = last ? scale * (float)((double)pn_expf(score[i] - last->max) / last->sum * all) : 0.0f;
    }
    return loss;
}

static void block(void *context, size_t b)
{
    struct rankings *r = context;
    const size_t first = b * LISTS_A_BLOCK, end = pn_min(first + LISTS_A_BLOCK, r->lists);
    double total = 0.0;
    for (size_t l = first; l < end; ++l) {
        const size_t at = r->offsets[l];
        const uint32_t items = (uint32_t)(r->offsets[l + 1] - at);
        const uint32_t *place = r->place ? r->place + at : NULL;
        uint32_t ranked = sort_places(items, place, r->order + at);
        if (ranked == PN_UNRANKED) {
            atomic_store_explicit(&r->status, PN_EVALUE, memory_order_relaxed);
            continue;
        }
        if (r->top) ranked = (uint32_t)pn_min(ranked, r->top);
        const float weight = r->weight ? r->weight[l] : 1.0f;
        const double loss = (double)weight * list(items, ranked, weight * r->grad_scale, r->score + at, place,
                                                  r->order + at, r->places + at, r->grad ? r->grad + at : NULL);
        if (r->loss) r->loss[l] = (float)loss;
        total += loss;
    }
    r->partial[b] = total;
}

size_t pn_plackett_luce_workspace(size_t lists, size_t items)
{
    size_t places, orders, total;
    if (!pn_mul_size(items, sizeof(struct place), &places) || !pn_mul_size(items, sizeof(uint32_t), &orders) ||
        !pn_add_size(places, orders, &total) ||
        !pn_add_size(total, pn_ceil_div(lists, LISTS_A_BLOCK) * sizeof(double), &total))
        return SIZE_MAX;
    return total;
}

pn_status pn_plackett_luce_f32(size_t lists, size_t top, float grad_scale, const size_t *offsets, const float *score,
                               const uint32_t *place, const float *weight, float *loss, float *grad, double *mean,
                               void *workspace, size_t workspace_bytes)
{
    if (mean) *mean = 0.0;
    if (!(fabsf(grad_scale) < INFINITY)) return PN_EVALUE;
    if (lists == 0) return PN_OK;
    if (!offsets) return PN_ENULL;
    if (offsets[0] != 0) return PN_EDIM;
    for (size_t l = 0; l < lists; ++l)
        if (offsets[l + 1] < offsets[l] || offsets[l + 1] - offsets[l] >= PN_UNRANKED) return PN_EDIM;
    const size_t items = offsets[lists], blocks = pn_ceil_div(lists, LISTS_A_BLOCK);
    if (items && !score) return PN_ENULL;
    const size_t needed = pn_plackett_luce_workspace(lists, items);
    if (!workspace || needed == SIZE_MAX || workspace_bytes < needed) return PN_EWORKSPACE;

    double *partial = workspace;
    struct place *places = (struct place *)(partial + blocks);
    struct rankings r = { .lists = lists, .top = top, .grad_scale = grad_scale, .offsets = offsets, .score = score,
                          .place = place, .weight = weight, .loss = loss, .grad = grad, .partial = partial,
                          .places = places, .order = (uint32_t *)(places + items), .status = PN_OK };
    const pn_status status = pn_team_for(blocks, block, &r);
    if (status != PN_OK) return status;
    if (r.status != PN_OK) return (pn_status)r.status;
    if (mean) *mean = pn_tree_sum(partial, blocks) / (double)lists;
    return PN_OK;
}
