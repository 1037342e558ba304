/* Group norm of pictures with SiLU and a scale and shift a picture. */
#include "penchant/norm.h"

#include "lanes.h"

/* Channels of a task: whole groups, some 64, so that a picture is read by a few threads and by whole lines of
 * cache. */
#define SLAB ((size_t)64)
#define SLAB_MOST ((size_t)256)
/* Elements of a task. */
#define TASK ((size_t)1 << 14)
/* Sums over pixels run in so many interleaved parts, which hide the latency of an addition; sixteen lanes of double are
 * four registers of AVX2, and more parts would spill. */
#define PARTS 2
#define PN_EACH_PART(i) _Pragma("clang loop unroll(full)") for (size_t i = 0; i < PARTS; ++i)

struct args {
    const pn_group_norm_shape *shape;
    size_t each;        /* channels of a group */
    size_t slab, slabs; /* channels a slab, slabs a picture */
    size_t pictures_a_task;
    const float *x, *gain, *bias, *film, *dy, *dsum;
    float *y, *mean, *rstd; /* y: dx in the gradient */
    const float *saved_mean, *saved_rstd;
    float *dfilm;
    double *sums; /* [pictures, 2, channels]: sums of dz and of dz x_hat */
};

/* 16 channels of a picture, or what is left of a slab, and their numbers. */
struct lanes {
    size_t at, n;                                             /* first channel in the picture, how many */
    pn_f32x16 mean, mean_low, rstd, gain, bias, scale, shift; /* scale: 1 + the picture's */
};

PN_INLINE void load_lanes(struct lanes *l, const struct args *a, size_t picture)
{
    const size_t channels = a->shape->channels;
    l->gain = l->scale = (pn_f32x16){ 0 } + 1.0f;
    l->bias = l->shift = (pn_f32x16){ 0 };
    if (a->gain) pn_load_upto16(&l->gain, a->gain + l->at, l->n, 0.0f);
    if (a->bias) pn_load_upto16(&l->bias, a->bias + l->at, l->n, 0.0f);
    if (a->film) {
        pn_f32x16 scale;
        pn_load_upto16(&scale, a->film + picture * 2 * channels + l->at, l->n, 0.0f);
        l->scale += scale;
        pn_load_upto16(&l->shift, a->film + (picture * 2 + 1) * channels + l->at, l->n, 0.0f);
    }
}

/* Spreads numbers of groups over the lanes. */
PN_INLINE void spread(pn_f32x16 *v, const struct args *a, const struct lanes *l, size_t first,
                      const float *group)
{
    float lanes[16] = { 0 };
    for (size_t i = 0; i < l->n; ++i) lanes[i] = group[(l->at + i - first) / a->each];
    memcpy(v, lanes, sizeof lanes);
}

/* Adds lanes to the sums of their groups. */
PN_INLINE void gather(double *group, const struct args *a, const struct lanes *l, size_t first,
                      const double *lanes)
{
    for (size_t i = 0; i < l->n; ++i) group[(l->at + i - first) / a->each] += lanes[i];
}

/* One fixed order for the interleaved parts. */
PN_INLINE void fold(double *lanes, pn_f64x8 acc[PARTS][2])
{
    const pn_f64x8 low = acc[0][0] + acc[1][0];
    const pn_f64x8 high = acc[0][1] + acc[1][1];
    memcpy(lanes, &low, sizeof low);
    memcpy(lanes + 8, &high, sizeof high);
}

PN_INLINE void add_pixel(bool square, const struct lanes *l, const float *x, pn_f64x8 acc[2])
{
    pn_f32x16 v;
    pn_load_upto16(&v, x, l->n, 0.0f);
    if (square) {
        v = (v - l->mean) - l->mean_low;
        pn_add_wide_product(acc, v, v);
    } else {
        pn_add_wide(acc, v);
    }
}

/* Sums over the pixels of x, or of (x - mean)^2. */
PN_INLINE void sum_pixels(bool square, const struct args *a, const struct lanes *l, const float *x,
                          double *lanes)
{
    const size_t pixels = a->shape->pixels, step = a->shape->channels;
    pn_f64x8 acc[PARTS][2] = { { { 0 } } };
    size_t p = 0;
    for (; p + PARTS <= pixels; p += PARTS) PN_EACH_PART(i) add_pixel(square, l, x + (p + i) * step, acc[i]);
    for (; p < pixels; ++p) add_pixel(square, l, x + p * step, acc[0]);
    fold(lanes, acc);
}

PN_INLINE void silu16(pn_f32x16 *v)
{
    float z[16];
    memcpy(z, v, sizeof z);
    for (size_t i = 0; i < 16; ++i) z[i] = pn_siluf(z[i]);
    memcpy(v, z, sizeof z);
}

PN_INLINE void silu_slope16(pn_f32x16 *v)
{
    float z[16];
    memcpy(z, v, sizeof z);
    for (size_t i = 0; i < 16; ++i) z[i] = pn_silu_slopef(z[i]);
    memcpy(v, z, sizeof z);
}

PN_INLINE void forward_slab(bool silu, const struct args *a, size_t picture, size_t first, size_t channels)
{
    const size_t pixels = a->shape->pixels, step = a->shape->channels, groups = channels / a->each;
    const float *x = a->x + picture * pixels * step + first;
    float *y = a->y + picture * pixels * step + first;
    const double count = (double)pixels * (double)a->each;
    double sum[SLAB_MOST] = { 0 }, square[SLAB_MOST] = { 0 }, lanes[16];
    float high[SLAB_MOST], low[SLAB_MOST], rstd[SLAB_MOST];
    PN_EACH16(c, n, channels)
    {
        const struct lanes l = { .at = first + c, .n = n };
        sum_pixels(false, a, &l, x + c, lanes);
        gather(sum, a, &l, first, lanes);
    }
    for (size_t g = 0; g < groups; ++g) {
        const double mean = sum[g] / count;
        high[g] = (float)mean;
        low[g] = (float)(mean - high[g]);
    }
    PN_EACH16(c, n, channels)
    {
        struct lanes l = { .at = first + c, .n = n };
        spread(&l.mean, a, &l, first, high);
        spread(&l.mean_low, a, &l, first, low);
        sum_pixels(true, a, &l, x + c, lanes);
        gather(square, a, &l, first, lanes);
    }
    for (size_t g = 0; g < groups; ++g) {
        rstd[g] = (float)(1 / __builtin_elementwise_sqrt(square[g] / count + a->shape->eps));
        const size_t at = picture * a->shape->groups + first / a->each + g;
        if (a->mean) a->mean[at] = high[g];
        if (a->rstd) a->rstd[at] = rstd[g];
    }
    PN_EACH16(c, n, channels)
    {
        struct lanes l = { .at = first + c, .n = n };
        spread(&l.mean, a, &l, first, high);
        spread(&l.mean_low, a, &l, first, low);
        spread(&l.rstd, a, &l, first, rstd);
        load_lanes(&l, a, picture);
        const pn_f32x16 slope = l.gain * l.scale, shift = l.bias * l.scale + l.shift;
        for (size_t p = 0; p < pixels; ++p) {
            pn_f32x16 v;
            pn_load_upto16(&v, x + p * step + c, n, 0.0f);
            v = (((v - l.mean) - l.mean_low) * l.rstd) * slope + shift;
            if (silu) silu16(&v);
            pn_store_upto16(y + p * step + c, &v, n);
        }
    }
}

/* dz = dy silu'(z), and its part of the sums of dz and dz x_hat. */
PN_INLINE void slope_pixel(bool silu, const struct lanes *l, const pn_f32x16 *slope, const pn_f32x16 *shift,
                           const float *x, const float *dy, float *dz, pn_f64x8 plain[2], pn_f64x8 product[2])
{
    pn_f32x16 v, g;
    pn_load_upto16(&v, x, l->n, 0.0f);
    pn_load_upto16(&g, dy, l->n, 0.0f);
    v = (v - l->mean) * l->rstd;
    if (silu) {
        pn_f32x16 z = v * *slope + *shift;
        silu_slope16(&z);
        g *= z;
    }
    pn_add_wide(plain, g);
    pn_add_wide_product(product, g, v);
    pn_store_upto16(dz, &g, l->n);
}

PN_INLINE void backward_slab(bool silu, const struct args *a, size_t picture, size_t first, size_t channels)
{
    const size_t pixels = a->shape->pixels, all = a->shape->channels, groups = channels / a->each;
    const size_t begin = picture * pixels * all + first;
    const float *x = a->x + begin, *dy = a->dy + begin;
    float *dx = a->y + begin;
    const float *mean = a->saved_mean + picture * a->shape->groups + first / a->each;
    const float *rstd = a->saved_rstd + picture * a->shape->groups + first / a->each;
    double *plain = a->sums + picture * 2 * all, *product = plain + all;
    double lanes[2][16], sums[2][SLAB_MOST] = { { 0 } };
    /* dz goes to dx and is finished below, when the sums of its group are known. */
    PN_EACH16(c, n, channels)
    {
        struct lanes l = { .at = first + c, .n = n };
        spread(&l.mean, a, &l, first, mean);
        spread(&l.rstd, a, &l, first, rstd);
        load_lanes(&l, a, picture);
        const pn_f32x16 slope = l.gain * l.scale, shift = l.bias * l.scale + l.shift;
        pn_f64x8 acc[2][PARTS][2] = { { { { 0 } } } };
        size_t p = 0;
        for (; p + PARTS <= pixels; p += PARTS) PN_EACH_PART(i)
        slope_pixel(silu, &l, &slope, &shift, x + (p + i) * all + c, dy + (p + i) * all + c,
                    dx + (p + i) * all + c, acc[0][i], acc[1][i]);
        for (; p < pixels; ++p)
            slope_pixel(silu, &l, &slope, &shift, x + p * all + c, dy + p * all + c, dx + p * all + c,
                        acc[0][0], acc[1][0]);
        for (size_t k = 0; k < 2; ++k) {
            float factor[16];
            fold(lanes[k], acc[k]);
            memcpy(factor, &slope, sizeof factor);
            for (size_t i = 0; i < n; ++i) {
                (k == 0 ? plain : product)[l.at + i] = lanes[k][i];
                lanes[k][i] *= factor[i];
            }
            gather(sums[k], a, &l, first, lanes[k]);
        }
    }
    const double count = (double)pixels * (double)a->each;
    float mean_g[SLAB_MOST], mean_gh[SLAB_MOST];
    for (size_t g = 0; g < groups; ++g) {
        mean_g[g] = (float)(sums[0][g] / count);
        mean_gh[g] = (float)(sums[1][g] / count);
    }
    PN_EACH16(c, n, channels)
    {
        struct lanes l = { .at = first + c, .n = n };
        pn_f32x16 off, along;
        spread(&l.mean, a, &l, first, mean);
        spread(&l.rstd, a, &l, first, rstd);
        spread(&off, a, &l, first, mean_g);
        spread(&along, a, &l, first, mean_gh);
        load_lanes(&l, a, picture);
        const pn_f32x16 slope = l.gain * l.scale;
        for (size_t p = 0; p < pixels; ++p) {
            pn_f32x16 v, g;
            pn_load_upto16(&v, x + p * all + c, n, 0.0f);
            pn_load_upto16(&g, dx + p * all + c, n, 0.0f);
            v = (v - l.mean) * l.rstd;
            g = ((g * slope - off) - v * along) * l.rstd;
            if (a->dsum) {
                pn_load_upto16(&v, a->dsum + begin + p * all + c, n, 0.0f);
                g += v;
            }
            pn_store_upto16(dx + p * all + c, &g, n);
        }
    }
}

PN_CLONES static void plain_run(const struct args *a, size_t picture, size_t first, size_t channels)
{
    forward_slab(false, a, picture, first, channels);
}

PN_CLONES static void silu_run(const struct args *a, size_t picture, size_t first, size_t channels)
{
    forward_slab(true, a, picture, first, channels);
}

PN_CLONES static void plain_grad_run(const struct args *a, size_t picture, size_t first, size_t channels)
{
    backward_slab(false, a, picture, first, channels);
}

PN_CLONES static void silu_grad_run(const struct args *a, size_t picture, size_t first, size_t channels)
{
    backward_slab(true, a, picture, first, channels);
}

typedef void slab_run(const struct args *a, size_t picture, size_t first, size_t channels);

PN_INLINE void each_slab(const struct args *a, size_t block, slab_run *run)
{
    const size_t first = block % a->slabs * a->slab, channels = pn_min(a->slab, a->shape->channels - first);
    const size_t begin = block / a->slabs * a->pictures_a_task;
    const size_t end = pn_min(begin + a->pictures_a_task, a->shape->pictures);
    for (size_t picture = begin; picture < end; ++picture) run(a, picture, first, channels);
}

static void forward_block(void *context, size_t block)
{
    const struct args *a = context;
    each_slab(a, block, a->shape->silu ? silu_run : plain_run);
}

static void backward_block(void *context, size_t block)
{
    const struct args *a = context;
    each_slab(a, block, a->shape->silu ? silu_grad_run : plain_grad_run);
}

static pn_status check(const pn_group_norm_shape *s)
{
    size_t n;
    if (!s) return PN_ENULL;
    if (s->groups == 0 || s->channels % s->groups != 0) return PN_EDIM;
    if (!pn_mul_size(s->pictures, s->pixels, &n) || !pn_mul_size(n, pn_max(s->channels, 1), &n) ||
        n > PTRDIFF_MAX / 16 || s->pictures > PTRDIFF_MAX / 64 / pn_max(s->channels, 1))
        return PN_EDIM;
    return s->eps >= 0.0f && s->eps < INFINITY ? PN_OK : PN_EVALUE;
}

static size_t cut(struct args *a)
{
    const pn_group_norm_shape *s = a->shape;
    a->each = s->channels / s->groups;
    /* Slabs of whole vectors where that is not too much. */
    const size_t common = pn_min(a->each & -a->each, 16), whole = a->each / common * 16;
    const size_t unit = whole <= SLAB_MOST ? whole : a->each;
    a->slab = unit >= SLAB ? unit : SLAB / unit * unit;
    a->slabs = pn_ceil_div(s->channels, a->slab);
    a->pictures_a_task = pn_max(TASK / (s->pixels * a->slab), 1);
    return pn_ceil_div(s->pictures, a->pictures_a_task) * a->slabs;
}

static bool is_empty(const pn_group_norm_shape *s)
{
    return s->pictures == 0 || s->pixels == 0 || s->channels == 0;
}

pn_status pn_group_norm_f32(const pn_group_norm_shape *shape, const float *x, const float *gain,
                            const float *bias, const float *film, float *y, float *mean, float *rstd)
{
    const pn_status status = check(shape);
    if (status != PN_OK || is_empty(shape)) return status;
    if (!x || !y) return PN_ENULL;
    struct args a = {
        .shape = shape, .x = x, .gain = gain, .bias = bias, .film = film, .y = y, .mean = mean, .rstd = rstd
    };
    return pn_team_for(cut(&a), forward_block, &a);
}

size_t pn_group_norm_grad_workspace(const pn_group_norm_shape *shape)
{
    if (check(shape) != PN_OK) return SIZE_MAX;
    return shape->pictures * 2 * shape->channels * sizeof(double);
}

/* Gradients of gain, bias and film from the sums of a picture, pictures in order. */
static void parameters(const struct args *a, float *dgain, float *dbias, float *dfilm)
{
    const pn_group_norm_shape *s = a->shape;
    const size_t pictures = s->pixels > 0 ? s->pictures : 0;
    for (size_t c = 0; c < s->channels; ++c) {
        double gain = 0, bias = 0;
        for (size_t b = 0; b < pictures; ++b) {
            const double plain = a->sums[b * 2 * s->channels + c],
                         product = a->sums[(b * 2 + 1) * s->channels + c];
            const double scale = a->film ? (double)(1.0f + a->film[b * 2 * s->channels + c]) : 1.0;
            gain += scale * product;
            bias += scale * plain;
            if (!dfilm) continue;
            const double g = a->gain ? a->gain[c] : 1.0f, h = a->bias ? a->bias[c] : 0.0f;
            dfilm[b * 2 * s->channels + c] = (float)(g * product + h * plain);
            dfilm[(b * 2 + 1) * s->channels + c] = (float)plain;
        }
        if (dgain) dgain[c] = (float)gain;
        if (dbias) dbias[c] = (float)bias;
    }
}

pn_status pn_group_norm_grad_f32(const pn_group_norm_shape *shape, const float *x, const float *gain,
                                 const float *bias, const float *film, const float *mean, const float *rstd,
                                 const float *dy, const float *dsum, float *dx, float *dgain, float *dbias,
                                 float *dfilm, void *workspace, size_t workspace_bytes)
{
    pn_status status = check(shape);
    if (status != PN_OK) return status;
    struct args a = { .shape = shape,
                      .x = x,
                      .gain = gain,
                      .bias = bias,
                      .film = film,
                      .dy = dy,
                      .dsum = dsum,
                      .y = dx,
                      .saved_mean = mean,
                      .saved_rstd = rstd,
                      .sums = workspace };
    if (is_empty(shape)) {
        if (dfilm && shape->pixels == 0)
            memset(dfilm, 0, shape->pictures * 2 * shape->channels * sizeof *dfilm);
        parameters(&a, dgain, dbias, NULL);
        return PN_OK;
    }
    if (!x || !mean || !rstd || !dy || !dx || !workspace) return PN_ENULL;
    if (workspace_bytes < pn_group_norm_grad_workspace(shape)) return PN_EWORKSPACE;
    status = pn_team_for(cut(&a), backward_block, &a);
    if (status == PN_OK) parameters(&a, dgain, dbias, dfilm);
    return status;
}
