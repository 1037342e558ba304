#include "penchant/optimizer.h"
#include "penchant/reduce.h"

#include "base.h"

#include <stdatomic.h>

#define BLOCK ((size_t)4 * PN_BLOCK) /* elements a block: four to seven streams of 64 KiB */

/* ---- ranges ---------------------------------------------------------------------------------------------- */

static pn_status check_ranges(size_t n, size_t ranges, const pn_parameter_range *range)
{
    size_t end = 0;
    if (ranges > 0 && !range) return PN_ENULL;
    for (size_t i = 0; i < ranges; ++i) {
        if (range[i].first < end || range[i].first > n || range[i].count > n - range[i].first) return PN_EDIM;
        if (!(range[i].rate >= 0) || !(range[i].decay >= 0)) return PN_EVALUE;
        end = range[i].first + range[i].count;
    }
    return PN_OK;
}

/* The lowest index seen by any block. */
static void lower(_Atomic size_t *lowest, size_t index)
{
    size_t now = atomic_load_explicit(lowest, memory_order_relaxed);
    while (index < now &&
           !atomic_compare_exchange_weak_explicit(lowest, &now, index, memory_order_relaxed, memory_order_relaxed)) {
    }
}

static size_t first_nonfinite(size_t n, const float *x, float scale)
{
    for (size_t i = 0; i < n; ++i)
        if (!isfinite(x[i] * scale)) return i;
    return SIZE_MAX;
}

/* Calls step(context, first, count, rate, decay) for the parts of a block that ranges cover; returns the lowest
 * non-finite element or SIZE_MAX. */
typedef bool (*step_part)(const void *context, size_t first, size_t count, float rate, float decay);

struct walk {
    size_t n, ranges;
    const pn_parameter_range *range;
    double rate, decay;
    float scale;
    const float *gradient;
    step_part part; /* false when an element was left out */
    const void *context;
    _Atomic size_t bad;
};

static void walk_part(struct walk *w, size_t first, size_t end, double rate, double decay)
{
    if (first >= end || w->part(w->context, first, end - first, (float)rate, (float)decay)) return;
    lower(&w->bad, first + first_nonfinite(end - first, w->gradient + first, w->scale));
}

static void walk_block(void *context, size_t block)
{
    struct walk *w = context;
    const size_t first = block * BLOCK, end = pn_min(w->n, first + BLOCK);
    if (!w->range) {
        walk_part(w, first, end, w->rate, w->decay);
        return;
    }
    size_t low = 0, high = w->ranges; /* the first range that ends after `first` */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (w->range[middle].first + w->range[middle].count <= first) low = middle + 1;
        else high = middle;
    }
    for (; low < w->ranges && w->range[low].first < end; ++low) {
        const pn_parameter_range *r = w->range + low;
        walk_part(w, pn_max(first, r->first), pn_min(end, r->first + r->count), w->rate * (double)r->rate,
                  (double)r->decay);
    }
}

static pn_status walk(struct walk *w, size_t *bad)
{
    atomic_init(&w->bad, SIZE_MAX);
    const pn_status status = pn_team_for(pn_ceil_div(w->n, BLOCK), walk_block, w);
    const size_t lowest = atomic_load(&w->bad);
    if (bad) *bad = lowest;
    if (status != PN_OK) return status;
    return lowest == SIZE_MAX ? PN_OK : PN_ENONFINITE;
}

/* ---- Adam ------------------------------------------------------------------------------------------------ */

struct adam {
    const float *gradient;
    float *parameter, *first, *second, *average;
    float scale, keep1, take1, keep2, take2, root, epsilon, correction, keep, take;
    bool decoupled;
};

/* sqrtf may set errno, which keeps a loop scalar. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_elementwise_sqrt)
#define pn_sqrt(x) __builtin_elementwise_sqrt(x)
#endif
#endif
#ifndef pn_sqrt
#define pn_sqrt(x) sqrtf(x)
#endif

/* One pass. An element whose gradient is not finite keeps its values; false when there was one. */
PN_CLONES static bool adam_run(size_t n, const struct adam *a, float rate, float decay, const float *restrict g0,
                               float *restrict p, float *restrict m, float *restrict v, float *restrict average)
{
    const float scale = a->scale, take1 = a->take1, keep2 = a->keep2, take2 = a->take2, root = a->root;
    const float epsilon = a->epsilon, keep = a->keep, take = a->take;
    const float step = rate * a->correction;
    const float shrink = a->decoupled ? 1 - rate * decay : 1, coupled = a->decoupled ? 0 : decay;
    uint32_t left_out = 0;
#define ADAM_STEP                                                                                  \
    const float raw = g0[i] * scale;                                                               \
    const bool good = pn_absf(raw) < INFINITY;                                                     \
    const float g = raw + coupled * p[i];                                                          \
    const float mi = m[i] + take1 * (g - m[i]);                                                    \
    const float vi = keep2 * v[i] + take2 * (g * g);                                               \
    const float pi = p[i] * shrink - step * mi / (pn_sqrt(vi) * root + epsilon);                     \
    left_out |= !good;                                                                             \
    m[i] = good ? mi : m[i];                                                                       \
    v[i] = good ? vi : v[i];                                                                       \
    const float next = good ? pi : p[i];                                                           \
    p[i] = next
    if (average)
        for (size_t i = 0; i < n; ++i) {
            ADAM_STEP;
            average[i] = keep * average[i] + take * next;
        }
    else
        for (size_t i = 0; i < n; ++i) {
            ADAM_STEP;
        }
#undef ADAM_STEP
    return !left_out;
}

static bool adam_part(const void *context, size_t first, size_t count, float rate, float decay)
{
    const struct adam *a = context;
    return adam_run(count, a, rate, decay, a->gradient + first, a->parameter + first, a->first + first,
                    a->second + first, a->average ? a->average + first : NULL);
}

static pn_status prepare_adam(const pn_adam *s, double gradient_scale, double average_decay, struct adam *a)
{
    if (!(s->rate >= 0) || !(s->beta1 >= 0 && s->beta1 < 1) || !(s->beta2 >= 0 && s->beta2 < 1) ||
        !(s->epsilon >= 0) || !(s->decay >= 0) || s->step == 0 || isnan(gradient_scale) ||
        !(average_decay >= 0 && average_decay <= 1))
        return PN_EVALUE;
    const double steps = (double)s->step;
    a->scale = (float)gradient_scale;
    a->take1 = (float)(1 - s->beta1);
    a->keep2 = (float)s->beta2;
    a->take2 = (float)(1 - s->beta2);
    a->root = (float)(1 / sqrt(1 - pow(s->beta2, steps)));
    a->correction = (float)(1 / (1 - pow(s->beta1, steps)));
    a->epsilon = (float)s->epsilon;
    a->keep = (float)average_decay;
    a->take = (float)(1 - average_decay);
    a->decoupled = s->decoupled;
    return PN_OK;
}

pn_status pn_adam_f32(size_t n, const pn_adam *settings, double gradient_scale, double average_decay,
                      size_t ranges, const pn_parameter_range *range, const float *gradient, float *parameter,
                      float *first, float *second, float *average, size_t *bad)
{
    if (bad) *bad = SIZE_MAX;
    if (!settings) return PN_ENULL;
    struct adam a = { .gradient = gradient, .parameter = parameter, .first = first, .second = second,
                      .average = average };
    pn_status status = prepare_adam(settings, gradient_scale, average ? average_decay : 0, &a);
    if (status == PN_OK) status = check_ranges(n, ranges, range);
    if (status != PN_OK || n == 0) return status;
    if (!gradient || !parameter || !first || !second) return PN_ENULL;
    struct walk w = { n, ranges, range, settings->rate, settings->decay, a.scale, gradient, adam_part, &a, 0 };
    return walk(&w, bad);
}

/* ---- SGD ------------------------------------------------------------------------------------------------- */

struct sgd {
    const float *gradient;
    float *parameter, *momentum;
    float scale, keep, take;
    bool nesterov, fresh; /* fresh: the buffer holds nothing yet */
};

PN_CLONES static bool sgd_run(size_t n, const struct sgd *s, float rate, float decay, const float *restrict g0,
                              float *restrict p, float *restrict b)
{
    const float scale = s->scale, keep = s->keep, take = s->take;
    /* p moves by rate * (own g + past b). */
    const float own = s->nesterov ? 1 : 0, past = s->nesterov ? keep : 1;
    const bool fresh = s->fresh;
    uint32_t left_out = 0;
    if (!b) {
        for (size_t i = 0; i < n; ++i) {
            const float raw = g0[i] * scale;
            const bool good = pn_absf(raw) < INFINITY;
            const float next = p[i] - rate * (raw + decay * p[i]);
            left_out |= !good;
            p[i] = good ? next : p[i];
        }
        return !left_out;
    }
    for (size_t i = 0; i < n; ++i) {
        const float raw = g0[i] * scale;
        const bool good = pn_absf(raw) < INFINITY;
        const float g = raw + decay * p[i];
        const float bi = fresh ? g : keep * b[i] + take * g;
        const float next = p[i] - rate * (own * g + past * bi);
        left_out |= !good;
        b[i] = good ? bi : b[i];
        p[i] = good ? next : p[i];
    }
    return !left_out;
}

static bool sgd_part(const void *context, size_t first, size_t count, float rate, float decay)
{
    const struct sgd *s = context;
    return sgd_run(count, s, rate, decay, s->gradient + first, s->parameter + first,
                   s->momentum ? s->momentum + first : NULL);
}

pn_status pn_sgd_f32(size_t n, const pn_sgd *settings, double gradient_scale, size_t ranges,
                     const pn_parameter_range *range, const float *gradient, float *parameter, float *momentum,
                     size_t *bad)
{
    if (bad) *bad = SIZE_MAX;
    if (!settings) return PN_ENULL;
    if (!(settings->rate >= 0) || !(settings->momentum >= 0 && settings->momentum < 1) ||
        !(settings->dampening >= 0 && settings->dampening <= 1) || !(settings->decay >= 0) || settings->step == 0 ||
        isnan(gradient_scale) || (settings->nesterov && (settings->momentum == 0 || settings->dampening != 0)))
        return PN_EVALUE;
    const pn_status status = check_ranges(n, ranges, range);
    if (status != PN_OK || n == 0) return status;
    const bool plain = settings->momentum == 0;
    if (!gradient || !parameter || (!plain && !momentum)) return PN_ENULL;
    struct sgd s = { gradient, parameter, plain ? NULL : momentum, (float)gradient_scale,
                     (float)settings->momentum, (float)(1 - settings->dampening), settings->nesterov,
                     settings->step == 1 };
    struct walk w = { n, ranges, range, settings->rate, settings->decay, s.scale, gradient, sgd_part, &s, 0 };
    return walk(&w, bad);
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

#define ROWS ((size_t)64)

struct rows {
    struct adam adam;
    size_t count, d;
    float rate, decay;
    const uint32_t *ids;
    _Atomic size_t bad;
};

static void rows_block(void *context, size_t block)
{
    struct rows *r = context;
    const size_t end = pn_min(r->count, (block + 1) * ROWS), d = r->d;
    for (size_t u = block * ROWS; u < end; ++u) {
        const size_t at = r->ids[u] * d;
        const float *g = r->adam.gradient + u * d;
        if (!adam_run(d, &r->adam, r->rate, r->decay, g, r->adam.parameter + at, r->adam.first + at,
                      r->adam.second + at, NULL))
            lower(&r->bad, u * d + first_nonfinite(d, g, r->adam.scale));
    }
}

pn_status pn_adam_rows_f32(size_t count, size_t rows, size_t d, const pn_adam *settings, double gradient_scale,
                           const uint32_t *row_ids, const float *d_rows, float *table, float *first, float *second,
                           size_t *bad)
{
    if (bad) *bad = SIZE_MAX;
    if (!settings) return PN_ENULL;
    struct rows r = { .adam = { .gradient = d_rows, .parameter = table, .first = first, .second = second }, .count = count, .d = d, .ids = row_ids };
    pn_status status = prepare_adam(settings, gradient_scale, 0, &r.adam);
    if (status != PN_OK) return status;
    size_t size;
    if (!pn_mul_size(rows, d, &size) || !pn_mul_size(size, sizeof(float), &size) || count > rows) return PN_EDIM;
    if (count == 0 || d == 0) return PN_OK;
    if (!row_ids || !d_rows || !table || !first || !second) return PN_ENULL;
    for (size_t u = 0; u < count; ++u)
        if (row_ids[u] >= rows || (u > 0 && row_ids[u] <= row_ids[u - 1])) return PN_EINDEX;
    r.rate = (float)settings->rate;
    r.decay = (float)settings->decay;
    atomic_init(&r.bad, SIZE_MAX);
    status = pn_team_for(pn_ceil_div(count, ROWS), rows_block, &r);
    const size_t lowest = atomic_load(&r.bad);
    if (bad) *bad = lowest;
    if (status != PN_OK) return status;
    return lowest == SIZE_MAX ? PN_OK : PN_ENONFINITE;
}

/* ---- norm, average --------------------------------------------------------------------------------------- */

pn_status pn_gradient_norm_f32(size_t n, const float *gradient, double *norm, size_t *bad)
{
    if (bad) *bad = SIZE_MAX;
    if (!norm || (n > 0 && !gradient)) return PN_ENULL;
    double squares;
    const pn_status status = pn_sum_squares_f32(n, gradient, &squares);
    if (status != PN_OK) return status;
    *norm = sqrt(squares);
    if (isfinite(squares)) return PN_OK;
    if (bad) *bad = first_nonfinite(n, gradient, 1);
    return PN_ENONFINITE;
}

double pn_clip_factor(double norm, double limit)
{
    if (!isfinite(norm)) return 0;
    const double factor = limit / (norm + 1e-6);
    return factor < 1 ? factor : 1;
}

struct average {
    size_t n;
    float keep, take;
    const float *parameter;
    float *average;
};

PN_CLONES static void average_run(size_t n, float keep, float take, const float *restrict p, float *restrict average)
{
    for (size_t i = 0; i < n; ++i) average[i] = keep * average[i] + take * p[i];
}

static void average_block(void *context, size_t block)
{
    const struct average *a = context;
    const size_t first = block * BLOCK;
    average_run(pn_min(BLOCK, a->n - first), a->keep, a->take, a->parameter + first, a->average + first);
}

pn_status pn_average_f32(size_t n, double decay, const float *parameter, float *average)
{
    if (!(decay >= 0 && decay <= 1)) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!parameter || !average) return PN_ENULL;
    struct average a = { n, (float)decay, (float)(1 - decay), parameter, average };
    return pn_team_for(pn_ceil_div(n, BLOCK), average_block, &a);
}
