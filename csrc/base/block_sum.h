/* The double sum of a block that arrives in pieces of floats, in an order that the source fixes. */
#ifndef PN_BLOCK_SUM_H
#define PN_BLOCK_SUM_H

#include "lanes.h"

typedef struct pn_block_sum {
    pn_f64x8 lanes[2];
    double tail;
} pn_block_sum;

PN_INLINE void pn_block_sum_add(pn_block_sum *sum, size_t n, const float *x)
{
    pn_f64x8 even = sum->lanes[0], odd = sum->lanes[1];
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        even += pn_load8_f64(x + i);
        odd += pn_load8_f64(x + i + 8);
    }
    sum->lanes[0] = even;
    sum->lanes[1] = odd;
    for (; i < n; ++i) sum->tail += (double)x[i];
}

PN_INLINE double pn_block_sum_total(const pn_block_sum *sum)
{
    const pn_f64x8 both = sum->lanes[0] + sum->lanes[1];
    return pn_sum8(&both) + sum->tail;
}

#endif
