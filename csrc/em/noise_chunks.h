/* How labels are cut into chunks that each have sums of the annotators. Not public. */
#ifndef PN_NOISE_CHUNKS_H
#define PN_NOISE_CHUNKS_H

#include "base.h"

enum { PN_NOISE_TABLES = 64 };

/* One annotator needs no table, so a chunk is a block. Tables of many annotators together stay below a quarter of n. */
PN_INLINE size_t pn_noise_chunk_rows(size_t n, size_t annotators)
{
    if (annotators == 1) return PN_BLOCK;
    const size_t tables = pn_max(1, pn_min(PN_NOISE_TABLES, n / annotators / 4));
    return pn_max(1, pn_ceil_div(pn_ceil_div(n, tables), PN_BLOCK)) * PN_BLOCK;
}

#endif
