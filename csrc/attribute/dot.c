/* Dot-product attention over the attributes of a text, forward and gradient in one reading of E.
 *
 * Pass 1 over the K rows of the tile (K * m floats, in L1 from then on) gives the scores q . e_i and the values
 * probe . e_i; pass 2 forms pooled, dq and dE:
 *   dalpha_i = c (probe . e_i) + upstream_i,  ds_i = alpha_i (dalpha_i - sum alpha dalpha)
 *   dE_i = alpha_i c probe + scale ds_i q,    dq = scale sum ds_i e_i
 * with probe = gradient of pooled and c = 1, or probe = direction and c = beta dR. */
#include "job.h"

/* The sums of both vectors in one tree: halves side by side, then three foldings. */
#define FOLD(v, ...) ((v) + __builtin_shufflevector(v, v, __VA_ARGS__))
#define two_sums(a, b, sum_a, sum_b)                                                                         \
    do {                                                                                                     \
        pn_f32x16 t_ = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) + \
                       __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31); \
        t_ = FOLD(t_, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);                                 \
        t_ = FOLD(t_, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);                                 \
        t_ = FOLD(t_, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);                                 \
        (sum_a) = t_[0];                                                                                     \
        (sum_b) = t_[8];                                                                                     \
    } while (0)

PN_INLINE void texts(const struct attribute_job *p, const size_t M, size_t first, size_t count,
                     const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    const size_t m = 16 * M, K = p->K;
    const pn_attribute_gradient *to = &p->gradient;
    for (size_t b = first; b < first + count; ++b) {
        const float *E = p->E + b * K * m;
        const size_t row = p->id ? p->id[b] : b;
        const float *probe = p->utility ? p->probe : p->probe ? p->probe + b * m : NULL;
        const size_t n = attribute_kept(p, b, s->kept);
        pn_f32x16 q[8], g[8]; /* M of them */
        for (size_t v = 0; v < M; ++v) {
            q[v] = pn_load16(p->query + row * m + 16 * v) * p->scale;
            g[v] = (pn_f32x16){ 0 };
        }
        for (size_t v = 0; probe && v < M; ++v) g[v] = pn_load16(probe + 16 * v);

        for (size_t j = 0; j < n; ++j) {
            const float *e = E + s->kept[j] * m;
            pn_f32x16 score = { 0 }, value = { 0 };
            for (size_t v = 0; v < M; ++v) {
                const pn_f32x16 x = pn_load16(e + 16 * v);
                score += x * q[v];
                value += x * g[v];
            }
            two_sums(score, value, s->sigma[j], s->value[j]);
        }
        if (n) attribute_softmax(n, s->sigma, s->alpha);
        if (p->alpha) {
            float *alpha = p->alpha + b * K;
            memset(alpha, 0, K * sizeof *alpha);
            for (size_t j = 0; j < n; ++j) alpha[s->kept[j]] = s->alpha[j];
        }

        float value = 0.0f; /* sum of alpha_i (u . e_i) */
        if (p->utility) {
            for (size_t j = 0; j < n; ++j) value += s->alpha[j] * s->value[j];
            const float content = p->content ? attribute_dot(m, p->content + b * m, p->probe) : 0.0f;
            if (p->out_utility) p->out_utility[b] = content + p->beta * value;
            if (p->kappa) {
                float *kappa = p->kappa + b * K;
                memset(kappa, 0, K * sizeof *kappa);
                for (size_t j = 0; j < n; ++j) kappa[s->kept[j]] = p->beta * s->alpha[j] * s->value[j];
            }
        }

        const float dR = p->backward && p->utility ? p->grad_utility[b] : 1.0f;
        const float c = p->utility ? p->beta * dR : 1.0f;
        if (p->backward) {
            float mean = 0.0f;
            for (size_t j = 0; j < n; ++j) {
                s->slope[j] = c * s->value[j];
                if (p->grad_alpha) s->slope[j] += p->grad_alpha[b * K + s->kept[j]];
            }
            for (size_t j = 0; j < n; ++j) mean += s->alpha[j] * s->slope[j];
            for (size_t j = 0; j < n; ++j) s->slope[j] = s->alpha[j] * (s->slope[j] - mean);
        }

        pn_f32x16 z[8], dq[8];
        for (size_t v = 0; v < M; ++v) z[v] = dq[v] = (pn_f32x16){ 0 };
        if (to->E) {
            float *dE = to->E + b * K * m;
            for (size_t v = 0; v < M; ++v) g[v] *= c;
            if (p->mask)
                for (size_t i = 0; i < K; ++i)
                    if (!p->mask[b * K + i]) memset(dE + i * m, 0, m * sizeof *dE);
            for (size_t j = 0; j < n; ++j) {
                const size_t at = s->kept[j] * m;
                const float alpha = s->alpha[j], slope = s->slope[j];
                for (size_t v = 0; v < M; ++v) {
                    const pn_f32x16 x = pn_load16(E + at + 16 * v), d = alpha * g[v] + slope * q[v];
                    z[v] += alpha * x;
                    dq[v] += slope * x;
                    if (p->stream)
                        __builtin_nontemporal_store(d, (pn_f32x16 *)(void *)(dE + at + 16 * v));
                    else
                        pn_store16(dE + at + 16 * v, d);
                }
            }
        } else if (p->pooled || sums->direction || to->query) {
            for (size_t j = 0; j < n; ++j) {
                const float *e = E + s->kept[j] * m;
                const float alpha = s->alpha[j], slope = p->backward ? s->slope[j] : 0.0f;
                for (size_t v = 0; v < M; ++v) {
                    const pn_f32x16 x = pn_load16(e + 16 * v);
                    z[v] += alpha * x;
                    dq[v] += slope * x;
                }
            }
        }

        if (p->pooled)
            for (size_t v = 0; v < M; ++v) pn_store16(p->pooled + b * m + 16 * v, z[v]);
        if (!p->backward) continue;
        for (size_t v = 0; v < M; ++v) pn_store16(s->grad_query + 16 * v, dq[v] * p->scale);
        if (sums->query) attribute_add(m, s->grad_query, sums->query + row * m);
        if (p->query_rows) memcpy(p->query_rows + b * m, s->grad_query, m * sizeof(float));
        if (!p->utility) continue;
        if (sums->direction) {
            for (size_t v = 0; v < M; ++v) pn_store16(s->sum + 16 * v, z[v] * c);
            if (p->content) attribute_axpy(m, dR, p->content + b * m, s->sum);
            attribute_add(m, s->sum, sums->direction);
        }
        if (sums->beta) *sums->beta += (double)dR * (double)value;
        if (to->content)
            for (size_t i = 0; i < m; ++i) to->content[b * m + i] = dR * p->probe[i];
    }
}

PN_CLONES static void run16(const struct attribute_job *p, size_t first, size_t count,
                            const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    texts(p, 1, first, count, s, sums);
}

PN_CLONES static void run32(const struct attribute_job *p, size_t first, size_t count,
                            const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    texts(p, 2, first, count, s, sums);
}

PN_CLONES static void run64(const struct attribute_job *p, size_t first, size_t count,
                            const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    texts(p, 4, first, count, s, sums);
}

PN_CLONES static void run128(const struct attribute_job *p, size_t first, size_t count,
                             const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    texts(p, 8, first, count, s, sums);
}

bool pn_attribute_dot_chunk(const struct attribute_job *p, size_t first, size_t count,
                            const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    if (p->additive || p->multi) return false;
    switch (p->m) {
    case 16: run16(p, first, count, s, sums); return true;
    case 32: run32(p, first, count, s, sums); return true;
    case 64: run64(p, first, count, s, sums); return true;
    case 128: run128(p, first, count, s, sums); return true;
    }
    return false;
}
