/* Responsibilities of one row, in place. Not public. */
#ifndef PN_SOFTMAX_ROW_H
#define PN_SOFTMAX_ROW_H

#include "scalar_math.h"

/* l becomes softmax(l); returns log sum exp(l). Only -inf everywhere, or NaN, gives NaN. */
PN_INLINE float pn_softmax_row(size_t n, float *l)
{
    float max = -INFINITY, sum = 0.0f;
    for (size_t k = 0; k < n; ++k) max = l[k] <= max ? max : l[k];
    for (size_t k = 0; k < n; ++k) l[k] = pn_expf(l[k] - max);
    for (size_t k = 0; k < n; ++k) sum += l[k];
    const float inverse = 1.0f / sum;
    for (size_t k = 0; k < n; ++k) l[k] *= inverse;
    return max + pn_logf(sum);
}

#endif
