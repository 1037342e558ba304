/* The inner kernels, written once in vector extensions and compiled once a tier. The including file defines
 *   PN_K_TARGET   attributes that select the instruction set
 *   PN_K_LANES    floats in a vector
 *   PN_K_ROWS     rows of the largest tile, 4 or 8
 *   PN_K_VECTORS  vectors of the largest tile, 2 or 3
 *   PN_K_TABLE    name of the table
 * A tier has one FMA a cycle and vector width or two; four cycles of latency ask for 8 independent sums, and R + V
 * loads a step stay below the load ports. So the largest tile needs not fill all registers: it is the one whose rows
 * do not evict each other from an 8-way L1 when they lie a multiple of 4 KiB apart.
 */
#include "kernel.h"

typedef float vec __attribute__((vector_size(PN_K_LANES * 4)));
typedef int32_t bits __attribute__((vector_size(PN_K_LANES * 4)));
typedef float loose_vec __attribute__((vector_size(PN_K_LANES * 4), aligned(4)));

#define L ((size_t)PN_K_LANES)
#define K_INLINE static inline __attribute__((always_inline)) PN_K_TARGET
#define K_UNROLL _Pragma("clang loop unroll(full)")

K_INLINE vec load(const float *p) { return *(const loose_vec *)p; }
K_INLINE void store(float *p, vec x) { *(loose_vec *)p = x; }
K_INLINE vec splat(float x) { return x - (vec){ 0 }; }

K_INLINE vec multiply_add(vec a, vec b, vec c)
{
#ifdef PN_K_FMA
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

K_INLINE void write_row(vec value[], const int V, size_t r, const struct pn_tile_out *out)
{
    float *row = out->c + r * out->ldc;
    K_UNROLL for (int v = 0; v < V; ++v) value[v] *= out->alpha;
    if (out->beta != 0) {
        K_UNROLL for (int v = 0; v < V; ++v) value[v] = multiply_add(splat(out->beta), load(row + v * L), value[v]);
    }
    if (out->column_bias) {
        K_UNROLL for (int v = 0; v < V; ++v) value[v] += load(out->column_bias + v * L);
    }
    if (out->row_bias) {
        K_UNROLL for (int v = 0; v < V; ++v) value[v] += out->row_bias[r];
    }
    if (out->relu) {
        /* NaN < 0 is false: NaN stays. */
        K_UNROLL for (int v = 0; v < V; ++v) value[v] = (vec)((bits)value[v] & ~(value[v] < 0));
    }
    K_UNROLL for (int v = 0; v < V; ++v) store(row + v * L, value[v]);
}

/* The last columns of C, fewer than the tile computes: through memory of the tile's size. */
PN_K_TARGET __attribute__((noinline)) static void write_part(const float *tile, size_t rows, size_t step, const struct pn_tile_out *out)
{
    for (size_t r = 0; r < rows; ++r) {
        float *row = out->c + r * out->ldc;
        for (size_t j = 0; j < out->columns; ++j) {
            float value = out->alpha * tile[r * step + j];
            if (out->beta != 0) value += out->beta * row[j];
            if (out->column_bias) value += out->column_bias[j];
            if (out->row_bias) value += out->row_bias[r];
            row[j] = out->relu && value < 0 ? 0 : value;
        }
    }
}

K_INLINE void tile_body(const int R, const int V, const bool by_rows, size_t k, const float *a, size_t a_stride,
                        const float *b, size_t b_vector, size_t b_step, const struct pn_tile_out *out)
{
    _Static_assert(PN_K_LANES % PN_K_ROWS == 0, "a panel of A lies in one strip");
    vec sum[PN_K_ROWS][PN_K_VECTORS];
    K_UNROLL for (int r = 0; r < R; ++r) {
        K_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = (vec){ 0 };
        /* The tile's results will be written in some hundred cycles. */
        K_UNROLL for (int v = 0; v < V; ++v) __builtin_prefetch(out->c + (size_t)r * out->ldc + (size_t)v * L, 1);
    }
    const size_t a_ahead = out->a_ahead, b_ahead = out->b_ahead;
    /* Three rows a pointer: p, p + stride, p + 2 * stride are addressing modes, 8 pointers would spill. */
    const float *p0 = a, *p3 = a + (R > 3 ? 3 * a_stride : 0), *p6 = a + (R > 6 ? 6 * a_stride : 0);
    const size_t piece = out->b_piece > 0 ? out->b_piece : k;
    for (size_t i = 0, piece_end = pn_min(piece, k); i < k;) {
        for (size_t r = 0; r < out->next_rows; ++r) __builtin_prefetch(out->next + r * out->next_stride + i);
        for (const size_t end = pn_min(i + 16, piece_end); i < end; ++i) {
            /* One line at a time: a burst would hold every miss buffer of the L1. */
            K_UNROLL for (int v = 0; v < V; ++v) __builtin_prefetch(b + (size_t)v * b_vector + b_ahead);
            if (!by_rows) __builtin_prefetch(a + a_ahead);
            vec row[PN_K_VECTORS];
            K_UNROLL for (int v = 0; v < V; ++v) row[v] = load(b + (size_t)v * b_vector);
            K_UNROLL for (int r = 0; r < R; ++r) {
                const float *p = r < 3 ? p0 : r < 6 ? p3 : p6;
                const vec x = splat(by_rows ? p[(size_t)(r % 3) * a_stride] : a[r]);
                K_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = multiply_add(x, row[v], sum[r][v]);
            }
            b += b_step;
            if (by_rows) {
                ++p0, ++p3, ++p6;
                __asm__ volatile("" : "+r"(p0), "+r"(p3), "+r"(p6)); /* keeps them three pointers */
            } else {
                a += a_stride;
            }
        }
        if (i == piece_end) {
            b += out->b_gap;
            piece_end = pn_min(piece_end + piece, k);
        }
    }
    if (out->columns >= (size_t)V * L) {
        K_UNROLL for (int r = 0; r < R; ++r) write_row(sum[r], V, (size_t)r, out);
    } else {
        float tile[PN_K_ROWS * PN_K_VECTORS * PN_K_LANES];
        K_UNROLL for (int r = 0; r < R; ++r)
            K_UNROLL for (int v = 0; v < V; ++v) store(tile + (size_t)(r * V + v) * L, sum[r][v]);
        write_part(tile, (size_t)R, (size_t)V * L, out);
    }
}

#define TILE(R, V)                                                                                                   \
    PN_K_TARGET static void rows_##R##_##V(size_t k, const float *a, size_t a_stride, const float *b,                \
                                           size_t b_vector, size_t b_step, const struct pn_tile_out *out)            \
    {                                                                                                                \
        tile_body(R, V, true, k, a, a_stride, b, b_vector, b_step, out);                                             \
    }                                                                                                                \
    PN_K_TARGET static void columns_##R##_##V(size_t k, const float *a, size_t a_stride, const float *b,             \
                                              size_t b_vector, size_t b_step, const struct pn_tile_out *out)         \
    {                                                                                                                \
        tile_body(R, V, false, k, a, a_stride, b, b_vector, b_step, out);                                            \
    }

#if PN_K_VECTORS == 3
#define TILES(R) TILE(R, 1) TILE(R, 2) TILE(R, 3)
#define NAMES(KIND, R) { KIND##_##R##_1, KIND##_##R##_2, KIND##_##R##_3 }
#else
#define TILES(R) TILE(R, 1) TILE(R, 2)
#define NAMES(KIND, R) { KIND##_##R##_1, KIND##_##R##_2 }
#endif

TILES(1) TILES(2) TILES(3) TILES(4)
#if PN_K_ROWS == 8
TILES(5) TILES(6) TILES(7) TILES(8)
#endif

#define AHEAD 1024

PN_K_TARGET static void strips_copy(size_t k, size_t n, const float *b, size_t ldb, float *strips,
                                    size_t stride)
{
    const size_t whole = n - n % L;
    /* The prefetcher of the processor stops at every row; four KiB ahead hide what it misses. */
    const size_t ahead = AHEAD / pn_max(n, L) + 1;
    for (size_t i = 0; i < k; ++i, b += ldb) {
        float *to = strips + i * L;
        const float *next = b + pn_min(ahead, k - 1 - i) * ldb;
        for (size_t j = 0; j < whole; j += L, to += stride) {
            __builtin_prefetch(next + j);
            store(to, load(b + j));
        }
        if (whole < n)
            for (size_t j = 0; j < L; ++j) to[j] = whole + j < n ? b[whole + j] : 0;
    }
}

/* One round of an L x L transposition: rows i and i + L/2 become rows 2i and 2i + 1, their lanes interleaved. After
 * log2(L) rounds lane and row have changed places. */
#if PN_K_LANES == 16
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(x, y) __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif PN_K_LANES == 8
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define HIGH(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#endif

K_INLINE void transpose_square(const float *b, size_t ldb, float *strip, size_t step)
{
    vec x[PN_K_LANES], y[PN_K_LANES];
    K_UNROLL for (int i = 0; i < PN_K_LANES; ++i) x[i] = load(b + (size_t)i * ldb);
    K_UNROLL for (int round = 1; round < PN_K_LANES; round *= 2) {
        K_UNROLL for (int i = 0; i < PN_K_LANES / 2; ++i) {
            y[2 * i] = LOW(x[i], x[i + PN_K_LANES / 2]);
            y[2 * i + 1] = HIGH(x[i], x[i + PN_K_LANES / 2]);
        }
        K_UNROLL for (int i = 0; i < PN_K_LANES; ++i) x[i] = y[i];
    }
    K_UNROLL for (int i = 0; i < PN_K_LANES; ++i) store(strip + (size_t)i * step, x[i]);
}

PN_K_TARGET static void strip_transpose(size_t k, size_t columns, const float *b, size_t ldb, float *strip,
                                        size_t step)
{
    size_t i = 0;
    if (columns == L)
        for (; i + L <= k; i += L) transpose_square(b + i, ldb, strip + i * step, step);
    for (; i < k; ++i)
        for (size_t j = 0; j < L; ++j) strip[i * step + j] = j < columns ? b[j * ldb + i] : 0;
}

PN_K_TARGET static void write_values(size_t n, const float *value, float beta, const float *column_bias,
                                     float row_bias, bool relu, float *c)
{
    const struct pn_tile_out out = {
        .c = c, .columns = n, .alpha = 1, .beta = beta, .column_bias = column_bias, .row_bias = &row_bias, .relu = relu,
    };
    if (n == L) {
        vec x[PN_K_VECTORS] = { load(value) };
        write_row(x, 1, 0, &out);
    } else {
        write_part(value, 1, n, &out);
    }
}

K_INLINE float add_lanes(vec x)
{
    float lane[PN_K_LANES];
    store(lane, x);
    for (size_t width = L / 2; width > 0; width /= 2)
        for (size_t j = 0; j < width; ++j) lane[j] += lane[j + width];
    return lane[0];
}

#define DOT_ROWS 4

K_INLINE void dot_rows(const int R, size_t k, const float *a, size_t lda, const float *x, float *y)
{
    vec sum[DOT_ROWS][2];
    K_UNROLL for (int r = 0; r < R; ++r) sum[r][0] = sum[r][1] = (vec){ 0 };
    size_t i = 0;
    for (; i + 2 * L <= k; i += 2 * L) {
        const vec x0 = load(x + i), x1 = load(x + i + L);
        K_UNROLL for (int r = 0; r < R; ++r) {
            sum[r][0] = multiply_add(load(a + (size_t)r * lda + i), x0, sum[r][0]);
            sum[r][1] = multiply_add(load(a + (size_t)r * lda + i + L), x1, sum[r][1]);
        }
    }
    K_UNROLL for (int r = 0; r < R; ++r) {
        float tail = 0;
        for (size_t j = i; j < k; ++j) tail += a[(size_t)r * lda + j] * x[j];
        y[r] = add_lanes(sum[r][0] + sum[r][1]) + tail;
    }
}

PN_K_TARGET static void dots(size_t m, size_t k, const float *a, size_t lda, const float *x, float *y)
{
    size_t i = 0;
    for (; i + DOT_ROWS <= m; i += DOT_ROWS) dot_rows(DOT_ROWS, k, a + i * lda, lda, x, y + i);
    for (; i < m; ++i) dot_rows(1, k, a + i * lda, lda, x, y + i);
}

#define AXPY_ROWS 8

K_INLINE void axpy_rows(const int R, size_t n, const float *a, size_t lda, const float *x, bool add, float *y)
{
    size_t j = 0;
    for (; j + L <= n; j += L) {
        vec even = add ? load(y + j) : (vec){ 0 }, odd = { 0 };
        K_UNROLL for (int r = 0; r < R; ++r) {
            const vec row = load(a + (size_t)r * lda + j);
            if (r % 2 == 0) even = multiply_add(splat(x[r]), row, even);
            else odd = multiply_add(splat(x[r]), row, odd);
        }
        store(y + j, even + odd);
    }
    for (; j < n; ++j) {
        float even = add ? y[j] : 0, odd = 0;
        K_UNROLL for (int r = 0; r < R; ++r) {
            if (r % 2 == 0) even += x[r] * a[(size_t)r * lda + j];
            else odd += x[r] * a[(size_t)r * lda + j];
        }
        y[j] = even + odd;
    }
}

PN_K_TARGET static void axpys(size_t m, size_t n, const float *a, size_t lda, const float *x, bool add, float *y)
{
    size_t i = 0;
    for (; i + AXPY_ROWS <= m; i += AXPY_ROWS, add = true) axpy_rows(AXPY_ROWS, n, a + i * lda, lda, x + i, add, y);
    for (; i < m; ++i, add = true) axpy_rows(1, n, a + i * lda, lda, x + i, add, y);
}

const struct pn_gemm_kernels PN_K_TABLE = {
    .lanes = PN_K_LANES,
    .rows = PN_K_ROWS,
    .vectors = PN_K_VECTORS,
#define TABLE(KIND, ...) { NAMES(KIND, 1), NAMES(KIND, 2), NAMES(KIND, 3), NAMES(KIND, 4), __VA_ARGS__ }
#if PN_K_ROWS == 8
    .by_rows = TABLE(rows, NAMES(rows, 5), NAMES(rows, 6), NAMES(rows, 7), NAMES(rows, 8)),
    .by_columns = TABLE(columns, NAMES(columns, 5), NAMES(columns, 6), NAMES(columns, 7), NAMES(columns, 8)),
#else
    .by_rows = TABLE(rows),
    .by_columns = TABLE(columns),
#endif
    .strips_copy = strips_copy,
    .strip_transpose = strip_transpose,
    .write = write_values,
    .dots = dots,
    .axpys = axpys,
};
