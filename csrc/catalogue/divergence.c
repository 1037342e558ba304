/* Letters: T states of a row, n rows, V items, d floats a row; c rows of a chunk. A chunk lies as [T][c][V]. */
#include "penchant/catalogue.h"
#include "penchant/gemm.h"

#include "../base/base.h"
#include "../tile/tile.h"

#include <float.h>

struct chunk {
    size_t T, V, c;
    float *logits;
    double *value; /* [c] sums over ordered pairs */
    float gradient; /* of a row's sum over pairs; 0 asks for the value alone */
};

/* log sum exp of the logits of a state, in two parts: log p = (s - top) - rest loses nothing when logits are large. */
struct total {
    float top, rest;
    double sum;
};

PN_CLONES static struct total total_of(size_t V, const float *restrict x)
{
    float top[PN_LANES];
    for (size_t l = 0; l < PN_LANES; ++l) top[l] = -FLT_MAX;
    size_t v = 0;
    for (; v + PN_LANES <= V; v += PN_LANES)
        for (size_t l = 0; l < PN_LANES; ++l) top[l] = top[l] > x[v + l] ? top[l] : x[v + l];
    for (; v < V; ++v) top[0] = top[0] > x[v] ? top[0] : x[v];
    for (size_t l = 1; l < PN_LANES; ++l) top[0] = top[0] > top[l] ? top[0] : top[l];
    double sum[PN_LANES] = { 0 };
    for (v = 0; v + PN_LANES <= V; v += PN_LANES)
        for (size_t l = 0; l < PN_LANES; ++l) sum[l] += (double)pn_expf(x[v + l] - top[0]);
    for (; v < V; ++v) sum[0] += (double)pn_expf(x[v] - top[0]);
    for (size_t l = 1; l < PN_LANES; ++l) sum[0] += sum[l];
    const double rest = log(sum[0]);
    return (struct total){ top[0], (float)rest, (double)top[0] + rest };
}

/* D_t of n items, at most a vector of them: each state's distance from all others. */
PN_INLINE void distances(size_t T, size_t n, size_t step, size_t t, const float *restrict x, float *restrict apart)
{
    for (size_t l = 0; l < n; ++l) apart[l] = 0;
    for (size_t u = 0; u < T; ++u)
        for (size_t l = 0; l < n; ++l) apart[l] += x[t * step + l] - x[u * step + l];
}

PN_INLINE void add_spread(size_t T, size_t n, size_t step, size_t t, struct total total, const float *restrict x,
                          double *restrict sum)
{
    float apart[PN_LANES];
    distances(T, n, step, t, x, apart);
    for (size_t l = 0; l < n; ++l) sum[l] += (double)(pn_expf(x[t * step + l] - total.top - total.rest) * apart[l]);
}

/* sum over v of p_t D_t. */
PN_CLONES static double spread_of(size_t T, size_t V, size_t step, size_t t, struct total total, const float *restrict x)
{
    double sum[PN_LANES] = { 0 };
    size_t v = 0;
    for (; v + PN_LANES <= V; v += PN_LANES) add_spread(T, PN_LANES, step, t, total, x + v, sum);
    if (v < V) add_spread(T, V - v, step, t, total, x + v, sum);
    for (size_t l = 1; l < PN_LANES; ++l) sum[0] += sum[l];
    return sum[0];
}

/* All states of an item before any is written, since each needs the others' logits. */
PN_INLINE void turn(size_t T, size_t n, size_t step, float factor, const struct total *restrict totals,
                    const float *restrict spread, float *restrict x)
{
    float apart[PN_CATALOGUE_STATES][PN_LANES];
    for (size_t t = 0; t < T; ++t) distances(T, n, step, t, x, apart[t]);
    for (size_t t = 0; t < T; ++t)
        for (size_t l = 0; l < n; ++l)
            x[t * step + l] = factor * pn_expf(x[t * step + l] - totals[t].top - totals[t].rest) *
                              (apart[t][l] - spread[t]);
}

/* Logits become their gradients. */
PN_CLONES static void gradients(size_t T, size_t V, size_t step, float factor, const struct total *restrict totals,
                                const float *restrict spread, float *restrict x)
{
    size_t v = 0;
    for (; v + PN_LANES <= V; v += PN_LANES) turn(T, PN_LANES, step, factor, totals, spread, x + v);
    if (v < V) turn(T, V - v, step, factor, totals, spread, x + v);
}

static void row(void *context, size_t i)
{
    const struct chunk *k = context;
    const size_t step = k->c * k->V;
    float *x = k->logits + i * k->V, spread[PN_CATALOGUE_STATES];
    struct total totals[PN_CATALOGUE_STATES];
    double all = 0, value = 0;
    for (size_t t = 0; t < k->T; ++t) {
        totals[t] = total_of(k->V, x + t * step);
        all += totals[t].sum;
    }
    for (size_t t = 0; t < k->T; ++t) {
        const double sum = spread_of(k->T, k->V, step, t, totals[t], x);
        spread[t] = (float)sum;
        value += sum - ((double)k->T * totals[t].sum - all);
    }
    k->value[i] = value;
    if (k->gradient != 0) gradients(k->T, k->V, step, k->gradient, totals, spread, x);
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

struct memory {
    uint32_t *row; /* [n] rows that count */
    double *value; /* [c] */
    float *hidden; /* [T, c, d], and their gradients */
    float *logits; /* [T, c, V] */
    char *rest;
};

/* Rows of a chunk: as many as PN_CATALOGUE_BYTES hold, a function of the sizes alone. */
static size_t chunk_rows(size_t T, size_t n, size_t V)
{
    return pn_max(1, pn_min(n, PN_CATALOGUE_BYTES / sizeof(float) / T / V));
}

static bool lay_out(size_t T, size_t n, size_t V, size_t d, char *base, struct memory *m, size_t *bytes)
{
    size_t size;
    if (n >= UINT32_MAX || V >= UINT32_MAX || !pn_mul_size(T, n, &size) || !pn_mul_size(size, d, &size) ||
        !pn_mul_size(size, sizeof(float), &size) || !pn_mul_size(V, d, &size) ||
        !pn_mul_size(size, sizeof(float), &size) || !pn_mul_size(V, T, &size))
        return false;
    const size_t c = chunk_rows(T, n, V);
    bool ok = true;
    *bytes = 0;
#define TAKE(type, name, a, b) (m->name = (type *)(base ? base + *bytes : NULL), ok = ok && pn_add_part(bytes, a, b, sizeof(type)))
    TAKE(uint32_t, row, n, 1);
    TAKE(double, value, c, 1);
    TAKE(float, hidden, T * c, d);
    TAKE(float, logits, T * c, V);
#undef TAKE
    m->rest = base ? base + *bytes : NULL;
    return ok;
}

size_t pn_catalogue_divergence_workspace(size_t T, size_t n, size_t V, size_t d)
{
    struct memory m;
    size_t bytes, product = 0;
    if (T < 2 || n == 0 || V == 0 || d == 0) return 0;
    if (T > PN_CATALOGUE_STATES || !lay_out(T, n, V, d, NULL, &m, &bytes)) return SIZE_MAX;
    /* The last chunk has fewer rows, and fewer rows may need more. */
    for (size_t c = 1; c <= chunk_rows(T, n, V); ++c) {
        product = pn_max(product, pn_gemm_workspace(PN_NO_TRANS, PN_TRANS, T * c, V, d));
        product = pn_max(product, pn_gemm_workspace(PN_NO_TRANS, PN_NO_TRANS, T * c, d, V));
        product = pn_max(product, pn_gemm_workspace(PN_TRANS, PN_NO_TRANS, V, d, T * c));
    }
    return pn_add_size(bytes, product, &bytes) ? bytes : SIZE_MAX;
}

/* ---- call ------------------------------------------------------------------------------------------------ */

/* The c rows of a chunk, all states. */
static void bring(size_t T, size_t n, size_t d, size_t c, const uint32_t *rows, const float *all, float *some)
{
    for (size_t t = 0; t < T; ++t)
        for (size_t i = 0; i < c; ++i) memcpy(some + (t * c + i) * d, all + (t * n + rows[i]) * d, d * sizeof *some);
}

static void take_back(size_t T, size_t n, size_t d, size_t c, const uint32_t *rows, const float *some, float *all)
{
    for (size_t t = 0; t < T; ++t)
        for (size_t i = 0; i < c; ++i) memcpy(all + (t * n + rows[i]) * d, some + (t * c + i) * d, d * sizeof *all);
}

pn_status pn_catalogue_divergence_f32(size_t T, size_t n, size_t V, size_t d, float scale, const float *hidden,
                                      const float *items, const float *bias, const uint32_t *targets, double *mean,
                                      float *d_hidden, float *d_items, void *workspace, size_t workspace_bytes)
{
    struct memory m;
    size_t bytes;
    if (T > PN_CATALOGUE_STATES || (n > 0 && V == 0)) return PN_EDIM;
    if (mean) *mean = 0;
    if (T == 0 || V == 0) return PN_OK;
    if (!lay_out(T, n, V, d, workspace, &m, &bytes)) return PN_EDIM;
    if (n > 0 && (!targets || (d > 0 && (!hidden || !items)))) return PN_ENULL;
    if (d_hidden) memset(d_hidden, 0, T * n * d * sizeof *d_hidden);
    if (d_items) memset(d_items, 0, V * d * sizeof *d_items);
    if (T < 2 || n == 0 || d == 0) return PN_OK;
    if (!workspace) return PN_ENULL;
    if (workspace_bytes < bytes) return PN_EWORKSPACE;

    size_t rows = 0;
    for (size_t i = 0; i < n; ++i)
        if (targets[i] != PN_CATALOGUE_IGNORE) m.row[rows++] = (uint32_t)i;
    const double pairs = (double)T * (double)(T - 1);
    const bool gradient = d_hidden || d_items;
    const size_t rest = workspace_bytes - bytes, most = chunk_rows(T, n, V);
    const pn_gemm_epilogue end = { .column_bias = bias };
    double sum = 0;
    for (size_t at = 0; at < rows; at += most) {
        struct chunk k = { .T = T, .V = V, .c = pn_min(most, rows - at), .logits = m.logits, .value = m.value,
                           .gradient = gradient ? (float)((double)scale / (pairs * (double)rows)) : 0 };
        const size_t states = T * k.c;
        bring(T, n, d, k.c, m.row + at, hidden, m.hidden);
        pn_status status = pn_gemm_f32(PN_NO_TRANS, PN_TRANS, states, V, d, 1, m.hidden, d, items, d, 0, m.logits, V,
                                       &end, m.rest, rest);
        if (status == PN_OK) status = pn_team_for(k.c, row, &k);
        if (status == PN_OK && d_items)
            status = pn_gemm_f32(PN_TRANS, PN_NO_TRANS, V, d, states, 1, m.logits, V, m.hidden, d, 1, d_items, d, NULL,
                                 m.rest, rest);
        if (status == PN_OK && d_hidden) {
            status = pn_gemm_f32(PN_NO_TRANS, PN_NO_TRANS, states, d, V, 1, m.logits, V, items, d, 0, m.hidden, d,
                                 NULL, m.rest, rest);
            take_back(T, n, d, k.c, m.row + at, m.hidden, d_hidden);
        }
        if (status != PN_OK) return status;
        for (size_t i = 0; i < k.c; ++i) sum += k.value[i];
    }
    if (mean && rows > 0) *mean = sum / (pairs * (double)rows);
    return PN_OK;
}
