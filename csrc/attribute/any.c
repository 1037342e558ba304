/* Attribute attention of every kind: additive or dot-product scores, any width, one query a text or all of them.
 *
 * Keys and values of a text are made once; each query then costs K r + K m. Gradients of several queries are gathered per
 * attribute (share_i, pull_i), so that dE, dkey and du take one product a text however many queries there are. */
#include "job.h"

/* out[i, :] = base + sum over j of x[kept_i, j] y[j, :] for n rows; y: [inner, width], width a multiple of 16. */
PN_INLINE void rows_times(size_t n, size_t inner, size_t width, const uint32_t *kept, const float *x,
                          const float *y, const float *base, float *out)
{
    for (size_t v = 0; v < width; v += 16) {
        const pn_f32x16 start = base ? pn_load16(base + v) : (pn_f32x16){ 0 };
        for (size_t i = 0; i < n; i += 4) {
            /* The last group repeats its last row, which is then written once. */
            const float *row[4];
            for (size_t k = 0; k < 4; ++k) row[k] = x + kept[pn_min(i + k, n - 1)] * inner;
            pn_f32x16 a = start, b = start, c = start, d = start;
            for (size_t j = 0; j < inner; ++j) {
                const pn_f32x16 w = pn_load16(y + j * width + v);
                a += row[0][j] * w;
                b += row[1][j] * w;
                c += row[2][j] * w;
                d += row[3][j] * w;
            }
            pn_store16(out + i * width + v, a);
            if (i + 1 < n) pn_store16(out + (i + 1) * width + v, b);
            if (i + 2 < n) pn_store16(out + (i + 2) * width + v, c);
            if (i + 3 < n) pn_store16(out + (i + 3) * width + v, d);
        }
    }
}

/* out[i, :] = share_i * base + sum over rho of pull[i, rho] key[rho, :]. */
PN_INLINE void key_transposed(const struct attribute_job *p, size_t i, const float *pull, float share,
                              const float *base, float *out)
{
    for (size_t v = 0; v < p->m; v += 16) {
        const size_t left = p->m - v;
        pn_f32x16 sum = share * pn_load_part(base + v, left);
        for (size_t rho = 0; rho < p->r; ++rho)
            sum += pull[i * p->R + rho] * pn_load_part(p->key + rho * p->m + v, left);
        pn_store_part(out + v, left, sum);
    }
}

/* sums[rho, :] += sum over the kept i of pull[i, rho] e_i, the sum of a text in float. */
PN_INLINE void add_key_gradient(const struct attribute_job *p, size_t n, const uint32_t *kept, const float *E,
                                const float *pull, double *sums)
{
    for (size_t rho = 0; rho < p->r; rho += 4) {
        const size_t rows = pn_min(4, p->r - rho);
        for (size_t v = 0; v < p->m; v += 16) {
            const size_t left = pn_min(16, p->m - v);
            pn_f32x16 acc[4] = { { 0 } };
            for (size_t j = 0; j < n; ++j) {
                const pn_f32x16 x = pn_load_part(E + kept[j] * p->m + v, left);
                const float *w = pull + j * p->R + rho; /* padded: four are there */
                for (size_t k = 0; k < 4; ++k) acc[k] += w[k] * x;
            }
            for (size_t k = 0; k < rows; ++k) {
                float one[16];
                pn_store16(one, acc[k]);
                attribute_add(left, one, sums + (rho + k) * p->m + v);
            }
        }
    }
}

/* Scores of the n kept attributes under query c. Additive: their tanh stay in s->tanh. */
PN_INLINE void scores(const struct attribute_job *p, size_t n, size_t c, const float *E,
                      const struct attribute_scratch *s)
{
    const float *query = p->query + c * p->r;
    if (!p->additive) {
        for (size_t j = 0; j < n; ++j) s->sigma[j] = p->scale * attribute_dot(p->m, query, E + s->kept[j] * p->m);
        return;
    }
    for (size_t k = 0; k < p->r; ++k) s->query[k] = query[k];
    for (size_t j = 0; j < n; ++j) {
        const float *key = s->keys + j * p->R;
        float *t = s->tanh + j * p->R;
        for (size_t k = 0; k < p->R; ++k) t[k] = pn_tanhf(key[k] + s->query[k]);
    }
    for (size_t j = 0; j < n; ++j) s->sigma[j] = attribute_dot(p->R, s->tanh + j * p->R, p->score_pad);
}

/* Gradients through the scores of query c: into dq, and per attribute into pull (additive) or dE (dot product). */
PN_INLINE void through_scores(const struct attribute_job *p, size_t n, size_t b, size_t c, const float *E,
                              const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    const size_t width = p->additive ? p->R : p->m;
    memset(s->grad_query, 0, width * sizeof(float));
    if (p->additive) {
        for (size_t j = 0; j < n; ++j) {
            const float *t = s->tanh + j * p->R, slope = s->slope[j];
            float *pull = s->pull + j * p->R;
            for (size_t k = 0; k < p->R; ++k) {
                const float a = slope * p->score_pad[k] * (1.0f - t[k] * t[k]);
                pull[k] += a;
                s->grad_query[k] += a;
            }
        }
        if (sums->score) {
            float *sum = s->product;
            memset(sum, 0, p->R * sizeof *sum);
            for (size_t j = 0; j < n; ++j) attribute_axpy(p->R, s->slope[j], s->tanh + j * p->R, sum);
            attribute_add(p->r, sum, sums->score);
        }
    } else {
        const float *query = p->query + c * p->m;
        for (size_t j = 0; j < n; ++j) {
            const float slope = p->scale * s->slope[j];
            attribute_axpy(p->m, slope, E + s->kept[j] * p->m, s->grad_query);
            if (p->gradient.E) attribute_axpy(p->m, slope, query, s->pull + j * p->m);
        }
    }
    if (sums->query) attribute_add(p->r, s->grad_query, sums->query + c * p->r);
    if (p->query_rows) memcpy(p->query_rows + b * p->r, s->grad_query, p->r * sizeof(float));
}

PN_CLONES static void text(const struct attribute_job *p, size_t b, const struct attribute_scratch *s,
                           const struct attribute_sums *sums)
{
    const size_t K = p->K, m = p->m, R = p->R;
    const float *E = p->E + b * K * m;
    const float *probe = p->utility ? p->probe : p->probe ? p->probe + b * m : NULL;
    const size_t n = attribute_kept(p, b, s->kept);
    const size_t first = p->multi ? 0 : p->id ? p->id[b] : b, queries = p->multi ? p->Q : 1;

    if (p->additive) {
        memset(s->query, 0, R * sizeof(float));
        if (p->bias) memcpy(s->query, p->bias, p->r * sizeof(float));
        if (n) rows_times(n, m, R, s->kept, E, p->key_t, s->query, s->keys);
        memset(s->query, 0, R * sizeof(float));
    }
    for (size_t j = 0; j < n; ++j) s->value[j] = probe ? attribute_dot(m, probe, E + s->kept[j] * m) : 0.0f;
    const float content = p->content ? attribute_dot(m, p->content + b * m, p->probe) : 0.0f;
    if (p->backward) {
        memset(s->share, 0, n * sizeof(float));
        if (p->additive || p->gradient.E) memset(s->pull, 0, n * (p->additive ? R : m) * sizeof(float));
    }
    float dR_all = 0.0f;
    for (size_t c = 0; c < queries; ++c) {
        const size_t at = b * queries + c;
        if (n) {
            scores(p, n, first + c, E, s);
            attribute_softmax(n, s->sigma, s->alpha);
        }
        if (p->alpha) {
            float *alpha = p->alpha + at * K;
            memset(alpha, 0, K * sizeof *alpha);
            for (size_t j = 0; j < n; ++j) alpha[s->kept[j]] = s->alpha[j];
        }
        float value = 0.0f;
        for (size_t j = 0; p->utility && j < n; ++j) value += s->alpha[j] * s->value[j];
        if (p->out_utility) p->out_utility[at] = content + p->beta * value;
        if (p->kappa) {
            float *kappa = p->kappa + at * K;
            memset(kappa, 0, K * sizeof *kappa);
            for (size_t j = 0; j < n; ++j) kappa[s->kept[j]] = p->beta * s->alpha[j] * s->value[j];
        }
        if (p->pooled) {
            memset(s->sum, 0, m * sizeof(float));
            for (size_t j = 0; j < n; ++j) attribute_axpy(m, s->alpha[j], E + s->kept[j] * m, s->sum);
            memcpy(p->pooled + b * m, s->sum, m * sizeof(float));
        }
        if (!p->backward) continue;

        const float dR = p->utility ? p->grad_utility[at] : 1.0f, scale = p->utility ? p->beta * dR : 1.0f;
        float mean = 0.0f;
        for (size_t j = 0; j < n; ++j) {
            s->slope[j] = scale * s->value[j];
            if (p->grad_alpha) s->slope[j] += p->grad_alpha[b * K + s->kept[j]];
            s->share[j] += scale * s->alpha[j];
        }
        for (size_t j = 0; j < n; ++j) mean += s->alpha[j] * s->slope[j];
        for (size_t j = 0; j < n; ++j) s->slope[j] = s->alpha[j] * (s->slope[j] - mean);
        through_scores(p, n, b, first + c, E, s, sums);
        if (sums->beta) *sums->beta += (double)dR * (double)value;
        if (p->utility) dR_all += dR;
    }
    if (!p->backward) return;

    if (sums->key) add_key_gradient(p, n, s->kept, E, s->pull, sums->key);
    for (size_t j = 0; sums->bias && j < n; ++j) attribute_add(p->r, s->pull + j * R, sums->bias);
    if (sums->direction) {
        memset(s->sum, 0, m * sizeof(float));
        for (size_t j = 0; j < n; ++j) attribute_axpy(m, s->share[j], E + s->kept[j] * m, s->sum);
        if (p->content) attribute_axpy(m, dR_all, p->content + b * m, s->sum);
        attribute_add(m, s->sum, sums->direction);
    }
    if (p->gradient.content)
        for (size_t i = 0; i < m; ++i) p->gradient.content[b * m + i] = dR_all * p->probe[i];
    if (!p->gradient.E) return;
    float *dE = p->gradient.E + b * K * m;
    for (size_t i = 0; p->mask && i < K; ++i)
        if (!p->mask[b * K + i]) memset(dE + i * m, 0, m * sizeof *dE);
    for (size_t j = 0; j < n; ++j) {
        float *row = dE + s->kept[j] * m;
        if (p->additive && probe) {
            key_transposed(p, j, s->pull, s->share[j], probe, row);
        } else if (p->additive) {
            key_transposed(p, j, s->pull, 0.0f, p->key, row);
        } else {
            memcpy(row, s->pull + j * m, m * sizeof *row);
            if (probe) attribute_axpy(m, s->share[j], probe, row);
        }
    }
}

void pn_attribute_any_chunk(const struct attribute_job *p, size_t first, size_t count,
                            const struct attribute_scratch *s, const struct attribute_sums *sums)
{
    for (size_t b = first; b < first + count; ++b) text(p, b, s, sums);
}
