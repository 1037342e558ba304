/* Softmax cross-entropy of short rows, value and gradient in one pass over the logits. */
#include "base.h"
#include "penchant/loss.h"
#include "penchant/reduce.h"
#include "scalar_math.h"

struct entropy {
    size_t rows, classes, height; /* height: rows a block */
    float factor;                 /* of the gradient: scale / counted rows */
    const float *logits;
    const uint32_t *ids;
    float *grad;
    double *partial;
};

/* The maximum; NaN when there is one, because comparisons with NaN keep it. */
PN_CLONES static float greatest(size_t n, const float *x)
{
    float max = x[0];
    for (size_t i = 1; i < n; ++i) max = x[i] > max || x[i] != x[i] ? x[i] : max;
    return max;
}

/* e^(x - max), in place of the gradient when there is one; the sum in double. */
PN_CLONES static double exponentials(size_t n, float max, const float *x, float *e)
{
    double lane[16] = { 0 };
    float block[16];
    for (size_t i = 0; i < n; i += 16) {
        const size_t m = pn_min(16, n - i);
        for (size_t l = 0; l < m; ++l) block[l] = pn_expf(x[i + l] - max);
        for (size_t l = 0; l < m; ++l) lane[l] += (double)block[l];
        if (e)
            for (size_t l = 0; l < m; ++l) e[i + l] = block[l];
    }
    for (size_t width = 8; width; width /= 2)
        for (size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    return lane[0];
}

PN_CLONES static void multiply(size_t n, float factor, float *x)
{
    for (size_t i = 0; i < n; ++i) x[i] *= factor;
}

static void block(void *context, size_t b)
{
    const struct entropy *c = context;
    const size_t n = c->classes, last = pn_min(c->rows, (b + 1) * c->height);
    double sum = 0;
    for (size_t r = b * c->height; r < last; ++r) {
        const float *x = c->logits + r * n;
        float *grad = c->grad ? c->grad + r * n : NULL;
        const uint32_t id = c->ids[r];
        if (id == PN_LOSS_IGNORE) {
            if (grad) memset(grad, 0, n * sizeof *grad);
            continue;
        }
        const float max = greatest(n, x), target = x[id];
        const double total = exponentials(n, max, x, grad);
        sum += log(total) + ((double)max - (double)target);
        if (grad) {
            multiply(n, (float)(c->factor / total), grad);
            grad[id] -= c->factor;
        }
    }
    c->partial[b] = sum;
}

static size_t height(size_t classes) { return pn_max(1, PN_BLOCK / pn_max(classes, 1)); }

size_t pn_cross_entropy_workspace(size_t rows, size_t classes)
{
    return pn_ceil_div(rows, height(classes)) * sizeof(double);
}

pn_status pn_cross_entropy_f32(size_t rows, size_t classes, float scale, const float *logits, const uint32_t *ids,
                               double *mean, float *grad, void *workspace, size_t workspace_bytes)
{
    size_t n;
    if (!pn_mul_size(rows, classes, &n)) return PN_EDIM;
    if (!mean) return PN_ENULL;
    *mean = 0;
    if (rows == 0) return PN_OK;
    if (!ids || !workspace || (n && !logits)) return PN_ENULL;
    if (workspace_bytes < pn_cross_entropy_workspace(rows, classes)) return PN_EWORKSPACE;
    size_t counted = 0;
    for (size_t r = 0; r < rows; ++r) {
        if (ids[r] == PN_LOSS_IGNORE) continue;
        if (ids[r] >= classes) return PN_EINDEX;
        ++counted;
    }
    struct entropy c = { rows, classes, height(classes), scale / (float)pn_max(counted, 1), logits, ids, grad,
                         workspace };
    const size_t blocks = pn_ceil_div(rows, c.height);
    const pn_status status = pn_team_for(blocks, block, &c);
    *mean = pn_tree_sum(c.partial, blocks) / (double)pn_max(counted, 1);
    return status;
}
