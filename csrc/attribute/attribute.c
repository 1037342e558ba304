/* The calls of the family: they check, cut the texts into chunks, and add the tables of the chunks up. */
#include "job.h"
#include "penchant/reduce.h"

#include <stdatomic.h>

enum { CHUNKS_MAX = 32, CHUNK_TEXTS_MIN = 16 };
#define TABLES_BYTES_MAX ((size_t)64 << 20)
/* From this size on a gradient the size of E would only push E out of the caches. */
#define STREAM_BYTES ((size_t)32 << 20)

static size_t up16(size_t n) { return pn_ceil_div(n, 16) * 16; }

static bool multiply3(size_t a, size_t b, size_t c, size_t *product)
{
    return pn_mul_size(a, b, product) && pn_mul_size(*product, c, product);
}

struct layout {
    size_t table, chunks, chunk_texts, scratch, bytes;
    bool rows; /* gradients of queries go by text, not by table */
};

/* Everything that depends on sizes alone. False on overflow. */
static bool plan(size_t B, size_t K, size_t m, const pn_attribute_model *model, bool multi, struct layout *l)
{
    const bool additive = model->kind == PN_ATTRIBUTE_ADDITIVE;
    const size_t Q = model->queries, r = model->rank;
    size_t queries = 0, keys = 0, part, floats, tables;
    l->rows = !multi && Q >= B;
    if (!l->rows && !pn_mul_size(Q, r, &queries)) return false;
    if (additive && !pn_mul_size(r, m, &keys)) return false;
    if (!pn_add_size(queries, keys, &l->table) || !pn_add_size(l->table, 2 * r + m + 1, &l->table)) return false;
    if (!pn_mul_size(l->table, sizeof(double), &tables)) return false;
    l->chunks = pn_min(pn_min(CHUNKS_MAX, pn_ceil_div(B, CHUNK_TEXTS_MIN)), pn_max(1, TABLES_BYTES_MAX / tables));
    l->chunk_texts = l->chunks ? pn_ceil_div(B, l->chunks) : 0;
    l->chunks = l->chunk_texts ? pn_ceil_div(B, l->chunk_texts) : 0;

    /* keys, tanh, pull, then vectors, then the product. */
    const size_t R = up16(r), K16 = up16(K);
    if (!multiply3(K, pn_max(additive ? R : 0, m), 3, &l->scratch) || !pn_mul_size(K16, 7, &part) ||
        !pn_add_size(l->scratch, part, &l->scratch) ||
        !pn_add_size(l->scratch, 3 * up16(pn_max(R, m)) + R, &l->scratch))
        return false;
    l->scratch = up16(l->scratch);

    if (!pn_mul_size(l->scratch, l->chunks, &floats) || !multiply3(m, additive ? R : 0, 1, &part) ||
        !pn_add_size(floats, part + R, &floats) || !pn_mul_size(l->rows ? B : 0, r, &part) ||
        !pn_add_size(floats, part, &floats) || !pn_mul_size(floats, sizeof(float), &floats) ||
        !pn_mul_size(tables, l->chunks, &l->bytes) || !pn_add_size(l->bytes, floats, &l->bytes) ||
        !pn_add_size(l->bytes, 64, &l->bytes))
        return false;
    return true;
}

static size_t workspace_bytes_of(size_t B, size_t K, size_t m, const pn_attribute_model *model, bool multi)
{
    struct layout l;
    if (!model || B == 0) return 0;
    return plan(B, K, m, model, multi, &l) ? l.bytes : SIZE_MAX;
}

size_t pn_attribute_workspace(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model)
{
    return workspace_bytes_of(texts, attributes, width, model, false);
}

size_t pn_attribute_multi_workspace(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model)
{
    return workspace_bytes_of(texts, attributes, width, model, true);
}

static float *take(float **at, size_t floats)
{
    float *here = *at;
    *at += floats;
    return here;
}

static void chunk(void *context, size_t c)
{
    const struct attribute_job *p = context;
    const size_t first = c * p->chunk_texts, count = pn_min(p->chunk_texts, p->B - first);
    float *at = p->scratch + c * p->scratch_floats;
    const size_t wide = up16(pn_max(p->R, p->m)), rows = p->K * pn_max(p->additive ? p->R : 0, p->m);
    struct attribute_scratch s;
    s.keys = take(&at, rows);
    s.tanh = take(&at, rows);
    s.pull = take(&at, rows);
    s.query = take(&at, p->R);
    s.grad_query = take(&at, wide);
    s.sum = take(&at, wide);
    s.product = take(&at, wide);
    s.sigma = take(&at, p->K16);
    s.alpha = take(&at, p->K16);
    s.slope = take(&at, p->K16);
    s.value = take(&at, p->K16);
    s.share = take(&at, p->K16);
    s.kept = (uint32_t *)take(&at, p->K16);

    struct attribute_sums sums = { 0 };
    if (p->backward) {
        const pn_attribute_gradient *to = &p->gradient;
        double *table = p->tables + c * p->table_doubles;
        memset(table, 0, p->table_doubles * sizeof *table);
        if (p->query_table) {
            if (to->query) sums.query = table;
            table += p->Q * p->r;
        }
        if (p->additive) {
            if (to->key) sums.key = table;
            table += p->r * p->m;
            if (to->bias) sums.bias = table;
            if (to->score) sums.score = table + p->r;
        }
        table += 2 * p->r;
        if (p->utility && to->direction) sums.direction = table;
        if (p->utility && to->beta) sums.beta = table + p->m;
    }
    if (!pn_attribute_dot_chunk(p, first, count, &s, &sums)) pn_attribute_any_chunk(p, first, count, &s, &sums);
    /* Streaming stores are ordered by a fence only. */
    if (p->stream) atomic_thread_fence(memory_order_seq_cst);
}

/* out[i] = sum over chunks of tables[offset + i], by the fixed tree. */
static void collect(const struct attribute_job *p, size_t offset, size_t n, float *out)
{
    double column[CHUNKS_MAX];
    for (size_t i = 0; out && i < n; ++i) {
        for (size_t c = 0; c < p->chunks; ++c) column[c] = p->tables[c * p->table_doubles + offset + i];
        out[i] = (float)pn_tree_sum(column, p->chunks);
    }
}

static void finish(const struct attribute_job *p)
{
    const pn_attribute_gradient *to = &p->gradient;
    size_t offset = 0;
    if (p->query_table) {
        collect(p, 0, p->Q * p->r, to->query);
        offset = p->Q * p->r;
    } else if (p->query_rows && p->query_rows != to->query) {
        memset(to->query, 0, p->Q * p->r * sizeof(float));
        for (size_t b = 0; b < p->B; ++b)
            for (size_t k = 0; k < p->r; ++k) to->query[p->id[b] * p->r + k] += p->query_rows[b * p->r + k];
    }
    if (p->additive) {
        collect(p, offset, p->r * p->m, to->key);
        offset += p->r * p->m;
        collect(p, offset, p->r, to->bias);
        collect(p, offset + p->r, p->r, to->score);
    }
    offset += 2 * p->r;
    if (!p->utility) return;
    collect(p, offset, p->m, to->direction);
    if (to->beta) {
        double column[CHUNKS_MAX];
        for (size_t c = 0; c < p->chunks; ++c) column[c] = p->tables[c * p->table_doubles + offset + p->m];
        *to->beta = pn_tree_sum(column, p->chunks);
    }
}

/* Gradients of no texts. */
static void clear(const struct attribute_job *p)
{
    const pn_attribute_gradient *to = &p->gradient;
    if (to->query) memset(to->query, 0, p->Q * p->r * sizeof(float));
    if (p->additive && to->key) memset(to->key, 0, p->r * p->m * sizeof(float));
    if (p->additive && to->bias) memset(to->bias, 0, p->r * sizeof(float));
    if (p->additive && to->score) memset(to->score, 0, p->r * sizeof(float));
    if (p->utility && to->direction) memset(to->direction, 0, p->m * sizeof(float));
    if (p->utility && to->beta) *to->beta = 0.0;
}

static pn_status start(struct attribute_job *p, const pn_attribute_model *model, bool complete, void *workspace,
                       size_t workspace_bytes)
{
    if (!model) return PN_ENULL;
    const size_t B = p->B, K = p->K, m = p->m;
    size_t elements;
    p->additive = model->kind == PN_ATTRIBUTE_ADDITIVE;
    if (!p->additive && model->kind != PN_ATTRIBUTE_DOT) return PN_EVALUE;
    p->Q = model->queries;
    p->r = model->rank;
    if (K == 0 || m == 0 || p->r == 0 || K > UINT32_MAX || (!p->additive && p->r != m)) return PN_EDIM;
    if (!multiply3(B, K, m, &elements) || !pn_mul_size(elements, sizeof(float), &elements)) return PN_EDIM;
    if (!(fabsf(p->beta) < INFINITY) || (!p->additive && !(fabsf(model->scale) < INFINITY))) return PN_EVALUE;
    if (B == 0) {
        if (p->backward) clear(p);
        return PN_OK;
    }
    if (!complete || !model->query || (p->additive && (!model->key || !model->score))) return PN_ENULL;
    if (!p->multi && !p->id && p->Q != B) return PN_EDIM;
    if (!p->multi && p->id)
        for (size_t b = 0; b < B; ++b)
            if (p->id[b] >= p->Q) return PN_EINDEX;
    struct layout l;
    if (!plan(B, K, m, model, p->multi, &l)) return PN_EDIM;
    if (!workspace || workspace_bytes < l.bytes) return PN_EWORKSPACE;

    p->R = up16(p->r);
    p->K16 = up16(K);
    p->scale = model->scale;
    p->query = model->query;
    p->key = model->key;
    p->bias = p->additive ? model->bias : NULL;
    p->score = model->score;
    p->chunks = l.chunks;
    p->chunk_texts = l.chunk_texts;
    p->table_doubles = l.table;
    p->scratch_floats = l.scratch;
    p->tables = workspace;
    float *at = (float *)(p->tables + l.chunks * l.table);
    p->scratch = take(&at, l.scratch * l.chunks);
    p->query_table = !l.rows;
    if (l.rows && p->backward && p->gradient.query) {
        p->query_rows = p->id ? at : p->gradient.query;
        at += B * p->r;
    }
    if (p->additive) {
        p->key_t = take(&at, m * p->R);
        p->score_pad = take(&at, p->R);
        memset(p->key_t, 0, (m + 1) * p->R * sizeof(float));
        for (size_t k = 0; k < p->r; ++k) {
            p->score_pad[k] = p->score[k];
            for (size_t j = 0; j < m; ++j) p->key_t[j * p->R + k] = p->key[k * m + j];
        }
    }
    const float *dE = p->gradient.E;
    p->stream = p->backward && dE && dE != p->E && elements >= STREAM_BYTES && m % 16 == 0 && (uintptr_t)dE % 64 == 0;

    const pn_status status = pn_team_for(p->chunks, chunk, p);
    if (status == PN_OK && p->backward) finish(p);
    return status;
}

pn_status pn_attribute_pool_f32(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model,
                                const float *E, const uint8_t *mask, const uint32_t *id, float *pooled, float *alpha,
                                void *workspace, size_t workspace_bytes)
{
    struct attribute_job job = { .B = texts, .K = attributes, .m = width, .E = E, .mask = mask, .id = id,
                                 .pooled = pooled, .alpha = alpha };
    return start(&job, model, E != NULL, workspace, workspace_bytes);
}

pn_status pn_attribute_pool_grad_f32(size_t texts, size_t attributes, size_t width, const pn_attribute_model *model,
                                     const float *E, const uint8_t *mask, const uint32_t *id, const float *grad_pooled,
                                     const float *grad_alpha, const pn_attribute_gradient *gradient, float *pooled,
                                     float *alpha, void *workspace, size_t workspace_bytes)
{
    if (!gradient) return PN_ENULL;
    struct attribute_job job = { .B = texts, .K = attributes, .m = width, .backward = true, .E = E, .mask = mask,
                                 .id = id, .probe = grad_pooled, .grad_alpha = grad_alpha, .pooled = pooled,
                                 .alpha = alpha, .gradient = *gradient };
    job.gradient.content = job.gradient.direction = NULL;
    job.gradient.beta = NULL;
    return start(&job, model, E != NULL, workspace, workspace_bytes);
}

pn_status pn_attribute_utility_f32(size_t texts, size_t attributes, size_t width, float beta,
                                   const pn_attribute_model *model, const float *E, const uint8_t *mask,
                                   const uint32_t *id, const float *direction, const float *content, float *utility,
                                   float *alpha, float *kappa, void *workspace, size_t workspace_bytes)
{
    struct attribute_job job = { .B = texts, .K = attributes, .m = width, .utility = true, .beta = beta, .E = E,
                                 .mask = mask, .id = id, .probe = direction, .content = content,
                                 .out_utility = utility, .alpha = alpha, .kappa = kappa };
    return start(&job, model, E && direction && utility, workspace, workspace_bytes);
}

pn_status pn_attribute_utility_grad_f32(size_t texts, size_t attributes, size_t width, float beta,
                                        const pn_attribute_model *model, const float *E, const uint8_t *mask,
                                        const uint32_t *id, const float *direction, const float *content,
                                        const float *grad_utility, const pn_attribute_gradient *gradient,
                                        float *utility, void *workspace, size_t workspace_bytes)
{
    if (!gradient) return PN_ENULL;
    struct attribute_job job = { .B = texts, .K = attributes, .m = width, .utility = true, .backward = true,
                                 .beta = beta, .E = E, .mask = mask, .id = id, .probe = direction,
                                 .content = content, .grad_utility = grad_utility, .out_utility = utility,
                                 .gradient = *gradient };
    return start(&job, model, E && direction && grad_utility, workspace, workspace_bytes);
}

pn_status pn_attribute_utility_multi_f32(size_t texts, size_t attributes, size_t width, float beta,
                                         const pn_attribute_model *model, const float *E, const uint8_t *mask,
                                         const float *direction, const float *content, float *utility, float *alpha,
                                         void *workspace, size_t workspace_bytes)
{
    struct attribute_job job = { .B = texts, .K = attributes, .m = width, .utility = true, .multi = true,
                                 .beta = beta, .E = E, .mask = mask, .probe = direction, .content = content,
                                 .out_utility = utility, .alpha = alpha };
    return start(&job, model, E && direction && utility, workspace, workspace_bytes);
}

pn_status pn_attribute_utility_multi_grad_f32(size_t texts, size_t attributes, size_t width, float beta,
                                              const pn_attribute_model *model, const float *E, const uint8_t *mask,
                                              const float *direction, const float *content, const float *grad_utility,
                                              const pn_attribute_gradient *gradient, float *utility, void *workspace,
                                              size_t workspace_bytes)
{
    if (!gradient) return PN_ENULL;
    struct attribute_job job = { .B = texts, .K = attributes, .m = width, .utility = true, .multi = true,
                                 .backward = true, .beta = beta, .E = E, .mask = mask, .probe = direction,
                                 .content = content, .grad_utility = grad_utility, .out_utility = utility,
                                 .gradient = *gradient };
    return start(&job, model, E && direction && grad_utility, workspace, workspace_bytes);
}
