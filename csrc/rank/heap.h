/* The best k seen so far, worst at the root. Not public. Order: higher score first, equal scores lower id first. */
#ifndef PN_RANK_HEAP_H
#define PN_RANK_HEAP_H

#include "base.h"

PN_INLINE bool pn_better(float score, uint32_t id, float than_score, uint32_t than_id)
{
    return score > than_score || (score == than_score && id < than_id);
}

/* Puts (score, id) in the hole at i and lets it sink below everything better. */
PN_INLINE void pn_heap_sink(size_t count, size_t i, float score, uint32_t id, float *scores, uint32_t *ids)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= count) break;
        if (child + 1 < count && pn_better(scores[child], ids[child], scores[child + 1], ids[child + 1])) ++child;
        if (!pn_better(score, id, scores[child], ids[child])) break;
        scores[i] = scores[child], ids[i] = ids[child];
        i = child;
    }
    scores[i] = score, ids[i] = id;
}

/* Takes a score that may belong to the best k. NaN and -inf never do. */
PN_INLINE void pn_heap_offer(size_t k, size_t *count, float score, uint32_t id, float *scores, uint32_t *ids)
{
    if (!(score > -INFINITY)) return;
    if (*count == k) {
        if (pn_better(score, id, scores[0], ids[0])) pn_heap_sink(k, 0, score, id, scores, ids);
        return;
    }
    size_t i = (*count)++;
    while (i > 0 && pn_better(scores[(i - 1) / 2], ids[(i - 1) / 2], score, id)) {
        scores[i] = scores[(i - 1) / 2], ids[i] = ids[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    scores[i] = score, ids[i] = id;
}

/* Best first. */
PN_INLINE void pn_heap_sort(size_t count, float *scores, uint32_t *ids)
{
    while (count > 1) {
        --count;
        const float score = scores[count];
        const uint32_t id = ids[count];
        scores[count] = scores[0], ids[count] = ids[0];
        pn_heap_sink(count, 0, score, id, scores, ids);
    }
}

#endif
