#include "base.h"
#include "penchant/sparse.h"

/* Rows of a block: enough work to pay for a turn of the team, small enough to balance rows of unequal length. */
#define ROWS ((size_t)64)

static pn_status check_rows(size_t rows, size_t columns, const size_t *starts, const uint32_t *column)
{
    if (!starts) return PN_ENULL;
    if (starts[0] != 0) return PN_EDIM;
    for (size_t r = 0; r < rows; ++r)
        if (starts[r + 1] < starts[r]) return PN_EDIM;
    if (starts[rows] == 0) return PN_OK;
    if (!column) return PN_ENULL;
    for (size_t e = 0; e < starts[rows]; ++e)
        if (column[e] >= columns) return PN_EINDEX;
    return PN_OK;
}

struct product {
    size_t rows;
    const size_t *starts;
    const uint32_t *column;
    const float *value;
    const double *x;
    double *y;
};

static void product_block(void *context, size_t b)
{
    const struct product *a = context;
    const size_t last = pn_min(a->rows, (b + 1) * ROWS);
    for (size_t r = b * ROWS; r < last; ++r) {
        double sum = 0;
        for (size_t e = a->starts[r]; e < a->starts[r + 1]; ++e) sum += (double)a->value[e] * a->x[a->column[e]];
        a->y[r] = sum;
    }
}

pn_status pn_csr_product_f64(size_t rows, size_t columns, const size_t *starts, const uint32_t *column,
                             const float *value, const double *x, double *y)
{
    if (rows == 0) return PN_OK;
    const pn_status status = check_rows(rows, columns, starts, column);
    if (status != PN_OK) return status;
    if (!y || (starts[rows] > 0 && (!value || !x))) return PN_ENULL;
    struct product a = { rows, starts, column, value, x, y };
    return pn_team_for(pn_ceil_div(rows, ROWS), product_block, &a);
}

/* Counting sort by column; to_starts[c + 1] is the place of the next entry of column c while entries are put down. */
static void transpose(size_t rows, size_t columns, const size_t *starts, const uint32_t *column, const float *value,
                      size_t *to_starts, uint32_t *to_column, float *to_value)
{
    memset(to_starts, 0, (columns + 1) * sizeof *to_starts);
    for (size_t e = 0; e < starts[rows]; ++e) ++to_starts[column[e] + 1];
    size_t before = 0;
    for (size_t c = 0; c < columns; ++c) {
        const size_t count = to_starts[c + 1];
        to_starts[c + 1] = before;
        before += count;
    }
    for (size_t r = 0; r < rows; ++r)
        for (size_t e = starts[r]; e < starts[r + 1]; ++e) {
            const size_t place = to_starts[column[e] + 1]++;
            to_column[place] = (uint32_t)r;
            to_value[place] = value[e];
        }
}

pn_status pn_csr_transpose_f32(size_t rows, size_t columns, const size_t *starts, const uint32_t *column,
                               const float *value, size_t *to_starts, uint32_t *to_column, float *to_value)
{
    if (rows > UINT32_MAX) return PN_EDIM;
    const pn_status status = check_rows(rows, columns, starts, column);
    if (status != PN_OK) return status;
    if (!to_starts || (starts[rows] > 0 && (!value || !to_column || !to_value))) return PN_ENULL;
    transpose(rows, columns, starts, column, value, to_starts, to_column, to_value);
    return PN_OK;
}

/* Row i of X X^T is a sum over the columns of row i of (value) * (that column of X): the columns are read in sequence and
 * one row of sums stays in the first-level cache. Row i ends at i, the rest is the mirror. */
struct gram {
    size_t rows;
    const size_t *starts;
    const uint32_t *column;
    const float *value;
    const size_t *by_starts;
    const uint32_t *by_row;
    const float *by_value;
    size_t width;
    const float *dense;
    float *gram;
    double *sums; /* [members, rows] */
};

PN_CLONES static double dot(size_t n, const float *restrict x, const float *restrict y)
{
    double lane[8] = { 0 };
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; ++l) lane[l] += (double)x[i + l] * (double)y[i + l];
    for (size_t l = 0; i < n; ++i, ++l) lane[l] += (double)x[i] * (double)y[i];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static void gram_block(void *context, size_t b, size_t member)
{
    const struct gram *a = context;
    double *const sums = a->sums + member * a->rows;
    const size_t last = pn_min(a->rows, (b + 1) * ROWS);
    for (size_t i = b * ROWS; i < last; ++i) {
        memset(sums, 0, (i + 1) * sizeof *sums);
        for (size_t e = a->starts[i]; e < a->starts[i + 1]; ++e) {
            const double x = a->value[e];
            const size_t end = a->by_starts[a->column[e] + 1];
            for (size_t f = a->by_starts[a->column[e]]; f < end && a->by_row[f] <= i; ++f)
                sums[a->by_row[f]] += x * (double)a->by_value[f];
        }
        for (size_t j = 0; j <= i; ++j) {
            const double more = a->width ? dot(a->width, a->dense + i * a->width, a->dense + j * a->width) : 0;
            const float value = (float)(sums[j] + more);
            a->gram[i * a->rows + j] = value;
            a->gram[j * a->rows + i] = value;
        }
    }
}

/* The workspace: sums, starts by column, values by column, rows by column. */
size_t pn_gram_workspace(size_t rows, size_t columns, size_t entries)
{
    size_t sums, starts, tail;
    if (columns == SIZE_MAX || !pn_mul_size(rows, PN_TEAM_MAX, &sums) || !pn_mul_size(sums, sizeof(double), &sums)
        || !pn_mul_size(columns + 1, sizeof(size_t), &starts)
        || !pn_mul_size(entries, sizeof(float) + sizeof(uint32_t), &tail) || starts > SIZE_MAX - tail
        || sums > SIZE_MAX - (starts + tail))
        return SIZE_MAX;
    return sums + starts + tail;
}

pn_status pn_gram_f32(size_t rows, size_t columns, const size_t *starts, const uint32_t *column, const float *value,
                      size_t dense_width, const float *dense, float *gram, void *workspace, size_t workspace_bytes)
{
    size_t cells;
    if (rows == 0) return PN_OK;
    if (rows > UINT32_MAX || !pn_mul_size(rows, rows, &cells) || !pn_mul_size(cells, sizeof(float), &cells)) return PN_EDIM;
    const pn_status status = check_rows(rows, columns, starts, column);
    if (status != PN_OK) return status;
    const size_t entries = starts[rows];
    if (!gram || !workspace || (entries > 0 && !value) || (dense_width > 0 && !dense)) return PN_ENULL;
    if (workspace_bytes < pn_gram_workspace(rows, columns, entries)) return PN_EWORKSPACE;
    double *const sums = workspace;
    size_t *const by_starts = (size_t *)(sums + rows * PN_TEAM_MAX);
    float *const by_value = (float *)(by_starts + columns + 1);
    uint32_t *const by_row = (uint32_t *)(by_value + entries);
    transpose(rows, columns, starts, column, value, by_starts, by_row, by_value);
    struct gram a = { rows,    starts,   column,      value, by_starts, by_row,
                      by_value, dense_width, dense, gram,  sums };
    return pn_team_for_members(pn_ceil_div(rows, ROWS), PN_TEAM_MAX, gram_block, &a);
}

struct gram_product {
    size_t n;
    const float *gram;
    const double *x;
    double *y;
};

PN_CLONES static double dot_mixed(size_t n, const float *restrict g, const double *restrict x)
{
    double lane[16] = { 0 };
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 16; ++l) lane[l] += (double)g[i + l] * x[i + l];
    for (size_t l = 0; i < n; ++i, ++l) lane[l] += (double)g[i] * x[i];
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t l = 0; l < half; ++l) lane[l] += lane[l + half];
    return lane[0];
}

static void gram_product_block(void *context, size_t b)
{
    const struct gram_product *a = context;
    const size_t last = pn_min(a->n, (b + 1) * ROWS);
    for (size_t i = b * ROWS; i < last; ++i) a->y[i] = dot_mixed(a->n, a->gram + i * a->n, a->x);
}

pn_status pn_gram_product_f64(size_t n, const float *gram, const double *x, double *y)
{
    if (n == 0) return PN_OK;
    if (!gram || !x || !y) return PN_ENULL;
    struct gram_product a = { n, gram, x, y };
    return pn_team_for(pn_ceil_div(n, ROWS), gram_product_block, &a);
}
