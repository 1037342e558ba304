/* Lists of ids that a query may not get. Not public. */
#ifndef PN_RANK_EXCLUDE_H
#define PN_RANK_EXCLUDE_H

#include "penchant/status.h"

#include "base.h"

struct pn_excluded {
    const uint32_t *offsets, *ids; /* NULL when nothing is excluded */
};

pn_status pn_excluded_check(size_t n, size_t V, struct pn_excluded excluded);

PN_INLINE bool pn_is_excluded(struct pn_excluded excluded, size_t query, uint32_t id)
{
    if (!excluded.offsets) return false;
    size_t low = excluded.offsets[query], high = excluded.offsets[query + 1];
    const size_t end = high;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (excluded.ids[middle] < id) low = middle + 1;
        else high = middle;
    }
    return low < end && excluded.ids[low] == id;
}

#endif
