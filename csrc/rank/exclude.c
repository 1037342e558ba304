#include "exclude.h"

pn_status pn_excluded_check(size_t n, size_t V, struct pn_excluded excluded)
{
    if (!excluded.offsets) return excluded.ids ? PN_ENULL : PN_OK;
    if (excluded.offsets[0] != 0) return PN_EINDEX;
    for (size_t i = 0; i < n; ++i) {
        const uint32_t first = excluded.offsets[i], end = excluded.offsets[i + 1];
        if (end < first) return PN_EINDEX;
        if (end > first && !excluded.ids) return PN_ENULL;
        for (uint32_t j = first; j < end; ++j)
            if (excluded.ids[j] >= V || (j > first && excluded.ids[j] < excluded.ids[j - 1])) return PN_EINDEX;
    }
    return PN_OK;
}
