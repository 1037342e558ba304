#include "block.h"

#include "penchant/cpu.h"

/* 384 products keep eight rows of A (12 KiB) in L1 and 336 columns of B (512 KiB) in half of L2; longer sums are cut
 * into 256, with which 512 columns of B stay. */
#define K_BLOCK ((size_t)384)
#define K_BLOCK_LONG ((size_t)256)
#define STRIPS_BYTES ((size_t)512 << 10)

/* Below this many rows of C a copy of B [k, n] costs more than reading it in place. */
#define COPY_ROWS ((size_t)48)

/* A [k, m] is copied for this many rows of C at a time, when there are columns to use it for. */
#define A_ROWS ((size_t)128)
#define COPY_COLUMNS ((size_t)32)
#define SPREAD_BYTES ((size_t)640 << 10)

/* Below this many rows of C transposing B [n, k] costs more than transposing C. */
#define SWAP_ROWS ((size_t)96)
/* Columns of C that are computed before they are turned. */
#define SWAP_COLUMNS ((size_t)64)

const pn_gemm_epilogue pn_gemm_no_epilogue;

const struct pn_gemm_kernels *pn_gemm_kernels_now(void)
{
#if defined(__x86_64__)
    switch (pn_cpu_tier()) {
    case PN_TIER_V4: return &pn_gemm_kernels_v4;
    case PN_TIER_V3: return &pn_gemm_kernels_v3;
    case PN_TIER_BASE: break;
    }
#endif
    return &pn_gemm_kernels_base;
}

size_t pn_gemm_k_block(size_t k)
{
    if (k <= K_BLOCK) return k;
    const size_t even = pn_ceil_div(k, pn_ceil_div(k, K_BLOCK_LONG));
    return pn_ceil_div(even, 16) * 16;
}

bool pn_gemm_prefers_swap(bool a_by_columns, enum b_form form, size_t m, size_t n)
{
    return form == B_COLUMNS && !a_by_columns && m < SWAP_ROWS && n > m;
}

/* Floats from one strip of k rows to the next: an odd number of vectors, so that strips do not share cache sets. */
static size_t strip_stride(const struct pn_gemm_kernels *kernels, size_t k) { return (k | 1) * kernels->lanes; }

static size_t strips_floats(const struct pn_gemm_kernels *kernels, size_t k, size_t columns)
{
    return pn_ceil_div(columns, kernels->lanes) * strip_stride(kernels, k);
}

/* Columns of B that one pass over A works on. */
static size_t column_block(const struct pn_gemm_kernels *kernels, size_t k_block)
{
    const size_t tile = kernels->lanes * kernels->vectors;
    return pn_max(STRIPS_BYTES / (strip_stride(kernels, k_block) / kernels->lanes * sizeof(float)) / tile, 1) * tile;
}

/* Vectors of the next tile: three, but 2 + 2 instead of 3 + 1. */
static size_t tile_vectors(const struct pn_gemm_kernels *kernels, size_t left)
{
    if (left == 4) return 2;
    return pn_min(left, kernels->vectors);
}

static void fill_strips(const struct pn_gemm_kernels *kernels, bool transposed, size_t n, size_t k, const float *b,
                        size_t ldb, float *strips)
{
    const size_t lanes = kernels->lanes, stride = strip_stride(kernels, k);
    if (!transposed) {
        kernels->strips_copy(k, n, b, ldb, strips, stride);
        return;
    }
    for (size_t j = 0; j < n; j += lanes, strips += stride)
        kernels->strip_transpose(k, pn_min(lanes, n - j), b + j * ldb, ldb, strips, lanes);
}

/* Packed form: for every block of k all strips, `first` of the block of k0 is here. */
static size_t packed_place(const struct pn_gemm_kernels *kernels, size_t n, size_t k, size_t k0, size_t first)
{
    const size_t k_block = pn_gemm_k_block(k), strips = pn_ceil_div(n, kernels->lanes);
    return k0 / k_block * strips * strip_stride(kernels, k_block) +
           first * strip_stride(kernels, pn_min(k_block, k - k0));
}

void pn_gemm_pack_strips(const struct pn_gemm_kernels *kernels, bool transposed, size_t n, size_t k, const float *b,
                         size_t ldb, size_t first, size_t count, float *packed)
{
    const size_t k_block = pn_gemm_k_block(k), column = first * kernels->lanes;
    const size_t columns = pn_min(count * kernels->lanes, n - column);
    for (size_t k0 = 0; k0 < k; k0 += k_block) {
        const float *from = transposed ? b + column * ldb + k0 : b + k0 * ldb + column;
        fill_strips(kernels, transposed, columns, pn_min(k_block, k - k0), from, ldb,
                    packed + packed_place(kernels, n, k, k0, first));
    }
}

static const float *shifted(const float *p, size_t by) { return p ? p + by : NULL; }

void pn_gemm_tiles(const struct pn_gemm_kernels *kernels, pn_tile *const tiles[], size_t columns, size_t k,
                   const float *a, size_t a_stride, struct pn_gemm_vectors b, const struct pn_tile_out *first)
{
    const size_t lanes = kernels->lanes, vectors = pn_ceil_div(columns, lanes);
    const size_t share = pn_ceil_div(first->next_rows, pn_ceil_div(vectors, kernels->vectors));
    size_t next_rows = first->next_rows;
    struct pn_tile_out out = *first;
    for (size_t left = vectors, v; left > 0; left -= v) {
        v = tile_vectors(kernels, left);
        out.columns = pn_min(columns, v * lanes);
        out.next_rows = pn_min(share, next_rows);
        out.b_ahead = b.cold && left > v ? v * lanes : 0;
        tiles[v - 1](k, a, a_stride, b.b, b.vector, b.step, &out);
        columns -= out.columns;
        b.b += v * b.vector;
        out.c += v * lanes;
        if (out.column_bias) out.column_bias += v * lanes;
        next_rows -= out.next_rows;
        out.next += out.next_rows * out.next_stride;
    }
}

/* The rows of r with the block k0 ... k0 + k - 1 and all columns of r; the last ones, less than a vector, lie in `tail`
 * when b is read in place. */
static void panels(const struct pn_gemm_kernels *kernels, const struct product *p, struct region r, size_t k0, size_t k,
                   struct pn_gemm_vectors b, const float *tail, float *a_strips)
{
    const size_t lanes = kernels->lanes, stride = strip_stride(kernels, k);
    const pn_gemm_epilogue *e = p->epilogue;
    const bool last = k0 + k == p->k, pass = pn_gemm_needs_pass(e);
    const size_t tail_columns = tail ? r.columns % lanes : 0, whole = r.columns - tail_columns;
    const struct pn_gemm_vectors b_tail = { tail, 0, lanes, false };
    if (a_strips) fill_strips(kernels, false, r.rows, k, p->a + k0 * p->lda + r.first_row, p->lda, a_strips);

    const size_t count = pn_ceil_div(r.rows, kernels->rows);
    for (size_t panel = 0, i = 0, rows; panel < count; ++panel, i += rows) {
        /* Even shares, 9 rows are 5 + 4, except on strips, whose panels are fixed. */
        rows = a_strips ? pn_min(kernels->rows, r.rows - i) : (panel + 1) * r.rows / count - i;
        const size_t row = r.first_row + i;
        const float *a = a_strips          ? a_strips + i / lanes * stride + i % lanes
                         : p->a_by_columns ? p->a + k0 * p->lda + row
                                           : p->a + row * p->lda + k0;
        const size_t a_stride = a_strips ? lanes : p->lda;
        pn_tile *const *tiles = (p->a_by_columns ? kernels->by_columns : kernels->by_rows)[rows - 1];
        struct pn_tile_out out = {
            .c = p->c + row * p->ldc + r.first_column,
            .ldc = p->ldc,
            .alpha = p->alpha,
            .beta = k0 == 0 ? p->beta : 1,
            .column_bias = last ? shifted(e->column_bias, r.first_column) : NULL,
            .row_bias = last ? shifted(e->row_bias, row) : NULL,
            .relu = last && e->activation == PN_ACT_RELU && !pass,
        };
        if (!p->a_by_columns) {
            out.next = a + rows * p->lda;
            out.next_stride = p->lda;
            out.next_rows = pn_min(kernels->rows, r.rows - i - rows);
        } else if (!a_strips && i + rows < r.rows) {
            out.a_ahead = kernels->rows;
        }
        if (whole) pn_gemm_tiles(kernels, tiles, whole, k, a, a_stride, b, &out);
        b.cold = false;
        if (tail_columns) {
            out.c += whole;
            if (out.column_bias) out.column_bias += whole;
            pn_gemm_tiles(kernels, tiles, tail_columns, k, a, a_stride, b_tail, &out);
        }
        /* While the rows are in L1. */
        if (last && pass) pn_gemm_pass(p, (struct region){ row, rows, r.first_column, r.columns });
    }
}

/* Whether A [k, m] is copied to strips: in place its columns are spread over more than the L2 keeps. */
static bool copies_a(const struct product *p, struct region r, size_t k)
{
    return p->a_by_columns && r.columns >= COPY_COLUMNS && k * p->lda * sizeof(float) > SPREAD_BYTES;
}

/* The same for B [k, n]. */
static bool copies_b(const struct product *p, struct region r, size_t k)
{
    return p->form == B_ROWS && r.rows >= COPY_ROWS && k * p->ldb * sizeof(float) > SPREAD_BYTES;
}

static void direct_block(const struct pn_gemm_kernels *kernels, const struct product *p, struct region r,
                         float *scratch)
{
    const size_t lanes = kernels->lanes, k_block = pn_gemm_k_block(p->k);
    const bool copies = p->form == B_COLUMNS || copies_b(p, r, k_block);
    const size_t end = r.first_row + r.rows;

    for (size_t k0 = 0; k0 < p->k; k0 += k_block) {
        const size_t k = pn_min(k_block, p->k - k0);
        float *strips = scratch;
        size_t used = 0;
        struct pn_gemm_vectors b = { strips, strip_stride(kernels, k), lanes, false };
        const float *tail = NULL;
        if (p->form == B_STRIPS) {
            b.b = p->b + packed_place(kernels, p->n, p->k, k0, r.first_column / lanes);
        } else if (copies) {
            const float *from = p->form == B_COLUMNS ? p->b + r.first_column * p->ldb + k0
                                                     : p->b + k0 * p->ldb + r.first_column;
            fill_strips(kernels, p->form == B_COLUMNS, r.columns, k, from, p->ldb, strips);
            used = strips_floats(kernels, k, r.columns);
        } else {
            const size_t whole = r.columns - r.columns % lanes;
            b = (struct pn_gemm_vectors){ p->b + k0 * p->ldb + r.first_column, lanes, p->ldb, true };
            if (whole < r.columns) fill_strips(kernels, false, r.columns - whole, k, b.b + whole, p->ldb, strips);
            tail = strips;
            used = strip_stride(kernels, k);
        }
        float *a_strips = copies_a(p, r, k) ? scratch + used : NULL;
        const size_t rows = a_strips ? A_ROWS : r.rows;
        for (size_t i = r.first_row; i < end; i += rows)
            panels(kernels, p, (struct region){ i, pn_min(rows, end - i), r.first_column, r.columns }, k0, k, b, tail,
                   a_strips);
    }
}

/* C^T in pieces of SWAP_COLUMNS columns of C: T [columns, m] = rows of B times A^T, then transposed into C. */
static void swapped_block(const struct pn_gemm_kernels *kernels, const struct product *p, struct region r,
                          float *scratch)
{
    const size_t lanes = kernels->lanes, k_block = pn_gemm_k_block(p->k);
    const size_t step = pn_ceil_div(r.rows, lanes) * lanes;
    float *strip = scratch, *t = strip + PN_LANES_MAX * step, *packed = t + SWAP_COLUMNS * step;
    const pn_gemm_epilogue *e = p->epilogue;
    const bool relu = e->activation == PN_ACT_RELU && !pn_gemm_needs_pass(e);
    const size_t end = r.first_column + r.columns;

    for (size_t k0 = 0; k0 < p->k; k0 += k_block) {
        const size_t k = pn_min(k_block, p->k - k0);
        fill_strips(kernels, true, r.rows, k, p->a + r.first_row * p->lda + k0, p->lda, packed);
        for (size_t j = r.first_column; j < end; j += SWAP_COLUMNS) {
            const size_t columns = pn_min(SWAP_COLUMNS, end - j);
            const size_t panels = pn_ceil_div(columns, kernels->rows);
            for (size_t panel = 0; panel < panels; ++panel) {
                const size_t first = panel * columns / panels, rows = (panel + 1) * columns / panels - first;
                const struct pn_tile_out out = {
                    .c = t + first * step,
                    .ldc = step,
                    .alpha = p->alpha,
                };
                pn_gemm_tiles(kernels, kernels->by_rows[rows - 1], step, k, p->b + (j + first) * p->ldb + k0, p->ldb,
                              (struct pn_gemm_vectors){ packed, strip_stride(kernels, k), lanes, false }, &out);
            }
            const bool last = k0 + k == p->k;
            const float beta = k0 == 0 ? p->beta : 1;
            for (size_t s = 0; s < columns; s += lanes) {
                const size_t width = pn_min(lanes, columns - s);
                float *c = p->c + r.first_row * p->ldc + j + s;
                const float *column_bias = last ? shifted(e->column_bias, j + s) : NULL;
                const float *row_bias = last ? shifted(e->row_bias, r.first_row) : NULL;
                kernels->strip_transpose(r.rows, width, t + s * step, step, strip, lanes);
                for (size_t i = 0; i < r.rows; ++i)
                    kernels->write(width, strip + i * lanes, beta, column_bias, row_bias ? row_bias[i] : 0,
                                   last && relu, c + i * p->ldc);
            }
        }
    }
    if (pn_gemm_needs_pass(e)) pn_gemm_pass(p, r);
}

void pn_gemm_block(const struct pn_gemm_kernels *kernels, const struct product *p, struct region r, void *scratch)
{
    if (pn_gemm_prefers_swap(p->a_by_columns, p->form, p->m, p->n)) {
        swapped_block(kernels, p, r, scratch);
        return;
    }
    const size_t width = column_block(kernels, pn_gemm_k_block(p->k)), end = r.first_column + r.columns;
    for (size_t j = r.first_column; j < end; j += width)
        direct_block(kernels, p, (struct region){ r.first_row, r.rows, j, pn_min(width, end - j) }, scratch);
}

size_t pn_gemm_block_scratch(const struct pn_gemm_kernels *kernels, bool a_by_columns, enum b_form form, size_t m, size_t n,
                             size_t k)
{
    /* Not the block of this k: a shorter sum may have a longer block (400 is 2 of 208, 384 is 1 of 384). */
    const size_t most = pn_min(k, K_BLOCK), lanes = kernels->lanes;
    size_t floats = 0;
    if (pn_gemm_prefers_swap(a_by_columns, form, m, n)) {
        floats = (PN_LANES_MAX + SWAP_COLUMNS) * pn_ceil_div(m, lanes) * lanes + strips_floats(kernels, most, m);
    } else {
        if (form != B_STRIPS)
            floats = strips_floats(kernels, most, pn_min(n, STRIPS_BYTES / sizeof(float)));
        floats = pn_min(floats, STRIPS_BYTES / sizeof(float));
        if (a_by_columns) floats += strips_floats(kernels, most, pn_min(m, A_ROWS));
    }
    return pn_ceil_div(floats * sizeof(float), 64) * 64;
}
