/* Losses of policy and critic, value and gradient in one pass. */
#include "../loss/row.h"
#include "ids.h"
#include "penchant/policy.h"
#include "penchant/reduce.h"

/* ---- policy ---- */

struct policy {
    size_t rows, classes, height;
    pn_policy_options options;
    const float *logits, *advantage, *old_logp, *reference_logp, *weight;
    const uint32_t *id;
    float *grad;
    double *partial;
};

/* Value and slope of a term in the log-probability. */
struct term {
    double value, slope;
};

/* e^x up to 20, its tangent beyond. In double: e^-q + q - 1 loses half its digits near q = 0. */
PN_INLINE struct term exponential(double x)
{
    const double held = x > 20.0 ? 20.0 : x;
    const double e = exp(held);
    return (struct term){ e + e * (x - held), e };
}

PN_INLINE struct term surrogate(const pn_policy_options *o, double A, double logp, const float *old)
{
    if (!old) return (struct term){ -A * logp, -A };
    const struct term u = exponential(logp - (double)*old);
    const double low = 1.0 - (double)o->clip_low, high = 1.0 + (double)o->clip_high;
    const double held = u.value < low ? low : u.value > high ? high : u.value;
    if (A * u.value <= A * held || A != A || u.value != u.value) return (struct term){ -A * u.value, -A * u.slope };
    return (struct term){ -A * held, 0.0 };
}

PN_INLINE struct term estimate(pn_kl_estimator kind, double q)
{
    if (kind == PN_KL_K2) return (struct term){ 0.5 * q * q, q };
    if (kind == PN_KL_K3) {
        const struct term e = exponential(-q);
        return (struct term){ e.value + q - 1.0, 1.0 - e.slope };
    }
    if (kind == PN_KL_K3_REVERSED) {
        const struct term e = exponential(q);
        return (struct term){ e.value - q - 1.0, e.slope - 1.0 };
    }
    return (struct term){ 0.0, 0.0 };
}

PN_CLONES static double policy_rows(const struct policy *p, size_t first, size_t last)
{
    const pn_policy_options *o = &p->options;
    const size_t n = p->classes;
    double sum = 0;
    for (size_t r = first; r < last; ++r) {
        const float *x = p->logits + r * n;
        float *grad = p->grad ? p->grad + r * n : NULL;
        const uint32_t id = p->id[r];
        if (id == PN_POLICY_IGNORE) {
            if (grad) memset(grad, 0, n * sizeof *grad);
            continue;
        }
        const float top = pn_row_top(n, x), chosen = x[id];
        const double total = pn_row_exponentials(n, top, x, grad);
        const double logp = ((double)chosen - (double)top) - log(total);
        const struct term policy = surrogate(o, (double)p->advantage[r], logp, p->old_logp ? p->old_logp + r : NULL);
        struct term kl = { 0.0, 0.0 };
        if (o->estimator != PN_KL_NONE) kl = estimate(o->estimator, logp - (double)p->reference_logp[r]);
        const double weight = p->weight ? (double)p->weight[r] : 1.0, penalty = (double)o->penalty;
        sum += weight * (policy.value + penalty * kl.value);
        if (grad) {
            const double slope = weight * (policy.slope + penalty * kl.slope) * (double)o->grad_scale;
            const float factor = (float)(-slope / total);
            for (size_t i = 0; i < n; ++i) grad[i] *= factor;
            grad[id] += (float)slope;
        }
    }
    return sum;
}

static void policy_block(void *context, size_t b)
{
    const struct policy *p = context;
    p->partial[b] = policy_rows(p, b * p->height, pn_min(p->rows, (b + 1) * p->height));
}

size_t pn_policy_loss_workspace(size_t rows, size_t classes)
{
    size_t bytes;
    return pn_mul_size(pn_ceil_div(rows, pn_row_height(classes)), sizeof(double), &bytes) ? bytes : SIZE_MAX;
}

static bool in_range(const pn_policy_options *o)
{
    return o->estimator <= PN_KL_K3_REVERSED && o->penalty >= 0.0f && o->penalty < INFINITY && o->clip_low >= 0.0f &&
           o->clip_low <= 1.0f && o->clip_high >= 0.0f && fabsf(o->grad_scale) < INFINITY;
}

pn_status pn_policy_loss_f32(size_t rows, size_t classes, const pn_policy_options *options, const float *logits,
                             const uint32_t *id, const float *advantage, const float *old_logp,
                             const float *reference_logp, const float *weight, double *loss, float *grad,
                             void *workspace, size_t workspace_bytes)
{
    size_t n;
    if (!options || !loss) return PN_ENULL;
    if (!in_range(options)) return PN_EVALUE;
    if (!pn_mul_size(rows, classes, &n)) return PN_EDIM;
    *loss = 0;
    if (rows == 0) return PN_OK;
    if (!id || !advantage || !workspace || (n && !logits)) return PN_ENULL;
    if (options->estimator != PN_KL_NONE && !reference_logp) return PN_ENULL;
    if (workspace_bytes < pn_policy_loss_workspace(rows, classes)) return PN_EWORKSPACE;
    if (!pn_policy_ids_fit(rows, classes, id)) return PN_EINDEX;
    struct policy p = { rows, classes, pn_row_height(classes), *options, logits, advantage, old_logp, reference_logp,
                        weight, id, grad, workspace };
    const size_t blocks = pn_ceil_div(rows, p.height);
    const pn_status status = pn_team_for(blocks, policy_block, &p);
    *loss = pn_tree_sum(p.partial, blocks);
    return status;
}

/* ---- critic ---- */

struct critic {
    size_t n;
    float clip, grad_scale;
    const float *value, *target, *old, *weight;
    float *grad;
    double *partial;
};

PN_INLINE float held(float d, float clip)
{
    const float below = d > clip ? clip : d; /* comparisons with NaN keep it */
    return d < -clip ? -clip : below;
}

PN_CLONES static double critic_rows(const struct critic *p, size_t first, size_t last)
{
    double lane[8] = { 0 };
    for (size_t i = first; i < last; ++i) {
        const float weight = p->weight ? p->weight[i] : 1.0f, off = p->value[i] - p->target[i];
        float error = off, slope = off;
        if (p->old) {
            const float move = p->value[i] - p->old[i], clipped = p->old[i] + held(move, p->clip) - p->target[i];
            if (clipped * clipped > off * off) {
                error = clipped;
                slope = fabsf(move) < p->clip ? clipped : 0.0f;
            }
        }
        lane[(i - first) % 8] += (double)(weight * error * error);
        if (p->grad) p->grad[i] = 2.0f * p->grad_scale * weight * slope;
    }
    for (size_t width = 4; width; width /= 2)
        for (size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    return lane[0];
}

static void critic_block(void *context, size_t b)
{
    const struct critic *p = context;
    p->partial[b] = critic_rows(p, b * PN_BLOCK, pn_min(p->n, (b + 1) * PN_BLOCK));
}

size_t pn_value_loss_workspace(size_t n) { return pn_blocks(n) * sizeof(double); }

pn_status pn_value_loss_f32(size_t n, float clip, float grad_scale, const float *value, const float *target,
                            const float *old, const float *weight, double *loss, float *grad, void *workspace,
                            size_t workspace_bytes)
{
    if (!loss) return PN_ENULL;
    if (!(clip > 0.0f) || !(fabsf(grad_scale) < INFINITY)) return PN_EVALUE;
    *loss = 0;
    if (n == 0) return PN_OK;
    if (!value || !target || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_value_loss_workspace(n)) return PN_EWORKSPACE;
    struct critic p = { n, clip, grad_scale, value, target, old, weight, grad, workspace };
    const pn_status status = pn_team_for(pn_blocks(n), critic_block, &p);
    *loss = pn_tree_sum(p.partial, pn_blocks(n));
    return status;
}
