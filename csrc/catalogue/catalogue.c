#include "penchant/catalogue.h"

#include "softmax.h"

static size_t with_head(size_t n, size_t arrays, size_t extra, const struct pn_softmax_plan *plan)
{
    size_t bytes = extra;
    for (size_t i = 0; i < arrays; ++i)
        if (!pn_add_part(&bytes, n, 1, sizeof(float))) return SIZE_MAX;
    pn_add_size(bytes, pn_softmax_bytes(plan), &bytes);
    return bytes;
}

struct cursor {
    char *at;
    size_t left;
};

static void *next(struct cursor *cursor, size_t count, size_t width)
{
    size_t bytes = 0;
    if (!cursor->at || !pn_add_part(&bytes, count, 1, width) || bytes > cursor->left) return NULL;
    void *block = cursor->at;
    cursor->at += bytes;
    cursor->left -= bytes;
    return block;
}

/* The rows that count, and their share of the gradient. */
struct active {
    uint32_t *row;
    float *gradient, *loss;
    size_t rows;
    double total; /* of the weights */
};

static bool counts(const uint32_t *targets, const float *weights, size_t i)
{
    return targets[i] != PN_CATALOGUE_IGNORE && !(weights && weights[i] == 0);
}

static void list_active(size_t n, float scale, const uint32_t *targets, const float *weights, struct active *a)
{
    for (size_t i = 0; i < n; ++i) {
        if (!counts(targets, weights, i)) continue;
        a->row[a->rows++] = (uint32_t)i;
        a->total += weights ? (double)weights[i] : 1;
    }
    for (size_t r = 0; r < a->rows; ++r) {
        const double weight = weights ? (double)weights[a->row[r]] : 1;
        a->gradient[r] = a->total == 0 ? 0 : (float)((double)scale * weight / a->total);
    }
}

static pn_status check_ids(size_t n, size_t V, const uint32_t *ids)
{
    for (size_t i = 0; i < n; ++i)
        if (ids[i] >= V && ids[i] != PN_CATALOGUE_IGNORE) return PN_EINDEX;
    return PN_OK;
}

/* Rows that do not count have loss 0 and no gradient. */
static void write_rows(size_t n, size_t d, const uint32_t *targets, const float *weights, const struct active *a,
                       float *loss, double *mean, float *d_hidden)
{
    double sum = 0;
    for (size_t r = 0; r < a->rows; ++r)
        sum += (weights ? (double)weights[a->row[r]] : 1) * (double)a->loss[r];
    if (mean) *mean = a->rows == 0 || a->total == 0 ? 0 : sum / a->total;
    for (size_t i = 0, r = 0; i < n; ++i) {
        const bool counted = counts(targets, weights, i);
        if (loss) loss[i] = counted ? a->loss[r] : 0;
        r += counted;
        if (d_hidden && !counted) memset(d_hidden + i * d, 0, d * sizeof *d_hidden);
    }
}

/* Row numbers are kept in 32 bits. */
static bool sizes_fit(size_t n, size_t V, size_t d)
{
    size_t product;
    return n < UINT32_MAX && V < UINT32_MAX && pn_mul_size(n, d, &product) &&
           pn_mul_size(product, sizeof(float), &product) && pn_mul_size(V, d, &product) &&
           pn_mul_size(product, sizeof(float), &product);
}

/* The value alone takes other chunks than value and gradients, and may need more for few items. */
size_t pn_catalogue_loss_workspace(size_t n, size_t V, size_t d)
{
    struct pn_softmax_plan both, value;
    if (!sizes_fit(n, V, d) || !pn_softmax_plan(n, V, d, true, &both) || !pn_softmax_plan(n, V, d, false, &value))
        return SIZE_MAX;
    return pn_max(with_head(n, 3, 0, &both), with_head(n, 3, 0, &value));
}

pn_status pn_catalogue_loss_f32(size_t n, size_t V, size_t d, float scale, bool accumulate, const float *hidden,
                                const float *items, const float *bias, const uint32_t *targets,
                                const float *weights, float *loss, double *mean, float *d_hidden, float *d_items,
                                float *d_bias, void *workspace, size_t workspace_bytes)
{
    if (!sizes_fit(n, V, d) || (n > 0 && V == 0)) return PN_EDIM;
    if (n > 0 && (!targets || (d > 0 && (!hidden || !items)))) return PN_ENULL;
    pn_status status = check_ids(n, V, targets);
    if (status != PN_OK) return status;

    struct pn_softmax s = { .hidden = hidden, .items = items, .bias = bias, .targets = targets,
                            .accumulate = accumulate, .d_hidden = d_hidden, .d_items = d_items, .d_bias = d_bias };
    if (!pn_softmax_plan(n, V, d, d_hidden || d_items || d_bias, &s.plan)) return PN_EDIM;
    struct cursor cursor = { workspace, workspace_bytes };
    struct active a = { 0 };
    if (n > 0) {
        if (!workspace) return PN_ENULL;
        a.row = next(&cursor, n, sizeof *a.row);
        a.gradient = next(&cursor, n, sizeof *a.gradient);
        a.loss = next(&cursor, n, sizeof *a.loss);
        if (!a.row || !a.gradient || !a.loss) return PN_EWORKSPACE;
        list_active(n, scale, targets, weights, &a);
    }
    if (a.rows == 0 && !accumulate) {
        if (d_items) memset(d_items, 0, V * d * sizeof *d_items);
        if (d_bias) memset(d_bias, 0, V * sizeof *d_bias);
    }
    s.rows = a.rows, s.row = a.row, s.gradient = a.gradient, s.loss = a.loss;
    s.tile = pn_tile_here();
    status = pn_softmax_run(&s, cursor.at, cursor.left);
    if (status == PN_OK) write_rows(n, d, targets, weights, &a, loss, mean, d_hidden);
    return status;
}

size_t pn_catalogue_log_prob_workspace(size_t n, size_t V, size_t d)
{
    struct pn_softmax_plan plan;
    if (!sizes_fit(n, V, d) || !pn_softmax_plan(n, V, d, false, &plan)) return SIZE_MAX;
    return with_head(n, 1, 0, &plan);
}

pn_status pn_catalogue_log_prob_f32(size_t n, size_t V, size_t d, const float *hidden, const float *items,
                                    const float *bias, const uint32_t *targets, float *log_prob, float *log_sum,
                                    void *workspace, size_t workspace_bytes)
{
    if (!sizes_fit(n, V, d) || (n > 0 && V == 0)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if ((log_prob && !targets) || (d > 0 && (!hidden || !items))) return PN_ENULL;
    if (!log_prob) targets = NULL;
    pn_status status = targets ? check_ids(n, V, targets) : PN_OK;
    if (status != PN_OK) return status;

    struct pn_softmax s = { .rows = n, .hidden = hidden, .items = items, .bias = bias, .targets = targets,
                            .loss = log_prob, .log_sum = log_sum };
    if (!pn_softmax_plan(n, V, d, false, &s.plan)) return PN_EDIM;
    if (!workspace) return PN_ENULL;
    struct cursor cursor = { workspace, workspace_bytes };
    uint32_t *row = next(&cursor, n, sizeof *row);
    if (!row) return PN_EWORKSPACE;
    for (size_t i = 0; i < n; ++i) row[i] = (uint32_t)i;
    for (size_t i = 0; log_prob && i < n; ++i) log_prob[i] = 0;
    s.row = row;
    s.tile = pn_tile_here();
    status = pn_softmax_run(&s, cursor.at, cursor.left);
    if (status != PN_OK || !log_prob) return status;
    for (size_t i = 0; i < n; ++i) log_prob[i] = targets[i] == PN_CATALOGUE_IGNORE ? 0 : -log_prob[i];
    return PN_OK;
}

/* ---- sampled --------------------------------------------------------------------------------------------- */

#define SAMPLED_ARRAYS 5 /* row, gradient, loss, target logit, target factor */

static bool sampled_extra(size_t c, size_t d, size_t *bytes)
{
    *bytes = 0;
    return pn_add_part(bytes, c, d, sizeof(float)) && pn_add_part(bytes, c, 1, sizeof(float));
}

size_t pn_catalogue_sampled_loss_workspace(size_t n, size_t c, size_t d)
{
    struct pn_softmax_plan plan;
    size_t extra;
    if (!sizes_fit(n, c, d) || !sampled_extra(c, d, &extra) || !pn_softmax_plan(n, c, d, true, &plan))
        return SIZE_MAX;
    return with_head(n, SAMPLED_ARRAYS, extra, &plan);
}

struct target_rows {
    const struct pn_softmax *s;
    const float *log_q;
    float *logit;
    float *d_targets;
};

PN_CLONES static float dot(size_t d, const float *restrict x, const float *restrict y) { return pn_dot(d, x, y); }

static void target_logits(void *context, size_t block)
{
    const struct target_rows *t = context;
    const struct pn_softmax *s = t->s;
    const size_t d = s->plan.d, end = pn_min(s->rows, (block + 1) * PN_TILE_WIDTH);
    for (size_t r = block * PN_TILE_WIDTH; r < end; ++r) {
        const size_t row = s->row[r];
        const float score = dot(d, s->hidden + row * d, s->items + (size_t)s->targets[row] * d);
        t->logit[r] = t->log_q ? score - t->log_q[row] : score;
    }
}

static void target_gradients(void *context, size_t block)
{
    const struct target_rows *t = context;
    const struct pn_softmax *s = t->s;
    const size_t d = s->plan.d, end = pn_min(s->rows, (block + 1) * PN_TILE_WIDTH);
    for (size_t r = block * PN_TILE_WIDTH; r < end; ++r) {
        const size_t row = s->row[r];
        const float factor = s->target_factor[r];
        for (size_t j = 0; j < d; ++j) t->d_targets[row * d + j] = factor * s->hidden[row * d + j];
    }
}

pn_status pn_catalogue_sampled_loss_f32(size_t n, size_t V, size_t d, size_t c, float scale, const float *hidden,
                                        const float *items, const uint32_t *targets, const float *target_log_q,
                                        const uint32_t *candidates, const float *candidate_log_q,
                                        const float *weights, float *loss, double *mean, float *d_hidden,
                                        float *d_candidates, float *d_targets, void *workspace,
                                        size_t workspace_bytes)
{
    if (!sizes_fit(n, V, d) || !sizes_fit(n, c, d) || (n > 0 && V == 0)) return PN_EDIM;
    if ((n > 0 && !targets) || (c > 0 && !candidates) || (n > 0 && d > 0 && (!hidden || !items))) return PN_ENULL;
    pn_status status = check_ids(n, V, targets);
    for (size_t j = 0; j < c && status == PN_OK; ++j)
        if (candidates[j] >= V) status = PN_EINDEX;
    if (status != PN_OK) return status;

    struct pn_softmax s = { .hidden = hidden, .items = items, .targets = targets, .item_ids = candidates,
                            .d_hidden = d_hidden, .d_items = d_candidates };
    if (!pn_softmax_plan(n, c, d, true, &s.plan)) return PN_EDIM;
    struct active a = { 0 };
    struct cursor cursor = { workspace, workspace_bytes };
    float *rows = NULL, *minus_log_q = NULL, *logit = NULL;
    if (n > 0) {
        if (!workspace) return PN_ENULL;
        rows = next(&cursor, c * d, sizeof *rows);
        minus_log_q = next(&cursor, c, sizeof *minus_log_q);
        a.row = next(&cursor, n, sizeof *a.row);
        a.gradient = next(&cursor, n, sizeof *a.gradient);
        a.loss = next(&cursor, n, sizeof *a.loss);
        logit = next(&cursor, n, sizeof *logit);
        s.target_factor = next(&cursor, n, sizeof *s.target_factor);
        if (!rows || !minus_log_q || !a.row || !a.gradient || !a.loss || !logit || !s.target_factor)
            return PN_EWORKSPACE;
        for (size_t j = 0; j < c; ++j) {
            memcpy(rows + j * d, items + (size_t)candidates[j] * d, d * sizeof *rows);
            minus_log_q[j] = candidate_log_q ? -candidate_log_q[j] : 0;
        }
        list_active(n, scale, targets, weights, &a);
    }
    if (a.rows == 0 && d_candidates) memset(d_candidates, 0, c * d * sizeof *d_candidates);
    s.rows = a.rows, s.row = a.row, s.gradient = a.gradient, s.loss = a.loss;
    s.tile = pn_tile_here();

    struct target_rows t = { &s, target_log_q, logit, d_targets };
    const size_t blocks = pn_ceil_div(a.rows, PN_TILE_WIDTH);
    status = pn_team_for(blocks, target_logits, &t);
    if (status != PN_OK) return status;
    s.target_rows = items;
    s.target_logit = logit;
    s.items = rows;
    s.bias = minus_log_q;
    status = pn_softmax_run(&s, cursor.at, cursor.left);
    if (status == PN_OK && d_targets) status = pn_team_for(blocks, target_gradients, &t);
    if (status != PN_OK) return status;
    write_rows(n, d, targets, weights, &a, loss, mean, d_hidden);
    for (size_t i = 0; d_targets && i < n; ++i)
        if (!counts(targets, weights, i)) memset(d_targets + i * d, 0, d * sizeof *d_targets);
    return PN_OK;
}
