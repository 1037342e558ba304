/* Checks, sizes and the padded copy of the parameters that every call of the family begins with. */
#include "job.h"

static bool multiply3(size_t a, size_t b, size_t c, size_t *product)
{
    return pn_mul_size(a, b, product) && pn_mul_size(*product, c, product);
}

static bool row_length(const pn_palette_shape *s, size_t *length)
{
    return pn_add_size(s->rank, s->content, length) &&
           pn_add_size(*length, s->form == PN_PALETTE_SIGNED ? s->attributes : 0, length);
}

size_t pn_palette_parameters(const pn_palette_shape *s)
{
    size_t row, query, keys, rows, count;
    if (!s || s->communities == SIZE_MAX || !row_length(s, &row) || !pn_mul_size(s->rank, s->content, &query) ||
        !pn_mul_size(s->rank, s->width, &keys) || !pn_mul_size(row, s->communities + 1, &rows) ||
        !pn_add_size(query, keys, &count) || !pn_add_size(count, rows, &count) ||
        !pn_add_size(count, s->rank, &count) || !pn_add_size(count, 1, &count))
        return SIZE_MAX;
    return count;
}

bool palette_model_floats(const pn_palette_shape *s, size_t *floats)
{
    size_t row, wide, rows, part;
    if (!row_length(s, &row) || !pn_add_size(s->content, s->width, &wide) || !pn_add_size(wide, 1, &wide) ||
        s->rank > SIZE_MAX - 16 || !pn_mul_size(wide, palette_up16(s->rank), &part) ||
        !pn_mul_size(row, pn_max(s->communities, 1), &rows) || !pn_add_size(part, rows, floats) ||
        !pn_add_size(*floats, 64, floats))
        return false;
    return true;
}

bool palette_text_floats(const pn_palette_shape *s, size_t *floats)
{
    size_t wide, part;
    if (s->rank > SIZE_MAX - 16 || s->attributes > SIZE_MAX - 16 ||
        !pn_add_size(palette_up16(s->rank), s->width, &wide) || !pn_add_size(wide, 4, &wide) ||
        !pn_mul_size(wide, palette_up16(s->attributes), &part) ||
        !pn_add_size(part, palette_up16(s->rank), floats))
        return false;
    return true;
}

void palette_text_place(const struct palette_model *p, float **at, struct palette_text *t)
{
    *t = (struct palette_text){ 0 };
    float *next = *at;
    t->tanh = next;
    next += p->K16 * p->R;
    t->tile = next;
    next += p->K16 * p->m;
    t->query = next;
    next += p->R;
    t->alpha = next;
    next += p->K16;
    t->value = next;
    next += p->K16;
    t->slope = next;
    next += p->K16;
    t->kept = (uint32_t *)next;
    *at = next + p->K16;
}

pn_status palette_check(const pn_palette_shape *s, const pn_palette_texts *texts, bool use, struct palette_model *p)
{
    if (!s || !texts) return PN_ENULL;
    if (s->form != PN_PALETTE_PAPER && s->form != PN_PALETTE_SIGNED) return PN_EVALUE;
    if (!s->content || !s->attributes || !s->width || !s->rank || s->attributes > UINT32_MAX) return PN_EDIM;
    if (s->form == PN_PALETTE_PAPER && s->content != s->width) return PN_EDIM;
    size_t cells, row;
    if (pn_palette_parameters(s) == SIZE_MAX || !multiply3(texts->count, s->attributes, s->width, &cells) ||
        !pn_mul_size(cells, sizeof(float), &cells) || !multiply3(texts->count, s->content, sizeof(float), &cells) ||
        !row_length(s, &row))
        return PN_EDIM;
    if (texts->count && (!texts->h || (use && !texts->E && !texts->E16) ||
                         (use && s->form == PN_PALETTE_SIGNED && !texts->s)))
        return PN_ENULL;
    *p = (struct palette_model){ .is_signed = s->form == PN_PALETTE_SIGNED, .use = use, .N = texts->count,
                                 .d = s->content, .K = s->attributes, .m = s->width, .r = s->rank,
                                 .C = s->communities, .R = palette_up16(s->rank), .K16 = palette_up16(s->attributes),
                                 .L = row, .h = texts->h, .E = texts->E, .E16 = texts->E16, .s = texts->s,
                                 .mask = texts->mask };
    return PN_OK;
}

void palette_model_place(struct palette_model *p, const float *parameters, float **at)
{
    const float *query = parameters, *key = query + p->r * p->d, *score = key + p->r * p->m;
    const float *shared = score + p->r + 1;
    float *query_t = *at, *key_t = query_t + p->d * p->R, *padded = key_t + p->m * p->R, *rows = padded + p->R;
    memset(query_t, 0, (p->d + p->m + 1) * p->R * sizeof(float));
    for (size_t k = 0; k < p->r; ++k) {
        for (size_t j = 0; j < p->d; ++j) query_t[j * p->R + k] = query[k * p->d + j];
        for (size_t j = 0; j < p->m; ++j) key_t[j * p->R + k] = key[k * p->m + j];
        padded[k] = score[k];
    }
    memcpy(rows, shared, p->L * sizeof(float));
    for (size_t c = 0; c < p->C; ++c)
        for (size_t i = 0; i < p->L; ++i) rows[c * p->L + i] = shared[i] + shared[(c + 1) * p->L + i];
    p->beta = score[p->r];
    p->query_t = query_t;
    p->key_t = key_t;
    p->score = padded;
    p->rows = rows;
    *at = rows + pn_max(p->C, 1) * p->L;
}

static bool plan(const pn_palette_shape *s, size_t texts, bool all_communities, struct palette_pass *pass, size_t *bytes)
{
    size_t model, lanes = 0, turned = 0, scratch, row;
    if (s->communities > SIZE_MAX - 16 || !row_length(s, &row)) return false;
    pass->Cp = palette_up16(s->communities);
    palette_chunks(texts, &pass->chunks, &pass->chunk_texts);
    if (!palette_model_floats(s, &model) || !palette_text_floats(s, &pass->scratch_floats)) return false;
    if (all_communities && (!pn_mul_size(palette_up16(s->attributes), 32, &lanes) ||
                            !pn_add_size(pass->scratch_floats, lanes, &pass->scratch_floats) ||
                            !pn_mul_size(row, pass->Cp, &turned)))
        return false;
    return pn_mul_size(pass->scratch_floats, pass->chunks, &scratch) && pn_add_size(model, turned, bytes) &&
           pn_add_size(*bytes, scratch, bytes) && pn_mul_size(*bytes, sizeof(float), bytes);
}

size_t palette_pass_workspace(const pn_palette_shape *shape, size_t texts, bool all_communities)
{
    struct palette_pass pass;
    size_t bytes;
    if (!shape || pn_palette_parameters(shape) == SIZE_MAX) return SIZE_MAX;
    return plan(shape, texts, all_communities, &pass, &bytes) ? bytes : SIZE_MAX;
}

pn_status palette_pass_open(struct palette_pass *pass, const pn_palette_shape *shape, const pn_palette_texts *texts,
                            bool use, bool all_communities, const float *parameters, const float *utility,
                            void *workspace, size_t workspace_bytes)
{
    size_t bytes, results;
    const pn_status status = palette_check(shape, texts, use, &pass->model);
    if (status != PN_OK) return status;
    const size_t C = shape->communities;
    if (all_communities && (C == 0 || !pn_mul_size(texts->count, C, &results))) return PN_EDIM;
    pass->chunks = 0;
    if (texts->count == 0) return PN_OK;
    if (!parameters || !utility) return PN_ENULL;
    if (!plan(shape, texts->count, all_communities, pass, &bytes)) return PN_EDIM;
    if (!workspace || workspace_bytes < bytes) return PN_EWORKSPACE;
    float *at = workspace;
    palette_model_place(&pass->model, parameters, &at);
    pass->turned = at;
    pass->scratch = at + (all_communities ? pass->model.L * pass->Cp : 0);
    return PN_OK;
}
