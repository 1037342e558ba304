/* Cuts rows x cols into tiles of about PN_BLOCK elements: whole rows when they are short, pieces of one row when
 * they are long. Depends on the sizes alone. */
#ifndef PN_LAYOUT_ROWS_H
#define PN_LAYOUT_ROWS_H

#include "base.h"

struct rows {
    size_t rows, cols;
    size_t height; /* rows a tile */
    size_t pieces; /* tiles a row; 1 when height > 1 */
    size_t blocks;
};

struct tile {
    size_t row, rows, col, cols;
};

PN_INLINE struct rows pn_rows(size_t rows, size_t cols)
{
    struct rows r = { rows, cols, 1, 1, 0 };
    if (rows == 0 || cols == 0) return r;
    if (cols < PN_BLOCK)
        r.height = pn_max(1, PN_BLOCK / cols);
    else
        r.pieces = pn_ceil_div(cols, PN_BLOCK);
    r.blocks = pn_ceil_div(rows, r.height) * r.pieces;
    return r;
}

PN_INLINE struct tile pn_tile(const struct rows *r, size_t block)
{
    const size_t row = block / r->pieces * r->height, col = block % r->pieces * PN_BLOCK;
    return (struct tile){ row, pn_min(r->height, r->rows - row), col,
                          r->pieces == 1 ? r->cols : pn_min(PN_BLOCK, r->cols - col) };
}

#endif
