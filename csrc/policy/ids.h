/* Ids of tokens. Not public. */
#ifndef PN_POLICY_IDS_H
#define PN_POLICY_IDS_H

#include "base.h"
#include "penchant/policy.h"

/* Whether every id is a class or is ignored. */
PN_INLINE bool pn_policy_ids_fit(size_t rows, size_t classes, const uint32_t *id)
{
    for (size_t r = 0; r < rows; ++r)
        if (id[r] >= classes && id[r] != PN_POLICY_IGNORE) return false;
    return true;
}

#endif
