/* Log-probabilities of tokens, and drawing them. */
#include "../loss/row.h"
#include "penchant/policy.h"
#include "philox.h"
#include "ids.h"

struct tokens {
    size_t rows, classes, height;
    float temperature;
    uint64_t seed, stream, first;
    const float *logits;
    const uint32_t *id;
    uint32_t *drawn;
    float *logp, *entropy;
    bool empty; /* a row without a distribution */
};

/* log of the sum - sum of p x, with x from the top: entropy of a row. A class of probability 0 adds nothing.
 * */
PN_INLINE double entropy_of(size_t n, float top, double total, const float *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
        const float d = x[i] - top;
        if (d > -INFINITY) sum += (double)pn_expf(d) * (double)d;
    }
    return log(total) - sum / total;
}

PN_CLONES static void logp_rows(const struct tokens *p, size_t first, size_t last)
{
    const size_t n = p->classes;
    for (size_t r = first; r < last; ++r) {
        if (p->id[r] == PN_POLICY_IGNORE) {
            p->logp[r] = 0;
            if (p->entropy) p->entropy[r] = 0;
            continue;
        }
        const float *x = p->logits + r * n;
        const float top = pn_row_top(n, x);
        const double total = pn_row_exponentials(n, top, x, NULL);
        p->logp[r] = (float)(((double)x[p->id[r]] - (double)top) - log(total));
        if (p->entropy) p->entropy[r] = (float)entropy_of(n, top, total, x);
    }
}

static void logp_block(void *context, size_t b)
{
    const struct tokens *p = context;
    logp_rows(p, b * p->height, pn_min(p->rows, (b + 1) * p->height));
}

pn_status pn_token_logp_f32(size_t rows, size_t classes, const float *logits, const uint32_t *id, float *logp,
                            float *entropy)
{
    size_t n;
    if (!pn_mul_size(rows, classes, &n)) return PN_EDIM;
    if (rows == 0) return PN_OK;
    if (!id || !logp || (n && !logits)) return PN_ENULL;
    if (!pn_policy_ids_fit(rows, classes, id)) return PN_EINDEX;
    struct tokens p = { .rows = rows, .classes = classes, .height = pn_row_height(classes), .logits = logits,
                        .id = id, .logp = logp, .entropy = entropy };
    return pn_team_for(pn_ceil_div(rows, p.height), logp_block, &p);
}

/* ---- drawing ---- */

/* The first class whose share of the total goes beyond u, u in [0, 1). False when the row is no distribution.
 * */
PN_CLONES static bool draw(size_t n, float temperature, double u, const float *x, uint32_t *drawn, float *logp)
{
    const float top = pn_row_top(n, x);
    if (!(fabsf(top) < INFINITY)) return false;
    double total = 0, plain = 0;
    for (size_t i = 0; i < n; ++i) {
        total += (double)pn_expf((x[i] - top) / temperature);
        plain += (double)pn_expf(x[i] - top);
    }
    const double level = u * total;
    double sum = 0;
    size_t pick = n;
    for (size_t i = 0; i < n && pick == n; ++i) {
        sum += (double)pn_expf((x[i] - top) / temperature);
        if (sum > level) pick = i;
    }
    /* u is below 1 and the sums are the same ones, so that the loop ends inside unless rounding made level =
     * total. */
    for (size_t i = n; pick == n && i-- > 0;)
        if (x[i] > -INFINITY) pick = i;
    *drawn = (uint32_t)pick;
    *logp = (float)(((double)x[pick] - (double)top) - log(plain));
    return true;
}

static void draw_block(void *context, size_t b)
{
    struct tokens *p = context;
    const size_t n = p->classes, last = pn_min(p->rows, (b + 1) * p->height);
    float u[PN_DRAW_GROUP];
    for (size_t at = b * p->height; at < last; at += PN_DRAW_GROUP) {
        const size_t count = pn_min(PN_DRAW_GROUP, last - at);
        pn_uniform_run(count, p->seed, p->stream, p->first + at, u);
        for (size_t i = 0; i < count; ++i)
            if (!draw(n, p->temperature, (double)u[i], p->logits + (at + i) * n, p->drawn + at + i, p->logp + at + i))
                __atomic_store_n(&p->empty, true, __ATOMIC_RELAXED);
    }
}

pn_status pn_draw_token_f32(size_t rows, size_t classes, float temperature, uint64_t seed, uint64_t stream, uint64_t first,
                            const float *logits, uint32_t *id, float *logp)
{
    size_t n;
    if (!(temperature > 0.0f) || !(temperature < INFINITY)) return PN_EVALUE;
    if (first >= (uint64_t)1 << 56 || rows > ((uint64_t)1 << 56) - first) return PN_EVALUE;
    if (!pn_mul_size(rows, classes, &n) || classes >= PN_POLICY_IGNORE) return PN_EDIM;
    if (rows == 0) return PN_OK;
    if (classes == 0) return PN_EDIM;
    if (!logits || !id || !logp) return PN_ENULL;
    struct tokens p = { .rows = rows, .classes = classes, .height = pn_row_height(classes), .temperature = temperature,
                        .seed = seed, .stream = stream, .first = first, .logits = logits, .drawn = id, .logp = logp };
    const pn_status status = pn_team_for(pn_ceil_div(rows, p.height), draw_block, &p);
    return status == PN_OK && p.empty ? PN_ENONFINITE : status;
}
