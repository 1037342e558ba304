/* Labels that may be wrong, in double: what estimators iterate to the last digit.
 *
 * With e = exp(-|u|): near = eta (e eta when u < 0), far = e (1-eta) (1-eta when u < 0), as in noise.c. */
#include "base.h"
#include "noise_chunks.h"
#include "penchant/em.h"
#include "penchant/reduce.h"

#include <stdatomic.h>

struct noise {
    size_t n, annotators, rows; /* rows a chunk */
    const double *logit, *reliability, *weight;
    const uint32_t *annotator;
    double *posterior, *grad;
    double *table;   /* [chunks, 3, annotators]: posterior, weight, information */
    double *partial; /* [chunks] */
    _Atomic int bad_id;
};

static size_t chunks_of(size_t n, size_t annotators) { return pn_ceil_div(n, pn_noise_chunk_rows(n, annotators)); }

static double clamped(double a)
{
    return a > PN_EM_LOGIT_MAX ? PN_EM_LOGIT_MAX : a < -PN_EM_LOGIT_MAX ? -PN_EM_LOGIT_MAX : a;
}

static void chunk(void *context, size_t c)
{
    struct noise *p = context;
    const size_t first = c * p->rows, last = pn_min(p->n, first + p->rows);
    double *sum = p->table + 3 * c * p->annotators, *count = sum + p->annotators, *information = count + p->annotators;
    memset(sum, 0, 3 * p->annotators * sizeof *sum);
    double total = 0;
    for (size_t i = first; i < last; ++i) {
        const size_t k = p->annotator ? p->annotator[i] : 0;
        if (k >= p->annotators) {
            atomic_store_explicit(&p->bad_id, 1, memory_order_relaxed);
            return;
        }
        const double u = p->logit[i], a = clamped(p->reliability[k]), weight = p->weight ? p->weight[i] : 1;
        const double ea = exp(-fabs(a)), big = 1 / (1 + ea), small = ea * big;
        const double right = a >= 0 ? big : small, wrong = a >= 0 ? small : big;
        const double e = exp(-fabs(u));
        const double mixed = u >= 0 ? right + e * wrong : e * right + wrong; /* P (1 + e) */
        const double tilt = a >= 0 ? (1 - ea) * big : -(1 - ea) * big;       /* 2 eta - 1 */
        const double w = u >= 0 ? right / mixed : e * right / mixed;
        if (p->posterior) p->posterior[i] = w;
        if (p->grad) p->grad[i] = -weight * e * tilt / ((1 + e) * mixed);
        const double score = (u >= 0 ? 1 - e : e - 1) / mixed; /* d log P / d eta */
        if (weight == 0) continue;
        sum[k] += weight * w;
        count[k] += weight;
        information[k] += weight * score * score;
        total += weight * (log1p(e) - log(mixed));
    }
    p->partial[c] = total;
}

/* Tables are added by a fixed tree: halves of the chunks. */
struct fold {
    double *table;
    size_t width, chunks;
};

static void fold_block(void *context, size_t b)
{
    const struct fold *f = context;
    const size_t first = b * PN_BLOCK, last = pn_min(f->width, first + PN_BLOCK);
    for (size_t step = 1; step < f->chunks; step *= 2)
        for (size_t c = 0; c + step < f->chunks; c += 2 * step)
            for (size_t j = first; j < last; ++j) f->table[c * f->width + j] += f->table[(c + step) * f->width + j];
}

size_t pn_em_noise_f64_workspace(size_t n, size_t annotators)
{
    if (annotators == 0) return SIZE_MAX;
    const size_t chunks = pn_max(1, chunks_of(n, annotators));
    size_t bytes = 0, width;
    if (!pn_mul_size(3, annotators, &width) || !pn_add_part(&bytes, chunks, width, sizeof(double)) ||
        !pn_add_part(&bytes, chunks, 1, sizeof(double)))
        return SIZE_MAX;
    return bytes;
}

pn_status pn_em_noise_f64(size_t n, size_t annotators, const double *logit, const uint32_t *annotator,
                          const double *reliability, const double *weight, double *posterior, double *grad,
                          double *sum, double *count, double *information, double *total, void *workspace,
                          size_t workspace_bytes)
{
    if (annotators == 0) return PN_EDIM;
    if (!reliability || !sum || !count || !information || !total) return PN_ENULL;
    for (size_t k = 0; k < annotators; ++k)
        if (reliability[k] != reliability[k]) return PN_EVALUE;
    *total = 0;
    memset(sum, 0, annotators * sizeof *sum);
    memset(count, 0, annotators * sizeof *count);
    memset(information, 0, annotators * sizeof *information);
    if (n == 0) return PN_OK;
    if (!logit) return PN_ENULL;
    const size_t need = pn_em_noise_f64_workspace(n, annotators);
    if (!workspace || need == SIZE_MAX || workspace_bytes < need) return PN_EWORKSPACE;

    const size_t chunks = chunks_of(n, annotators), width = 3 * annotators;
    struct noise p = { .n = n, .annotators = annotators, .rows = pn_noise_chunk_rows(n, annotators), .logit = logit,
                       .reliability = reliability, .weight = weight, .annotator = annotator, .posterior = posterior,
                       .grad = grad, .table = workspace };
    size_t before = 0;
    (void)pn_add_part(&before, chunks, width, sizeof(double));
    p.partial = (double *)(void *)((char *)workspace + before);
    pn_status status = pn_team_for(chunks, chunk, &p);
    if (status != PN_OK) return status;
    if (atomic_load_explicit(&p.bad_id, memory_order_relaxed)) return PN_EINDEX;
    struct fold f = { p.table, width, chunks };
    status = pn_team_for(pn_blocks(width), fold_block, &f);
    if (status != PN_OK) return status;
    memcpy(sum, p.table, annotators * sizeof *sum);
    memcpy(count, p.table + annotators, annotators * sizeof *count);
    memcpy(information, p.table + 2 * annotators, annotators * sizeof *information);
    *total = pn_tree_sum(p.partial, chunks);
    return PN_OK;
}
