/* Labels that may be wrong: posterior, gradient and sums of the annotators in one pass.
 *
 * With e = exp(-|u|) all of them are ratios of sums of positive terms:
 *   near = eta (e eta when u < 0), far = e (1-eta) (1-eta when u < 0):
 *   w = near / (near + far),  P = (near + far) / (1 + e),  sigma(u) - w = -e (2 eta - 1) / ((1 + e)(near + far)). */
#include "base.h"
#include "scalar_math.h"
#include "block_sum.h"
#include "log_product.h"
#include "noise_chunks.h"
#include "penchant/reduce.h"
#include "../preference/logprob.h"
#include "penchant/em.h"

#include <stdatomic.h>

enum { TILE = 256 };
_Static_assert(TILE <= PN_LOG_PRODUCT_ROWS, "a tile is one call of pn_log_product_times");

struct noise {
    size_t n, annotators, rows; /* rows a chunk */
    bool from_logprob;
    pn_em_options options;
    const float *logit;
    struct pn_logprob from;
    const uint32_t *annotator;
    const float *weight;
    const float *right, *wrong, *tilt; /* eta, 1 - eta, 2 eta - 1 an annotator */
    float *posterior, *grad_a, *grad_b, *loss;
    bool want_mean;
    double *sum, *count; /* [chunks, annotators] */
    double *partial;     /* [chunks] */
    _Atomic int bad_id;
};

/* u and du/dd of a tile. */
PN_INLINE void induced(const pn_em_options *o, size_t n, const float *restrict d, float *restrict u,
                       float *restrict slope)
{
    const float beta = o->beta, gamma = o->gamma;
    switch (o->objective) {
    case PN_EM_IPO:
        for (size_t i = 0; i < n; ++i) u[i] = 2.0f * d[i] / beta;
        for (size_t i = 0; i < n; ++i) slope[i] = 2.0f / beta;
        break;
    case PN_EM_SIMPO:
        for (size_t i = 0; i < n; ++i) {
            const float m = beta * d[i];
            u[i] = pn_softplusf(gamma + m) - pn_softplusf(gamma - m);
            slope[i] = beta * (pn_sigmoidf(gamma + m) + pn_sigmoidf(gamma - m));
        }
        break;
    case PN_EM_HINGE:
        for (size_t i = 0; i < n; ++i) {
            const float above = 1.0f + beta * d[i], below = 1.0f - beta * d[i];
            u[i] = (above <= 0.0f ? 0.0f : above) - (below <= 0.0f ? 0.0f : below);
            slope[i] = (above > 0.0f ? beta : 0.0f) + (below > 0.0f ? beta : 0.0f);
        }
        break;
    case PN_EM_DPO:
    case PN_EM_CPO:
        for (size_t i = 0; i < n; ++i) u[i] = beta * d[i];
        for (size_t i = 0; i < n; ++i) slope[i] = beta;
        break;
    }
}

/* The difference d that a tile's logit is made from, and the logit. CPO compares whole sequences; its likelihood goes by
 * token. */
PN_INLINE void logits(const struct pn_logprob *from, const pn_em_options *o, size_t at, size_t n, float *restrict d,
                      float *restrict u, float *restrict slope)
{
    const bool cpo = o->objective == PN_EM_CPO;
    const struct pn_logprob whole = { .a = from->a, .b = from->b };
    pn_logprob_difference(cpo ? &whole : from, at, n, d);
    induced(o, n, d, u, slope);
    if (!cpo) return;
    float per_token[TILE];
    pn_logprob_difference(from, at, n, per_token);
    for (size_t i = 0; i < n; ++i) u[i] += o->likelihood * per_token[i];
}

/* Gradient with respect to d of w L(chosen) + (1 - w) L(rejected), w held, without the likelihood of CPO. For DPO it is
 * the induced one, and made there. */
PN_INLINE void weighted(const pn_em_options *o, size_t n, const float *restrict d, const float *restrict w,
                        float *restrict g)
{
    const float beta = o->beta, gamma = o->gamma;
    switch (o->objective) {
    case PN_EM_IPO:
        for (size_t i = 0; i < n; ++i) g[i] = 2.0f * d[i] - (2.0f * w[i] - 1.0f) / beta;
        break;
    case PN_EM_SIMPO:
        for (size_t i = 0; i < n; ++i) {
            const float m = beta * d[i];
            g[i] = beta * ((1.0f - w[i]) * pn_sigmoidf(gamma + m) - w[i] * pn_sigmoidf(gamma - m));
        }
        break;
    case PN_EM_HINGE:
        for (size_t i = 0; i < n; ++i) {
            const float m = beta * d[i];
            g[i] = (1.0f - w[i]) * (m > -1.0f ? beta : 0.0f) - w[i] * (m < 1.0f ? beta : 0.0f);
        }
        break;
    case PN_EM_DPO:
    case PN_EM_CPO:
        for (size_t i = 0; i < n; ++i) g[i] = beta * (pn_sigmoidf(beta * d[i]) - w[i]);
        break;
    }
}

/* The terms of the head of this file: e, near, near + far, and 1 / ((1+e)(near + far)), the one division of a label. */
struct odds {
    float e, near, total, inverse;
};

PN_INLINE struct odds odds_of(float u, float right, float wrong)
{
    const float e = pn_exp_neg_absf(u);
    const float near = u >= 0.0f ? right : e * right, far = u >= 0.0f ? e * wrong : wrong;
    const float total = near + far;
    return (struct odds){ e, near, total, 1.0f / ((1.0f + e) * total) };
}

PN_INLINE float posterior_of(struct odds o)
{
    return pn_clamp_high(o.near * ((1.0f + o.e) * o.inverse), 1.0f); /* roundings may pass 1 */
}

/* posterior, its gradient, and P with 1 - P: P >= eta or 1 - eta, so the smaller of the two has all its digits. */
struct step {
    float posterior, grad, right, wrong;
};

PN_INLINE struct step step_of(float u, float right, float wrong, float tilt)
{
    const struct odds o = odds_of(u, right, wrong);
    const float other = u >= 0.0f ? o.e * right + wrong : right + o.e * wrong;
    const float one = o.total * o.inverse;
    return (struct step){ posterior_of(o), -o.e * tilt * o.inverse, o.total * one, other * one };
}

/* -log p. Above 1/2, p has lost digits that q still has; 1 - p is exact there, and 1/p ~ 2 - p is enough for an ulp. */
PN_INLINE float loss_of(float p, float q)
{
    const float lost = p >= 0.5f ? ((1.0f - p) - q) * (2.0f - p) : 0.0f;
    return -(pn_logf(p) + lost);
}

/* `shared`: one annotator, whose numbers stand in place 0. */
PN_INLINE void posteriors(bool shared, size_t n, const float *restrict u, const float *restrict right,
                          const float *restrict wrong, float *restrict posterior)
{
    for (size_t i = 0; i < n; ++i) {
        posterior[i] = posterior_of(odds_of(u[i], right[shared ? 0 : i], wrong[shared ? 0 : i]));
    }
}

PN_INLINE void steps(bool shared, size_t n, const float *restrict u, const float *restrict right,
                     const float *restrict wrong, const float *restrict tilt, float *restrict posterior,
                     float *restrict grad, float *restrict p, float *restrict q)
{
    for (size_t i = 0; i < n; ++i) {
        const struct step s = step_of(u[i], right[shared ? 0 : i], wrong[shared ? 0 : i], tilt[shared ? 0 : i]);
        posterior[i] = s.posterior;
        grad[i] = s.grad;
        p[i] = s.right;
        q[i] = s.wrong;
    }
}

PN_INLINE bool ids_are_known(const uint32_t *id, size_t n, size_t annotators)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < n; ++i) largest = id[i] > largest ? id[i] : largest;
    return largest < annotators;
}

/* g comes in as the gradient with respect to u; leaves as that with respect to d, and what CPO's likelihood adds to it on
 * the side of the chosen one and, with the sign of that side, of the rejected. */
PN_INLINE void by_difference(const pn_em_options *o, size_t n, const float *restrict d, const float *restrict slope,
                             const float *restrict w, float *restrict g, float pull[2][TILE])
{
    const float likelihood = o->likelihood;
    if (!o->weighted || o->objective == PN_EM_DPO) {
        if (o->objective == PN_EM_CPO)
            for (size_t i = 0; i < n; ++i) pull[0][i] = pull[1][i] = likelihood * g[i];
        for (size_t i = 0; i < n; ++i) g[i] *= slope[i];
        return;
    }
    weighted(o, n, d, w, g);
    if (o->objective == PN_EM_CPO)
        for (size_t i = 0; i < n; ++i) {
            pull[0][i] = -likelihood * w[i];
            pull[1][i] = likelihood * (1.0f - w[i]);
        }
}

PN_INLINE void scale_by(size_t n, const float *restrict weight, float *restrict x)
{
    for (size_t i = 0; i < n; ++i) x[i] *= weight[i];
}

PN_CLONES static void run(struct noise *p, size_t chunk, size_t first, size_t count)
{
    float u_made[TILE], d[TILE], slope[TILE], w_made[TILE], g[TILE], pull[2][TILE], loss[TILE];
    float right[TILE], wrong[TILE], tilt[TILE], given[TILE], swapped[TILE]; /* of an annotator; of the marginal */
    const bool shared = p->annotators == 1;
    const bool all = p->grad_a || p->grad_b || p->loss || p->want_mean;
    const bool cpo = p->options.objective == PN_EM_CPO;
    const float scale = p->options.grad_scale;
    double *sum = p->sum + chunk * p->annotators, *labels = p->count + chunk * p->annotators;
    pn_block_sum sum_lanes = { 0 }, count_lanes = { 0 }, loss_lanes = { 0 };
    pn_log_product product;
    pn_log_product_start(&product);
    for (size_t k = 0; k < p->annotators; ++k) sum[k] = labels[k] = 0.0;

    for (size_t done = 0; done < count; done += TILE) {
        const size_t at = first + done, n = pn_min(TILE, count - done);
        const uint32_t *id = p->annotator ? p->annotator + at : NULL;
        if (id && !ids_are_known(id, n, p->annotators)) {
            atomic_store_explicit(&p->bad_id, 1, memory_order_relaxed);
            return;
        }
        const float *u = u_made;
        if (p->from_logprob)
            logits(&p->from, &p->options, at, n, d, u_made, slope);
        else
            u = p->logit + at;
        float *w = p->posterior ? p->posterior + at : w_made;
        if (shared) {
            if (all)
                steps(true, n, u, p->right, p->wrong, p->tilt, w, g, given, swapped);
            else
                posteriors(true, n, u, p->right, p->wrong, w);
        } else {
            for (size_t i = 0; i < n; ++i) {
                const size_t k = id ? id[i] : 0;
                right[i] = p->right[k];
                wrong[i] = p->wrong[k];
                tilt[i] = p->tilt[k];
            }
            if (all)
                steps(false, n, u, right, wrong, tilt, w, g, given, swapped);
            else
                posteriors(false, n, u, right, wrong, w);
        }
        if (all && p->from_logprob) by_difference(&p->options, n, d, slope, w, g, pull);

        const float *weight = p->weight ? p->weight + at : NULL;
        if (weight) {
            for (size_t i = 0; i < n; ++i) w_made[i] = w[i] * weight[i];
            w = w_made;
            if (all) scale_by(n, weight, g);
            if (all && p->from_logprob && cpo) {
                scale_by(n, weight, pull[0]);
                scale_by(n, weight, pull[1]);
            }
        }
        if (shared) {
            pn_block_sum_add(&sum_lanes, n, w);
            if (weight) pn_block_sum_add(&count_lanes, n, weight);
        } else {
            for (size_t i = 0; i < n; ++i) {
                const size_t k = id ? id[i] : 0;
                sum[k] += (double)w[i];
                labels[k] += weight ? (double)weight[i] : 1.0;
            }
        }
        if (!all) continue;
        if (p->loss || (weight && p->want_mean)) {
            for (size_t i = 0; i < n; ++i) loss[i] = loss_of(given[i], swapped[i]);
            if (weight) scale_by(n, weight, loss);
            if (weight) pn_block_sum_add(&loss_lanes, n, loss);
            if (p->loss) memcpy(p->loss + at, loss, n * sizeof *loss);
        }
        if (p->want_mean && !weight) pn_log_product_times(&product, n, given, swapped);
        if (p->from_logprob) {
            for (size_t side = 0; side < 2; ++side) {
                float *out = side ? p->grad_b : p->grad_a;
                const uint32_t *length = side ? p->from.length_b : p->from.length_a;
                if (!out) continue;
                const float sign = side ? -scale : scale;
                out += at;
                if (cpo) {
                    for (size_t i = 0; i < n; ++i)
                        out[i] = sign * (g[i] + pull[side][i] / (length ? pn_logprob_length(length[at + i]) : 1.0f));
                } else if (length) {
                    for (size_t i = 0; i < n; ++i) out[i] = sign * g[i] / pn_logprob_length(length[at + i]);
                } else {
                    for (size_t i = 0; i < n; ++i) out[i] = sign * g[i];
                }
            }
        } else if (p->grad_a) {
            float *out = p->grad_a + at;
            for (size_t i = 0; i < n; ++i) out[i] = scale * g[i];
        }
    }
    if (shared) {
        sum[0] = pn_block_sum_total(&sum_lanes);
        labels[0] = p->weight ? pn_block_sum_total(&count_lanes) : (double)count;
    }
    p->partial[chunk] = p->weight ? pn_block_sum_total(&loss_lanes) : pn_log_product_total(&product);
}

static void chunk(void *context, size_t c)
{
    struct noise *p = context;
    const size_t first = c * p->rows;
    run(p, c, first, pn_min(p->rows, p->n - first));
}

/* Numbers that do not depend on a pair. In double: 1 - eta and 2 eta - 1 lose nothing. */
static bool tables(size_t annotators, const float *reliability, float *right, float *wrong, float *tilt)
{
    for (size_t k = 0; k < annotators; ++k) {
        const double limit = (double)PN_EM_LOGIT_MAX, a = fmin(fmax((double)reliability[k], -limit), limit);
        if (isnan(reliability[k])) return false;
        right[k] = (float)(1.0 / (1.0 + exp(-a)));
        wrong[k] = (float)(1.0 / (1.0 + exp(a)));
        tilt[k] = (float)tanh(0.5 * a);
    }
    return true;
}

size_t pn_em_noise_workspace(size_t n, size_t annotators)
{
    if (annotators == 0) return 0;
    const size_t chunks = pn_ceil_div(n, pn_noise_chunk_rows(n, annotators));
    size_t doubles, floats, bytes;
    if (!pn_mul_size(annotators, 2, &doubles) || !pn_add_size(doubles, 1, &doubles) ||
        !pn_mul_size(doubles, chunks, &doubles) || !pn_mul_size(doubles, sizeof(double), &doubles) ||
        !pn_mul_size(annotators, 3 * sizeof(float), &floats) || !pn_add_size(doubles, floats, &bytes) ||
        !pn_add_size(bytes, PN_NOISE_TABLES * sizeof(double), &bytes))
        return SIZE_MAX;
    return bytes;
}

/* Column k of the tables, added by the fixed tree. */
static double column(const double *table, size_t chunks, size_t annotators, size_t k, double *scratch)
{
    for (size_t c = 0; c < chunks; ++c) scratch[c] = table[c * annotators + k];
    return pn_tree_sum(scratch, chunks);
}

static pn_status start(struct noise *p, bool complete, const float *reliability, double *sum, double *count,
                       double *mean, void *workspace, size_t workspace_bytes)
{
    if (p->annotators == 0) return PN_EDIM;
    if (!(fabsf(p->options.grad_scale) < INFINITY)) return PN_EVALUE;
    for (size_t k = 0; k < p->annotators; ++k) {
        if (sum) sum[k] = 0.0;
        if (count) count[k] = 0.0;
    }
    if (mean) *mean = 0.0;
    if (p->n == 0) return PN_OK;
    if (!complete || !reliability) return PN_ENULL;
    const size_t needed = pn_em_noise_workspace(p->n, p->annotators);
    if (!workspace || needed == SIZE_MAX || workspace_bytes < needed) return PN_EWORKSPACE;

    p->rows = pn_noise_chunk_rows(p->n, p->annotators);
    const size_t chunks = pn_ceil_div(p->n, p->rows), K = p->annotators;
    p->want_mean = mean != NULL;
    p->partial = workspace;
    p->sum = p->partial + chunks;
    p->count = p->sum + chunks * K;
    double *scratch = p->count + chunks * K; /* PN_NOISE_TABLES places */
    float *right = (float *)(scratch + PN_NOISE_TABLES), *wrong = right + K, *tilt = wrong + K;
    if (!tables(K, reliability, right, wrong, tilt)) return PN_EVALUE;
    p->right = right;
    p->wrong = wrong;
    p->tilt = tilt;

    const pn_status status = pn_team_for(chunks, chunk, p);
    if (status != PN_OK) return status;
    if (p->bad_id) return PN_EINDEX;
    if (mean) *mean = pn_tree_sum(p->partial, chunks) / (double)p->n;
    if (K == 1) {
        if (sum) sum[0] = pn_tree_sum(p->sum, chunks);
        if (count) count[0] = pn_tree_sum(p->count, chunks);
    } else {
        for (size_t k = 0; sum && k < K; ++k) sum[k] = column(p->sum, chunks, K, k, scratch);
        for (size_t k = 0; count && k < K; ++k) count[k] = column(p->count, chunks, K, k, scratch);
    }
    return PN_OK;
}

pn_status pn_em_noise_f32(size_t n, size_t annotators, float grad_scale, const float *logit,
                          const uint32_t *annotator, const float *reliability, const float *weight,
                          float *posterior, float *grad, float *loss, double *sum, double *count, double *mean,
                          void *workspace, size_t workspace_bytes)
{
    struct noise p = { .n = n, .annotators = annotators, .options.grad_scale = grad_scale, .logit = logit,
                       .annotator = annotator, .weight = weight, .posterior = posterior, .grad_a = grad,
                       .loss = loss };
    return start(&p, logit != NULL, reliability, sum, count, mean, workspace, workspace_bytes);
}

static bool in_range(const pn_em_options *o)
{
    return o->objective >= PN_EM_DPO && o->objective <= PN_EM_HINGE && o->beta > 0.0f && o->beta < INFINITY &&
           fabsf(o->gamma) < INFINITY && o->likelihood >= 0.0f && o->likelihood < INFINITY;
}

/* CPO has no reference. */
static bool complete(const pn_em_options *o, const struct pn_logprob *from)
{
    return pn_logprob_complete(from) && (o->objective != PN_EM_CPO || !from->reference_a);
}

pn_status pn_em_logprob_f32(size_t n, size_t annotators, const pn_em_options *options, const float *chosen,
                            const float *rejected, const float *reference_chosen, const float *reference_rejected,
                            const uint32_t *length_chosen, const uint32_t *length_rejected,
                            const uint32_t *annotator, const float *reliability, const float *weight,
                            float *posterior, float *grad_chosen, float *grad_rejected, double *sum, double *count,
                            double *mean, void *workspace, size_t workspace_bytes)
{
    if (!options) return PN_ENULL;
    if (!in_range(options)) return PN_EVALUE;
    struct noise p = { .n = n, .annotators = annotators, .from_logprob = true, .options = *options,
                       .from = { chosen, rejected, reference_chosen, reference_rejected, length_chosen,
                                 length_rejected },
                       .annotator = annotator, .weight = weight, .posterior = posterior, .grad_a = grad_chosen,
                       .grad_b = grad_rejected };
    return start(&p, complete(options, &p.from), reliability, sum, count, mean, workspace, workspace_bytes);
}

struct logit_job {
    size_t n;
    pn_em_options options;
    struct pn_logprob from;
    float *logit;
};

PN_CLONES static void run_logits(const struct logit_job *p, size_t first, size_t count)
{
    float d[TILE], u[TILE], slope[TILE];
    for (size_t done = 0; done < count; done += TILE) {
        const size_t at = first + done, n = pn_min(TILE, count - done);
        logits(&p->from, &p->options, at, n, d, u, slope);
        memcpy(p->logit + at, u, n * sizeof *u);
    }
}

static void logit_block(void *context, size_t b)
{
    const struct logit_job *p = context;
    run_logits(p, b * PN_BLOCK, pn_min(PN_BLOCK, p->n - b * PN_BLOCK));
}

pn_status pn_em_logit_f32(size_t n, const pn_em_options *options, const float *chosen, const float *rejected,
                          const float *reference_chosen, const float *reference_rejected,
                          const uint32_t *length_chosen, const uint32_t *length_rejected, float *logit)
{
    if (!options) return PN_ENULL;
    if (!in_range(options)) return PN_EVALUE;
    if (n == 0) return PN_OK;
    struct logit_job p = { n, *options, { chosen, rejected, reference_chosen, reference_rejected, length_chosen,
                                          length_rejected }, logit };
    if (!complete(options, &p.from) || !logit) return PN_ENULL;
    return pn_team_for(pn_blocks(n), logit_block, &p);
}

pn_status pn_em_reliability(size_t annotators, pn_em_rule rule, double step, double right, double wrong, double floor,
                            const double *sum, const double *count, double *eta, float *reliability)
{
    if (!(floor > 0.0 && floor < 0.5)) return PN_EVALUE;
    if ((rule == PN_EM_EMA || rule == PN_EM_COUNT_EMA) && !(step >= 0.0 && step <= 1.0)) return PN_EVALUE;
    if (rule == PN_EM_BETA && !(right >= 0.0 && wrong >= 0.0 && right + wrong < INFINITY)) return PN_EVALUE;
    if (rule < PN_EM_MEAN || rule > PN_EM_BETA) return PN_EVALUE;
    if (annotators == 0) return PN_OK;
    if (!sum || !count || !eta) return PN_ENULL;
    for (size_t k = 0; k < annotators; ++k) {
        double next = eta[k];
        const double share = sum[k] / count[k];
        const bool seen = count[k] > 0.0;
        switch (rule) {
        case PN_EM_MEAN: next = seen ? share : next; break;
        case PN_EM_EMA: next = seen ? next + step * (share - next) : next; break;
        case PN_EM_COUNT_EMA: /* 1 - (1-step)^count without cancellation */
            next = seen ? next - expm1(count[k] * log1p(-step)) * (share - next) : next;
            break;
        case PN_EM_BETA:
            if (count[k] + right + wrong > 0.0) next = (sum[k] + right) / (count[k] + right + wrong);
            break;
        }
        eta[k] = next < floor ? floor : next > 1.0 - floor ? 1.0 - floor : next;
        if (reliability) reliability[k] = (float)(log(eta[k]) - log1p(-eta[k]));
    }
    return PN_OK;
}
