/* Letters: L rows of a sequence that take part, D floats a head; a panel is up to 64 queries.
 *
 * Queries are lanes. Scores of a panel lie as [key][query], so the softmax over keys runs down a lane and needs no
 * shuffles; queries and gradients of outputs are turned, the products read everything else by rows. Causal panels
 * skip whole vectors of queries that come before a key. */
#include "penchant/sequence.h"

#include "../tile/tile.h"

#include <float.h>

#define WIDTH PN_TILE_WIDTH

struct args {
    const pn_sequence_shape *shape;
    size_t rows; /* of all sequences */
    const uint32_t *offsets;
    const uint8_t *mask;
    const float *query, *key, *value, *output, *d_output, *log_sum;
    float *out, *save, *d_query, *d_key, *d_value;
    pn_tile tile;
    char *workspace;
    size_t member;
};

/* ---- memory of a thread ---------------------------------------------------------------------------------- */

struct scratch {
    uint32_t *index;           /* [L] rows that take part */
    float *query_t, *d_out_t;  /* [D][64] */
    float *scores, *d_scores;  /* [L][64] */
    float *q, *k, *v, *d_out;  /* [L][D padded] */
    float *d_k, *d_v, *panel;  /* [L][D padded], [64][D padded] */
};

static bool lay_out(const pn_sequence_shape *shape, bool gradient, char *base, struct scratch *s, size_t *bytes)
{
    const size_t L = shape->length, D = shape->head_dim;
    if (L > UINT32_MAX || D > SIZE_MAX - PN_LANES) return false;
    const size_t Dp = pn_lanes(D);
    bool ok = true;
    *bytes = 0;
#define TAKE(type, name, a, b) (s->name = (type *)(base ? base + *bytes : NULL), ok = ok && pn_add_part(bytes, a, b, sizeof(type)))
    TAKE(uint32_t, index, L, 1);
    TAKE(float, query_t, D, WIDTH);
    TAKE(float, scores, L, WIDTH);
    TAKE(float, k, L, Dp);
    TAKE(float, v, L, Dp);
    TAKE(float, panel, WIDTH, Dp);
    if (gradient) {
        TAKE(float, d_out_t, D, WIDTH);
        TAKE(float, d_scores, L, WIDTH);
        TAKE(float, q, L, Dp);
        TAKE(float, d_out, L, Dp);
        TAKE(float, d_k, L, Dp);
        TAKE(float, d_v, L, Dp);
    }
#undef TAKE
    return ok;
}

static size_t workspace(const pn_sequence_shape *shape, bool gradient)
{
    struct scratch s;
    size_t bytes;
    if (!shape || !lay_out(shape, gradient, NULL, &s, &bytes) || !pn_mul_size(bytes, pn_team_size(), &bytes))
        return SIZE_MAX;
    return bytes;
}

size_t pn_sequence_attention_workspace(const pn_sequence_shape *shape) { return workspace(shape, false); }

size_t pn_sequence_attention_grad_workspace(const pn_sequence_shape *shape) { return workspace(shape, true); }

/* ---- rows of a block ------------------------------------------------------------------------------------- */

/* The part of a sequence that takes part: L rows from `first`, or the rows of `index`. */
struct part {
    size_t L, first;
    bool holes;
};

static struct part find_part(const struct args *a, size_t begin, size_t end, uint32_t *index)
{
    if (!a->mask) return (struct part){ end - begin, begin, false };
    size_t count = 0;
    for (size_t t = begin; t < end; ++t)
        if (a->mask[t]) index[count++] = (uint32_t)(t - begin);
    const bool holes = count > 0 && index[count - 1] - index[0] + 1 != count;
    const size_t first = begin + (count && !holes ? index[0] : 0);
    return (struct part){ count, first, holes };
}

/* Row i of the part. */
PN_INLINE size_t row_of(const struct part *part, const uint32_t *index, size_t i)
{
    return part->first + (part->holes ? index[i] : i);
}

/* A copy with whole vectors and no gaps: rows of a fused projection lie a multiple of 512 bytes apart, which leaves
 * them few sets of L1, and each is read many times. */
static void bring(const struct part *part, const uint32_t *index, size_t D, const float *from, size_t row, float *copy)
{
    const size_t Dp = pn_lanes(D);
    for (size_t i = 0; i < part->L; ++i) {
        memcpy(copy + i * Dp, from + row_of(part, index, i) * row, D * sizeof *copy);
        if (Dp > D) memset(copy + i * Dp + D, 0, (Dp - D) * sizeof *copy);
    }
}

static void take_back(const struct part *part, const uint32_t *index, size_t first, size_t count, size_t D,
                      const float *copy, float *to, size_t row)
{
    const size_t Dp = pn_lanes(D);
    for (size_t i = 0; i < count; ++i)
        memcpy(to + row_of(part, index, first + i) * row, copy + i * Dp, D * sizeof *to);
}

static void clear_dropped(const struct args *a, size_t begin, size_t end, size_t D, float *to, size_t row)
{
    if (!a->mask) return;
    for (size_t t = begin; t < end; ++t)
        if (!a->mask[t]) memset(to + t * row, 0, D * sizeof *to);
}

/* C (+)= A B over all columns of a head. */
static void product(const struct args *a, size_t rows, size_t D, size_t depth, const float *left, size_t left_row,
                    size_t left_step, const float *right, float *to, size_t to_row, bool add)
{
    const size_t Dp = pn_lanes(D);
    for (size_t j = 0; j < Dp; j += WIDTH)
        a->tile(rows, pn_min(WIDTH, Dp - j) / PN_LANES, depth, left, left_row, left_step, right + j, Dp,
                to + j, to_row, add);
}

/* ---- panels ---------------------------------------------------------------------------------------------- */

/* Keys that query i of a panel that starts at `first` may see, for the vector of lanes that i is in. */
PN_INLINE size_t depth_of(bool causal, size_t L, size_t first, size_t lane)
{
    return causal ? pn_min(L, first + lane / PN_LANES * PN_LANES + PN_LANES) : L;
}

/* to[key][lane] = <left key, turned lane>. A causal panel leaves out vectors that lie wholly before the key. */
static void scores(const struct args *a, size_t L, size_t D, size_t first, size_t lanes, const float *left,
                   const float *turned, float *to)
{
    const size_t before = a->shape->causal ? first : L, row = pn_lanes(D);
    a->tile(pn_min(before, L), lanes / PN_LANES, D, left, row, 1, turned, WIDTH, to, WIDTH, false);
    for (size_t c = 0; c < lanes && before + c < L; c += PN_LANES)
        a->tile(pn_min(PN_LANES, L - before - c), (lanes - c) / PN_LANES, D, left + (before + c) * row, row, 1,
                turned + c, WIDTH, to + (before + c) * WIDTH + c, WIDTH, false);
}

/* Keys after their query, in the square where both lie. */
static void drop_later(size_t L, size_t first, size_t lane, float with, float *x)
{
    for (size_t key = first + lane + 1; key < pn_min(L, first + lane + PN_LANES); ++key)
        for (size_t l = lane; l < key - first; ++l) x[key * WIDTH + l] = with;
}

/* Sixteen queries: exp(x - maximum) in place, the maximum and the sum. */
PN_CLONES static void softmax(size_t keys, float *restrict x, float *restrict top, float *restrict sum)
{
    for (size_t l = 0; l < PN_LANES; ++l) top[l] = -FLT_MAX, sum[l] = 0;
    for (size_t j = 0; j < keys; ++j)
        for (size_t l = 0; l < PN_LANES; ++l) top[l] = top[l] > x[j * WIDTH + l] ? top[l] : x[j * WIDTH + l];
    for (size_t j = 0; j < keys; ++j)
        for (size_t l = 0; l < PN_LANES; ++l) {
            const float e = pn_expf(x[j * WIDTH + l] - top[l]);
            x[j * WIDTH + l] = e;
            sum[l] += e;
        }
}

PN_CLONES static void divide_rows(size_t count, size_t D, const float *restrict sum, float *restrict x, size_t row)
{
    for (size_t i = 0; i < count; ++i) {
        const float by = 1 / sum[i];
        for (size_t j = 0; j < D; ++j) x[i * row + j] *= by;
    }
}

/* Probabilities from saved sums, and the gradient of the scores:  p = exp(x - log sum),  g = p (g - delta) scale. */
PN_CLONES static void score_gradients(size_t keys, float scale, const float *restrict log_sum,
                                      const float *restrict delta, float *restrict x, float *restrict g)
{
    for (size_t j = 0; j < keys; ++j)
        for (size_t l = 0; l < PN_LANES; ++l) {
            const float p = pn_expf(x[j * WIDTH + l] - log_sum[l]);
            x[j * WIDTH + l] = p;
            g[j * WIDTH + l] = p * (g[j * WIDTH + l] - delta[l]) * scale;
        }
}

PN_CLONES static float dot(size_t d, const float *restrict x, const float *restrict y) { return pn_dot(d, x, y); }

static void extent(const struct args *a, size_t s, size_t *begin, size_t *end)
{
    *begin = a->offsets ? a->offsets[s] : s * a->shape->length;
    *end = a->offsets ? a->offsets[s + 1] : *begin + a->shape->length;
}

static void forward(void *context, size_t block, size_t member)
{
    const struct args *a = context;
    const pn_sequence_shape *shape = a->shape;
    const size_t D = shape->head_dim, head = block % shape->heads, at = head * D;
    size_t begin, end, bytes;
    extent(a, block / shape->heads, &begin, &end);
    struct scratch s;
    lay_out(shape, false, a->workspace + member * a->member, &s, &bytes);
    const struct part part = find_part(a, begin, end, s.index);
    const size_t L = part.L;
    const uint32_t *index = part.holes ? s.index : NULL;
    bring(&part, index, D, a->key + at, shape->qkv_row, s.k);
    bring(&part, index, D, a->value + at, shape->qkv_row, s.v);
    const bool in_place = !part.holes && D % PN_LANES == 0;

    for (size_t first = 0; first < L; first += WIDTH) {
        const size_t count = pn_min(WIDTH, L - first), lanes = pn_lanes(count);
        const size_t keys = shape->causal ? pn_min(L, first + lanes) : L;
        pn_tile_turn(count, D, shape->scale, a->query + at + (part.first + (index ? 0 : first)) * shape->qkv_row,
                     shape->qkv_row, index ? index + first : NULL, s.query_t, WIDTH);
        scores(a, keys, D, first, lanes, s.k, s.query_t, s.scores);
        for (size_t c = 0; c < count; c += PN_LANES) {
            const size_t some = pn_min(PN_LANES, count - c), depth = depth_of(shape->causal, L, first, c);
            float top[PN_LANES], sum[PN_LANES];
            if (shape->causal) drop_later(L, first, c, -INFINITY, s.scores);
            softmax(depth, s.scores + c, top, sum);
            float *to = in_place ? a->out + at + (part.first + first + c) * shape->out_row : s.panel;
            const size_t row = in_place ? shape->out_row : pn_lanes(D);
            product(a, some, D, depth, s.scores + c, 1, WIDTH, s.v, to, row, false);
            divide_rows(some, D, sum, to, row);
            if (!in_place) take_back(&part, index, first + c, some, D, to, a->out + at, shape->out_row);
            for (size_t l = 0; a->save && l < some; ++l)
                a->save[head * a->rows + row_of(&part, index, first + c + l)] = top[l] + pn_logf(sum[l]);
        }
    }
    clear_dropped(a, begin, end, D, a->out + at, shape->out_row);
    for (size_t t = begin; a->save && a->mask && t < end; ++t)
        if (!a->mask[t]) a->save[head * a->rows + t] = -INFINITY;
}

static void backward(void *context, size_t block, size_t member)
{
    const struct args *a = context;
    const pn_sequence_shape *shape = a->shape;
    const size_t D = shape->head_dim, Dp = pn_lanes(D), head = block % shape->heads, at = head * D;
    size_t begin, end, bytes;
    extent(a, block / shape->heads, &begin, &end);
    struct scratch s;
    lay_out(shape, true, a->workspace + member * a->member, &s, &bytes);
    const struct part part = find_part(a, begin, end, s.index);
    const size_t L = part.L, row = shape->qkv_row;
    const uint32_t *index = part.holes ? s.index : NULL;
    bring(&part, index, D, a->query + at, row, s.q);
    bring(&part, index, D, a->key + at, row, s.k);
    bring(&part, index, D, a->value + at, row, s.v);
    bring(&part, index, D, a->d_output + at, shape->out_row, s.d_out);
    const bool in_place = !part.holes && D % PN_LANES == 0;
    float *d_k = in_place ? a->d_key + at + part.first * row : s.d_k;
    float *d_v = in_place ? a->d_value + at + part.first * row : s.d_v;
    const size_t to_row = in_place ? row : Dp;

    /* The last panel first: it sees every key, so it writes where the others add. */
    const size_t panels = pn_ceil_div(L, WIDTH);
    for (size_t p = panels; p-- > 0;) {
        const size_t first = p * WIDTH, count = pn_min(WIDTH, L - first), lanes = pn_lanes(count);
        const size_t keys = shape->causal ? pn_min(L, first + lanes) : L;
        const bool add = p + 1 < panels;
        pn_tile_turn(count, D, shape->scale, s.q + first * Dp, Dp, NULL, s.query_t, WIDTH);
        pn_tile_turn(count, D, 1, s.d_out + first * Dp, Dp, NULL, s.d_out_t, WIDTH);
        scores(a, keys, D, first, lanes, s.k, s.query_t, s.scores);
        scores(a, keys, D, first, lanes, s.v, s.d_out_t, s.d_scores);
        for (size_t c = 0; c < count; c += PN_LANES) {
            const size_t some = pn_min(PN_LANES, count - c), depth = depth_of(shape->causal, L, first, c);
            float log_sum[PN_LANES] = { 0 }, delta[PN_LANES] = { 0 };
            for (size_t l = 0; l < some; ++l) {
                const size_t t = row_of(&part, index, first + c + l);
                log_sum[l] = a->log_sum[head * a->rows + t];
                delta[l] = dot(D, s.d_out + (first + c + l) * Dp, a->output + at + t * shape->out_row);
            }
            if (shape->causal) drop_later(L, first, c, -INFINITY, s.scores), drop_later(L, first, c, 0, s.d_scores);
            score_gradients(depth, shape->scale, log_sum, delta, s.scores + c, s.d_scores + c);
            float *to = in_place ? a->d_query + at + (part.first + first + c) * row : s.panel;
            product(a, some, D, depth, s.d_scores + c, 1, WIDTH, s.k, to, to_row, false);
            if (!in_place) take_back(&part, index, first + c, some, D, to, a->d_query + at, row);
        }
        /* Keys before the panel see all of its queries; those inside, the queries from their own vector on. */
        const size_t before = shape->causal ? pn_min(first, L) : keys;
        const float *g = s.d_out + first * Dp, *q = s.q + first * Dp;
        product(a, before, D, count, s.scores, WIDTH, 1, g, d_v, to_row, add);
        product(a, before, D, count, s.d_scores, WIDTH, 1, q, d_k, to_row, add);
        for (size_t c = 0; c < count && before + c < keys; c += PN_LANES) {
            const size_t key = before + c, some = pn_min(PN_LANES, keys - key), left = key * WIDTH + c;
            product(a, some, D, count - c, s.scores + left, WIDTH, 1, g + c * Dp, d_v + key * to_row, to_row, add);
            product(a, some, D, count - c, s.d_scores + left, WIDTH, 1, q + c * Dp, d_k + key * to_row, to_row, add);
        }
    }
    if (!in_place) {
        take_back(&part, index, 0, L, D, d_k, a->d_key + at, row);
        take_back(&part, index, 0, L, D, d_v, a->d_value + at, row);
    }
    clear_dropped(a, begin, end, D, a->d_query + at, row);
    clear_dropped(a, begin, end, D, a->d_key + at, row);
    clear_dropped(a, begin, end, D, a->d_value + at, row);
}

/* ---- calls ----------------------------------------------------------------------------------------------- */

static pn_status check(struct args *a, bool gradient, void *memory, size_t bytes)
{
    const pn_sequence_shape *shape = a->shape;
    size_t width, rows, size;
    if (!pn_mul_size(shape->heads, shape->head_dim, &width) || shape->qkv_row < width || shape->out_row < width)
        return PN_EDIM;
    if (!pn_mul_size(shape->sequences, shape->length, &rows) || shape->length > UINT32_MAX) return PN_EDIM;
    if (a->offsets) {
        if (a->offsets[0] != 0) return PN_EDIM;
        for (size_t i = 0; i < shape->sequences; ++i)
            if (a->offsets[i + 1] < a->offsets[i] || a->offsets[i + 1] - a->offsets[i] > shape->length)
                return PN_EDIM;
        rows = a->offsets[shape->sequences];
    }
    if (!pn_mul_size(rows, shape->qkv_row, &size) || !pn_mul_size(size, sizeof(float), &size) ||
        !pn_mul_size(rows, shape->out_row, &size) || !pn_mul_size(size, sizeof(float), &size))
        return PN_EDIM;
    a->rows = rows;
    struct scratch s;
    if (!lay_out(shape, gradient, NULL, &s, &a->member)) return PN_EDIM;
    if (rows == 0 || width == 0) return PN_OK;
    if (!memory || !a->query || !a->key || !a->value) return PN_ENULL;
    if (bytes < a->member) return PN_EWORKSPACE;
    a->workspace = memory;
    a->tile = pn_tile_here();
    return PN_OK;
}

static pn_status run(struct args *a, size_t bytes, void (*body)(void *, size_t, size_t))
{
    if (a->rows == 0 || a->shape->heads == 0 || a->shape->head_dim == 0) return PN_OK;
    return pn_team_for_members(a->shape->sequences * a->shape->heads, pn_min(PN_TEAM_MAX, bytes / a->member), body,
                               a);
}

pn_status pn_sequence_attention_f32(const pn_sequence_shape *shape, const uint32_t *offsets, const uint8_t *mask,
                                    const float *query, const float *key, const float *value, float *output,
                                    float *log_sum, void *workspace, size_t workspace_bytes)
{
    if (!shape) return PN_ENULL;
    struct args a = { .shape = shape, .offsets = offsets, .mask = mask, .query = query, .key = key, .value = value,
                      .out = output, .save = log_sum };
    const pn_status status = check(&a, false, workspace, workspace_bytes);
    if (status != PN_OK) return status;
    if (a.workspace && !output) return PN_ENULL;
    return run(&a, workspace_bytes, forward);
}

pn_status pn_sequence_attention_grad_f32(const pn_sequence_shape *shape, const uint32_t *offsets,
                                         const uint8_t *mask, const float *query, const float *key,
                                         const float *value, const float *output, const float *log_sum,
                                         const float *d_output, float *d_query, float *d_key, float *d_value,
                                         void *workspace, size_t workspace_bytes)
{
    if (!shape) return PN_ENULL;
    struct args a = { .shape = shape, .offsets = offsets, .mask = mask, .query = query, .key = key, .value = value,
                      .output = output, .log_sum = log_sum, .d_output = d_output, .d_query = d_query,
                      .d_key = d_key, .d_value = d_value };
    const pn_status status = check(&a, true, workspace, workspace_bytes);
    if (status != PN_OK) return status;
    if (a.workspace && (!output || !log_sum || !d_output || !d_query || !d_key || !d_value)) return PN_ENULL;
    return run(&a, workspace_bytes, backward);
}
