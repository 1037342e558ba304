/* A group of sequences goes through all layers on one thread, so its rows stay in that thread's cache and
 * threads meet only at the end. Groups are cut by tokens: about GROUP of them, never inside a sequence.
 *
 * d width, f inner width, R rows (tokens) of a group. */
#include "penchant/encoder.h"

#include "lanes.h"
#include "penchant/gemm.h"
#include "penchant/norm.h"
#include "penchant/sequence.h"

#include <math.h>
#include <string.h>

/* With d = 384 the hidden rows of a group take 0.8 MiB, most of a second-level cache. */
enum { GROUP = 128 };

/* Offsets into the memory of one thread, in bytes, and its size. */
struct plan {
    size_t rows; /* at most, a group */
    size_t x, wide, context, offsets, scratch, scratch_bytes, total;
};

static bool place(size_t *at, size_t bytes, size_t *where)
{
    *where = *at;
    size_t end;
    if (!pn_add_size(bytes, 63, &bytes) || !pn_add_size(*at, bytes & ~(size_t)63, &end)) return false;
    *at = end;
    return true;
}

static bool place_floats(size_t *at, size_t rows, size_t columns, size_t *where)
{
    size_t bytes;
    return pn_mul_size(rows, columns, &bytes) && pn_mul_size(bytes, sizeof(float), &bytes) &&
           place(at, bytes, where);
}

static pn_sequence_shape attention_shape(const pn_encoder_shape *s, size_t sequences, size_t longest)
{
    const size_t head = s->width / s->heads;
    return (pn_sequence_shape){ .sequences = sequences,
                                .length = longest,
                                .heads = s->heads,
                                .head_dim = head,
                                .qkv_row = 3 * s->width,
                                .out_row = s->width,
                                .scale = 1.0f / sqrtf((float)head) };
}

/* What one thread needs: asked for with a team of one, whatever team runs later. */
static size_t scratch_bytes(const pn_encoder_shape *s, size_t rows, size_t longest)
{
    const size_t team = pn_team_use(1);
    const size_t d = s->width, f = s->inner;
    const pn_sequence_shape attention = attention_shape(s, GROUP, longest);
    size_t bytes = pn_sequence_attention_workspace(&attention);
    bytes = pn_max(bytes, pn_gemm_packed_workspace(PN_NO_TRANS, rows, 3 * d, d));
    bytes = pn_max(bytes, pn_gemm_packed_workspace(PN_NO_TRANS, rows, d, d));
    bytes = pn_max(bytes, pn_gemm_packed_workspace(PN_NO_TRANS, rows, f, d));
    bytes = pn_max(bytes, pn_gemm_packed_workspace(PN_NO_TRANS, rows, d, f));
    pn_team_use(team);
    return bytes;
}

static bool make_plan(const pn_encoder_shape *s, size_t longest, struct plan *plan)
{
    size_t at = 0, three;
    plan->rows = pn_max(GROUP, longest);
    if (!pn_mul_size(s->width, 3, &three)) return false;
    plan->scratch_bytes = scratch_bytes(s, plan->rows, longest);
    if (!place_floats(&at, plan->rows, s->width, &plan->x)) return false;
    /* Queries, keys and values are done with when the hidden rows come. */
    if (!place_floats(&at, plan->rows, pn_max(three, s->inner), &plan->wide)) return false;
    if (!place_floats(&at, plan->rows, s->width, &plan->context)) return false;
    if (!place(&at, (GROUP + 1) * sizeof(uint32_t), &plan->offsets)) return false;
    if (!place(&at, plan->scratch_bytes, &plan->scratch)) return false;
    plan->total = at;
    return true;
}

static pn_status check_shape(const pn_encoder_shape *s)
{
    if (!s) return PN_ENULL;
    if (s->width == 0 || s->heads == 0 || s->width % s->heads != 0 || s->inner == 0) return PN_EVALUE;
    if (!(s->epsilon >= 0)) return PN_EVALUE;
    return PN_OK;
}

/* The first sequence of every group, then the memory of each thread. */
static bool starts_bytes(size_t sequences, size_t *bytes)
{
    size_t count, at = 0, where;
    return pn_add_size(sequences, 1, &count) && pn_mul_size(count, sizeof(size_t), bytes) &&
           place(&at, *bytes, &where) && (*bytes = at, true);
}

size_t pn_encoder_workspace(const pn_encoder_shape *shape, size_t sequences, size_t longest)
{
    struct plan plan;
    size_t starts, bytes;
    if (check_shape(shape) != PN_OK || !make_plan(shape, longest, &plan)) return SIZE_MAX;
    if (!starts_bytes(sequences, &starts)) return SIZE_MAX;
    if (!pn_mul_size(plan.total, pn_min(pn_team_size(), pn_max(sequences, 1)), &bytes)) return SIZE_MAX;
    if (!pn_add_size(bytes, starts, &bytes) || !pn_add_size(bytes, 64, &bytes)) return SIZE_MAX;
    return bytes;
}

/* y = x / its length, for one row; a row of zeros stays. */
static void normalise_row(size_t d, float *x)
{
    double squares = 0;
    for (size_t i = 0; i < d; ++i) squares += (double)x[i] * (double)x[i];
    if (!(squares > 0)) return;
    const double factor = 1.0 / sqrt(squares);
    for (size_t i = 0; i < d; ++i) x[i] = (float)((double)x[i] * factor);
}

PN_CLONES static void embed_rows(size_t rows, size_t d, const uint32_t *tokens, const float *restrict words,
                                 const float *restrict positions, float *restrict x)
{
    for (size_t r = 0; r < rows; ++r, x += d) {
        const float *word = words + (size_t)tokens[r] * d, *position = positions + r * d;
        for (size_t i = 0; i < d; ++i) x[i] = word[i] + position[i];
    }
}

PN_CLONES static void mean_rows(size_t rows, size_t d, const float *restrict x, float *restrict mean)
{
    for (size_t i = 0; i < d; i += 8) {
        double sums[8] = { 0 };
        const size_t columns = pn_min(8, d - i);
        for (size_t r = 0; r < rows; ++r) {
            for (size_t c = 0; c < columns; ++c) sums[c] += (double)x[r * d + i + c];
        }
        for (size_t c = 0; c < columns; ++c) mean[i + c] = (float)(sums[c] / (double)rows);
    }
}

struct args {
    const pn_encoder_shape *shape;
    const pn_encoder_weights *weights;
    const uint32_t *offsets, *tokens;
    const size_t *starts; /* [groups + 1], sequences */
    pn_encoder_pooling pooling;
    bool normalise;
    float *output;
    struct plan plan;
    char *memory;
    _Atomic int status;
};

/* c = act(a W^T + bias) or, with add, c = c + a W^T + bias. */
static pn_status linear(size_t rows, size_t out, size_t in, const float *a, const void *packed,
                        const float *bias, pn_activation activation, bool add, float *c, void *scratch,
                        size_t scratch_bytes)
{
    const pn_gemm_epilogue epilogue = { .column_bias = bias, .activation = activation };
    return pn_gemm_packed_f32(PN_NO_TRANS, rows, out, in, 1.0f, a, in, packed, add ? 1.0f : 0.0f, c, out,
                              &epilogue, scratch, scratch_bytes);
}

static pn_status norm_rows(const pn_encoder_shape *s, size_t rows, const float *scale, const float *shift,
                           float *x)
{
    return pn_layer_norm_f32(rows, s->width, s->epsilon, x, NULL, scale, shift, x, NULL, NULL, NULL);
}

static pn_status run_layer(const struct args *a, const pn_encoder_layer *w, size_t rows,
                           const pn_sequence_shape *attention, char *memory)
{
    const size_t d = a->shape->width, f = a->shape->inner, bytes = a->plan.scratch_bytes;
    float *x = (float *)(void *)(memory + a->plan.x);
    float *wide = (float *)(void *)(memory + a->plan.wide);
    float *context = (float *)(void *)(memory + a->plan.context);
    const uint32_t *offsets = (const uint32_t *)(const void *)(memory + a->plan.offsets);
    void *scratch = memory + a->plan.scratch;
    pn_status status =
        linear(rows, 3 * d, d, x, w->qkv, w->qkv_bias, PN_ACT_NONE, false, wide, scratch, bytes);
    if (status != PN_OK) return status;
    status = pn_sequence_attention_f32(attention, offsets, NULL, wide, wide + d, wide + 2 * d, context, NULL,
                                       scratch, bytes);
    if (status != PN_OK) return status;
    status = linear(rows, d, d, context, w->out, w->out_bias, PN_ACT_NONE, true, x, scratch, bytes);
    if (status != PN_OK) return status;
    status = norm_rows(a->shape, rows, w->norm1_scale, w->norm1_shift, x);
    if (status != PN_OK) return status;
    status = linear(rows, f, d, x, w->up, w->up_bias, a->shape->activation, false, wide, scratch, bytes);
    if (status != PN_OK) return status;
    status = linear(rows, d, f, wide, w->down, w->down_bias, PN_ACT_NONE, true, x, scratch, bytes);
    if (status != PN_OK) return status;
    return norm_rows(a->shape, rows, w->norm2_scale, w->norm2_shift, x);
}

static pn_status run_group(const struct args *a, size_t first, size_t end, char *memory)
{
    const size_t d = a->shape->width, base = a->offsets[first];
    const size_t rows = a->offsets[end] - base;
    float *x = (float *)(void *)(memory + a->plan.x);
    uint32_t *offsets = (uint32_t *)(void *)(memory + a->plan.offsets);
    size_t longest = 0;
    for (size_t s = first; s < end; ++s) {
        const size_t start = a->offsets[s], length = a->offsets[s + 1] - start;
        offsets[s - first] = (uint32_t)(start - base);
        longest = pn_max(longest, length);
        embed_rows(length, d, a->tokens + start, a->weights->words, a->weights->positions,
                   x + (start - base) * d);
    }
    offsets[end - first] = (uint32_t)rows;
    pn_status status = norm_rows(a->shape, rows, a->weights->norm_scale, a->weights->norm_shift, x);
    if (status != PN_OK) return status;
    const pn_sequence_shape attention = attention_shape(a->shape, end - first, longest);
    for (size_t l = 0; rows > 0 && l < a->shape->layers; ++l) {
        status = run_layer(a, &a->weights->layers[l], rows, &attention, memory);
        if (status != PN_OK) return status;
    }
    for (size_t s = first; s < end; ++s) {
        const size_t length = a->offsets[s + 1] - a->offsets[s];
        const float *of_s = x + (a->offsets[s] - base) * d;
        float *to = a->output + s * d;
        if (length == 0) memset(to, 0, d * sizeof *to);
        else if (a->pooling == PN_POOL_FIRST) memcpy(to, of_s, d * sizeof *to);
        else mean_rows(length, d, of_s, to);
        if (a->normalise) normalise_row(d, to);
    }
    return PN_OK;
}

static void group(void *context, size_t g, size_t me)
{
    struct args *a = context;
    const pn_status status = run_group(a, a->starts[g], a->starts[g + 1], a->memory + me * a->plan.total);
    if (status != PN_OK) a->status = (int)status;
}

/* Checks offsets and tokens; *longest is the longest sequence. */
static pn_status check_tokens(const pn_encoder_shape *s, size_t sequences, const uint32_t *offsets,
                              const uint32_t *tokens, size_t *longest)
{
    *longest = 0;
    if (offsets[0] != 0) return PN_EDIM;
    for (size_t i = 0; i < sequences; ++i) {
        if (offsets[i + 1] < offsets[i] || offsets[i + 1] - offsets[i] > s->positions) return PN_EDIM;
        *longest = pn_max(*longest, offsets[i + 1] - offsets[i]);
    }
    for (size_t t = 0; t < offsets[sequences]; ++t) {
        if (tokens[t] >= s->vocabulary) return PN_EINDEX;
    }
    return PN_OK;
}

static size_t cut_groups(size_t sequences, const uint32_t *offsets, size_t *starts)
{
    size_t groups = 0, first = 0;
    starts[0] = 0;
    for (size_t s = 1; s <= sequences; ++s) {
        if (s < sequences && s - first < GROUP && offsets[s + 1] - offsets[first] <= GROUP) continue;
        starts[++groups] = first = s;
    }
    return groups;
}

pn_status pn_encoder_f32(const pn_encoder_shape *shape, size_t sequences, pn_encoder_pooling pooling,
                         bool normalise, const uint32_t *offsets, const uint32_t *tokens,
                         const pn_encoder_weights *weights, float *output, void *workspace,
                         size_t workspace_bytes)
{
    pn_status status = check_shape(shape);
    if (status != PN_OK || sequences == 0) return status;
    if (!offsets || !weights || !output || !workspace) return PN_ENULL;
    if (!weights->words || !weights->positions) return PN_ENULL;
    if (!weights->norm_scale || !weights->norm_shift) return PN_ENULL;
    if ((shape->layers > 0 && !weights->layers) || (offsets[sequences] > 0 && !tokens)) return PN_ENULL;
    size_t longest, starts;
    status = check_tokens(shape, sequences, offsets, tokens, &longest);
    if (status != PN_OK) return status;
    struct args a = { shape, weights, offsets, tokens, NULL, pooling, normalise, output, { 0 }, NULL, PN_OK };
    if (!make_plan(shape, longest, &a.plan) || !starts_bytes(sequences, &starts)) return PN_EDIM;
    const uintptr_t from = ((uintptr_t)workspace + 63) & ~(uintptr_t)63;
    const size_t lost = from - (uintptr_t)workspace;
    if (workspace_bytes < lost || workspace_bytes - lost < starts ||
        workspace_bytes - lost - starts < a.plan.total) {
        return PN_EWORKSPACE;
    }
    a.memory = (char *)workspace + lost + starts;
    size_t *list = (size_t *)(void *)((char *)workspace + lost);
    a.starts = list;
    const size_t groups = cut_groups(sequences, offsets, list);
    const size_t members = (workspace_bytes - lost - starts) / a.plan.total;
    status = pn_team_for_members(groups, members, group, &a);
    return status != PN_OK ? status : (pn_status)a.status;
}
