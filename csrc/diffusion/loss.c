/* Preference loss over pairs of noise predictions.  A pair is reduced and its gradient written while its rows are in
 * cache.  w winner (row b), l loser (row pairs + b). */
#include "base.h"
#include "lanes.h"
#include "penchant/diffusion.h"
#include "penchant/reduce.h"

enum { PIECE = 1024, ELEMENTS_A_BLOCK = 16384 };

struct pairs {
    size_t pairs, cols, pairs_a_block;
    float beta, grad_scale;
    const double *level;
    const float *eps, *reference, *tau; /* tau, or x and x0 */
    const float *x, *x0;
    const float *weight;
    float *loss, *h, *error, *grad;
    double *partial; /* one a block */
};

/* Sums over a row: squared errors of both networks, and their difference without cancellation. */
struct errors {
    double policy, reference, gain;
};

/* tau of a piece: copied, or implied by x and x0. */
PN_INLINE void target(const struct pairs *p, size_t pair, size_t at, size_t n, float *restrict tau)
{
    if (p->tau) {
        memcpy(tau, p->tau + at, n * sizeof *tau);
        return;
    }
    const double signal = sqrt(p->level[pair]), noise = sqrt(1.0 - p->level[pair]);
    const float a = (float)(1.0 / noise), b = (float)(signal / noise);
    const float *x = p->x + at, *x0 = p->x0 + at;
    for (size_t i = 0; i < n; ++i) tau[i] = a * x[i] - b * x0[i];
}

PN_INLINE struct errors row_errors(const struct pairs *p, size_t pair, size_t row)
{
    struct errors e = { 0 };
    float tau[PIECE];
    for (size_t done = 0; done < p->cols; done += PIECE) {
        const size_t n = pn_min(PIECE, p->cols - done), at = row * p->cols + done;
        const float *eps = p->eps + at, *reference = p->reference + at;
        target(p, pair, at, n, tau);
        pn_f32x16 policy = { 0 }, old = { 0 }, gain = { 0 };
        size_t i = 0;
        for (; i + 16 <= n; i += 16) {
            const pn_f32x16 t = pn_load16(tau + i), a = pn_load16(eps + i), b = pn_load16(reference + i);
            const pn_f32x16 da = a - t, db = b - t;
            policy += da * da;
            old += db * db;
            gain += (a - b) * (da + db);
        }
        float policy_tail = 0.0f, old_tail = 0.0f, gain_tail = 0.0f;
        for (; i < n; ++i) {
            const float da = eps[i] - tau[i], db = reference[i] - tau[i];
            policy_tail += da * da;
            old_tail += db * db;
            gain_tail += (eps[i] - reference[i]) * (da + db);
        }
        e.policy += (double)pn_sum16(&policy) + (double)policy_tail;
        e.reference += (double)pn_sum16(&old) + (double)old_tail;
        e.gain += (double)pn_sum16(&gain) + (double)gain_tail;
    }
    e.policy /= (double)p->cols;
    e.reference /= (double)p->cols;
    e.gain /= (double)p->cols;
    return e;
}

PN_INLINE void row_gradient(const struct pairs *p, size_t pair, size_t row, float scale)
{
    float tau[PIECE];
    for (size_t done = 0; done < p->cols; done += PIECE) {
        const size_t n = pn_min(PIECE, p->cols - done), at = row * p->cols + done;
        const float *eps = p->eps + at;
        float *grad = p->grad + at;
        target(p, pair, at, n, tau);
        for (size_t i = 0; i < n; ++i) tau[i] = scale * (eps[i] - tau[i]);
        memcpy(grad, tau, n * sizeof *tau);
    }
}

PN_CLONES static double run(const struct pairs *p, size_t first, size_t end)
{
    double total = 0.0;
    for (size_t b = first; b < end; ++b) {
        const struct errors w = row_errors(p, b, b), l = row_errors(p, b, p->pairs + b);
        const float h = (float)(-0.5 * (double)p->beta * (w.gain - l.gain));
        const float weight = p->weight ? p->weight[b] : 1.0f, loss = weight * pn_softplusf(-h);
        if (p->loss) p->loss[b] = loss;
        if (p->h) p->h[b] = h;
        if (p->error) {
            p->error[b] = (float)w.policy;
            p->error[p->pairs + b] = (float)l.policy;
            p->error[2 * p->pairs + b] = (float)w.reference;
            p->error[3 * p->pairs + b] = (float)l.reference;
        }
        total += (double)loss;
        if (p->grad) {
            const float scale = p->grad_scale * weight * pn_sigmoidf(-h) * (p->beta / (float)p->cols);
            row_gradient(p, b, b, scale);
            row_gradient(p, b, p->pairs + b, -scale);
        }
    }
    return total;
}

static void block(void *context, size_t b)
{
    const struct pairs *p = context;
    const size_t first = b * p->pairs_a_block;
    p->partial[b] = run(p, first, pn_min(first + p->pairs_a_block, p->pairs));
}

size_t pn_diffusion_loss_workspace(size_t pairs)
{
    size_t bytes;
    (void)pn_mul_size(pairs, sizeof(double), &bytes);
    return bytes;
}

static pn_status start(struct pairs *p, bool complete, double *mean, void *workspace, size_t workspace_bytes)
{
    size_t elements;
    if (p->cols == 0) return PN_EVALUE;
    if (!pn_mul_size(p->pairs, p->cols, &elements) || !pn_mul_size(elements, 2, &elements)) return PN_EDIM;
    if (!(p->beta > 0.0f && p->beta < INFINITY) || !(fabsf(p->grad_scale) < INFINITY)) return PN_EVALUE;
    if (mean) *mean = 0.0;
    if (p->pairs == 0) return PN_OK;
    if (!complete) return PN_ENULL;
    const size_t needed = pn_diffusion_loss_workspace(p->pairs);
    if (!workspace || needed == SIZE_MAX || workspace_bytes < needed) return PN_EWORKSPACE;
    p->pairs_a_block = pn_max(1, ELEMENTS_A_BLOCK / p->cols / 2);
    p->partial = workspace;
    const size_t blocks = pn_ceil_div(p->pairs, p->pairs_a_block);
    const pn_status status = pn_team_for(blocks, block, p);
    if (status == PN_OK && mean) *mean = pn_tree_sum(p->partial, blocks) / (double)p->pairs;
    return status;
}

pn_status pn_diffusion_loss_f32(size_t pairs, size_t cols, float beta, float grad_scale, const float *eps,
                                const float *reference, const float *tau, const float *weight, float *loss,
                                float *h, float *error, float *grad, double *mean, void *workspace,
                                size_t workspace_bytes)
{
    struct pairs p = { .pairs = pairs, .cols = cols, .beta = beta, .grad_scale = grad_scale, .eps = eps,
                       .reference = reference, .tau = tau, .weight = weight, .loss = loss, .h = h,
                       .error = error, .grad = grad };
    return start(&p, eps && reference && tau, mean, workspace, workspace_bytes);
}

pn_status pn_inpo_loss_f32(size_t pairs, size_t cols, float beta, float grad_scale, const double *level,
                           const float *eps, const float *reference, const float *x, const float *x0,
                           const float *weight, float *loss, float *h, float *error, float *grad, double *mean,
                           void *workspace, size_t workspace_bytes)
{
    struct pairs p = { .pairs = pairs, .cols = cols, .beta = beta, .grad_scale = grad_scale, .level = level,
                       .eps = eps, .reference = reference, .x = x, .x0 = x0, .weight = weight, .loss = loss,
                       .h = h, .error = error, .grad = grad };
    const bool complete = level && eps && reference && x && x0;
    for (size_t b = 0; complete && b < pairs; ++b)
        if (!(level[b] > 0.0 && level[b] < 1.0)) return PN_EVALUE;
    return start(&p, complete, mean, workspace, workspace_bytes);
}
