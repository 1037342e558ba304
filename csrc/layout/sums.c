/* Sums over rows and over columns, in double. */
#include "base.h"
#include "penchant/layout.h"
#include "rows.h"

/* Rows that one partial sum covers: long enough that partials are few, short enough for two threads at 1,000 rows. */
#define SUM_ROWS ((size_t)256)
/* Columns that one task adds: a cache line of partials at least. */
#define SUM_COLS ((size_t)256)

struct sum_rows {
    size_t rows, cols, stripes;
    const float *x;
    double *partial; /* [blocks of rows, cols] */
};

PN_CLONES static void add_row(size_t n, const float *restrict x, double *restrict sum)
{
    for (size_t i = 0; i < n; ++i) sum[i] += (double)x[i];
}

static void sum_rows_block(void *context, size_t block)
{
    const struct sum_rows *c = context;
    const size_t group = block / c->stripes, col = block % c->stripes * SUM_COLS;
    const size_t cols = pn_min(SUM_COLS, c->cols - col);
    const size_t last = pn_min(c->rows, (group + 1) * SUM_ROWS);
    double *sum = c->partial + group * c->cols + col;
    for (size_t i = 0; i < cols; ++i) sum[i] = 0;
    for (size_t r = group * SUM_ROWS; r < last; ++r) add_row(cols, c->x + r * c->cols + col, sum);
}

size_t pn_sum_rows_workspace(size_t rows, size_t cols)
{
    size_t bytes;
    if (!pn_mul_size(pn_ceil_div(rows, SUM_ROWS), cols, &bytes) || !pn_mul_size(bytes, sizeof(double), &bytes))
        return SIZE_MAX;
    return bytes;
}

pn_status pn_sum_rows_f32(size_t rows, size_t cols, float factor, const float *x, float *y, void *workspace,
                          size_t workspace_bytes)
{
    size_t n;
    if (!pn_mul_size(rows, cols, &n)) return PN_EDIM;
    if (cols == 0) return PN_OK;
    if (!y) return PN_ENULL;
    if (rows == 0) {
        memset(y, 0, cols * sizeof *y);
        return PN_OK;
    }
    if (!x || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_sum_rows_workspace(rows, cols)) return PN_EWORKSPACE;
    struct sum_rows c = { rows, cols, pn_ceil_div(cols, SUM_COLS), x, workspace };
    const size_t groups = pn_ceil_div(rows, SUM_ROWS);
    const pn_status status = pn_team_for(groups * c.stripes, sum_rows_block, &c);
    if (status) return status;
    for (size_t i = 0; i < cols; ++i) {
        double sum = 0;
        for (size_t g = 0; g < groups; ++g) sum += c.partial[g * cols + i];
        y[i] = (float)(factor * sum);
    }
    return PN_OK;
}

struct sum_columns {
    struct rows rows;
    const float *x;
    double *partial; /* [rows, pieces] */
};

PN_CLONES static double sum(size_t n, const float *x)
{
    /* Fixed lanes: the compiler may not reorder a sum, so the order is written down. */
    double lane[16] = { 0 };
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 16; ++l) lane[l] += (double)x[i + l];
    for (size_t l = 0; i + l < n; ++l) lane[l] += (double)x[i + l];
    for (size_t width = 8; width; width /= 2)
        for (size_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    return lane[0];
}

static void sum_columns_block(void *context, size_t block)
{
    const struct sum_columns *c = context;
    const struct tile t = pn_tile(&c->rows, block);
    for (size_t r = t.row; r < t.row + t.rows; ++r)
        c->partial[r * c->rows.pieces + t.col / PN_BLOCK] = sum(t.cols, c->x + r * c->rows.cols + t.col);
}

size_t pn_sum_columns_workspace(size_t rows, size_t cols)
{
    size_t bytes;
    if (!pn_mul_size(rows, pn_rows(rows, cols).pieces, &bytes) || !pn_mul_size(bytes, sizeof(double), &bytes))
        return SIZE_MAX;
    return bytes;
}

pn_status pn_sum_columns_f32(size_t rows, size_t cols, float factor, const float *x, float *y, void *workspace,
                             size_t workspace_bytes)
{
    size_t n;
    if (!pn_mul_size(rows, cols, &n)) return PN_EDIM;
    if (rows == 0) return PN_OK;
    if (!y) return PN_ENULL;
    if (cols == 0) {
        memset(y, 0, rows * sizeof *y);
        return PN_OK;
    }
    if (!x || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_sum_columns_workspace(rows, cols)) return PN_EWORKSPACE;
    struct sum_columns c = { pn_rows(rows, cols), x, workspace };
    const pn_status status = pn_team_for(c.rows.blocks, sum_columns_block, &c);
    if (status) return status;
    for (size_t r = 0; r < rows; ++r) {
        double total = 0;
        for (size_t p = 0; p < c.rows.pieces; ++p) total += c.partial[r * c.rows.pieces + p];
        y[r] = (float)(factor * total);
    }
    return PN_OK;
}
