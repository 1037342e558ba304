/* Sums, products, bias and dropout: the small arithmetic of a tape. */
#include "penchant/elementwise.h"

#include "lanes.h"
#include "penchant/reduce.h"
#include "philox.h"

#define EACH(i, n) _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < (n); ++i)

struct args {
    size_t n, columns;
    float alpha;
    uint64_t seed, stream, first;
    const float *a, *b, *c;
    float *y, *z;
};

/* The part of a vector that a block owns. */
PN_INLINE size_t part(const struct args *a, size_t b) { return pn_min(PN_BLOCK, a->n - b * PN_BLOCK); }

#define BINARY(op, sign)                                                                                     \
    PN_CLONES static void op##_run(size_t n, const float *a, const float *b, float *y)                       \
    {                                                                                                        \
        EACH(i, n) y[i] = a[i] sign b[i];                                                                    \
    }                                                                                                        \
    static void op##_block(void *context, size_t b)                                                          \
    {                                                                                                        \
        const struct args *a = context;                                                                      \
        const size_t first = b * PN_BLOCK;                                                                   \
        op##_run(part(a, b), a->a + first, a->b + first, a->y + first);                                      \
    }                                                                                                        \
    pn_status pn_##op##_f32(size_t n, const float *a, const float *b, float *y)                              \
    {                                                                                                        \
        if (n == 0) return PN_OK;                                                                            \
        if (!a || !b || !y) return PN_ENULL;                                                                 \
        struct args args = { .n = n, .a = a, .b = b, .y = y };                                               \
        return pn_team_for(pn_blocks(n), op##_block, &args);                                                 \
    }

BINARY(add, +)
BINARY(sub, -)
BINARY(mul, *)

PN_CLONES static void scale_run(size_t n, float alpha, const float *x, float *y)
{
    EACH(i, n) y[i] = alpha * x[i];
}

static void scale_block(void *context, size_t b)
{
    const struct args *a = context;
    scale_run(part(a, b), a->alpha, a->a + b * PN_BLOCK, a->y + b * PN_BLOCK);
}

pn_status pn_scale_f32(size_t n, float alpha, const float *x, float *y)
{
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct args a = { .n = n, .alpha = alpha, .a = x, .y = y };
    return pn_team_for(pn_blocks(n), scale_block, &a);
}

PN_CLONES static void axpy_run(size_t n, float alpha, const float *x, float *y)
{
    EACH(i, n) y[i] += alpha * x[i];
}

static void axpy_block(void *context, size_t b)
{
    const struct args *a = context;
    axpy_run(part(a, b), a->alpha, a->a + b * PN_BLOCK, a->y + b * PN_BLOCK);
}

pn_status pn_axpy_f32(size_t n, float alpha, const float *x, float *y)
{
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct args a = { .n = n, .alpha = alpha, .a = x, .y = y };
    return pn_team_for(pn_blocks(n), axpy_block, &a);
}

PN_CLONES static void mul_both_run(size_t n, const float *a, const float *b, const float *dy, float *da, float *db)
{
    EACH(i, n)
    {
        const float left = dy[i] * b[i], right = dy[i] * a[i];
        da[i] = left;
        db[i] = right;
    }
}

static void mul_both_block(void *context, size_t b)
{
    const struct args *a = context;
    const size_t first = b * PN_BLOCK;
    mul_both_run(part(a, b), a->a + first, a->b + first, a->c + first, a->y + first, a->z + first);
}

pn_status pn_mul_grad_f32(size_t n, const float *a, const float *b, const float *dy, float *da, float *db)
{
    if (!da && !db) return PN_OK;
    if (!db) return pn_mul_f32(n, dy, b, da);
    if (!da) return pn_mul_f32(n, dy, a, db);
    if (n == 0) return PN_OK;
    if (!a || !b || !dy) return PN_ENULL;
    struct args args = { .n = n, .a = a, .b = b, .c = dy, .y = da, .z = db };
    return pn_team_for(pn_blocks(n), mul_both_block, &args);
}

/* Rows of about one block of elements. */
static size_t rows_a_block(size_t columns) { return pn_max(1, PN_BLOCK / columns); }

static void add_bias_block(void *context, size_t b)
{
    const struct args *a = context;
    const size_t height = rows_a_block(a->columns), begin = b * height, end = pn_min(begin + height, a->n);
    for (size_t r = begin; r < end; ++r)
        add_run(a->columns, a->a + r * a->columns, a->b, a->y + r * a->columns);
}

pn_status pn_add_bias_f32(size_t rows, size_t columns, const float *x, const float *bias, float *y)
{
    size_t n;
    if (!pn_mul_size(rows, columns, &n)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!x || !bias || !y) return PN_ENULL;
    struct args a = { .n = rows, .columns = columns, .a = x, .b = bias, .y = y };
    return pn_team_for(pn_ceil_div(rows, rows_a_block(columns)), add_bias_block, &a);
}

/* Column sums: at most this many blocks of rows, each with a row of partial sums in the workspace. */
#define MOST_PARTIALS ((size_t)64)
static size_t rows_a_partial(size_t rows, size_t columns)
{
    return pn_max(rows_a_block(columns), pn_ceil_div(rows, MOST_PARTIALS));
}

/* Sixteen columns at a time, down the rows. */
PN_CLONES static void column_sums_run(size_t rows, size_t columns, const float *x, double *sums)
{
    size_t c = 0;
    for (; c + 16 <= columns; c += 16) {
        pn_f64x8 low = { 0 }, high = { 0 };
        for (size_t r = 0; r < rows; ++r) {
            low += pn_load8_f64(x + r * columns + c);
            high += pn_load8_f64(x + r * columns + c + 8);
        }
        memcpy(sums + c, &low, sizeof low);
        memcpy(sums + c + 8, &high, sizeof high);
    }
    for (; c < columns; ++c) {
        double sum = 0;
        for (size_t r = 0; r < rows; ++r) sum += x[r * columns + c];
        sums[c] = sum;
    }
}

struct column_args {
    size_t rows, columns, height, partials;
    const float *x;
    double *sums;
    float *y;
};

static void column_sums_block(void *context, size_t b)
{
    const struct column_args *a = context;
    const size_t first = b * a->height;
    column_sums_run(pn_min(a->height, a->rows - first), a->columns, a->x + first * a->columns,
                    a->sums + b * a->columns);
}

static void column_tree_block(void *context, size_t b)
{
    const struct column_args *a = context;
    double column[MOST_PARTIALS];
    for (size_t c = b * 256; c < pn_min((b + 1) * 256, a->columns); ++c) {
        for (size_t p = 0; p < a->partials; ++p) column[p] = a->sums[p * a->columns + c];
        a->y[c] = (float)pn_tree_sum(column, a->partials);
    }
}

size_t pn_bias_grad_workspace(size_t rows, size_t columns)
{
    if (rows == 0 || columns == 0) return 0;
    size_t bytes;
    if (!pn_mul_size(pn_ceil_div(rows, rows_a_partial(rows, columns)), columns, &bytes)) return SIZE_MAX;
    return pn_mul_size(bytes, sizeof(double), &bytes) ? bytes : SIZE_MAX;
}

pn_status pn_bias_grad_f32(size_t rows, size_t columns, const float *dy, float *dbias, void *workspace,
                           size_t workspace_bytes)
{
    size_t n;
    if (!pn_mul_size(rows, columns, &n)) return PN_EDIM;
    if (columns == 0) return PN_OK;
    if (!dbias) return PN_ENULL;
    if (rows == 0) {
        memset(dbias, 0, columns * sizeof *dbias);
        return PN_OK;
    }
    if (!dy || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_bias_grad_workspace(rows, columns)) return PN_EWORKSPACE;
    const size_t height = rows_a_partial(rows, columns);
    struct column_args a = { rows, columns, height, pn_ceil_div(rows, height), dy, workspace, dbias };
    const pn_status status = pn_team_for(a.partials, column_sums_block, &a);
    return status == PN_OK ? pn_team_for(pn_ceil_div(columns, 256), column_tree_block, &a) : status;
}

PN_CLONES static void dropout_run(size_t n, float p, float scale, const float *draws, const float *x, float *y)
{
    EACH(i, n) y[i] = draws[i] >= p ? x[i] * scale : 0.0f;
}

static void dropout_block(void *context, size_t b)
{
    const struct args *a = context;
    const size_t begin = b * PN_BLOCK, end = pn_min(begin + PN_BLOCK, a->n);
    const float scale = a->alpha < 1.0f ? 1.0f / (1.0f - a->alpha) : 0.0f;
    float draws[512];
    for (size_t i = begin; i < end; i += 512) {
        const size_t n = pn_min(512, end - i);
        pn_uniform_run(n, a->seed, a->stream, a->first + i, draws);
        dropout_run(n, a->alpha, scale, draws, a->a + i, a->y + i);
    }
}

pn_status pn_dropout_f32(size_t n, float p, uint64_t seed, uint64_t stream, uint64_t first, const float *x, float *y)
{
    if (!(p >= 0.0f && p <= 1.0f)) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct args a = { .n = n, .alpha = p, .seed = seed, .stream = stream, .first = first, .a = x, .y = y };
    return pn_team_for(pn_blocks(n), dropout_block, &a);
}
