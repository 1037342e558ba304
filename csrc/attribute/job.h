/* One call of the family: what every text reads and where its results go. Not public.
 * B texts, K attributes, m width, r rank, Q queries; R = r rounded up to whole vectors. */
#ifndef PN_ATTRIBUTE_JOB_H
#define PN_ATTRIBUTE_JOB_H

#include "base.h"
#include "lanes.h"
#include "penchant/attribute.h"

struct attribute_job {
    size_t B, K, m, r, Q;
    size_t R, K16;      /* padded to a multiple of 16 */
    bool additive, utility, multi, backward;
    bool stream;        /* dE goes past the caches */
    float scale, beta;

    const float *E, *query, *bias, *score;
    const float *key;   /* [r, m] */
    float *key_t;       /* [m, R], in the workspace */
    float *score_pad;   /* [R] */
    const uint8_t *mask;
    const uint32_t *id;

    const float *probe; /* direction [m], or the gradient of pooled [B, m] */
    const float *content, *grad_utility, *grad_alpha;

    float *pooled, *alpha, *out_utility, *kappa;
    pn_attribute_gradient gradient;

    /* Sums over the texts of a chunk, [chunks] tables of table_doubles. */
    size_t chunks, chunk_texts, table_doubles;
    double *tables;
    bool query_table;   /* tables begin with the gradients of queries */
    float *query_rows;  /* [B, r] instead, when they are wanted */
    size_t scratch_floats;
    float *scratch;     /* [chunks, scratch_floats] */
};

/* A table of a chunk. NULL parts are not wanted. */
struct attribute_sums {
    double *query, *key, *bias, *score, *direction, *beta;
};

/* Scratch of a chunk. */
struct attribute_scratch {
    float *keys, *tanh, *pull;      /* [K, R] each; additive */
    float *query, *grad_query;      /* [R] */
    float *sigma, *alpha, *slope;   /* [K16] */
    float *value, *share;           /* [K16]: probe . e_i, and what the value path carries */
    float *sum;                     /* [m16] */
    float *product;                 /* [K, m] or [r, m] */
    uint32_t *kept;                 /* [K] */
};

/* Sixteen floats, or the n that there are and zeros. */
#define pn_load_part(x, n)                                                                                   \
    ({                                                                                                       \
        pn_f32x16 part_ = { 0 };                                                                             \
        if ((n) >= 16)                                                                                       \
            memcpy(&part_, (x), sizeof part_);                                                               \
        else                                                                                                 \
            memcpy(&part_, (x), (n) * sizeof(float));                                                        \
        part_;                                                                                               \
    })
#define pn_store_part(x, n, v)                                                                               \
    do {                                                                                                     \
        const pn_f32x16 stored_ = (v);                                                                       \
        memcpy((x), &stored_, ((n) >= 16 ? 16 : (n)) * sizeof(float));                                       \
    } while (0)

PN_INLINE float attribute_dot(size_t n, const float *a, const float *b)
{
    pn_f32x16 sum = { 0 };
    for (size_t i = 0; i < n; i += 16) sum += pn_load_part(a + i, n - i) * pn_load_part(b + i, n - i);
    return pn_sum16(&sum);
}

/* y += a x */
PN_INLINE void attribute_axpy(size_t n, float a, const float *x, float *y)
{
    for (size_t i = 0; i < n; i += 16)
        pn_store_part(y + i, n - i, pn_load_part(y + i, n - i) + a * pn_load_part(x + i, n - i));
}

PN_INLINE void attribute_add(size_t n, const float *x, double *sum)
{
    for (size_t i = 0; i < n; ++i) sum[i] += (double)x[i];
}

/* sigma [n], room for a multiple of 16, becomes alpha. */
PN_INLINE void attribute_softmax(size_t n, float *sigma, float *alpha)
{
    const size_t padded = pn_ceil_div(n, 16) * 16;
    float max = -INFINITY;
    for (size_t j = 0; j < n; ++j) max = sigma[j] <= max ? max : sigma[j];
    for (size_t j = n; j < padded; ++j) sigma[j] = -INFINITY;
    pn_f32x16 sum = { 0 };
    for (size_t j = 0; j < padded; ++j) alpha[j] = pn_expf(sigma[j] - max);
    for (size_t j = 0; j < padded; j += 16) sum += pn_load16(alpha + j);
    const float inverse = 1.0f / pn_sum16(&sum);
    for (size_t j = 0; j < padded; ++j) alpha[j] *= inverse;
}

/* Indices of the attributes that count; returns how many. */
PN_INLINE size_t attribute_kept(const struct attribute_job *p, size_t b, uint32_t *kept)
{
    size_t n = 0;
    for (size_t i = 0; i < p->K; ++i)
        if (!p->mask || p->mask[b * p->K + i]) kept[n++] = (uint32_t)i;
    return n;
}

/* Dot-product scores with one query a text and m = 16 * (1, 2, 4, 8): everything of a text stays in registers and L1.
 * False when the job is of another kind. */
bool pn_attribute_dot_chunk(const struct attribute_job *job, size_t first, size_t count,
                            const struct attribute_scratch *scratch, const struct attribute_sums *sums);

/* Every kind of job. */
void pn_attribute_any_chunk(const struct attribute_job *job, size_t first, size_t count,
                            const struct attribute_scratch *scratch, const struct attribute_sums *sums);

#endif
