/* Letters: n items that a query reads, k rows of its own, D floats a head. A block is a sequence: its queries alone
 * add to the gradients of its items, one after the other. */
#include "penchant/prefix.h"

#include "../base/base.h"
#include "../tile/tile.h"

#include <float.h>

struct args {
    const pn_prefix_shape *shape;
    const uint32_t *offsets, *first, *seen;
    const float *items, *own, *output, *d_output, *log_sum;
    float *out, *save, *d_items, *d_own;
    float *workspace;
    size_t member; /* floats of a thread's scores, one a key */
};

/* Keys of one query and head: n rows of items, then k of its own. */
struct keys {
    size_t n, k, D, width; /* width: H * D, from query to key to value */
    size_t own_step;       /* floats from one own row to the next */
    const float *items, *own;
    float scale;
};

PN_INLINE void add(size_t d, float factor, const float *restrict x, float *restrict y)
{
    for (size_t j = 0; j < d; ++j) y[j] += factor * x[j];
}

/* Row j of the keys, at its query part. */
PN_INLINE size_t item_at(const struct keys *c, size_t j) { return j * 3 * c->width; }
PN_INLINE size_t own_at(const struct keys *c, size_t i) { return i * c->own_step; }

PN_CLONES static float attend(const struct keys *c, float *restrict x, float *restrict out)
{
    const float *query = c->own + own_at(c, c->k - 1);
    float top = -FLT_MAX, sum = 0;
    for (size_t j = 0; j < c->n; ++j) x[j] = c->scale * pn_dot(c->D, query, c->items + item_at(c, j) + c->width);
    for (size_t i = 0; i < c->k; ++i) x[c->n + i] = c->scale * pn_dot(c->D, query, c->own + own_at(c, i) + c->width);
    for (size_t j = 0; j < c->n + c->k; ++j) top = top > x[j] ? top : x[j];
    for (size_t j = 0; j < c->n + c->k; ++j) x[j] = pn_expf(x[j] - top);
    for (size_t j = 0; j < c->n + c->k; ++j) sum += x[j];
    memset(out, 0, c->D * sizeof *out);
    for (size_t j = 0; j < c->n; ++j) add(c->D, x[j], c->items + item_at(c, j) + 2 * c->width, out);
    for (size_t i = 0; i < c->k; ++i) add(c->D, x[c->n + i], c->own + own_at(c, i) + 2 * c->width, out);
    const float by = 1 / sum;
    for (size_t j = 0; j < c->D; ++j) out[j] *= by;
    return top + pn_logf(sum);
}

/* p = exp(x - log sum);  dx = p (<dy, v> - <dy, y>) scale;  dq += dx k,  dk += dx q,  dv += p dy. */
PN_CLONES static void attend_grad(const struct keys *c, float log_sum, const float *restrict y,
                                  const float *restrict dy, float *restrict d_items, float *restrict d_own)
{
    const float *query = c->own + own_at(c, c->k - 1);
    float *d_query = d_own + own_at(c, c->k - 1);
    const float delta = pn_dot(c->D, dy, y);
    for (size_t j = 0; j < c->n + c->k; ++j) {
        const bool shared = j < c->n;
        const size_t at = shared ? item_at(c, j) : own_at(c, j - c->n);
        const float *key = (shared ? c->items : c->own) + at + c->width, *value = key + c->width;
        float *d_key = (shared ? d_items : d_own) + at + c->width, *d_value = d_key + c->width;
        const float p = pn_expf(c->scale * pn_dot(c->D, query, key) - log_sum);
        const float dx = p * (pn_dot(c->D, dy, value) - delta) * c->scale;
        add(c->D, dx, key, d_query);
        add(c->D, dx, query, d_key);
        add(c->D, p, dy, d_value);
    }
}

static struct keys keys_of(const struct args *a, size_t s, size_t m, size_t head)
{
    const pn_prefix_shape *shape = a->shape;
    const size_t width = shape->heads * shape->head_dim, at = head * shape->head_dim;
    return (struct keys){ .n = a->seen[m], .k = shape->own, .D = shape->head_dim, .width = width,
                          .own_step = shape->queries * 3 * width,
                          .items = a->items + (size_t)a->offsets[s] * 3 * width + at,
                          .own = a->own + m * 3 * width + at, .scale = shape->scale };
}

static void forward(void *context, size_t s, size_t member)
{
    const struct args *a = context;
    const size_t D = a->shape->head_dim, H = a->shape->heads;
    for (size_t m = a->first[s]; m < a->first[s + 1]; ++m)
        for (size_t h = 0; h < H; ++h) {
            const struct keys keys = keys_of(a, s, m, h);
            const float log_sum = attend(&keys, a->workspace + member * a->member, a->out + (m * H + h) * D);
            if (a->save) a->save[h * a->shape->queries + m] = log_sum;
        }
}

static void backward(void *context, size_t s, size_t member)
{
    (void)member;
    const struct args *a = context;
    const size_t D = a->shape->head_dim, H = a->shape->heads, row = 3 * H * D;
    float *d_items = a->d_items + a->offsets[s] * row;
    memset(d_items, 0, (a->offsets[s + 1] - a->offsets[s]) * row * sizeof *d_items);
    for (size_t m = a->first[s]; m < a->first[s + 1]; ++m) {
        for (size_t i = 0; i < a->shape->own; ++i)
            memset(a->d_own + (i * a->shape->queries + m) * row, 0, row * sizeof *a->d_own);
        for (size_t h = 0; h < H; ++h) {
            const struct keys keys = keys_of(a, s, m, h);
            attend_grad(&keys, a->log_sum[h * a->shape->queries + m], a->output + (m * H + h) * D,
                        a->d_output + (m * H + h) * D, d_items + h * D, a->d_own + m * row + h * D);
        }
    }
}

/* Scores of the longest prefix there can be: all rows in one sequence. */
static bool member_floats(const pn_prefix_shape *shape, size_t *floats)
{
    size_t product;
    if (shape->rows >= UINT32_MAX || shape->queries >= UINT32_MAX || shape->sequences >= UINT32_MAX) return false;
    if (!pn_mul_size(shape->heads, shape->head_dim, &product) || !pn_mul_size(product, 3 * sizeof(float), &product))
        return false;
    size_t items, own;
    if (!pn_mul_size(product, shape->rows, &items) || !pn_mul_size(product, shape->queries, &own) ||
        !pn_mul_size(own, shape->own, &own))
        return false;
    if (!pn_add_size(shape->rows, shape->own, floats) || !pn_add_size(*floats, 15, floats)) return false;
    *floats &= ~(size_t)15;
    return pn_mul_size(*floats, sizeof(float), &product);
}

size_t pn_prefix_attention_workspace(const pn_prefix_shape *shape)
{
    size_t floats, bytes;
    if (!shape || !member_floats(shape, &floats) || !pn_mul_size(floats, pn_team_size() * sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

static pn_status check(struct args *a, void *workspace, size_t bytes)
{
    const pn_prefix_shape *shape = a->shape;
    if (!member_floats(shape, &a->member) || shape->own == 0) return PN_EDIM;
    if (shape->sequences == 0) return shape->rows == 0 && shape->queries == 0 ? PN_OK : PN_EDIM;
    if (!a->offsets || !a->first || (shape->queries > 0 && !a->seen)) return PN_ENULL;
    if (!pn_ascends(shape->sequences, a->offsets, shape->rows) || !pn_ascends(shape->sequences, a->first, shape->queries))
        return PN_EDIM;
    for (size_t s = 0; s < shape->sequences; ++s)
        for (size_t m = a->first[s]; m < a->first[s + 1]; ++m)
            if (a->seen[m] > a->offsets[s + 1] - a->offsets[s]) return PN_EDIM;
    if (shape->heads == 0 || shape->head_dim == 0) return PN_OK;
    if ((shape->rows > 0 && !a->items) || (shape->queries > 0 && (!a->own || !workspace))) return PN_ENULL;
    if (shape->queries > 0 && bytes < a->member * sizeof(float)) return PN_EWORKSPACE;
    a->workspace = workspace;
    return PN_OK;
}

static pn_status run(struct args *a, size_t bytes, void (*body)(void *, size_t, size_t))
{
    if (a->shape->heads == 0 || a->shape->head_dim == 0) return PN_OK;
    const size_t members = pn_max(1, pn_min(PN_TEAM_MAX, bytes / (a->member * sizeof(float))));
    return pn_team_for_members(a->shape->sequences, members, body, a);
}

pn_status pn_prefix_attention_f32(const pn_prefix_shape *shape, const uint32_t *offsets, const uint32_t *first,
                                  const uint32_t *seen, const float *items, const float *own, float *output,
                                  float *log_sum, void *workspace, size_t workspace_bytes)
{
    if (!shape) return PN_ENULL;
    struct args a = { .shape = shape, .offsets = offsets, .first = first, .seen = seen, .items = items, .own = own,
                      .out = output, .save = log_sum };
    const pn_status status = check(&a, workspace, workspace_bytes);
    if (status != PN_OK) return status;
    if (shape->queries > 0 && !output) return PN_ENULL;
    return run(&a, workspace_bytes, forward);
}

pn_status pn_prefix_attention_grad_f32(const pn_prefix_shape *shape, const uint32_t *offsets, const uint32_t *first,
                                       const uint32_t *seen, const float *items, const float *own,
                                       const float *output, const float *log_sum, const float *d_output,
                                       float *d_items, float *d_own, void *workspace, size_t workspace_bytes)
{
    if (!shape) return PN_ENULL;
    struct args a = { .shape = shape, .offsets = offsets, .first = first, .seen = seen, .items = items, .own = own,
                      .output = output, .log_sum = log_sum, .d_output = d_output, .d_items = d_items,
                      .d_own = d_own };
    const pn_status status = check(&a, workspace, workspace_bytes);
    if (status != PN_OK) return status;
    if ((shape->rows > 0 && !d_items) || (shape->queries > 0 && (!output || !log_sum || !d_output || !d_own)))
        return PN_ENULL;
    return run(&a, workspace_bytes, backward);
}
