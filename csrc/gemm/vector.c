#include "vector.h"

#define BLOCK_ELEMENTS ((size_t)1 << 16) /* of the matrix: 256 KiB, some 10 us */
#define BLOCK_RESULTS ((size_t)1024)

/* y [results] = matrix * x.  By rows the matrix is [results, k], else [k, results]. */
struct matvec {
    const struct pn_gemm_kernels *kernels;
    const struct product *p;
    bool by_rows;
    size_t results, k;
    const float *matrix, *x;
    size_t ld;
    size_t block;          /* results a block */
    size_t chunk, chunks;  /* of k, when not by rows */
    float *partials;       /* [chunks, results] */
};

static size_t chunk_of(size_t results) { return pn_max(BLOCK_ELEMENTS / pn_min(results, BLOCK_RESULTS), 64); }

static struct matvec matvec_of(const struct pn_gemm_kernels *kernels, const struct product *p)
{
    struct matvec v = { .kernels = kernels, .p = p, .k = p->k, .chunk = p->k, .chunks = 1 };
    if (p->n == 1) {
        v.by_rows = !p->a_by_columns;
        v.results = p->m;
        v.matrix = p->a, v.ld = p->lda, v.x = p->b;
    } else {
        v.by_rows = p->form == B_COLUMNS;
        v.results = p->n;
        v.matrix = p->b, v.ld = p->ldb, v.x = p->a;
    }
    if (v.by_rows) {
        v.block = pn_min(pn_max(BLOCK_ELEMENTS / v.k, 4), BLOCK_RESULTS);
    } else {
        v.block = pn_min(v.results, BLOCK_RESULTS);
        v.chunks = pn_ceil_div(v.k, chunk_of(v.results));
        v.chunk = pn_ceil_div(v.k, v.chunks);
    }
    return v;
}

/* Writes y [count], results first ... first + count - 1, through alpha, beta and the epilogue. */
static void finish(const struct matvec *v, size_t first, size_t count, float *y)
{
    const struct product *p = v->p;
    const pn_gemm_epilogue *e = p->epilogue;
    const bool column = p->n == 1, pass = pn_gemm_needs_pass(e);
    const size_t step = column ? p->ldc : 1;
    for (size_t i = 0; i < count; ++i) {
        const size_t at = first + i;
        float *c = p->c + at * step, value = p->alpha * y[i];
        if (p->beta != 0) value += p->beta * *c;
        if (e->column_bias) value += e->column_bias[column ? 0 : at];
        if (e->row_bias) value += e->row_bias[column ? at : 0];
        *c = e->activation == PN_ACT_RELU && !pass && value < 0 ? 0 : value;
    }
    if (!pass) return;
    if (column) pn_gemm_pass(p, (struct region){ first, count, 0, 1 });
    else pn_gemm_pass(p, (struct region){ 0, 1, first, count });
}

static void dot_block(void *context, size_t b)
{
    const struct matvec *v = context;
    float y[BLOCK_RESULTS];
    const size_t first = b * v->block, count = pn_min(v->block, v->results - first);
    v->kernels->dots(count, v->k, v->matrix + first * v->ld, v->ld, v->x, y);
    finish(v, first, count, y);
}

static void axpy_block(void *context, size_t b)
{
    const struct matvec *v = context;
    const size_t first = b / v->chunks * v->block, count = pn_min(v->block, v->results - first);
    const size_t chunk = b % v->chunks, k0 = chunk * v->chunk;
    if (k0 >= v->k) { /* an uneven cut may leave the last chunk empty */
        memset(v->partials + chunk * v->results + first, 0, count * sizeof(float));
        return;
    }
    v->kernels->axpys(pn_min(v->chunk, v->k - k0), count, v->matrix + k0 * v->ld + first, v->ld, v->x + k0, false,
                      v->partials + chunk * v->results + first);
}

static void add_chunks(void *context, size_t b)
{
    const struct matvec *v = context;
    float y[BLOCK_RESULTS];
    const size_t first = b * v->block, count = pn_min(v->block, v->results - first);
    memcpy(y, v->partials + first, count * sizeof *y);
    for (size_t c = 1; c < v->chunks; ++c) {
        const float *partial = v->partials + c * v->results + first;
        for (size_t i = 0; i < count; ++i) y[i] += partial[i];
    }
    finish(v, first, count, y);
}

size_t pn_gemm_vector_workspace(size_t m, size_t n, size_t k)
{
    const size_t results = pn_max(m, n);
    size_t floats;
    if (!pn_mul_size(results, pn_ceil_div(k, chunk_of(results)), &floats) || !pn_add_size(floats, k, &floats) ||
        !pn_mul_size(floats, sizeof(float), &floats) || !pn_add_size(floats, sizeof(float), &floats))
        return SIZE_MAX;
    return floats;
}

pn_status pn_gemm_vector(const struct pn_gemm_kernels *kernels, const struct product *p, void *workspace,
                         size_t workspace_bytes)
{
    if (!workspace || workspace_bytes < pn_gemm_vector_workspace(p->m, p->n, p->k)) return PN_EWORKSPACE;
    struct matvec v = matvec_of(kernels, p);
    float *x = (float *)((char *)workspace + (sizeof(float) - (uintptr_t)workspace % sizeof(float)) % sizeof(float));
    v.partials = x + p->k;
    const size_t x_step = p->n == 1 ? (p->form == B_ROWS ? p->ldb : 1) : (p->a_by_columns ? p->lda : 1);
    if (x_step != 1) {
        for (size_t i = 0; i < p->k; ++i) x[i] = v.x[i * x_step];
        v.x = x;
    }
    const size_t blocks = pn_ceil_div(v.results, v.block);
    if (v.by_rows) return pn_team_for(blocks, dot_block, &v);
    const pn_status status = pn_team_for(blocks * v.chunks, axpy_block, &v);
    return status == PN_OK ? pn_team_for(blocks, add_chunks, &v) : status;
}
