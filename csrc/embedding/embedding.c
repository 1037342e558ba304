#include "penchant/embedding.h"

#include "base.h"

/* Positions a block: enough rows to be worth a thread, few enough to share. */
#define POSITIONS ((size_t)256)

static bool sizes_fit(size_t n, size_t rows, size_t d)
{
    size_t product;
    return n < UINT32_MAX && rows <= UINT32_MAX && pn_mul_size(n, d, &product) &&
           pn_mul_size(product, sizeof(float), &product) && pn_mul_size(rows, d, &product) &&
           pn_mul_size(product, sizeof(float), &product);
}

static pn_status check_ids(size_t n, size_t rows, const uint32_t *ids)
{
    for (size_t i = 0; i < n; ++i)
        if (ids[i] >= rows && ids[i] != PN_EMBEDDING_NONE) return PN_EINDEX;
    return PN_OK;
}

/* ---- gather ---------------------------------------------------------------------------------------------- */

struct gather {
    size_t n, d;
    const float *table;
    const uint32_t *ids;
    float *out;
};

static void gather_block(void *context, size_t block)
{
    const struct gather *g = context;
    const size_t end = pn_min(g->n, (block + 1) * POSITIONS), bytes = g->d * sizeof(float);
    for (size_t i = block * POSITIONS; i < end; ++i) {
        if (g->ids[i] == PN_EMBEDDING_NONE) memset(g->out + i * g->d, 0, bytes);
        else memcpy(g->out + i * g->d, g->table + g->ids[i] * g->d, bytes);
    }
}

pn_status pn_embedding_gather_f32(size_t n, size_t rows, size_t d, const float *table, const uint32_t *ids,
                                  float *out)
{
    if (!sizes_fit(n, rows, d)) return PN_EDIM;
    if (n == 0 || d == 0) return PN_OK;
    if ((!table && rows > 0) || !ids || !out) return PN_ENULL;
    const pn_status status = check_ids(n, rows, ids);
    if (status != PN_OK) return status;
    struct gather g = { n, d, table, ids, out };
    return pn_team_for(pn_ceil_div(n, POSITIONS), gather_block, &g);
}

/* ---- positions sorted by id ------------------------------------------------------------------------------ */

#define DIGIT_BITS 11
#define DIGITS ((size_t)1 << DIGIT_BITS)

/* Stable radix sort: positions of one id stay in order. Writes the positions that have an id, returns how many.
 * spare: [n]; counts: [DIGITS]. */
static size_t sort_positions(size_t n, size_t rows, const uint32_t *ids, uint32_t *order, uint32_t *spare,
                             uint32_t *counts)
{
    size_t used = 0;
    for (size_t i = 0; i < n; ++i)
        if (ids[i] != PN_EMBEDDING_NONE) order[used++] = (uint32_t)i;
    uint32_t *from = order, *to = spare;
    for (unsigned shift = 0; rows > 1 && (rows - 1) >> shift > 0; shift += DIGIT_BITS) {
        memset(counts, 0, DIGITS * sizeof *counts);
        for (size_t i = 0; i < used; ++i) ++counts[ids[from[i]] >> shift & (DIGITS - 1)];
        uint32_t first = 0;
        for (size_t digit = 0; digit < DIGITS; ++digit) {
            const uint32_t count = counts[digit];
            counts[digit] = first;
            first += count;
        }
        for (size_t i = 0; i < used; ++i) to[counts[ids[from[i]] >> shift & (DIGITS - 1)]++] = from[i];
        uint32_t *swap = from;
        from = to, to = swap;
        if (shift + DIGIT_BITS >= 32) break;
    }
    if (from != order) memcpy(order, from, used * sizeof *order);
    return used;
}

/* ---- scatter --------------------------------------------------------------------------------------------- */

static size_t workspace(size_t n, size_t arrays)
{
    size_t bytes;
    if (!pn_mul_size(n, arrays * sizeof(uint32_t), &bytes) ||
        !pn_add_size(bytes, DIGITS * sizeof(uint32_t), &bytes))
        return SIZE_MAX;
    return bytes;
}

size_t pn_embedding_scatter_workspace(size_t n, size_t rows)
{
    (void)rows;
    return workspace(n, 2);
}

struct scatter {
    size_t n, d;
    const uint32_t *ids, *order;
    const float *d_out;
    float *d_table;
};

PN_CLONES static void add_row(size_t d, const float *restrict x, float *restrict y)
{
    for (size_t j = 0; j < d; ++j) y[j] += x[j];
}

/* A block owns the ids whose first position lies in it; the last of them may reach beyond its end. */
static void scatter_block(void *context, size_t block)
{
    const struct scatter *s = context;
    size_t i = block * POSITIONS;
    const size_t end = pn_min(s->n, i + POSITIONS);
    while (i > 0 && i < end && s->ids[s->order[i]] == s->ids[s->order[i - 1]]) ++i;
    while (i < end) {
        const uint32_t id = s->ids[s->order[i]];
        float *row = s->d_table + id * s->d;
        for (; i < s->n && s->ids[s->order[i]] == id; ++i) add_row(s->d, s->d_out + s->order[i] * s->d, row);
    }
}

pn_status pn_embedding_scatter_f32(size_t n, size_t rows, size_t d, const uint32_t *ids, const float *d_out,
                                   float *d_table, void *memory, size_t workspace_bytes)
{
    if (!sizes_fit(n, rows, d)) return PN_EDIM;
    if (n == 0 || d == 0) return PN_OK;
    if (!ids || !d_out || (!d_table && rows > 0) || !memory) return PN_ENULL;
    if (workspace_bytes < workspace(n, 2)) return PN_EWORKSPACE;
    const pn_status status = check_ids(n, rows, ids);
    if (status != PN_OK) return status;
    uint32_t *order = memory, *spare = order + n, *counts = spare + n;
    const size_t used = sort_positions(n, rows, ids, order, spare, counts);
    struct scatter s = { used, d, ids, order, d_out, d_table };
    return pn_team_for(pn_ceil_div(used, POSITIONS), scatter_block, &s);
}

/* ---- row-sparse ------------------------------------------------------------------------------------------ */

size_t pn_embedding_unique_workspace(size_t n, size_t rows)
{
    (void)rows;
    return workspace(n, 1);
}

pn_status pn_embedding_unique(size_t n, size_t rows, const uint32_t *ids, uint32_t *order, uint32_t *unique,
                              uint32_t *starts, size_t *count, void *memory, size_t workspace_bytes)
{
    if (!sizes_fit(n, rows, 1)) return PN_EDIM;
    if (!count || !starts || (n > 0 && (!ids || !order || !unique || !memory))) return PN_ENULL;
    *count = 0;
    starts[0] = 0;
    if (n == 0) return PN_OK;
    if (workspace_bytes < workspace(n, 1)) return PN_EWORKSPACE;
    const pn_status status = check_ids(n, rows, ids);
    if (status != PN_OK) return status;
    uint32_t *spare = memory;
    const size_t used = sort_positions(n, rows, ids, order, spare, spare + n);
    size_t found = 0;
    for (size_t i = 0; i < used; ++i) {
        if (i > 0 && ids[order[i]] == ids[order[i - 1]]) continue;
        unique[found] = ids[order[i]];
        starts[found++] = (uint32_t)i;
    }
    starts[found] = (uint32_t)used;
    *count = found;
    return PN_OK;
}

struct sums {
    size_t count, d;
    const uint32_t *order, *starts;
    const float *d_out;
    float *d_rows;
};

static void sum_block(void *context, size_t block)
{
    const struct sums *s = context;
    const size_t end = pn_min(s->count, (block + 1) * POSITIONS);
    for (size_t u = block * POSITIONS; u < end; ++u) {
        float *row = s->d_rows + u * s->d;
        memset(row, 0, s->d * sizeof *row);
        for (size_t i = s->starts[u]; i < s->starts[u + 1]; ++i) add_row(s->d, s->d_out + s->order[i] * s->d, row);
    }
}

pn_status pn_embedding_sum_f32(size_t n, size_t count, size_t d, const uint32_t *order, const uint32_t *starts,
                               const float *d_out, float *d_rows)
{
    if (!sizes_fit(n, count, d) || count > n) return PN_EDIM;
    if (count == 0 || d == 0) return PN_OK;
    if (!order || !starts || !d_out || !d_rows) return PN_ENULL;
    for (size_t u = 0; u < count; ++u)
        if (starts[u] > starts[u + 1] || starts[u + 1] > n) return PN_EINDEX;
    for (size_t i = 0; i < starts[count]; ++i)
        if (order[i] >= n) return PN_EINDEX;
    struct sums s = { count, d, order, starts, d_out, d_rows };
    return pn_team_for(pn_ceil_div(count, POSITIONS), sum_block, &s);
}
