/* Layer norm and RMS norm: one source, `centre` says whether the mean is taken off. */
#include "penchant/norm.h"

#include "lanes.h"
#include "penchant/reduce.h"

struct args {
    size_t rows, columns, height;
    float eps;
    const float *x, *residual, *gain, *bias, *dy, *dsum;
    const float *saved_mean, *saved_rstd;
    float *y, *sum, *mean, *rstd;
    double *partials; /* [blocks, 2, padded columns]: sums of dy h_hat, sums of dy */
};

/* Partial sums are kept in whole vectors. */
PN_INLINE size_t padded(size_t columns) { return pn_ceil_div(columns, 16) * 16; }

/* Rows up to this width are copied to the stack in whole vectors: no tails in later passes, and no load of what a
 * masked store has just written, which would wait until the store has left the core. */
#define ROW_ON_STACK ((size_t)1024)

/* Two passes for the variance: in one pass it would lose every digit when mean / deviation is large. The mean is kept
 * in two floats for the same reason. */
PN_INLINE void forward_rows(bool centre, const struct args *a, size_t first, size_t rows)
{
    float stack[ROW_ON_STACK];
    const size_t columns = a->columns;
    const bool narrow = columns <= ROW_ON_STACK;
    for (size_t r = first; r < first + rows; ++r) {
        const size_t at = r * columns;
        const float *h = narrow ? stack : (a->residual ? a->sum : a->x) + at;
        pn_f64x8 acc[2] = { { 0 }, { 0 } };
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, w;
            pn_load_upto16(&v, a->x + at + c, n, 0.0f);
            if (a->residual) {
                pn_load_upto16(&w, a->residual + at + c, n, 0.0f);
                v += w;
            }
            if (centre) pn_add_wide(acc, v);
            if (narrow) pn_store16(stack + c, v);
            if (a->sum) pn_store_upto16(a->sum + at + c, &v, n);
        }
        const double mean = centre ? pn_sum_wide(acc) / (double)columns : 0;
        const float mean_high = (float)mean, mean_low = (float)(mean - mean_high);

        acc[0] = acc[1] = (pn_f64x8){ 0 };
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v;
            pn_load_upto16(&v, h + c, narrow ? 16 : n, 0.0f);
            v = (v - mean_high) - mean_low;
            if (centre && n < 16) { /* lanes beyond the row hold -mean */
                float lanes[16];
                memcpy(lanes, &v, sizeof lanes);
                pn_load_part16(&v, lanes, n, 0.0f);
            }
            pn_add_wide_product(acc, v, v);
        }
        const double variance = pn_sum_wide(acc) / (double)columns;
        const float rstd = (float)(1 / __builtin_elementwise_sqrt(variance + a->eps));
        if (a->mean) a->mean[r] = mean_high;
        if (a->rstd) a->rstd[r] = rstd;

        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, gain, bias;
            pn_load_upto16(&v, h + c, narrow ? 16 : n, 0.0f);
            v = ((v - mean_high) - mean_low) * rstd;
            if (a->gain) {
                pn_load_upto16(&gain, a->gain + c, n, 0.0f);
                v *= gain;
            }
            if (a->bias) {
                pn_load_upto16(&bias, a->bias + c, n, 0.0f);
                v += bias;
            }
            pn_store_upto16(a->y + at + c, &v, n);
        }
    }
}

/* dgain and dbias of a block of rows go to its own rows of partials. */
PN_INLINE void backward_rows(bool centre, const struct args *a, size_t first, size_t rows, double *partial)
{
    const size_t columns = a->columns, width = padded(columns);
    if (partial) memset(partial, 0, 2 * width * sizeof *partial);
    for (size_t r = first; r < first + rows; ++r) {
        const size_t at = r * columns;
        const float *h = a->x + at, *dy = a->dy + at;
        const float mean = centre ? a->saved_mean[r] : 0.0f, rstd = a->saved_rstd[r];
        pn_f64x8 plain[2] = { { 0 }, { 0 } }, product[2] = { { 0 }, { 0 } };
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, g, gain;
            pn_load_upto16(&v, h + c, n, mean);
            pn_load_upto16(&g, dy + c, n, 0.0f);
            v = (v - mean) * rstd;
            if (partial) {
                pn_f64x8 gains[2], biases[2];
                memcpy(gains, partial + c, sizeof gains);
                memcpy(biases, partial + width + c, sizeof biases);
                pn_add_wide_product(gains, v, g);
                pn_add_wide(biases, g);
                memcpy(partial + c, gains, sizeof gains);
                memcpy(partial + width + c, biases, sizeof biases);
            }
            if (a->gain) {
                pn_load_upto16(&gain, a->gain + c, n, 0.0f);
                g *= gain;
            }
            if (centre) pn_add_wide(plain, g);
            pn_add_wide_product(product, g, v);
        }
        const float mean_g = centre ? (float)(pn_sum_wide(plain) / (double)columns) : 0.0f;
        const float mean_gh = (float)(pn_sum_wide(product) / (double)columns);
        PN_EACH16(c, n, columns)
        {
            pn_f32x16 v, g, gain;
            pn_load_upto16(&v, h + c, n, 0.0f);
            pn_load_upto16(&g, dy + c, n, 0.0f);
            v = (v - mean) * rstd;
            if (a->gain) {
                pn_load_upto16(&gain, a->gain + c, n, 0.0f);
                g *= gain;
            }
            g = ((g - mean_g) - v * mean_gh) * rstd;
            if (a->dsum) {
                pn_load_upto16(&v, a->dsum + at + c, n, 0.0f);
                g += v;
            }
            pn_store_upto16(a->y + at + c, &g, n);
        }
    }
}

PN_CLONES static void layer_norm_run(const struct args *a, size_t first, size_t rows)
{
    forward_rows(true, a, first, rows);
}

PN_CLONES static void rms_norm_run(const struct args *a, size_t first, size_t rows)
{
    forward_rows(false, a, first, rows);
}

PN_CLONES static void layer_norm_grad_run(const struct args *a, size_t first, size_t rows, double *partial)
{
    backward_rows(true, a, first, rows, partial);
}

PN_CLONES static void rms_norm_grad_run(const struct args *a, size_t first, size_t rows, double *partial)
{
    backward_rows(false, a, first, rows, partial);
}

static void layer_norm_block(void *context, size_t b)
{
    const struct args *a = context;
    layer_norm_run(a, b * a->height, pn_min(a->height, a->rows - b * a->height));
}

static void rms_norm_block(void *context, size_t b)
{
    const struct args *a = context;
    rms_norm_run(a, b * a->height, pn_min(a->height, a->rows - b * a->height));
}

static double *partial_of(const struct args *a, size_t b)
{
    return a->partials ? a->partials + 2 * b * padded(a->columns) : NULL;
}

static void layer_norm_grad_block(void *context, size_t b)
{
    const struct args *a = context;
    layer_norm_grad_run(a, b * a->height, pn_min(a->height, a->rows - b * a->height), partial_of(a, b));
}

static void rms_norm_grad_block(void *context, size_t b)
{
    const struct args *a = context;
    rms_norm_grad_run(a, b * a->height, pn_min(a->height, a->rows - b * a->height), partial_of(a, b));
}

/* Rows of about one block of elements; in a gradient so many that there are at most MOST_PARTIALS blocks. */
#define MOST_PARTIALS ((size_t)64)
static size_t rows_a_block(size_t columns) { return pn_max(1, PN_BLOCK / columns); }
static size_t rows_a_partial(size_t rows, size_t columns)
{
    return pn_max(rows_a_block(columns), pn_ceil_div(rows, MOST_PARTIALS));
}

static pn_status run_forward(struct args *a, void (*block)(void *, size_t))
{
    size_t n;
    if (!pn_mul_size(a->rows, a->columns, &n)) return PN_EDIM;
    if (!(a->eps >= 0.0f && a->eps < INFINITY)) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!a->x || !a->y || (a->residual && !a->sum)) return PN_ENULL;
    a->height = rows_a_block(a->columns);
    return pn_team_for(pn_ceil_div(a->rows, a->height), block, a);
}

pn_status pn_layer_norm_f32(size_t rows, size_t columns, float eps, const float *x, const float *residual,
                            const float *gain, const float *bias, float *y, float *sum, float *mean, float *rstd)
{
    struct args a = { .rows = rows, .columns = columns, .eps = eps, .x = x, .residual = residual, .gain = gain,
                      .bias = bias, .y = y, .sum = sum, .mean = mean, .rstd = rstd };
    return run_forward(&a, layer_norm_block);
}

pn_status pn_rms_norm_f32(size_t rows, size_t columns, float eps, const float *x, const float *residual,
                          const float *gain, float *y, float *sum, float *rstd)
{
    struct args a = { .rows = rows, .columns = columns, .eps = eps, .x = x, .residual = residual, .gain = gain,
                      .y = y, .sum = sum, .rstd = rstd };
    return run_forward(&a, rms_norm_block);
}

size_t pn_layer_norm_grad_workspace(size_t rows, size_t columns)
{
    if (rows == 0 || columns == 0) return 0;
    size_t bytes;
    if (columns > SIZE_MAX - 15) return SIZE_MAX;
    if (!pn_mul_size(pn_ceil_div(rows, rows_a_partial(rows, columns)), padded(columns), &bytes)) return SIZE_MAX;
    return pn_mul_size(bytes, 2 * sizeof(double), &bytes) ? bytes : SIZE_MAX;
}

size_t pn_rms_norm_grad_workspace(size_t rows, size_t columns) { return pn_layer_norm_grad_workspace(rows, columns); }

static pn_status run_backward(struct args *a, float *dgain, float *dbias, void *workspace, size_t workspace_bytes,
                              void (*block)(void *, size_t))
{
    size_t n;
    if (!pn_mul_size(a->rows, a->columns, &n)) return PN_EDIM;
    if (a->columns == 0) return PN_OK;
    if (a->rows == 0) {
        if (dgain) memset(dgain, 0, a->columns * sizeof *dgain);
        if (dbias) memset(dbias, 0, a->columns * sizeof *dbias);
        return PN_OK;
    }
    if (!a->x || !a->dy || !a->y || !a->saved_rstd) return PN_ENULL;
    a->height = rows_a_partial(a->rows, a->columns);
    const size_t blocks = pn_ceil_div(a->rows, a->height);
    if (dgain || dbias) {
        if (!workspace) return PN_ENULL;
        if (workspace_bytes < pn_layer_norm_grad_workspace(a->rows, a->columns)) return PN_EWORKSPACE;
        a->partials = workspace;
    }
    const pn_status status = pn_team_for(blocks, block, a);
    if (status != PN_OK || !a->partials) return status;
    const size_t width = padded(a->columns);
    double column[MOST_PARTIALS];
    for (size_t which = 0; which < 2; ++which) {
        float *result = which == 0 ? dgain : dbias;
        for (size_t c = 0; result && c < a->columns; ++c) {
            for (size_t b = 0; b < blocks; ++b) column[b] = a->partials[(2 * b + which) * width + c];
            result[c] = (float)pn_tree_sum(column, blocks);
        }
    }
    return PN_OK;
}

pn_status pn_layer_norm_grad_f32(size_t rows, size_t columns, const float *h, const float *gain, const float *mean,
                                 const float *rstd, const float *dy, const float *dsum, float *dx, float *dgain,
                                 float *dbias, void *workspace, size_t workspace_bytes)
{
    if (rows > 0 && columns > 0 && !mean) return PN_ENULL;
    struct args a = { .rows = rows, .columns = columns, .x = h, .gain = gain, .saved_mean = mean,
                      .saved_rstd = rstd, .dy = dy, .dsum = dsum, .y = dx };
    return run_backward(&a, dgain, dbias, workspace, workspace_bytes, layer_norm_grad_block);
}

pn_status pn_rms_norm_grad_f32(size_t rows, size_t columns, const float *h, const float *gain, const float *rstd,
                               const float *dy, const float *dsum, float *dx, float *dgain, void *workspace,
                               size_t workspace_bytes)
{
    struct args a = { .rows = rows, .columns = columns, .x = h, .gain = gain, .saved_rstd = rstd, .dy = dy,
                      .dsum = dsum, .y = dx };
    return run_backward(&a, dgain, NULL, workspace, workspace_bytes, rms_norm_grad_block);
}
