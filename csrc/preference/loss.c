/* Preference losses over pairs.  A block of pairs runs through L1 in tiles of four stages:
 * margin s -> loss and slope dL/ds -> weights and sum -> gradients of what the margin was made from. */
#include "base.h"
#include "scalar_math.h"
#include "block_sum.h"
#include "penchant/reduce.h"
#include "logprob.h"
#include "penchant/preference.h"

enum { TILE = 256 };

struct pairs {
    size_t n;
    pn_preference_options options;
    struct pn_logprob from;
    const float *target, *label, *weight;
    float *loss, *grad_a, *grad_b;
    double *partial; /* one a block, or NULL */
};

struct sigmoids {
    float e;           /* exp(-|s|) */
    float plus, minus; /* sigma(s), sigma(-s): both to full relative accuracy */
};

PN_INLINE struct sigmoids sigmoids(float s)
{
    const float e = pn_exp_neg_absf(s);
    const float big = 1.0f / (1.0f + e), small = e * big;
    return (struct sigmoids){ e, s >= 0.0f ? big : small, s >= 0.0f ? small : big };
}

/* softplus(-s), with the exponential that is already there. */
PN_INLINE float softplus_minus(float s, float e) { return (s < 0.0f ? -s : 0.0f) + pn_log1p_unit(e); }

/* a * x with 0 * inf = 0: a label of exactly 0 or 1 switches a branch off. */
PN_INLINE float times(float a, float x) { return a == 0.0f ? 0.0f : a * x; }

/* IPO's beta places its target instead of scaling the difference. */
PN_INLINE float slope_of_margin(const pn_preference_options *o)
{
    return o->loss == PN_PREFERENCE_IPO ? 1.0f : o->beta;
}

PN_INLINE void margins(const struct pairs *p, size_t first, size_t n, float *restrict s)
{
    const float beta = slope_of_margin(&p->options), gamma = p->options.gamma;
    if (p->target) {
        const float *target = p->target + first;
        for (size_t i = 0; i < n; ++i) s[i] = beta * s[i] - (gamma + target[i]);
    } else {
        for (size_t i = 0; i < n; ++i) s[i] = beta * s[i] - gamma;
    }
}

PN_INLINE void sigmoid_loss(size_t n, const float *restrict s, float *restrict loss, float *restrict slope)
{
    for (size_t i = 0; i < n; ++i) {
        const struct sigmoids g = sigmoids(s[i]);
        loss[i] = softplus_minus(s[i], g.e);
        slope[i] = -g.minus;
    }
}

PN_INLINE void labelled_sigmoid_loss(size_t n, const float *restrict s, const float *restrict label,
                                     float *restrict loss, float *restrict slope)
{
    for (size_t i = 0; i < n; ++i) {
        const struct sigmoids g = sigmoids(s[i]);
        const float right = label[i], wrong = 1.0f - label[i];
        /* log1p(e) is common to softplus(s) and softplus(-s), and right + wrong = 1. */
        loss[i] = times(right, s[i] < 0.0f ? -s[i] : 0.0f) + times(wrong, s[i] > 0.0f ? s[i] : 0.0f) +
                  pn_log1p_unit(g.e);
        slope[i] = wrong * g.plus - right * g.minus;
    }
}

PN_INLINE void robust_loss(float smoothing, size_t n, const float *restrict s, float *restrict loss,
                           float *restrict slope)
{
    const float wrong = smoothing / (1.0f - 2.0f * smoothing), right = (1.0f - smoothing) / (1.0f - 2.0f * smoothing);
    for (size_t i = 0; i < n; ++i) {
        const struct sigmoids g = sigmoids(s[i]);
        /* right - wrong = 1 takes the common log1p(e) once. */
        loss[i] = (s[i] < 0.0f ? right * -s[i] : times(-wrong, s[i])) + pn_log1p_unit(g.e);
        slope[i] = -(right * g.minus + wrong * g.plus);
    }
}

/* The comparisons are turned so that NaN passes. */
PN_INLINE void hinge_loss(size_t n, const float *restrict s, const float *restrict label, float *restrict loss,
                          float *restrict slope)
{
    for (size_t i = 0; i < n; ++i) {
        const float right = label[i], wrong = 1.0f - label[i];
        const float below = 1.0f - s[i], above = 1.0f + s[i];
        loss[i] = times(right, below <= 0.0f ? 0.0f : below) + times(wrong, above <= 0.0f ? 0.0f : above);
        const float g = (above > 0.0f ? wrong : 0.0f) - (below > 0.0f ? right : 0.0f);
        slope[i] = s[i] == s[i] ? g : s[i];
    }
}

PN_INLINE void ipo_loss(float beta, size_t n, const float *restrict s, const float *restrict label,
                        float *restrict loss, float *restrict slope)
{
    const float c = 0.5f / beta;
    for (size_t i = 0; i < n; ++i) {
        const float right = label[i], wrong = 1.0f - label[i];
        const float below = s[i] - c, above = s[i] + c;
        loss[i] = times(right, below * below) + times(wrong, above * above);
        slope[i] = 2.0f * (times(right, below) + times(wrong, above));
    }
}

PN_INLINE void holder_loss(float exponent, size_t n, const float *restrict s, float *restrict loss,
                           float *restrict slope)
{
    for (size_t i = 0; i < n; ++i) {
        const struct sigmoids g = sigmoids(s[i]);
        const float power = pn_expf(-exponent * softplus_minus(s[i], g.e)); /* sigma(s)^exponent */
        /* -(1+x) P + x P sigma = -P (1 + x sigma(-s)) */
        loss[i] = -power * (1.0f + exponent * g.minus);
        slope[i] = -exponent * (1.0f + exponent) * power * g.minus * g.minus;
    }
}

PN_INLINE void ropo_loss(float alpha, size_t n, const float *restrict s, float *restrict loss,
                         float *restrict slope)
{
    const float scale = 4.0f * alpha / ((1.0f + alpha) * (1.0f + alpha));
    for (size_t i = 0; i < n; ++i) {
        const struct sigmoids g = sigmoids(s[i]);
        loss[i] = scale * (softplus_minus(s[i], g.e) + alpha * g.minus);
        slope[i] = -scale * g.minus * (1.0f + alpha * g.plus);
    }
}

PN_INLINE void exo_loss(float smoothing, size_t n, const float *restrict s, float *restrict loss,
                        float *restrict slope)
{
    const float log_right = pn_logf(1.0f - smoothing), log_wrong = pn_logf(smoothing);
    for (size_t i = 0; i < n; ++i) {
        const struct sigmoids g = sigmoids(s[i]);
        const float log1p_e = pn_log1p_unit(g.e);
        const float log_plus = -((s[i] < 0.0f ? -s[i] : 0.0f) + log1p_e);
        const float log_minus = -((s[i] > 0.0f ? s[i] : 0.0f) + log1p_e);
        loss[i] = times(g.plus, log_plus - log_right) + times(g.minus, log_minus - log_wrong);
        slope[i] = times(g.plus * g.minus, s[i] - (log_right - log_wrong));
    }
}

/* e^-s meets g ~ 0 where it would overflow; 30 leaves digits for tau up to 1. */
PN_INLINE void discopop_loss(float tau, size_t n, const float *restrict s, float *restrict loss,
                             float *restrict slope)
{
    for (size_t i = 0; i < n; ++i) {
        const struct sigmoids near = sigmoids(s[i]), gate = sigmoids(s[i] / tau);
        const float logistic = softplus_minus(s[i], near.e);
        const float growth = pn_expf(pn_clamp_high(-s[i], 30.0f)), fall = -s[i] > 30.0f ? 0.0f : growth;
        const float turn = gate.plus * gate.minus / tau;
        loss[i] = times(gate.minus, logistic) + gate.plus * growth;
        slope[i] = -near.minus * gate.minus - gate.plus * fall + times(turn, growth - logistic);
    }
}

PN_INLINE void add_likelihood(const struct pairs *p, size_t first, size_t n, float *restrict loss)
{
    const float scale = p->options.likelihood;
    const float *a = p->from.a + first;
    if (p->from.length_a) {
        const uint32_t *length = p->from.length_a + first;
        for (size_t i = 0; i < n; ++i) loss[i] -= scale * a[i] / pn_logprob_length(length[i]);
    } else {
        for (size_t i = 0; i < n; ++i) loss[i] -= scale * a[i];
    }
}

PN_INLINE void gradients(const struct pairs *p, size_t first, size_t n, const float *restrict slope)
{
    const float scale = slope_of_margin(&p->options) * p->options.grad_scale;
    /* The likelihood pulls on `chosen` alone, by the weight of its pair. */
    const float pull = p->from.b ? p->options.likelihood * p->options.grad_scale : 0.0f;
    if (p->grad_a) {
        float *g = p->grad_a + first;
        if (pull == 0.0f) {
            for (size_t i = 0; i < n; ++i) g[i] = scale * slope[i];
        } else if (p->weight) {
            const float *weight = p->weight + first;
            for (size_t i = 0; i < n; ++i) g[i] = scale * slope[i] - pull * weight[i];
        } else {
            for (size_t i = 0; i < n; ++i) g[i] = scale * slope[i] - pull;
        }
        if (p->from.length_a) pn_logprob_divide(p->from.length_a + first, n, g);
    }
    if (p->grad_b) {
        float *g = p->grad_b + first;
        for (size_t i = 0; i < n; ++i) g[i] = -scale * slope[i];
        if (p->from.length_b) pn_logprob_divide(p->from.length_b + first, n, g);
    }
}

/* Plain DPO (sigmoid loss of log-probabilities with references and nothing else) in one loop: the same operations as the
 * stages, without margin and slope going through L1; 1.2x. */
PN_INLINE bool is_plain_dpo(const struct pairs *p)
{
    const pn_preference_options *o = &p->options;
    return o->loss == PN_PREFERENCE_SIGMOID && o->smoothing == 0.0f && o->likelihood == 0.0f && !p->label &&
           !p->target && !p->weight && p->from.b && p->from.reference_a && !p->from.length_a && p->grad_a && p->grad_b;
}

PN_INLINE void plain_dpo(const struct pairs *p, size_t at, size_t n, float *restrict loss)
{
    const float beta = p->options.beta, gamma = p->options.gamma, scale = beta * p->options.grad_scale;
    const float *a = p->from.a + at, *b = p->from.b + at;
    const float *ra = p->from.reference_a + at, *rb = p->from.reference_b + at;
    float *ga = p->grad_a + at, *gb = p->grad_b + at;
    /* A gradient may lie over its own input: whole arrays, so a vector is read before its place is written. */
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < n; ++i) {
        const float s = beta * ((a[i] - b[i]) - (ra[i] - rb[i])) - gamma;
        const struct sigmoids g = sigmoids(s);
        loss[i] = softplus_minus(s, g.e);
        ga[i] = -scale * g.minus;
        gb[i] = scale * g.minus;
    }
}

PN_CLONES static void run(const struct pairs *p, size_t first, size_t count, double *partial)
{
    const pn_preference_options *o = &p->options;
    float s[TILE], loss[TILE], slope[TILE], constant_label[TILE];
    pn_block_sum sum = { 0 };
    const bool plain = is_plain_dpo(p);
    for (size_t i = 0; i < TILE; ++i) constant_label[i] = 1.0f - o->smoothing;

    for (size_t done = 0; done < count; done += TILE) {
        const size_t at = first + done, n = pn_min(TILE, count - done);
        if (plain) {
            plain_dpo(p, at, n, loss);
            if (p->loss) memcpy(p->loss + at, loss, n * sizeof *loss);
            if (partial) pn_block_sum_add(&sum, n, loss);
            continue;
        }
        const float *label = p->label ? p->label + at : constant_label;
        pn_logprob_difference(&p->from, at, n, s);
        margins(p, at, n, s);
        switch (o->loss) {
        case PN_PREFERENCE_SIGMOID:
            if (!p->label && o->smoothing == 0.0f)
                sigmoid_loss(n, s, loss, slope);
            else
                labelled_sigmoid_loss(n, s, label, loss, slope);
            break;
        case PN_PREFERENCE_ROBUST: robust_loss(o->smoothing, n, s, loss, slope); break;
        case PN_PREFERENCE_HINGE: hinge_loss(n, s, label, loss, slope); break;
        case PN_PREFERENCE_IPO: ipo_loss(o->beta, n, s, label, loss, slope); break;
        case PN_PREFERENCE_HOLDER: holder_loss(o->shape, n, s, loss, slope); break;
        case PN_PREFERENCE_ROPO: ropo_loss(o->shape, n, s, loss, slope); break;
        case PN_PREFERENCE_EXO: exo_loss(o->smoothing, n, s, loss, slope); break;
        case PN_PREFERENCE_DISCOPOP: discopop_loss(o->shape, n, s, loss, slope); break;
        }
        if (p->from.b && o->likelihood != 0.0f) add_likelihood(p, at, n, loss);
        if (p->weight) {
            const float *weight = p->weight + at;
            for (size_t i = 0; i < n; ++i) loss[i] *= weight[i];
            for (size_t i = 0; i < n; ++i) slope[i] *= weight[i];
        }
        if (p->loss) memcpy(p->loss + at, loss, n * sizeof *loss);
        if (partial) pn_block_sum_add(&sum, n, loss);
        gradients(p, at, n, slope);
    }
    if (partial) *partial = pn_block_sum_total(&sum);
}

static void block(void *context, size_t b)
{
    const struct pairs *p = context;
    const size_t first = b * PN_BLOCK;
    run(p, first, pn_min(PN_BLOCK, p->n - first), p->partial ? p->partial + b : NULL);
}

static bool is_finite(float x) { return fabsf(x) < INFINITY; }

static bool in_range(const pn_preference_options *o, bool labelled)
{
    if (!is_finite(o->beta) || !(o->beta > 0.0f) || !is_finite(o->gamma) || !is_finite(o->grad_scale)) return false;
    if (!is_finite(o->likelihood) || o->likelihood < 0.0f) return false;
    const float e = o->smoothing;
    switch (o->loss) {
    case PN_PREFERENCE_SIGMOID:
    case PN_PREFERENCE_HINGE:
    case PN_PREFERENCE_IPO: return e >= 0.0f && e < 1.0f;
    case PN_PREFERENCE_ROBUST: return e >= 0.0f && e < 0.5f && !labelled;
    case PN_PREFERENCE_HOLDER:
    case PN_PREFERENCE_ROPO:
    case PN_PREFERENCE_DISCOPOP: return e == 0.0f && is_finite(o->shape) && o->shape > 0.0f && !labelled;
    case PN_PREFERENCE_EXO: return e > 0.0f && e < 1.0f && !labelled;
    }
    return false;
}

static pn_status start(struct pairs *p, bool complete, double *mean, void *workspace, size_t workspace_bytes)
{
    if (!in_range(&p->options, p->label != NULL)) return PN_EVALUE;
    if (mean) *mean = 0.0;
    if (p->n == 0) return PN_OK;
    if (!complete) return PN_ENULL;
    if (mean) {
        if (!workspace || workspace_bytes < pn_preference_workspace(p->n)) return PN_EWORKSPACE;
        p->partial = workspace;
    }
    const size_t blocks = pn_blocks(p->n);
    const pn_status status = pn_team_for(blocks, block, p);
    if (mean && status == PN_OK) *mean = pn_tree_sum(p->partial, blocks) / (double)p->n;
    return status;
}

size_t pn_preference_workspace(size_t n)
{
    return pn_blocks(n) * sizeof(double);
}

pn_status pn_preference_margin_f32(size_t n, const pn_preference_options *options, const float *margin,
                                   const float *target, const float *label, const float *weight, float *loss,
                                   float *grad, double *mean, void *workspace, size_t workspace_bytes)
{
    if (!options) return PN_ENULL;
    struct pairs p = { .n = n, .options = *options, .from.a = margin, .target = target, .label = label,
                       .weight = weight, .loss = loss, .grad_a = grad };
    return start(&p, margin != NULL, mean, workspace, workspace_bytes);
}

pn_status pn_preference_score_f32(size_t n, const pn_preference_options *options, const float *chosen,
                                  const float *rejected, const float *target, const float *label,
                                  const float *weight, float *loss, float *grad_chosen, float *grad_rejected,
                                  double *mean, void *workspace, size_t workspace_bytes)
{
    if (!options) return PN_ENULL;
    struct pairs p = { .n = n, .options = *options, .from = { .a = chosen, .b = rejected }, .target = target,
                       .label = label, .weight = weight, .loss = loss, .grad_a = grad_chosen,
                       .grad_b = grad_rejected };
    p.options.likelihood = 0.0f; /* a score is no log-probability */
    return start(&p, pn_logprob_complete(&p.from), mean, workspace, workspace_bytes);
}

pn_status pn_preference_logprob_f32(size_t n, const pn_preference_options *options, const float *chosen,
                                    const float *rejected, const float *reference_chosen,
                                    const float *reference_rejected, const uint32_t *length_chosen,
                                    const uint32_t *length_rejected, const float *target, const float *label,
                                    const float *weight, float *loss, float *grad_chosen, float *grad_rejected,
                                    double *mean, void *workspace, size_t workspace_bytes)
{
    if (!options) return PN_ENULL;
    struct pairs p = { .n = n, .options = *options,
                       .from = { chosen, rejected, reference_chosen, reference_rejected, length_chosen,
                                 length_rejected },
                       .target = target, .label = label, .weight = weight, .loss = loss,
                       .grad_a = grad_chosen, .grad_b = grad_rejected };
    return start(&p, pn_logprob_complete(&p.from), mean, workspace, workspace_bytes);
}
