/* Softmax cross-entropy of short rows, value and gradient in one pass over the logits. */
#include "base.h"
#include "penchant/loss.h"
#include "penchant/reduce.h"
#include "row.h"

struct entropy {
    size_t rows, classes, height; /* height: rows a block */
    float factor;                 /* of the gradient: scale / counted rows */
    const float *logits;
    const uint32_t *ids;
    float *grad;
    double *partial;
};

PN_CLONES static double sum_of_rows(const struct entropy *c, size_t first, size_t last)
{
    const size_t n = c->classes;
    double sum = 0;
    for (size_t r = first; r < last; ++r) {
        const float *x = c->logits + r * n;
        float *grad = c->grad ? c->grad + r * n : NULL;
        const uint32_t id = c->ids[r];
        if (id == PN_LOSS_IGNORE) {
            if (grad) memset(grad, 0, n * sizeof *grad);
            continue;
        }
        const float top = pn_row_top(n, x), target = x[id];
        const double total = pn_row_exponentials(n, top, x, grad);
        sum += log(total) + ((double)top - (double)target);
        if (grad) {
            const float factor = (float)(c->factor / total);
            for (size_t i = 0; i < n; ++i) grad[i] *= factor;
            grad[id] -= c->factor;
        }
    }
    return sum;
}

static void block(void *context, size_t b)
{
    const struct entropy *c = context;
    c->partial[b] = sum_of_rows(c, b * c->height, pn_min(c->rows, (b + 1) * c->height));
}

size_t pn_cross_entropy_workspace(size_t rows, size_t classes)
{
    return pn_ceil_div(rows, pn_row_height(classes)) * sizeof(double);
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
    struct entropy c = { rows, classes, pn_row_height(classes), scale / (float)pn_max(counted, 1), logits, ids, grad,
                         workspace };
    const size_t blocks = pn_ceil_div(rows, c.height);
    const pn_status status = pn_team_for(blocks, block, &c);
    *mean = pn_tree_sum(c.partial, blocks) / (double)pn_max(counted, 1);
    return status;
}
