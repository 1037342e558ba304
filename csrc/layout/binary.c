/* Arithmetic of two operands, one of them perhaps spread over rows or columns. */
#include "base.h"
#include "penchant/layout.h"
#include "rows.h"

PN_CLONES static void flat(size_t n, pn_binary op, const float *a, const float *b, float *y)
{
    switch (op) {
    case PN_BINARY_ADD: for (size_t i = 0; i < n; ++i) y[i] = a[i] + b[i]; break;
    case PN_BINARY_SUB: for (size_t i = 0; i < n; ++i) y[i] = a[i] - b[i]; break;
    case PN_BINARY_MUL: for (size_t i = 0; i < n; ++i) y[i] = a[i] * b[i]; break;
    case PN_BINARY_DIV: for (size_t i = 0; i < n; ++i) y[i] = a[i] / b[i]; break;
    }
}

PN_CLONES static void along(size_t n, pn_binary op, const float *a, float b, float *y)
{
    switch (op) {
    case PN_BINARY_ADD: for (size_t i = 0; i < n; ++i) y[i] = a[i] + b; break;
    case PN_BINARY_SUB: for (size_t i = 0; i < n; ++i) y[i] = a[i] - b; break;
    case PN_BINARY_MUL: for (size_t i = 0; i < n; ++i) y[i] = a[i] * b; break;
    case PN_BINARY_DIV: for (size_t i = 0; i < n; ++i) y[i] = a[i] / b; break;
    }
}

struct binary {
    struct rows rows;
    pn_binary op;
    pn_spread spread;
    const float *a, *b;
    float *y;
};

static void binary_block(void *context, size_t block)
{
    const struct binary *c = context;
    const struct tile t = pn_tile(&c->rows, block);
    for (size_t r = t.row; r < t.row + t.rows; ++r) {
        const size_t at = r * c->rows.cols + t.col;
        switch (c->spread) {
        case PN_SPREAD_NONE: flat(t.cols, c->op, c->a + at, c->b + at, c->y + at); break;
        case PN_SPREAD_ROW: flat(t.cols, c->op, c->a + at, c->b + t.col, c->y + at); break;
        case PN_SPREAD_COLUMN: along(t.cols, c->op, c->a + at, c->b[r], c->y + at); break;
        }
    }
}

pn_status pn_binary_f32(size_t rows, size_t cols, pn_binary op, pn_spread spread, const float *a, const float *b,
                        float *y)
{
    if ((unsigned)op > PN_BINARY_DIV || (unsigned)spread > PN_SPREAD_COLUMN) return PN_EVALUE;
    size_t n;
    if (!pn_mul_size(rows, cols, &n)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!a || !b || !y) return PN_ENULL;
    /* Without spreading the shape does not matter: one long row needs no inner loop over short ones. */
    struct binary c = { spread == PN_SPREAD_NONE ? pn_rows(1, n) : pn_rows(rows, cols), op, spread, a, b, y };
    return pn_team_for(c.rows.blocks, binary_block, &c);
}

PN_CLONES static void affine_run(size_t n, float factor, float shift, const float *x, float *y)
{
    for (size_t i = 0; i < n; ++i) y[i] = factor * x[i] + shift;
}

struct affine {
    size_t n;
    float factor, shift;
    const float *x;
    float *y;
};

static void affine_block(void *context, size_t block)
{
    const struct affine *c = context;
    const size_t first = block * PN_BLOCK;
    affine_run(pn_min(PN_BLOCK, c->n - first), c->factor, c->shift, c->x + first, c->y + first);
}

pn_status pn_affine_f32(size_t n, float factor, float shift, const float *x, float *y)
{
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct affine c = { n, factor, shift, x, y };
    return pn_team_for(pn_blocks(n), affine_block, &c);
}

struct spread {
    struct rows rows;
    pn_spread spread;
    float factor;
    const float *x;
    float *y;
};

static void spread_block(void *context, size_t block)
{
    const struct spread *c = context;
    const struct tile t = pn_tile(&c->rows, block);
    for (size_t r = t.row; r < t.row + t.rows; ++r) {
        float *y_r = c->y + r * c->rows.cols + t.col;
        if (c->spread == PN_SPREAD_ROW) {
            affine_run(t.cols, c->factor, 0, c->x + t.col, y_r);
        } else {
            const float value = c->factor * c->x[r];
            for (size_t i = 0; i < t.cols; ++i) y_r[i] = value;
        }
    }
}

pn_status pn_spread_f32(size_t rows, size_t cols, pn_spread spread, float factor, const float *x, float *y)
{
    if (spread != PN_SPREAD_ROW && spread != PN_SPREAD_COLUMN) return PN_EVALUE;
    size_t n;
    if (!pn_mul_size(rows, cols, &n)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct spread c = { pn_rows(rows, cols), spread, factor, x, y };
    return pn_team_for(c.rows.blocks, spread_block, &c);
}
