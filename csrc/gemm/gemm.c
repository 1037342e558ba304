#include "block.h"

#include "penchant/gemm.h"
#include "vector.h"

/* Products (m * n * k) that some 10 us take: fewer than two of them run on the calling thread. */
#define SMALL_WORK ((size_t)1 << 19)
/* Every cut costs some reading again, so blocks stay large: 140 us each, at most 8 where k is not cut. */
#define BLOCK_WORK ((size_t)1 << 23)
#define BLOCK_ROWS ((size_t)512)
#define BLOCK_COLUMNS ((size_t)512)
#define BLOCKS_WANTED ((size_t)8)
/* Sums over k this long are cut when C alone gives too few blocks. */
#define K_CHUNK ((size_t)1024)
#define ALIGN ((size_t)64)

/* How a product is cut, from its sizes alone. Blocks count rows fastest, then columns, then chunks of k. */
struct plan {
    size_t rows, columns, k; /* of a block */
    size_t row_blocks, column_blocks, chunks;
};

static size_t saturating_work(size_t m, size_t n, size_t k)
{
    size_t work;
    return pn_mul_size(m, n, &work) && pn_mul_size(work, k, &work) ? work : SIZE_MAX;
}

static size_t round_up(size_t n, size_t to) { return pn_ceil_div(n, to) * to; }

static struct plan plan_for(bool a_by_columns, enum b_form form, size_t m, size_t n, size_t k)
{
    struct plan plan = { m, n, k, 1, 1, 1 };
    const size_t work = saturating_work(m, n, k);
    if (work < 2 * SMALL_WORK) return plan;
    const size_t wanted = pn_min(BLOCKS_WANTED, pn_max(work / BLOCK_WORK, 2));
    const bool swap = pn_gemm_prefers_swap(a_by_columns, form, m, n);

    plan.row_blocks = swap ? 1 : pn_ceil_div(m, BLOCK_ROWS);
    plan.column_blocks = pn_ceil_div(n, BLOCK_COLUMNS);
    /* Long sums are cut first: such a block reads A and B once, along their rows. */
    if (form != B_STRIPS && plan.row_blocks * plan.column_blocks < wanted && k >= 2 * K_CHUNK) plan.chunks = k / K_CHUNK;
    /* Each block of rows copies its B, each block of columns reads its A once more: columns first down to 128,
     * or to 64 where they are cheap, then rows down to 128. */
    while (plan.row_blocks * plan.column_blocks * plan.chunks < wanted) {
        if (n / plan.column_blocks >= (m >= 256 && !swap ? 256 : 128)) plan.column_blocks *= 2;
        else if (!swap && m / plan.row_blocks >= 256) plan.row_blocks *= 2;
        else break;
    }

    plan.rows = round_up(pn_ceil_div(m, plan.row_blocks), PN_TILE_ROWS_MAX);
    plan.columns = round_up(pn_ceil_div(n, plan.column_blocks), PN_LANES_MAX);
    plan.k = pn_ceil_div(k, plan.chunks);
    plan.row_blocks = pn_ceil_div(m, plan.rows);
    plan.column_blocks = pn_ceil_div(n, plan.columns);
    plan.chunks = pn_ceil_div(k, plan.k);
    return plan;
}

struct job {
    const struct pn_gemm_kernels *kernels;
    struct product p;
    struct plan plan;
    float *partials; /* [chunks, m, n] with more than one chunk */
    char *scratch;   /* scratch_bytes a member */
    size_t scratch_bytes;
};

static void one_block(void *context, size_t b, size_t member)
{
    const struct job *job = context;
    const struct plan *plan = &job->plan;
    struct product p = job->p;
    const size_t column = b / plan->row_blocks % plan->column_blocks * plan->columns;
    const size_t row = b % plan->row_blocks * plan->rows;
    const size_t chunk = b / plan->row_blocks / plan->column_blocks;
    const struct region r = {
        row, pn_min(plan->rows, p.m - row), column, pn_min(plan->columns, p.n - column),
    };
    if (plan->chunks > 1) {
        const size_t k0 = chunk * plan->k;
        p.a += p.a_by_columns ? k0 * p.lda : k0;
        p.b += p.form == B_COLUMNS ? k0 : k0 * p.ldb;
        p.k = pn_min(plan->k, p.k - k0);
        p.c = job->partials + chunk * p.m * p.n;
        p.ldc = p.n;
        p.beta = 0;
        p.epilogue = &pn_gemm_no_epilogue;
    }
    pn_gemm_block(job->kernels, &p, r, job->scratch + member * job->scratch_bytes);
}

#define SUM_ROWS_WORK ((size_t)16384)

static size_t sum_rows(const struct job *job) { return pn_max(SUM_ROWS_WORK / job->p.n, 1); }

PN_CLONES static void add_partials(size_t chunks, size_t stride, size_t n, const float *restrict partial,
                                   float *restrict sum)
{
    memcpy(sum, partial, n * sizeof *sum);
    for (size_t i = 1; i < chunks; ++i) {
        const float *restrict next = partial + i * stride;
        for (size_t j = 0; j < n; ++j) sum[j] += next[j];
    }
}

/* The partial products of some rows, added in the order of k and written with the epilogue. */
static void sum_block(void *context, size_t b)
{
    const struct job *job = context;
    const struct product *p = &job->p;
    const pn_gemm_epilogue *e = p->epilogue;
    const size_t first = b * sum_rows(job), rows = pn_min(sum_rows(job), p->m - first);
    const bool pass = pn_gemm_needs_pass(e), relu = e->activation == PN_ACT_RELU && !pass;
    float sum[256];
    for (size_t row = first; row < first + rows; ++row) {
        for (size_t j = 0; j < p->n; j += 256) {
            const size_t n = pn_min(256, p->n - j);
            add_partials(job->plan.chunks, p->m * p->n, n, job->partials + row * p->n + j, sum);
            for (size_t v = 0; v < n; v += job->kernels->lanes)
                job->kernels->write(pn_min(job->kernels->lanes, n - v), sum + v, p->beta,
                                    e->column_bias ? e->column_bias + j + v : NULL, e->row_bias ? e->row_bias[row] : 0,
                                    relu, p->c + row * p->ldc + j + v);
        }
    }
    if (pass) pn_gemm_pass(p, (struct region){ first, rows, 0, p->n });
}

/* k = 0 or alpha = 0: C = epilogue(beta * C). */
static void scale_only(const struct pn_gemm_kernels *kernels, const struct product *p)
{
    const pn_gemm_epilogue *e = p->epilogue;
    const bool pass = pn_gemm_needs_pass(e), relu = e->activation == PN_ACT_RELU && !pass;
    const float zeros[PN_LANES_MAX] = { 0 };
    for (size_t i = 0; i < p->m; ++i)
        for (size_t j = 0; j < p->n; j += kernels->lanes)
            kernels->write(pn_min(kernels->lanes, p->n - j), zeros, p->beta, e->column_bias ? e->column_bias + j : NULL,
                           e->row_bias ? e->row_bias[i] : 0, relu, p->c + i * p->ldc + j);
    if (pass) pn_gemm_pass(p, (struct region){ 0, p->m, 0, p->n });
}

/* Checks. `rows` rows of `columns` with a leading dimension fit into memory that can be addressed. */
static bool fits(size_t rows, size_t columns, size_t ld)
{
    size_t elements, bytes;
    return ld >= columns && pn_mul_size(rows, ld, &elements) && pn_mul_size(elements, sizeof(float), &bytes) &&
           bytes <= PTRDIFF_MAX;
}

static enum b_form form_of(pn_transpose trans_b) { return trans_b == PN_TRANS ? B_COLUMNS : B_ROWS; }

static bool is_transpose(pn_transpose t) { return t == PN_NO_TRANS || t == PN_TRANS; }

static pn_status check_epilogue(const pn_gemm_epilogue *e, size_t m, size_t n)
{
    if ((unsigned)e->activation > PN_ACT_SIGMOID || (unsigned)e->gradient_of > PN_ACT_SIGMOID) return PN_EVALUE;
    if (e->pre && !fits(m, n, e->ldpre)) return PN_EDIM;
    if (e->gradient_of == PN_ACT_NONE) return PN_OK;
    if (!e->gradient_at) return PN_ENULL;
    if (!fits(m, n, e->ldgradient)) return PN_EDIM;
    if (e->gradient_from_output && e->gradient_of != PN_ACT_RELU && e->gradient_of != PN_ACT_TANH &&
        e->gradient_of != PN_ACT_SIGMOID)
        return PN_EVALUE;
    return PN_OK;
}

static pn_status check(const struct product *p)
{
    size_t work;
    if (!pn_mul_size(p->m, p->n, &work) || !pn_mul_size(p->m, p->k, &work) || !pn_mul_size(p->n, p->k, &work))
        return PN_EDIM;
    if (!p->c) return PN_ENULL;
    if (!fits(p->m, p->n, p->ldc)) return PN_EDIM;
    if (p->k > 0 && p->alpha != 0) {
        if (!p->a || !p->b) return PN_ENULL;
        if (!(p->a_by_columns ? fits(p->k, p->m, p->lda) : fits(p->m, p->k, p->lda))) return PN_EDIM;
        if (p->form == B_ROWS && !fits(p->k, p->n, p->ldb)) return PN_EDIM;
        if (p->form == B_COLUMNS && !fits(p->n, p->k, p->ldb)) return PN_EDIM;
    }
    return check_epilogue(p->epilogue, p->m, p->n);
}

static size_t partial_bytes(const struct plan *plan, size_t m, size_t n)
{
    size_t bytes;
    if (plan->chunks == 1) return 0;
    if (!pn_mul_size(m, n, &bytes) || !pn_mul_size(bytes, plan->chunks * sizeof(float), &bytes)) return SIZE_MAX;
    return pn_add_size(bytes, ALIGN - 1, &bytes) ? bytes / ALIGN * ALIGN : SIZE_MAX;
}

static size_t bytes_for(size_t blocks, size_t scratch, size_t partials)
{
    const size_t members = pn_min(pn_team_size(), blocks);
    size_t bytes;
    if (partials == SIZE_MAX) return SIZE_MAX;
    return pn_add_size(partials, members * scratch + ALIGN, &bytes) ? bytes : SIZE_MAX;
}

/* A block's columns may be fewer than n, which only makes its scratch smaller. */
static size_t scratch_for(bool a_by_columns, enum b_form form, size_t m, size_t n, size_t k)
{
    return pn_max(pn_gemm_block_scratch(pn_gemm_kernels_now(), a_by_columns, form, m, n, k), ALIGN);
}

static size_t workspace_for(bool a_by_columns, enum b_form form, size_t m, size_t n, size_t k)
{
    size_t product;
    if (m == 0 || n == 0 || k == 0) return 0;
    if (!pn_mul_size(m, n, &product) || !pn_mul_size(m, k, &product) || !pn_mul_size(n, k, &product)) return SIZE_MAX;
    if (form != B_STRIPS && (m == 1 || n == 1)) return pn_gemm_vector_workspace(m, n, k);
    const struct plan plan = plan_for(a_by_columns, form, m, n, k);
    return bytes_for(plan.row_blocks * plan.column_blocks * plan.chunks,
                     scratch_for(a_by_columns, form, m, n, plan.k), partial_bytes(&plan, m, n));
}

/* Puts partials and scratch into the workspace; *members is how many scratches it holds. */
static pn_status lay_out(struct job *job, void *workspace, size_t workspace_bytes, size_t *members)
{
    const size_t partials = partial_bytes(&job->plan, job->p.m, job->p.n);
    const size_t skip = (ALIGN - (uintptr_t)workspace % ALIGN) % ALIGN;
    const size_t scratch = scratch_for(job->p.a_by_columns, job->p.form, job->p.m, job->p.n, job->plan.k);
    size_t least;
    if (!workspace || !pn_add_size(partials, skip + scratch, &least) || workspace_bytes < least) return PN_EWORKSPACE;
    *members = (workspace_bytes - skip - partials) / scratch;
    job->scratch_bytes = scratch;
    job->partials = (float *)((char *)workspace + skip);
    job->scratch = (char *)workspace + skip + partials;
    return PN_OK;
}

static pn_status run(struct job *job, void *workspace, size_t workspace_bytes)
{
    size_t members;
    pn_status status = lay_out(job, workspace, workspace_bytes, &members);
    if (status != PN_OK) return status;
    const size_t blocks = job->plan.row_blocks * job->plan.column_blocks * job->plan.chunks;
    status = pn_team_for_members(blocks, members, one_block, job);
    if (status == PN_OK && job->plan.chunks > 1)
        status = pn_team_for(pn_ceil_div(job->p.m, sum_rows(job)), sum_block, job);
    return status;
}

static pn_status multiply(const struct product *p, void *workspace, size_t workspace_bytes)
{
    if (p->m == 0 || p->n == 0) return PN_OK;
    const pn_status status = check(p);
    if (status != PN_OK) return status;
    struct job job = { .kernels = pn_gemm_kernels_now(), .p = *p };
    if (p->k == 0 || p->alpha == 0) {
        scale_only(job.kernels, p);
        return PN_OK;
    }
    if (p->form != B_STRIPS && (p->m == 1 || p->n == 1))
        return pn_gemm_vector(job.kernels, p, workspace, workspace_bytes);
    job.plan = plan_for(p->a_by_columns, p->form, p->m, p->n, p->k);
    return run(&job, workspace, workspace_bytes);
}

size_t pn_gemm_workspace(pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k)
{
    return workspace_for(trans_a == PN_TRANS, form_of(trans_b), m, n, k);
}

pn_status pn_gemm_f32(pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k, float alpha,
                      const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc,
                      const pn_gemm_epilogue *epilogue, void *workspace, size_t workspace_bytes)
{
    if (!is_transpose(trans_a) || !is_transpose(trans_b)) return PN_EVALUE;
    const struct product p = {
        trans_a == PN_TRANS, form_of(trans_b), m, n, k, alpha, beta, a, b, lda, ldb, c, ldc,
        epilogue ? epilogue : &pn_gemm_no_epilogue,
    };
    return multiply(&p, workspace, workspace_bytes);
}

/* Batches: blocks of all items in one row, small items several a block. */

struct batch {
    const struct job *job;
    size_t count, stride_a, stride_b, stride_c;
    size_t items, blocks; /* items a block, or blocks an item */
};

static struct batch batch_of(const struct job *job, size_t count)
{
    const size_t work = saturating_work(job->p.m, job->p.n, job->p.k);
    return (struct batch){
        .job = job,
        .count = count,
        .items = pn_max(SMALL_WORK / work, 1),
        .blocks = job->plan.row_blocks * job->plan.column_blocks,
    };
}

static size_t batch_blocks(const struct batch *batch)
{
    size_t blocks = pn_ceil_div(batch->count, batch->items);
    return pn_mul_size(blocks, batch->blocks, &blocks) ? blocks : SIZE_MAX;
}

static void batch_block(void *context, size_t b, size_t member)
{
    const struct batch *batch = context;
    const size_t first = b / batch->blocks * batch->items, end = pn_min(first + batch->items, batch->count);
    for (size_t i = first; i < end; ++i) {
        struct job item = *batch->job;
        item.p.a += i * batch->stride_a;
        item.p.b += i * batch->stride_b;
        item.p.c += i * batch->stride_c;
        one_block(&item, b % batch->blocks, member);
    }
}

/* The plan of one item; k is never cut, an item has its own C to sum in. */
static struct plan batch_plan(bool a_by_columns, enum b_form form, size_t m, size_t n, size_t k)
{
    struct plan plan = plan_for(a_by_columns, form, m, n, k);
    plan.chunks = 1;
    plan.k = k;
    return plan;
}

size_t pn_gemm_batched_workspace(size_t batch, pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k)
{
    size_t product;
    if (batch == 0 || m == 0 || n == 0 || k == 0) return 0;
    if (!pn_mul_size(m, n, &product) || !pn_mul_size(m, k, &product) || !pn_mul_size(n, k, &product)) return SIZE_MAX;
    const struct job job = {
        .p = { .m = m, .n = n, .k = k },
        .plan = batch_plan(trans_a == PN_TRANS, form_of(trans_b), m, n, k),
    };
    const struct batch all = batch_of(&job, batch);
    return bytes_for(batch_blocks(&all), scratch_for(trans_a == PN_TRANS, form_of(trans_b), m, n, k), 0);
}

/* The last item of a strided operand lies in memory that can be addressed. */
static bool reaches(size_t batch, size_t stride)
{
    size_t elements, bytes;
    return pn_mul_size(batch - 1, stride, &elements) && pn_mul_size(elements, sizeof(float), &bytes) &&
           bytes <= PTRDIFF_MAX;
}

pn_status pn_gemm_batched_f32(size_t batch, pn_transpose trans_a, pn_transpose trans_b, size_t m, size_t n, size_t k,
                              float alpha, const float *a, size_t lda, size_t stride_a, const float *b, size_t ldb,
                              size_t stride_b, float beta, float *c, size_t ldc, size_t stride_c, void *workspace,
                              size_t workspace_bytes)
{
    if (!is_transpose(trans_a) || !is_transpose(trans_b)) return PN_EVALUE;
    if (batch == 0 || m == 0 || n == 0) return PN_OK;
    struct job job = {
        .kernels = pn_gemm_kernels_now(),
        .p = { trans_a == PN_TRANS, form_of(trans_b), m, n, k, alpha, beta, a, b, lda, ldb, c, ldc,
               &pn_gemm_no_epilogue },
    };
    const pn_status status = check(&job.p);
    if (status != PN_OK) return status;
    if (!reaches(batch, stride_a) || !reaches(batch, stride_b) || !reaches(batch, stride_c)) return PN_EDIM;
    /* Items must not write the same row; rows of different items may interleave. */
    if (batch > 1 && stride_c < n) return PN_EDIM;
    if (k == 0 || alpha == 0) {
        for (size_t i = 0; i < batch; ++i, job.p.c += stride_c) scale_only(job.kernels, &job.p);
        return PN_OK;
    }
    job.plan = batch_plan(job.p.a_by_columns, job.p.form, m, n, k);
    struct batch all = batch_of(&job, batch);
    all.stride_a = stride_a;
    all.stride_b = stride_b;
    all.stride_c = stride_c;
    const size_t blocks = batch_blocks(&all);
    if (blocks == SIZE_MAX) return PN_EDIM;
    size_t members;
    const pn_status fits_in = lay_out(&job, workspace, workspace_bytes, &members);
    return fits_in == PN_OK ? pn_team_for_members(blocks, members, batch_block, &all) : fits_in;
}

/* Packed weights. */

size_t pn_gemm_pack_b_bytes(size_t n, size_t k)
{
    size_t bytes;
    /* Strips are padded to whole vectors and to an odd number of rows in every block of k. */
    const size_t odd = k == 0 ? 0 : pn_ceil_div(k, pn_gemm_k_block(k));
    if (!pn_add_size(n, PN_LANES_MAX, &n) || !pn_add_size(k, odd, &k) || !pn_mul_size(n, k, &bytes) || !pn_mul_size(bytes, sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

#define PACK_STRIPS ((size_t)4)

struct pack {
    const struct pn_gemm_kernels *kernels;
    bool transposed;
    size_t n, k, strips;
    const float *b;
    size_t ldb;
    float *packed;
};

static void pack_block(void *context, size_t block)
{
    const struct pack *p = context;
    const size_t first = block * PACK_STRIPS;
    pn_gemm_pack_strips(p->kernels, p->transposed, p->n, p->k, p->b, p->ldb, first,
                        pn_min(PACK_STRIPS, p->strips - first), p->packed);
}

pn_status pn_gemm_pack_b_f32(pn_transpose trans_b, size_t n, size_t k, const float *b, size_t ldb, void *packed,
                             size_t packed_bytes)
{
    if (!is_transpose(trans_b)) return PN_EVALUE;
    if (n == 0 || k == 0) return PN_OK;
    if (!b || !packed) return PN_ENULL;
    if (!(trans_b == PN_TRANS ? fits(n, k, ldb) : fits(k, n, ldb))) return PN_EDIM;
    const size_t bytes = pn_gemm_pack_b_bytes(n, k);
    if (bytes == SIZE_MAX) return PN_EDIM;
    if (packed_bytes < bytes) return PN_EWORKSPACE;
    const struct pn_gemm_kernels *kernels = pn_gemm_kernels_now();
    struct pack p = { kernels, trans_b == PN_TRANS, n, k, pn_ceil_div(n, kernels->lanes), b, ldb, packed };
    return pn_team_for(pn_ceil_div(p.strips, PACK_STRIPS), pack_block, &p);
}

size_t pn_gemm_packed_workspace(pn_transpose trans_a, size_t m, size_t n, size_t k)
{
    return workspace_for(trans_a == PN_TRANS, B_STRIPS, m, n, k);
}

pn_status pn_gemm_packed_f32(pn_transpose trans_a, size_t m, size_t n, size_t k, float alpha, const float *a,
                             size_t lda, const void *packed, float beta, float *c, size_t ldc,
                             const pn_gemm_epilogue *epilogue, void *workspace, size_t workspace_bytes)
{
    if (!is_transpose(trans_a)) return PN_EVALUE;
    const struct product p = {
        trans_a == PN_TRANS, B_STRIPS, m, n, k, alpha, beta, a, packed, lda, 0, c, ldc,
        epilogue ? epilogue : &pn_gemm_no_epilogue,
    };
    return multiply(&p, workspace, workspace_bytes);
}
