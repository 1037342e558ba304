/* Slices, concatenation, transposition: copies between strided rows. */
#include "base.h"
#include "penchant/layout.h"
#include "rows.h"

PN_CLONES static void add(size_t n, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; ++i) y[i] += x[i];
}

/* Copies `length` elements of every row between matrices of different widths. */
struct copy {
    struct rows rows; /* outer x length */
    size_t from_width, to_width;
    const float *from;
    float *to;
    bool add;
};

static void copy_block(void *context, size_t block)
{
    const struct copy *c = context;
    const struct tile t = pn_tile(&c->rows, block);
    for (size_t r = t.row; r < t.row + t.rows; ++r) {
        const float *from = c->from + r * c->from_width + t.col;
        float *to = c->to + r * c->to_width + t.col;
        if (c->add)
            add(t.cols, from, to);
        else
            memcpy(to, from, t.cols * sizeof *to);
    }
}

static pn_status copy(size_t outer, size_t length, const float *from, size_t from_width, float *to, size_t to_width,
                      bool add)
{
    struct copy c = { pn_rows(outer, length), from_width, to_width, from, to, add };
    return pn_team_for(c.rows.blocks, copy_block, &c);
}

static pn_status check_slice(size_t outer, size_t width, size_t first, size_t length)
{
    size_t n;
    if (first > width || length > width - first || !pn_mul_size(outer, width, &n)) return PN_EDIM;
    return PN_OK;
}

pn_status pn_slice_f32(size_t outer, size_t width, size_t first, size_t length, const float *x, float *y)
{
    const pn_status status = check_slice(outer, width, first, length);
    if (status || outer == 0 || length == 0) return status;
    if (!x || !y) return PN_ENULL;
    return copy(outer, length, x + first, width, y, length, false);
}

struct clear {
    struct rows rows;
    size_t first, length;
    float *x;
};

static void clear_block(void *context, size_t block)
{
    const struct clear *c = context;
    const size_t last = c->first + c->length;
    const size_t from = block * c->rows.height, to = pn_min(from + c->rows.height, c->rows.rows);
    for (size_t r = from; r < to; ++r) {
        float *x_r = c->x + r * c->rows.cols;
        memset(x_r, 0, c->first * sizeof *x_r);
        memset(x_r + last, 0, (c->rows.cols - last) * sizeof *x_r);
    }
}

pn_status pn_slice_grad_f32(size_t outer, size_t width, size_t first, size_t length, bool clear, const float *dy,
                            float *dx)
{
    pn_status status = check_slice(outer, width, first, length);
    if (status || outer == 0 || width == 0) return status;
    if (!dx || (!dy && length)) return PN_ENULL;
    if (clear) {
        struct clear c = { pn_rows(outer, width), first, length, dx };
        status = pn_team_for(pn_ceil_div(outer, c.rows.height), clear_block, &c);
        if (status) return status;
    }
    return length ? copy(outer, length, dy, length, dx + first, width, !clear) : PN_OK;
}

pn_status pn_concat_f32(size_t outer, size_t number, const size_t *widths, const float *const *x, float *y)
{
    if (number && (!widths || !x)) return PN_ENULL;
    size_t width = 0, n;
    for (size_t i = 0; i < number; ++i)
        if (!pn_add_size(width, widths[i], &width)) return PN_EDIM;
    if (!pn_mul_size(outer, width, &n)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!y) return PN_ENULL;
    for (size_t i = 0, at = 0; i < number; at += widths[i++]) {
        if (widths[i] == 0) continue;
        if (!x[i]) return PN_ENULL;
        const pn_status status = copy(outer, widths[i], x[i], widths[i], y + at, width, false);
        if (status) return status;
    }
    return PN_OK;
}

/* Rows and columns a task moves: both sides of a 32 x 32 tile stay in the first cache. */
#define TILE ((size_t)32)

struct transpose {
    size_t rows, cols, inner, down, across;
    const float *x;
    float *y;
};

static void transpose_block(void *context, size_t block)
{
    const struct transpose *c = context;
    const size_t tiles = c->down * c->across, b = block / tiles, tile = block % tiles;
    const size_t row = tile / c->across * TILE, col = tile % c->across * TILE;
    const size_t last_row = pn_min(row + TILE, c->rows), last_col = pn_min(col + TILE, c->cols);
    const size_t size = c->rows * c->cols * c->inner;
    const float *x_b = c->x + b * size;
    float *y_b = c->y + b * size;
    for (size_t j = col; j < last_col; ++j)
        for (size_t i = row; i < last_row; ++i) {
            const float *from = x_b + (i * c->cols + j) * c->inner;
            float *to = y_b + (j * c->rows + i) * c->inner;
            if (c->inner == 1)
                *to = *from;
            else
                memcpy(to, from, c->inner * sizeof *to);
        }
}

pn_status pn_transpose_f32(size_t batch, size_t rows, size_t cols, size_t inner, const float *x, float *y)
{
    size_t n;
    if (!pn_mul_size(batch, rows, &n) || !pn_mul_size(n, cols, &n) || !pn_mul_size(n, inner, &n)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct transpose c = { rows, cols, inner, pn_ceil_div(rows, TILE), pn_ceil_div(cols, TILE), x, y };
    return pn_team_for(batch * c.down * c.across, transpose_block, &c);
}
