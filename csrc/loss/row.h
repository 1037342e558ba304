/* A row of logits as a distribution: what cross-entropy, log-probabilities and policy losses start from. Not
 * public. */
#ifndef PN_LOSS_ROW_H
#define PN_LOSS_ROW_H

#include "base.h"

/* Rows a block, by the size of a row alone. */
PN_INLINE size_t pn_row_height(size_t classes) { return pn_max(1, PN_BLOCK / pn_max(classes, 1)); }

/* The maximum; NaN when there is one, because comparisons with NaN keep it. */
PN_INLINE float pn_row_top(size_t n, const float *x)
{
    float top = x[0];
    for (size_t i = 1; i < n; ++i) top = x[i] > top || x[i] != x[i] ? x[i] : top;
    return top;
}

/* e^(x - top), written to e when there is one (e may be x); the sum in double. */
PN_INLINE double pn_row_exponentials(size_t n, float top, const float *x, float *e)
{
    double lane[16] = { 0 };
    float tile[16];
    for (size_t i = 0; i < n; i += 16) {
        const size_t m = pn_min(16, n - i);
        for (size_t l = 0; l < m; ++l) tile[l] = pn_expf(x[i + l] - top);
        for (size_t l = 0; l < m; ++l) lane[l] += (double)tile[l];
        if (e)
            for (size_t l = 0; l < m; ++l) e[i + l] = tile[l];
    }
    for (size_t width = 8; width; width /= 2)
        for (size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    return lane[0];
}

#endif
