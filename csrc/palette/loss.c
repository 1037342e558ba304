/* Loss and gradient of a batch of pairs in two passes: chunks of pairs, each into tables of its own; then the tables and
 * the rows of the pairs are added up column by column, in the order of chunks and pairs. */
#include "job.h"
#include "penchant/reduce.h"

enum { COLUMNS = 64 };

struct loss_job {
    struct palette_model model;
    size_t pairs, chunks, chunk_pairs, table, scratch_floats;
    float ridge, inverse; /* 1 / sum of the weights */
    const uint32_t *chosen, *rejected, *community;
    const float *weight, *margin, *parameters;
    float *tables;  /* [chunks, (d + m + 1) R]: W_q^T, W_f^T, w */
    float *rows;    /* [P, L] */
    float *scratch; /* [chunks, scratch_floats], one a member: it stays in its cache */
    double *losses, *betas; /* [P] */
    float *gradient;
};

/* table[j, :] += h[j] query of both texts of a pair: the gradient of W_q^T. */
PN_INLINE void add_query_gradient(const struct palette_model *p, const struct palette_text t[2], float *table)
{
    const size_t R = p->R;
    for (size_t v = 0; v < R; v += 16) {
        const pn_f32x16 one = pn_load16(t[0].query + v), two = pn_load16(t[1].query + v);
        for (size_t j = 0; j < p->d; ++j)
            pn_store16(table + j * R + v, pn_load16(table + j * R + v) + t[0].h[j] * one + t[1].h[j] * two);
    }
}

/* table[j, :] += sum over the kept i of both texts of e_i[j] pull_i: the gradient of W_f^T. Four columns at a time, as
 * many as 16 registers of eight lanes hold. */
PN_INLINE void add_key_gradient(const struct palette_model *p, const struct palette_text t[2], float *table)
{
    const size_t R = p->R, m = p->m;
    for (size_t v = 0; v < R; v += 16) {
        size_t j = 0;
        for (; j + 4 <= m; j += 4) {
            pn_f32x16 acc[4];
            for (size_t k = 0; k < 4; ++k) acc[k] = pn_load16(table + (j + k) * R + v);
            for (size_t side = 0; side < 2; ++side)
                for (size_t i = 0; i < t[side].n; ++i) {
                    const pn_f32x16 pull = pn_load16(t[side].tanh + i * R + v);
                    const float *e = t[side].E + t[side].kept[i] * m + j;
                    for (size_t k = 0; k < 4; ++k) acc[k] += e[k] * pull;
                }
            for (size_t k = 0; k < 4; ++k) pn_store16(table + (j + k) * R + v, acc[k]);
        }
        for (; j < m; ++j) {
            pn_f32x16 acc = pn_load16(table + j * R + v);
            for (size_t side = 0; side < 2; ++side)
                for (size_t i = 0; i < t[side].n; ++i)
                    acc += t[side].E[t[side].kept[i] * m + j] * pn_load16(t[side].tanh + i * R + v);
            pn_store16(table + j * R + v, acc);
        }
    }
}

/* From dR = g of a text; t->tanh becomes da, t->query its sum. */
PN_INLINE void backward(const struct palette_model *p, float g, struct palette_text *t, float *table, float *row,
                        double *beta)
{
    const size_t R = p->R, K = p->K;
    float *reward = row + p->r, *direction = reward + p->d;
    attribute_axpy(p->d, g, t->h, reward);
    if (t->n == 0) {
        memset(t->query, 0, R * sizeof *t->query);
        return;
    }
    *beta += (double)g * (double)t->attribute;
    const float scale = g * p->beta;
    for (size_t i = 0; i < t->n; ++i) {
        const size_t kept = t->kept[i];
        t->slope[i] = scale * t->alpha[i] * (t->value[i] - t->attribute);
        if (p->is_signed)
            direction[kept] += scale * (float)K * t->alpha[i] * t->s[kept];
        else
            attribute_axpy(p->m, scale * t->alpha[i], t->E + kept * p->m, reward);
    }
    float *score = table + (p->d + p->m) * R;
    for (size_t v = 0; v < R; v += 16) {
        const pn_f32x16 w = pn_load16(p->score + v);
        pn_f32x16 query = { 0 }, turned = pn_load16(score + v);
        for (size_t i = 0; i < t->n; ++i) {
            const pn_f32x16 y = pn_load16(t->tanh + i * R + v);
            turned += t->slope[i] * y;
            const pn_f32x16 pull = t->slope[i] * w * (1.0f - y * y);
            pn_store16(t->tanh + i * R + v, pull);
            query += pull;
        }
        pn_store16(score + v, turned);
        pn_store16(t->query + v, query);
    }
    for (size_t k = 0; k < p->r; ++k) row[k] += t->query[k];
}

PN_CLONES static void pairs(const struct loss_job *job, size_t first, size_t count, float *table,
                            struct palette_text t[2])
{
    const struct palette_model *p = &job->model;
    memset(table, 0, job->table * sizeof *table);
    for (size_t b = first; b < first + count; ++b) {
        const float *own = p->rows + (p->C && job->community ? job->community[b] : 0) * p->L;
        /* One text at a time: more lines than the processor can wait for would hold it up. */
        const bool more = b + 1 < job->pairs;
        if (more) palette_prefetch(p, job->chosen[b + 1]);
        palette_forward(p, job->chosen[b], own, &t[0]);
        palette_forward(p, job->rejected[b], own, &t[1]);
        if (more) palette_prefetch(p, job->rejected[b + 1]);
        const float weight = (job->weight ? job->weight[b] : 1.0f) * job->inverse;
        const float D = t[0].utility - t[1].utility - (job->margin ? job->margin[b] : 0.0f);
        const float e = pn_expf(-fabsf(D));
        job->losses[b] = (double)weight * ((D < 0 ? -(double)D : 0.0) + (double)pn_log1pf(e));
        const float g = -weight * (D >= 0 ? e : 1.0f) / (1.0f + e);
        float *row = job->rows + b * p->L;
        memset(row, 0, p->L * sizeof *row);
        job->betas[b] = 0.0;
        backward(p, g, &t[0], table, row, &job->betas[b]);
        backward(p, -g, &t[1], table, row, &job->betas[b]);
        if (t[0].n + t[1].n == 0) continue;
        add_query_gradient(p, t, table);
        add_key_gradient(p, t, table + p->d * p->R);
    }
}

static void chunk(void *context, size_t c, size_t member)
{
    const struct loss_job *job = context;
    const size_t first = c * job->chunk_pairs;
    float *at = job->scratch + member * job->scratch_floats;
    struct palette_text t[2];
    palette_text_place(&job->model, &at, &t[0]);
    palette_text_place(&job->model, &at, &t[1]);
    pairs(job, first, pn_min(job->chunk_pairs, job->pairs - first), job->tables + c * job->table, t);
}

/* Columns [first, first + n) of the tables, into W_q, W_f and w. */
PN_CLONES static void gather_tables(const struct loss_job *job, size_t first, size_t n)
{
    const struct palette_model *p = &job->model;
    double sum[COLUMNS] = { 0 };
    for (size_t c = 0; c < job->chunks; ++c) {
        const float *table = job->tables + c * job->table + first;
        for (size_t i = 0; i < n; ++i) sum[i] += (double)table[i];
    }
    float *query = job->gradient, *key = query + p->r * p->d, *score = key + p->r * p->m;
    for (size_t i = 0; i < n; ++i) {
        const size_t j = (first + i) / p->R, k = (first + i) % p->R;
        if (k >= p->r) continue;
        if (j < p->d)
            query[k * p->d + j] = (float)sum[i];
        else if (j < p->d + p->m)
            key[k * p->m + (j - p->d)] = (float)sum[i];
        else
            score[k] = (float)sum[i];
    }
}

/* Columns of the pairs' rows, into the shared row and those of the communities; ridge is added last. */
PN_CLONES static void gather_rows(const struct loss_job *job, size_t first, size_t n)
{
    const struct palette_model *p = &job->model;
    const size_t start = p->r * p->d + p->r * p->m + p->r + 1;
    float *shared = job->gradient + start + first;
    const float *value = job->parameters + start + first;
    double sum[COLUMNS] = { 0 };
    for (size_t c = 1; c <= p->C; ++c)
        for (size_t i = 0; i < n; ++i) shared[c * p->L + i] = job->ridge * value[c * p->L + i];
    for (size_t b = 0; b < job->pairs; ++b) {
        const float *row = job->rows + b * p->L + first;
        float *own = shared + ((job->community ? job->community[b] : 0) + 1) * p->L;
        for (size_t i = 0; i < n; ++i) sum[i] += (double)row[i];
        for (size_t i = 0; p->C && i < n; ++i) own[i] += row[i];
    }
    for (size_t i = 0; i < n; ++i) {
        const bool shrunk = p->C == 0 && first + i >= p->r;
        shared[i] = (float)sum[i] + (shrunk ? job->ridge * value[i] : 0.0f);
    }
}

static void gather(void *context, size_t block)
{
    const struct loss_job *job = context;
    const size_t tables = pn_ceil_div(job->table, COLUMNS);
    if (block < tables) {
        gather_tables(job, block * COLUMNS, pn_min(COLUMNS, job->table - block * COLUMNS));
    } else {
        const size_t first = (block - tables) * COLUMNS;
        gather_rows(job, first, pn_min(COLUMNS, job->model.L - first));
    }
}

static bool plan(const pn_palette_shape *s, size_t pairs, struct loss_job *job, size_t *bytes)
{
    size_t model, text, tables, rows, scratch, doubles, row = s->rank + s->content + s->attributes;
    if (row < s->rank || row < s->attributes) return false;
    palette_chunks(pairs, &job->chunks, &job->chunk_pairs);
    if (!palette_model_floats(s, &model) || !palette_text_floats(s, &text) ||
        !pn_mul_size(s->content + s->width + 1, palette_up16(s->rank), &job->table) ||
        !pn_mul_size(text, 2, &job->scratch_floats) || !pn_mul_size(job->table, job->chunks, &tables) ||
        !pn_mul_size(job->scratch_floats, job->chunks, &scratch) || !pn_mul_size(row, pairs, &rows) ||
        !pn_mul_size(pairs, 2 * sizeof(double), &doubles) || !pn_add_size(model, tables, bytes) ||
        !pn_add_size(*bytes, scratch, bytes) || !pn_add_size(*bytes, rows, bytes) ||
        !pn_mul_size(*bytes, sizeof(float), bytes) || !pn_add_size(*bytes, doubles, bytes))
        return false;
    return true;
}

size_t pn_palette_loss_workspace(const pn_palette_shape *shape, size_t pairs)
{
    struct loss_job job;
    size_t bytes;
    if (!shape || pn_palette_parameters(shape) == SIZE_MAX) return SIZE_MAX;
    return plan(shape, pairs, &job, &bytes) ? bytes : SIZE_MAX;
}

/* ridge / 2 times the squares that it shrinks. */
static double penalty(const struct palette_model *p, const float *parameters, float ridge)
{
    const float *shared = parameters + p->r * p->d + p->r * p->m + p->r + 1;
    const float *first = p->C ? shared + p->L : shared + p->r;
    const size_t count = p->C ? p->C * p->L : p->L - p->r;
    double sum = 0.0;
    for (size_t i = 0; ridge > 0 && i < count; ++i) sum += (double)first[i] * (double)first[i];
    return 0.5 * (double)ridge * sum;
}

pn_status pn_palette_loss_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, size_t pair_count, bool use,
                              float ridge, const float *parameters, const uint32_t *chosen, const uint32_t *rejected,
                              const uint32_t *community, const float *weight, const float *margin, double *loss,
                              float *gradient, void *workspace, size_t workspace_bytes)
{
    struct loss_job job = { .pairs = pair_count, .ridge = ridge, .chosen = chosen, .rejected = rejected,
                            .community = community, .weight = weight, .margin = margin, .parameters = parameters,
                            .gradient = gradient };
    size_t bytes;
    const pn_status status = palette_check(shape, texts, use, &job.model);
    if (status != PN_OK) return status;
    if (!parameters || !loss || !gradient || (pair_count && (!chosen || !rejected))) return PN_ENULL;
    if (!(ridge >= 0.0f) || !(ridge < INFINITY)) return PN_EVALUE;
    const size_t C = job.model.C;
    double total = 0.0;
    for (size_t b = 0; b < pair_count; ++b) {
        if (chosen[b] >= texts->count || rejected[b] >= texts->count) return PN_EINDEX;
        if (community && C && community[b] >= C) return PN_EINDEX;
        total += weight ? (double)weight[b] : 1.0;
    }
    if (pair_count && !(total > 0.0)) return PN_EVALUE;
    if (!plan(shape, pair_count, &job, &bytes)) return PN_EDIM;
    if (!workspace || workspace_bytes < bytes) return PN_EWORKSPACE;

    job.inverse = pair_count ? (float)(1.0 / total) : 0.0f;
    job.losses = workspace;
    job.betas = job.losses + pair_count;
    float *at = (float *)(job.betas + pair_count);
    palette_model_place(&job.model, parameters, &at);
    job.tables = at;
    job.scratch = job.tables + job.chunks * job.table;
    job.rows = job.scratch + job.chunks * job.scratch_floats;
    pn_status done = pn_team_for_members(job.chunks, PALETTE_CHUNKS_MAX, chunk, &job);
    if (done == PN_OK)
        done = pn_team_for(pn_ceil_div(job.table, COLUMNS) + pn_ceil_div(job.model.L, COLUMNS), gather, &job);
    if (done != PN_OK) return done;
    const struct palette_model *p = &job.model;
    gradient[p->r * p->d + p->r * p->m + p->r] = (float)pn_tree_sum(job.betas, pair_count);
    *loss = pn_tree_sum(job.losses, pair_count) + penalty(p, parameters, ridge);
    return PN_OK;
}
