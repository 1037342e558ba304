/* -sum log p of probabilities that come with their complements, in double: products of a few, one logarithm at the end.
 * The order of the products is fixed by the source. */
#ifndef PN_LOG_PRODUCT_H
#define PN_LOG_PRODUCT_H

#include "lanes.h"

#include <math.h>

typedef int64_t pn_i64x8 __attribute__((vector_size(64)));

/* Each lane is 2^exponent * fraction; fraction keeps NaN. */
typedef struct pn_log_product {
    pn_f64x8 fraction;
    pn_i64x8 exponent;
} pn_log_product;

PN_INLINE void pn_log_product_start(pn_log_product *product)
{
    for (size_t j = 0; j < 8; ++j) {
        product->fraction[j] = 1.0;
        product->exponent[j] = 0;
    }
}

enum { PN_LOG_PRODUCT_ROWS = 256 };

/* p + q = 1, the smaller of them with all its digits; p >= 1e-9, so that the 32 of a lane do not underflow.
 * n <= PN_LOG_PRODUCT_ROWS, and both arrays have room for that many. */
PN_INLINE void pn_log_product_times(pn_log_product *product, size_t n, float *p, float *q)
{
    for (size_t i = n; i % 8; ++i) {
        p[i] = 1.0f;
        q[i] = 0.0f;
    }
    pn_f64x8 fraction = product->fraction;
    for (size_t i = 0; i < n; i += 8) {
        const pn_f64x8 a = pn_load8_f64(p + i), b = 1.0 - pn_load8_f64(q + i);
        const pn_i64x8 high = a >= 0.5;
        fraction *= (pn_f64x8)((high & (pn_i64x8)b) | (~high & (pn_i64x8)a));
    }
    const pn_f64x8 nothing = fraction - fraction; /* NaN where a fraction is */
    const pn_i64x8 bits = (pn_i64x8)fraction;
    product->exponent += ((bits >> 52) & 0x7ff) - 1023;
    product->fraction = (pn_f64x8)((bits & 0xfffffffffffff) | 0x3ff0000000000000) + nothing;
}

PN_INLINE double pn_log_product_total(const pn_log_product *product)
{
    pn_f64x8 log_;
    for (size_t j = 0; j < 8; ++j)
        log_[j] = -(log(product->fraction[j]) + 0x1.62e42fefa39efp-1 * (double)product->exponent[j]);
    return pn_sum8(&log_);
}

#endif
