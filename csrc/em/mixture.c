/* Mixtures: responsibilities and new weights.
 *
 * For margins, softmax(log pi + log sigma(m)) = pi sigma(m) / sum: one exponential an entry instead of three
 * transcendental functions. Rows whose sum comes near the smallest float are done again with logarithms. */
#include "base.h"
#include "block_sum.h"
#include "lanes.h"
#include "scalar_math.h"
#include "softmax_row.h"
#include "penchant/em.h"
#include "penchant/reduce.h"

enum { TILE = 512, ROWS_A_BLOCK = 1024 };

/* Below it the products of a row have lost digits to underflow. */
#define SUM_MIN 1e-30f

struct mixture {
    size_t n, components, block_rows;
    pn_em_input input;
    const float *x, *log_weight, *weight;
    const float *share; /* exp(log_weight - largest) */
    float largest;
    float *responsibility;
    bool want_mean;
    double *mass;    /* [blocks, components] */
    double *partial; /* [blocks] */
};

/* log(share) + log sigma(m) of a row, then softmax: right for every margin. */
PN_INLINE float careful_row(const struct mixture *p, const float *x, float *r)
{
    for (size_t k = 0; k < p->components; ++k) {
        const float l = p->input == PN_EM_MARGIN ? pn_log_sigmoidf(x[k]) : x[k];
        r[k] = p->log_weight[k] == -INFINITY ? -INFINITY : p->log_weight[k] + l;
    }
    return pn_softmax_row(p->components, r);
}

/* Any number of components: a row at a time. */
PN_INLINE void rows(const struct mixture *p, size_t first, size_t count, double *mass, double *total)
{
    const size_t K = p->components;
    float r[PN_EM_COMPONENTS_MAX];
    for (size_t i = first; i < first + count; ++i) {
        const float loglik = careful_row(p, p->x + i * K, r);
        if (p->responsibility) memcpy(p->responsibility + i * K, r, K * sizeof *r);
        const double weight = p->weight ? (double)p->weight[i] : 1.0;
        for (size_t k = 0; k < K; ++k) mass[k] += weight * (double)r[k];
        *total += weight * (double)loglik;
    }
}

/* Neighbours at distance `step` within a row change places, so that K - 1 additions leave the row's sum in each lane. */
#define SWAP_1(v) __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define SWAP_2(v) __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
#define SWAP_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
#define SWAP_8(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)

PN_INLINE bool any16(const pn_i32x16 *mask)
{
    int32_t any = 0;
    for (size_t j = 0; j < 16; ++j) any |= (*mask)[j];
    return any != 0;
}

/* Margins of K components, K a divisor of 16: sixteen entries are 16/K whole rows. */
PN_INLINE void margin_rows(const struct mixture *p, const size_t K, size_t first, size_t count, double *mass,
                           double *total)
{
    pn_f32x16 share;
    for (size_t j = 0; j < 16; ++j) share[j] = p->share[j % K];
    pn_f64x8 low = { 0 }, high = { 0 };
    const size_t end = (first + count) * K, whole = first * K + count * K / 16 * 16;
    float v[TILE], sums[TILE];
    pn_block_sum logs = { 0 };
    for (size_t at = first * K; at < whole; at += TILE) {
        const size_t n = pn_min(TILE, whole - at);
        for (size_t j = 0; j < n; ++j) {
            const float x = p->x[at + j], e = pn_exp_neg_absf(x);
            v[j] = (x >= 0.0f ? 1.0f : e) / (1.0f + e);
        }
        pn_i32x16 small = { 0 };
        for (size_t j = 0; j < n; j += 16) {
            const pn_f32x16 s = pn_load16(v + j) * share;
            pn_f32x16 sum = s;
            if (K > 1) sum += SWAP_1(sum);
            if (K > 2) sum += SWAP_2(sum);
            if (K > 4) sum += SWAP_4(sum);
            if (K > 8) sum += SWAP_8(sum);
            pn_store16(v + j, s * (1.0f / sum));
            pn_store16(sums + j, sum);
            small |= ~(sum >= SUM_MIN); /* NaN too */
        }
        if (any16(&small)) {
            for (size_t j = 0; j < n; j += K) {
                if (sums[j] >= SUM_MIN) continue;
                const float loglik = careful_row(p, p->x + at + j, v + j);
                if (p->want_mean) *total += (double)(loglik - p->largest);
                for (size_t k = 0; k < K; ++k) sums[j + k] = 1.0f; /* its log is counted already */
            }
        }
        for (size_t j = 0; j < n; j += 16) {
            low += pn_load8_f64(v + j);
            high += pn_load8_f64(v + j + 8);
        }
        if (p->responsibility) memcpy(p->responsibility + at, v, n * sizeof *v);
        if (p->want_mean) {
            for (size_t j = 0; j < n; ++j) sums[j] = pn_logf(sums[j]);
            pn_block_sum_add(&logs, n, sums);
        }
    }
    for (size_t j = 0; j < 8; ++j) {
        mass[j % K] += low[j];
        mass[(j + 8) % K] += high[j];
    }
    /* Each row's log stands in K lanes; rows of the tail come on top with their own largest. */
    const size_t done = (whole - first * K) / K;
    *total += pn_block_sum_total(&logs) / (double)K + (double)done * (double)p->largest;
    rows(p, whole / K, (end - whole) / K, mass, total);
}

PN_CLONES static void run(struct mixture *p, size_t b, size_t first, size_t count)
{
    double *mass = p->mass + b * p->components, total = 0.0;
    for (size_t k = 0; k < p->components; ++k) mass[k] = 0.0;
    const size_t K = p->input == PN_EM_MARGIN && !p->weight ? p->components : 0;
    switch (K) {
    case 2: margin_rows(p, 2, first, count, mass, &total); break;
    case 4: margin_rows(p, 4, first, count, mass, &total); break;
    case 8: margin_rows(p, 8, first, count, mass, &total); break;
    case 16: margin_rows(p, 16, first, count, mass, &total); break;
    default: rows(p, first, count, mass, &total);
    }
    p->partial[b] = total;
}

static void block(void *context, size_t b)
{
    struct mixture *p = context;
    const size_t first = b * p->block_rows;
    run(p, b, first, pn_min(p->block_rows, p->n - first));
}

/* Tables stay below 64 or below a quarter of the entries, whichever is less. */
static size_t rows_of_block(size_t n, size_t components)
{
    const size_t tables = pn_max(1, pn_min(256, n / components / 4));
    return pn_ceil_div(pn_ceil_div(n, tables), ROWS_A_BLOCK) * ROWS_A_BLOCK;
}

size_t pn_em_mixture_workspace(size_t n, size_t components)
{
    if (components == 0 || n == 0) return 0;
    const size_t blocks = pn_ceil_div(n, rows_of_block(n, components));
    size_t doubles;
    if (!pn_mul_size(components, blocks, &doubles) || !pn_add_size(doubles, blocks + 256 + components, &doubles) ||
        !pn_mul_size(doubles, sizeof(double), &doubles))
        return SIZE_MAX;
    return doubles;
}

pn_status pn_em_mixture_f32(size_t n, size_t components, pn_em_input input, const float *x, const float *log_weight,
                            const float *weight, float *responsibility, double *new_weight, double *mean,
                            void *workspace, size_t workspace_bytes)
{
    size_t entries;
    if (components == 0 || components > PN_EM_COMPONENTS_MAX || !pn_mul_size(n, components, &entries)) return PN_EDIM;
    if (input != PN_EM_MARGIN && input != PN_EM_LOG_LIKELIHOOD) return PN_EVALUE;
    if (!new_weight) return PN_ENULL;
    for (size_t k = 0; k < components; ++k) new_weight[k] = 0.0;
    if (mean) *mean = 0.0;
    if (n == 0) return PN_OK;
    if (!x || !log_weight) return PN_ENULL;
    const size_t needed = pn_em_mixture_workspace(n, components);
    if (!workspace || needed == SIZE_MAX || workspace_bytes < needed) return PN_EWORKSPACE;
    float largest = -INFINITY;
    for (size_t k = 0; k < components; ++k) {
        if (!(log_weight[k] < INFINITY)) return PN_EVALUE;
        largest = log_weight[k] > largest ? log_weight[k] : largest;
    }
    if (largest == -INFINITY) return PN_EVALUE;

    struct mixture p = { .n = n, .components = components, .block_rows = rows_of_block(n, components),
                         .input = input, .x = x, .log_weight = log_weight, .weight = weight, .largest = largest,
                         .responsibility = responsibility, .want_mean = mean != NULL };
    const size_t blocks = pn_ceil_div(n, p.block_rows);
    p.mass = workspace;
    p.partial = p.mass + blocks * components;
    double *scratch = p.partial + blocks; /* 256 places: the most blocks there are */
    float *share = (float *)(scratch + 256);
    for (size_t k = 0; k < components; ++k) share[k] = (float)exp((double)log_weight[k] - (double)largest);
    p.share = share;

    const pn_status status = pn_team_for(blocks, block, &p);
    if (status != PN_OK) return status;
    double all = (double)n;
    if (weight) {
        const pn_status summed = pn_sum_f32(n, weight, &all);
        if (summed != PN_OK) return summed;
    }
    for (size_t k = 0; k < components; ++k) {
        for (size_t b = 0; b < blocks; ++b) scratch[b] = p.mass[b * components + k];
        new_weight[k] = all == 0.0 ? 0.0 : pn_tree_sum(scratch, blocks) / all;
    }
    if (mean) *mean = pn_tree_sum(p.partial, blocks) / (double)n;
    return PN_OK;
}
