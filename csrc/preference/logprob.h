/* Differences of sequence log-probabilities: what preference losses and EM start from. Not public. */
#ifndef PN_LOGPROB_H
#define PN_LOGPROB_H

#include "base.h"

/* chosen a, rejected b. b NULL: a is the difference already. References and lengths may be NULL, in pairs. */
struct pn_logprob {
    const float *a, *b, *reference_a, *reference_b;
    const uint32_t *length_a, *length_b;
};

PN_INLINE bool pn_logprob_complete(const struct pn_logprob *p)
{
    return p->a && p->b && !p->reference_a == !p->reference_b && !p->length_a == !p->length_b;
}

/* An empty answer counts as one token, so that a length never divides by zero. */
PN_INLINE float pn_logprob_length(uint32_t length) { return (float)(length > 1 ? length : 1); }

PN_INLINE void pn_logprob_difference(const struct pn_logprob *p, size_t first, size_t n, float *restrict d)
{
    const float *a = p->a + first;
    if (!p->b) {
        for (size_t i = 0; i < n; ++i) d[i] = a[i];
        return;
    }
    const float *b = p->b + first;
    if (p->length_a) {
        const uint32_t *la = p->length_a + first, *lb = p->length_b + first;
        if (p->reference_a) {
            const float *ra = p->reference_a + first, *rb = p->reference_b + first;
            for (size_t i = 0; i < n; ++i)
                d[i] = (a[i] - ra[i]) / pn_logprob_length(la[i]) - (b[i] - rb[i]) / pn_logprob_length(lb[i]);
        } else {
            for (size_t i = 0; i < n; ++i)
                d[i] = a[i] / pn_logprob_length(la[i]) - b[i] / pn_logprob_length(lb[i]);
        }
    } else if (p->reference_a) {
        const float *ra = p->reference_a + first, *rb = p->reference_b + first;
        for (size_t i = 0; i < n; ++i) d[i] = (a[i] - b[i]) - (ra[i] - rb[i]);
    } else {
        for (size_t i = 0; i < n; ++i) d[i] = a[i] - b[i];
    }
}

PN_INLINE void pn_logprob_divide(const uint32_t *length, size_t n, float *restrict x)
{
    for (size_t i = 0; i < n; ++i) x[i] /= pn_logprob_length(length[i]);
}

#endif
