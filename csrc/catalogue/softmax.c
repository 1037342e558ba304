#include "softmax.h"

#include "scalar_math.h"
#include "penchant/catalogue.h"

#include <float.h>

#define TILE ((size_t)256)  /* items a tile at most: with its logits about 128 KiB, a share of L2 */
#define TILE_LEAST ((size_t)64)
#define EVEN ((size_t)8)    /* tiles come in such numbers, so that a few threads get equal shares */
#define STRIP ((size_t)64)  /* items whose logits fit L1 */
#define SHARE ((size_t)32)  /* items that fit L1 with their logits and the sums of both */
#define GROUPS ((size_t)32) /* partial sums of d_hidden at most */
#define PANELS ((size_t)2)  /* panels a chunk at most: more gain nothing */

/* Exponentials that a small batch may keep even if they are all of them. */
#define FEW_BYTES ((size_t)2 << 20)

/* ---- plan ------------------------------------------------------------------------------------------------ */

static size_t floats(size_t a, size_t b, size_t c)
{
    size_t product;
    if (!pn_mul_size(a, b, &product) || !pn_mul_size(product, c, &product)) return SIZE_MAX;
    return pn_mul_size(product, sizeof(float), &product) ? product : SIZE_MAX;
}

static bool add_to(size_t *bytes, size_t more)
{
    size_t sum;
    if (more == SIZE_MAX || !pn_add_size(*bytes, more, &sum) || !pn_add_size(sum, 63, &sum)) return false;
    *bytes = sum & ~(size_t)63;
    return true;
}

/* Equal tiles: fifteen on two threads take as long as sixteen. */
static size_t tile_items(size_t V)
{
    const size_t least = pn_ceil_div(V, TILE), step = least > GROUPS ? GROUPS : EVEN;
    const size_t even = pn_ceil_div(least, step) * step;
    return pn_ceil_div(V, pn_max(1, pn_max(least, pn_min(even, V / TILE_LEAST))));
}

bool pn_softmax_plan(size_t n, size_t V, size_t d, bool gradients, struct pn_softmax_plan *plan)
{
    *plan = (struct pn_softmax_plan){ .V = V, .d = d, .keep = gradients };
    if (V > SIZE_MAX - TILE || d > SIZE_MAX - PN_LANES || n > SIZE_MAX - PN_TILE_WIDTH) return false;
    plan->dp = pn_lanes(d);
    plan->tile = tile_items(V);
    plan->tiles = V ? pn_ceil_div(V, plan->tile) : 0;
    plan->groups = plan->tiles ? pn_ceil_div(plan->tiles, pn_ceil_div(plan->tiles, GROUPS)) : 0;

    /* Whole panels when they fit the bound, narrower ones for very long catalogues. */
    const size_t sixteen = floats(V, PN_LANES, 1);
    if (sixteen == SIZE_MAX) return false;
    const size_t quarter = floats(n / 4, V, 1);
    const size_t bound = pn_min(PN_CATALOGUE_BYTES, pn_max(FEW_BYTES, quarter));
    const size_t fit = gradients ? bound / pn_max(sixteen, 1) : PANELS * PN_TILE_VECTORS;
    const size_t need = pn_ceil_div(n, PN_LANES);
    plan->lanes = PN_LANES * pn_max(1, pn_min(PN_TILE_VECTORS, pn_min(fit, need)));
    plan->panels = pn_max(1, pn_min(pn_min(PANELS, fit / PN_TILE_VECTORS), pn_ceil_div(n, plan->lanes)));

    const size_t lanes = plan->lanes, panels = plan->panels;
    bool ok = add_to(&plan->fixed, floats(panels * lanes, d, 1));                    /* hidden, transposed */
    ok = ok && add_to(&plan->fixed, floats(panels * lanes, plan->tiles, 2));         /* maximum and sum */
    if (gradients) {
        ok = ok && add_to(&plan->fixed, floats(panels * lanes, V, 1));               /* exponentials */
        ok = ok && add_to(&plan->fixed, floats(panels * lanes, d, plan->groups));    /* d_hidden by group */
        ok = ok && add_to(&plan->member, floats(lanes, d, 1));                       /* d_hidden of a tile */
        ok = ok && add_to(&plan->member, floats(lanes, plan->dp, 1));                /* factor * hidden */
        ok = ok && add_to(&plan->member, floats(TILE, PN_LANES, 1));                 /* last columns of d_items */
    } else {
        ok = ok && add_to(&plan->member, floats(TILE, lanes, 1));
    }
    return ok;
}

size_t pn_softmax_bytes(const struct pn_softmax_plan *plan)
{
    size_t bytes;
    if (!pn_mul_size(plan->member, pn_team_size(), &bytes)) return SIZE_MAX;
    pn_add_size(bytes, plan->fixed, &bytes);
    return bytes;
}

/* ---- one chunk ------------------------------------------------------------------------------------------- */

/* Memory of a run. */
struct run {
    float *turned;    /* [panel][d][lane] hidden rows of the chunk that is scored */
    float *top, *sum; /* [tile][panel][lane]: maximum, later the factor of the tile; sum of exponentials */
    float *kept;      /* [panel][V][lane] */
    float *partial;   /* [group][panel][d][lane] */
    char *scratch;    /* a member's own */
};

struct chunk {
    const struct run *run;
    const struct pn_softmax *s;
    size_t first, rows; /* among the rows that count */
    size_t panels;      /* that have rows */
};

/* One pass over the items: a tile's exponentials of the last chunk are used up, then those of the next take their
 * place, so a tile of items and its memory come to the cache once for both. */
struct pass {
    struct chunk last, next;
};

PN_INLINE size_t panel_rows(const struct chunk *c, size_t panel)
{
    const size_t lanes = c->s->plan.lanes, before = panel * lanes;
    return before >= c->rows ? 0 : pn_min(lanes, c->rows - before);
}

/* Lanes that are computed: the last panel of a chunk may be narrow. */
PN_INLINE size_t panel_lanes(const struct chunk *c, size_t panel) { return pn_lanes(panel_rows(c, panel)); }

PN_INLINE size_t row_number(const struct chunk *c, size_t panel, size_t lane)
{
    return c->s->row[c->first + panel * c->s->plan.lanes + lane];
}

static void turn(const struct chunk *c)
{
    const struct pn_softmax_plan *plan = &c->s->plan;
    for (size_t p = 0; p < c->panels; ++p)
        pn_tile_turn(panel_rows(c, p), plan->d, 1, c->s->hidden, plan->d, c->s->row + c->first + p * plan->lanes,
                     c->run->turned + p * plan->d * plan->lanes, plan->lanes);
}

/* Adds the bias and lifts the maximum. */
PN_CLONES static void maxima(size_t items, size_t lanes, size_t used, const float *restrict bias,
                             float *restrict logits, float *restrict top)
{
    for (size_t v = 0; v < items; ++v) {
        float *restrict x = logits + v * lanes;
        const float b = bias ? bias[v] : 0;
        for (size_t c = 0; c < used; c += PN_LANES)
            for (size_t l = c; l < c + PN_LANES; ++l) {
                x[l] += b;
                top[l] = top[l] > x[l] ? top[l] : x[l];
            }
    }
}

PN_CLONES static void exponentials(size_t items, size_t lanes, size_t used, const float *restrict top,
                                   float *restrict logits, float *restrict sum)
{
    float strip[PN_TILE_WIDTH] = { 0 };
    for (size_t v = 0; v < items; ++v) {
        float *restrict x = logits + v * lanes;
        for (size_t c = 0; c < used; c += PN_LANES)
            for (size_t l = c; l < c + PN_LANES; ++l) {
                x[l] = pn_expf(x[l] - top[l]);
                strip[l] += x[l];
            }
    }
    for (size_t l = 0; l < used; ++l) sum[l] += strip[l];
}

/* The logits of targets among these items wait where the losses will be. */
static void find_targets(const struct chunk *c, size_t panel, size_t first, size_t items, const float *logits)
{
    const struct pn_softmax *s = c->s;
    const size_t lanes = s->plan.lanes, rows = panel_rows(c, panel);
    for (size_t l = 0; l < rows; ++l) {
        const size_t target = s->targets[row_number(c, panel, l)];
        if (target - first < items) s->loss[c->first + panel * lanes + l] = logits[(target - first) * lanes + l];
    }
}

PN_CLONES static void drop_equal(size_t items, size_t lanes, size_t rows, const uint32_t *restrict ids,
                                 const uint32_t *restrict targets, float *restrict logits)
{
    for (size_t v = 0; v < items; ++v) {
        uint32_t equal = 0;
        for (size_t l = 0; l < rows; ++l) equal |= ids[v] == targets[l];
        if (!equal) continue;
        for (size_t l = 0; l < rows; ++l)
            if (ids[v] == targets[l]) logits[v * lanes + l] = -INFINITY;
    }
}

static void drop_targets(const struct chunk *c, size_t panel, size_t first, size_t items, float *logits)
{
    uint32_t targets[PN_TILE_WIDTH];
    const size_t rows = panel_rows(c, panel);
    for (size_t l = 0; l < rows; ++l) targets[l] = c->s->targets[row_number(c, panel, l)];
    drop_equal(items, c->s->plan.lanes, rows, c->s->item_ids + first, targets, logits);
}

static void score(const struct chunk *c, size_t t, size_t member)
{
    const struct pn_softmax *s = c->s;
    const struct pn_softmax_plan *plan = &s->plan;
    const size_t lanes = plan->lanes, first = t * plan->tile, items = pn_min(plan->tile, plan->V - first);
    for (size_t p = 0; p < c->panels; ++p) {
        const size_t used = panel_lanes(c, p);
        float *logits = plan->keep ? c->run->kept + (p * plan->V + first) * lanes
                                   : (float *)(c->run->scratch + member * plan->member);
        float *top = c->run->top + (t * plan->panels + p) * lanes, *sum = c->run->sum + (t * plan->panels + p) * lanes;
        for (size_t l = 0; l < used; ++l) top[l] = -FLT_MAX, sum[l] = 0;
        for (size_t v = 0; v < items; v += STRIP) {
            const size_t some = pn_min(STRIP, items - v);
            float *strip = logits + v * lanes;
            s->tile(some, used / PN_LANES, plan->d, s->items + (first + v) * plan->d, plan->d, 1,
                    c->run->turned + p * plan->d * lanes, lanes, strip, lanes, false);
            if (s->item_ids) drop_targets(c, p, first + v, some, strip);
            maxima(some, lanes, used, s->bias ? s->bias + first + v : NULL, strip, top);
        }
        if (s->targets && !s->item_ids) find_targets(c, p, first, items, logits);
        for (size_t v = 0; v < items; v += STRIP)
            exponentials(pn_min(STRIP, items - v), lanes, used, top, logits + v * lanes, sum);
    }
}

/* Sums of all tiles relative to the greatest maximum; the tiles' maxima become exp(maximum - greatest). */
PN_CLONES static void add_tiles(size_t tiles, size_t width, size_t rows, float *restrict top,
                                const float *restrict sum, float *restrict most, double *restrict total)
{
    for (size_t t = 0; t < tiles; ++t)
        for (size_t r = 0; r < rows; ++r)
            most[r] = most[r] > top[t * width + r] ? most[r] : top[t * width + r];
    for (size_t t = 0; t < tiles; ++t)
        for (size_t r = 0; r < rows; ++r) {
            const float share = pn_expf(top[t * width + r] - most[r]);
            top[t * width + r] = share;
            total[r] += (double)share * (double)sum[t * width + r];
        }
}

PN_CLONES static void scale_tiles(size_t tiles, size_t width, size_t rows, const float *restrict each,
                                  float *restrict top)
{
    for (size_t t = 0; t < tiles; ++t)
        for (size_t r = 0; r < rows; ++r) top[t * width + r] *= each[r];
}

/* Losses of the rows; then every tile's maximum becomes its factor: kept exponential * factor = gradient of the
 * logit, but for the target's own term. */
static void combine(const struct chunk *c)
{
    const struct pn_softmax *s = c->s;
    const struct pn_softmax_plan *plan = &s->plan;
    const size_t width = plan->panels * plan->lanes;
    float most[PANELS * PN_TILE_WIDTH], each[PANELS * PN_TILE_WIDTH];
    double total[PANELS * PN_TILE_WIDTH] = { 0 };
    for (size_t r = 0; r < c->rows; ++r) most[r] = -FLT_MAX;
    const float *extra = s->target_logit ? s->target_logit + c->first : NULL;
    for (size_t r = 0; extra && r < c->rows; ++r) most[r] = extra[r];
    add_tiles(plan->tiles, width, c->rows, c->run->top, c->run->sum, most, total);
    /* The target is one more term. */
    for (size_t r = 0; extra && r < c->rows; ++r) total[r] += (double)pn_expf(extra[r] - most[r]);
    for (size_t r = 0; r < c->rows; ++r) {
        const size_t i = c->first + r;
        const double log_sum = (double)most[r] + log(total[r]);
        if (s->log_sum) s->log_sum[i] = (float)log_sum;
        if (s->targets) s->loss[i] = (float)(log_sum - (double)(extra ? extra[r] : s->loss[i]));
        if (!plan->keep) continue;
        const double gradient = (double)s->gradient[i];
        each[r] = (float)(gradient / total[r]);
        if (s->target_factor) {
            const double own = (double)pn_expf(extra[r] - most[r]);
            s->target_factor[i] = (float)(gradient * ((own - total[r]) / total[r]));
        }
    }
    if (plan->keep) scale_tiles(plan->tiles, width, c->rows, each, c->run->top);
}

/* y = (y +) factor * x: d rows of `used` lanes, `lanes` apart. */
PN_INLINE void scaled_add_rows(const size_t vectors, size_t d, size_t lanes, bool add, const float *factor, const float *x,
                               float *y)
{
    pn_f32x16 scale[PN_TILE_VECTORS];
    for (size_t c = 0; c < vectors; ++c) scale[c] = pn_load16(factor + c * PN_LANES);
    for (size_t j = 0; j < d; ++j, x += lanes, y += lanes)
#pragma clang loop unroll(full)
        for (size_t c = 0; c < vectors; ++c) {
            const pn_f32x16 term = scale[c] * pn_load16(x + c * PN_LANES);
            pn_store16(y + c * PN_LANES, add ? pn_load16(y + c * PN_LANES) + term : term);
        }
}

PN_CLONES static void scaled_add(size_t d, size_t lanes, size_t used, bool add, const float *factor, const float *x,
                                 float *y)
{
    switch (used / PN_LANES) {
    case 1: scaled_add_rows(1, d, lanes, add, factor, x, y); break;
    case 2: scaled_add_rows(2, d, lanes, add, factor, x, y); break;
    case 3: scaled_add_rows(3, d, lanes, add, factor, x, y); break;
    default: scaled_add_rows(4, d, lanes, add, factor, x, y); break;
    }
}

PN_CLONES static void scaled_row(size_t d, float factor, const float *restrict x, float *restrict y)
{
    for (size_t j = 0; j < d; ++j) y[j] = factor * x[j];
}

static void items_gradient(const struct chunk *c, size_t p, size_t first, size_t items, const float *exps,
                           const float *scaled, float *last)
{
    const struct pn_softmax_plan *plan = &c->s->plan;
    const size_t lanes = plan->lanes, rows = panel_rows(c, p), d = plan->d, whole = d / PN_LANES * PN_LANES;
    const bool add = c->s->accumulate || c->first + p > 0;
    float *to = c->s->d_items + first * d;
    for (size_t j = 0; j < whole; j += PN_TILE_WIDTH)
        c->s->tile(items, pn_min(PN_TILE_WIDTH, whole - j) / PN_LANES, rows, exps, lanes, 1, scaled + j, plan->dp,
                   to + j, d, add);
    if (whole == d) return;
    c->s->tile(items, 1, rows, exps, lanes, 1, scaled + whole, plan->dp, last, PN_LANES, false);
    for (size_t v = 0; v < items; ++v)
        for (size_t j = whole; j < d; ++j) {
            const float x = last[v * PN_LANES + j - whole];
            to[v * d + j] = add ? to[v * d + j] + x : x;
        }
}

static void bias_gradient(const struct chunk *c, size_t p, size_t first, size_t items, const float *exps,
                          const float *factor)
{
    const size_t lanes = c->s->plan.lanes, rows = panel_rows(c, p);
    const bool add = c->s->accumulate || c->first + p > 0;
    for (size_t v = 0; v < items; ++v) {
        float sum = 0;
        for (size_t l = 0; l < rows; ++l) sum += exps[v * lanes + l] * factor[l];
        c->s->d_bias[first + v] = add ? c->s->d_bias[first + v] + sum : sum;
    }
}

/* The target's own term, - gradient * hidden, for targets among these items; rows in ascending order. */
static void own_terms(const struct chunk *c, size_t first, size_t items)
{
    const struct pn_softmax *s = c->s;
    const size_t d = s->plan.d;
    for (size_t r = 0; r < c->rows; ++r) {
        const size_t row = s->row[c->first + r], target = s->targets[row];
        if (target - first >= items) continue;
        const float gradient = s->gradient[c->first + r];
        if (s->d_bias) s->d_bias[target] -= gradient;
        if (!s->d_items) continue;
        const float *from = s->hidden + row * d;
        float *to = s->d_items + target * d;
        for (size_t j = 0; j < d; ++j) to[j] -= gradient * from[j];
    }
}

/* A tile's share of every gradient; `open` when it is the first of its group. */
static void spread(const struct chunk *c, size_t t, size_t group, bool open, size_t member)
{
    const struct pn_softmax *s = c->s;
    const struct pn_softmax_plan *plan = &s->plan;
    const size_t lanes = plan->lanes, d = plan->d, first = t * plan->tile, items = pn_min(plan->tile, plan->V - first);
    float *part = (float *)(c->run->scratch + member * plan->member);
    float *scaled = part + lanes * d;
    float *last = scaled + lanes * plan->dp;
    for (size_t p = 0; p < c->panels; ++p) {
        const size_t used = panel_lanes(c, p);
        const float *exps = c->run->kept + (p * plan->V + first) * lanes;
        const float *factor = c->run->top + (t * plan->panels + p) * lanes;
        if (s->d_hidden) {
            for (size_t v = 0; v < items; v += SHARE)
                s->tile(d, used / PN_LANES, pn_min(SHARE, items - v), s->items + (first + v) * d, 1, d,
                        exps + v * lanes, lanes, part, lanes, v > 0);
            scaled_add(d, lanes, used, !open, factor, part,
                       c->run->partial + (group * plan->panels + p) * d * lanes);
        }
        if (s->d_items) {
            const size_t rows = panel_rows(c, p);
            for (size_t l = 0; l < rows; ++l) {
                scaled_row(d, factor[l], s->hidden + row_number(c, p, l) * d, scaled + l * plan->dp);
                for (size_t j = d; j < plan->dp; ++j) scaled[l * plan->dp + j] = 0;
            }
            items_gradient(c, p, first, items, exps, scaled, last);
        }
        if (s->d_bias) bias_gradient(c, p, first, items, exps, factor);
    }
    if (!s->target_logit) own_terms(c, first, items);
}

static void pass_group(void *context, size_t group, size_t member)
{
    const struct pass *pass = context;
    const struct pn_softmax_plan *plan = &pass->next.s->plan;
    const size_t each = pn_ceil_div(plan->tiles, plan->groups), first = group * each;
    for (size_t t = first; t < pn_min(plan->tiles, first + each); ++t) {
        if (pass->last.rows) spread(&pass->last, t, group, t == first, member);
        if (pass->next.rows) score(&pass->next, t, member);
    }
}

/* Partial sums of sixteen lanes, groups in ascending order, into the first. */
PN_CLONES static void sum_groups(size_t groups, size_t stride, size_t d, size_t lanes, float *partial)
{
    for (size_t g = 1; g < groups; ++g) {
        const float *from = partial + g * stride, *ahead = from + (g + 1 < groups ? stride : 0);
        for (size_t j = 0; j < d; ++j) {
            __builtin_prefetch(ahead + j * lanes);
            for (size_t l = 0; l < PN_LANES; ++l) partial[j * lanes + l] += from[j * lanes + l];
        }
    }
}

/* d_hidden of sixteen rows: what the groups found, then the target's own term. */
static void collect(void *context, size_t block)
{
    const struct chunk *c = &((const struct pass *)context)->last;
    const struct pn_softmax *s = c->s;
    const struct pn_softmax_plan *plan = &s->plan;
    const size_t lanes = plan->lanes, d = plan->d, p = block * PN_LANES / lanes, lane = block * PN_LANES % lanes;
    const size_t some = pn_min(PN_LANES, panel_rows(c, p) - lane);
    float *sums = c->run->partial + p * d * lanes + lane;
    if (plan->groups) sum_groups(plan->groups, plan->panels * d * lanes, d, lanes, sums);
    for (size_t l = 0; l < some; ++l) {
        const size_t row = row_number(c, p, lane + l), r = c->first + p * lanes + lane + l;
        const float *own = (s->target_logit ? s->target_rows : s->items) + s->targets[row] * d;
        const float factor = s->target_factor ? s->target_factor[r] : -s->gradient[r];
        float *to = s->d_hidden + row * d;
        for (size_t j = 0; j < d; ++j) to[j] = (plan->groups ? sums[j * lanes + l] : 0) + factor * own[j];
    }
}

pn_status pn_softmax_run(const struct pn_softmax *s, void *workspace, size_t workspace_bytes)
{
    const struct pn_softmax_plan *plan = &s->plan;
    if (s->rows == 0) return PN_OK;
    if (!workspace) return PN_ENULL;
    if (workspace_bytes < plan->fixed || workspace_bytes - plan->fixed < plan->member) return PN_EWORKSPACE;
    const size_t members = pn_min(PN_TEAM_MAX, (workspace_bytes - plan->fixed) / plan->member);

    const size_t width = plan->panels * plan->lanes;
    size_t at = 0;
    struct run run = { 0 };
#define TAKE(pointer, a, b) (run.pointer = (float *)((char *)workspace + at), add_to(&at, floats(width, a, b)))
    TAKE(turned, plan->d, 1);
    TAKE(top, plan->tiles, 1);
    TAKE(sum, plan->tiles, 1);
    if (plan->keep) {
        TAKE(kept, plan->V, 1);
        TAKE(partial, plan->d, plan->groups);
    }
#undef TAKE
    run.scratch = (char *)workspace + plan->fixed;

    struct pass pass = { .next = { .run = &run, .s = s } };
    for (size_t first = 0;; first += width) {
        pass.last = pass.next;
        if (!plan->keep) pass.last.rows = 0;
        pass.next.first = first;
        pass.next.rows = first < s->rows ? pn_min(width, s->rows - first) : 0;
        pass.next.panels = pn_ceil_div(pass.next.rows, plan->lanes);
        if (!pass.last.rows && !pass.next.rows) return PN_OK;
        turn(&pass.next);
        pn_status status = pn_team_for_members(plan->groups, members, pass_group, &pass);
        if (status == PN_OK && pass.last.rows && s->d_hidden)
            status = pn_team_for(pn_ceil_div(pass.last.rows, PN_LANES), collect, &pass);
        if (status != PN_OK) return status;
        if (!pass.next.rows) return PN_OK;
        combine(&pass.next);
    }
}
