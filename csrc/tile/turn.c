#include "tile.h"

/* Four perfect shuffles of sixteen rows transpose sixteen by sixteen. */
PN_INLINE void turn_square(pn_f32x16 row[PN_LANES])
{
    for (int stage = 0; stage < 4; ++stage) {
        pn_f32x16 next[PN_LANES];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < PN_LANES / 2; ++i) {
            const pn_f32x16 a = row[i], b = row[i + 8];
            next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            next[2 * i + 1] =
                __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        }
#pragma clang loop unroll(full)
        for (size_t i = 0; i < PN_LANES; ++i) row[i] = next[i];
    }
}

PN_CLONES __attribute__((__min_vector_width__(512))) void pn_tile_turn(size_t rows, size_t d, float factor,
                                                                       const float *from, size_t from_row,
                                                                       const uint32_t *index, float *to,
                                                                       size_t to_row)
{
    for (size_t first = 0; first < rows; first += PN_LANES) {
        const size_t some = pn_min(PN_LANES, rows - first);
        const float *source[PN_LANES];
        for (size_t l = 0; l < some; ++l) source[l] = from + (index ? index[first + l] : first + l) * from_row;
        size_t j = 0;
        for (; j + PN_LANES <= d; j += PN_LANES) {
            pn_f32x16 row[PN_LANES];
            for (size_t l = 0; l < PN_LANES; ++l)
                row[l] = l < some ? factor * pn_load16(source[l] + j) : (pn_f32x16){ 0 };
            turn_square(row);
            for (size_t l = 0; l < PN_LANES; ++l) pn_store16(to + (j + l) * to_row + first, row[l]);
        }
        for (; j < d; ++j)
            for (size_t l = 0; l < PN_LANES; ++l)
                to[j * to_row + first + l] = l < some ? factor * source[l][j] : 0;
    }
}
