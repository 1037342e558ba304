/* An item is x = s c + e with codes c of eight bits, a query q = t w + f with codes w of up to sixteen. Then
 *
 *     |<q, x> - t s <w, c>|  <=  |q| |e| + |f| (|x| + |e|)
 *
 * and |f| <= |q| sqrt(d) / 2W, W the largest code of a query, whatever the query is. So one number an item, times |q|,
 * bounds what the coarse score misses, the rounding of the float32 score and of the bound itself included.
 *
 * <w, c> is exact in 32 bits: W is chosen for d. Items that no such bound can be given for (numbers that are not
 * finite, or so large or small that products leave the range of float) get an infinite one and are always looked at. */
#include "screen.h"

#include <math.h>

#include "penchant/rank.h"

#define CODES ((size_t)16) /* a vector of sixteen-bit codes */
#define CODE 127
#define LEAST 1e-12 /* shorter and longer rows are not screened */
#define MOST 1e12

static size_t width_of(size_t d) { return pn_ceil_div(d, CODES) * CODES; }

/* W: d * 127 * W fits 32 bits. */
static double largest_code(size_t d)
{
    const double most = floor(INT32_MAX / (double)CODE / (double)pn_max(1, d));
    return most < INT16_MAX ? most : INT16_MAX;
}

size_t pn_rank_screen_floats(size_t V, size_t d)
{
    size_t floats;
    if (d > SIZE_MAX - CODES || largest_code(d) < 1 ||
        !pn_mul_size(V, width_of(d) / sizeof(float) + 2, &floats) || floats > SIZE_MAX / sizeof(float))
        return SIZE_MAX;
    return floats;
}

struct pn_screen pn_screen_of(size_t V, size_t d, const float *screen)
{
    return (struct pn_screen){ screen, screen + V, (const int8_t *)(screen + 2 * V), width_of(d) };
}

struct extent {
    double most, norm; /* largest size of a number; length */
    bool finite, fits; /* fits: products with another such row stay within float */
};

static struct extent extent_of(size_t d, const float *x)
{
    double square = 0, most = 0;
    bool finite = true;
    for (size_t j = 0; j < d; ++j) {
        const double a = fabs((double)x[j]);
        finite = finite && a <= MOST;
        square += a * a;
        if (a > most) most = a;
    }
    const double norm = sqrt(square);
    return (struct extent){ most, norm, finite, finite && norm >= LEAST && norm <= MOST };
}

bool pn_screen_ask(struct pn_screen screen, size_t d, const float *query, int16_t *codes, struct pn_screen_query *out)
{
    const struct extent q = extent_of(d, query);
    if (!q.fits) return false;
    const double unit = q.most / largest_code(d);
    for (size_t j = 0; j < d; ++j) codes[j] = (int16_t)lrint(query[j] / unit);
    memset(codes + d, 0, (screen.width - d) * sizeof *codes);
    *out = (struct pn_screen_query){ codes, (float)unit, (float)(q.norm * (1 + 0x1p-20)) };
    return true;
}

PN_CLONES void pn_screen_bounds(struct pn_screen screen, struct pn_screen_query query, size_t first, size_t count,
                                const float *bias, float *restrict bound)
{
    const int16_t *restrict w = query.codes;
    for (size_t i = 0; i < count; ++i) {
        const int8_t *restrict c = screen.codes + (first + i) * screen.width;
        int32_t sum = 0;
        for (size_t j = 0; j < screen.width; ++j) sum += (int32_t)w[j] * c[j];
        bound[i] = (float)sum * (screen.scale[first + i] * query.scale) + query.norm * screen.error[first + i];
    }
    if (!bias) return;
    for (size_t i = 0; i < count; ++i) bound[i] += bias[first + i] + fabsf(bias[first + i]) * 0x1p-20f;
}

struct making {
    size_t d, width;
    double code; /* W */
    const float *items;
    float *scale, *error;
    int8_t *codes;
};

static void make_row(void *context, size_t v)
{
    const struct making *m = context;
    const float *x = m->items + v * m->d;
    int8_t *c = m->codes + v * m->width;
    const struct extent row = extent_of(m->d, x);
    memset(c, 0, m->width);
    m->scale[v] = 0;
    m->error[v] = row.finite && row.most == 0 ? 0 : INFINITY;
    if (!row.fits) return;
    const float unit = (float)(row.most / CODE);
    double missed = 0;
    for (size_t j = 0; j < m->d; ++j) {
        const long code = lrint(x[j] / (double)unit);
        c[j] = (int8_t)(code > CODE ? CODE : code < -CODE ? -CODE : code);
        const double e = x[j] - (double)unit * c[j];
        missed += e * e;
    }
    missed = sqrt(missed);
    /* Of |q| (|x| + |e|): f; a float32 sum of d products, in whatever order; a dozen roundings around it. */
    const double rounding = sqrt((double)m->d) / (2 * m->code) + ((double)m->d + 2) * 0x1p-23 + 0x1p-20;
    m->scale[v] = unit;
    m->error[v] = (float)((missed + rounding * (row.norm + missed)) * (1 + 0x1p-20));
}

pn_status pn_rank_screen_f32(size_t V, size_t d, const float *items, float *screen)
{
    if (pn_rank_screen_floats(V, d) == SIZE_MAX) return PN_EDIM;
    if (V == 0) return PN_OK;
    if (!screen || (d > 0 && !items)) return PN_ENULL;
    struct making m = { d, width_of(d), largest_code(d), items, screen, screen + V, (int8_t *)(screen + 2 * V) };
    return pn_team_for(V, make_row, &m);
}
