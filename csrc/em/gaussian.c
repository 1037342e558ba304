/* Gaussian mixtures with diagonal or spherical covariance: E-step and M-step.
 * n rows, d columns, K components. */
#include "base.h"
#include "lanes.h"
#include "scalar_math.h"
#include "softmax_row.h"
#include "penchant/em.h"
#include "penchant/reduce.h"

enum { ROWS_A_BLOCK = 256, TABLES_MAX = 16 };

struct e_step {
    size_t n, d, components;
    bool diagonal;
    const float *x, *mean;
    const float *precision; /* [K, d] or [K] */
    const float *constant;  /* log weight minus half of log det and d log 2 pi */
    float *responsibility, *loglik;
    double *partial; /* one a block */
};

/* Sum over j of (x_j - mean_j)^2 (times precision_j). */
PN_INLINE float distance(size_t d, const float *x, const float *mean, const float *precision)
{
    pn_f32x16 sum = { 0 };
    size_t j = 0;
    for (; j + 16 <= d; j += 16) {
        const pn_f32x16 off = pn_load16(x + j) - pn_load16(mean + j);
        sum += precision ? off * off * pn_load16(precision + j) : off * off;
    }
    float tail = 0.0f;
    for (; j < d; ++j) {
        const float off = x[j] - mean[j];
        tail += precision ? off * off * precision[j] : off * off;
    }
    return pn_sum16(&sum) + tail;
}

PN_CLONES static double run_e(const struct e_step *p, size_t first, size_t count)
{
    const size_t d = p->d, K = p->components;
    double total = 0.0;
    for (size_t i = first; i < first + count; ++i) {
        const float *x = p->x + i * d;
        float *r = p->responsibility + i * K;
        for (size_t k = 0; k < K; ++k) {
            const float far = p->diagonal ? distance(d, x, p->mean + k * d, p->precision + k * d)
                                          : distance(d, x, p->mean + k * d, NULL) * p->precision[k];
            r[k] = p->constant[k] - 0.5f * far;
        }
        const float loglik = pn_softmax_row(K, r);
        if (p->loglik) p->loglik[i] = loglik;
        total += (double)loglik;
    }
    return total;
}

static void e_block(void *context, size_t b)
{
    const struct e_step *p = context;
    const size_t first = b * ROWS_A_BLOCK;
    p->partial[b] = run_e(p, first, pn_min(ROWS_A_BLOCK, p->n - first));
}

struct m_step {
    size_t n, d, components, rows; /* rows a table */
    const float *x, *responsibility;
    const double *centre; /* NULL in the first pass */
    double *sums;         /* [tables, K, d] */
    double *mass;         /* [tables, K] */
};

/* First pass: sums of r and r x. Second: sums of r (x - centre)^2. */
PN_CLONES static void run_m(const struct m_step *p, size_t table, size_t first, size_t count)
{
    const size_t d = p->d, K = p->components;
    double *sums = p->sums + table * K * d, *mass = p->mass + table * K;
    memset(sums, 0, K * d * sizeof *sums);
    if (!p->centre) memset(mass, 0, K * sizeof *mass);
    for (size_t i = first; i < first + count; ++i) {
        const float *x = p->x + i * d;
        for (size_t k = 0; k < K; ++k) {
            const double r = (double)p->responsibility[i * K + k];
            double *restrict sum = sums + k * d;
            if (p->centre) {
                const double *centre = p->centre + k * d;
                for (size_t j = 0; j < d; ++j) {
                    const double off = (double)x[j] - centre[j];
                    sum[j] += r * (off * off);
                }
            } else {
                for (size_t j = 0; j < d; ++j) sum[j] += r * (double)x[j];
                mass[k] += r;
            }
        }
    }
}

static void m_block(void *context, size_t b)
{
    const struct m_step *p = context;
    const size_t first = b * p->rows;
    run_m(p, b, first, pn_min(p->rows, p->n - first));
}

static size_t table_rows(size_t n)
{
    return pn_ceil_div(pn_ceil_div(n, TABLES_MAX), ROWS_A_BLOCK) * ROWS_A_BLOCK;
}

size_t pn_em_gaussian_workspace(size_t n, size_t d, size_t components)
{
    if (n == 0 || d == 0 || components == 0) return 0;
    const size_t tables = pn_ceil_div(n, table_rows(n));
    size_t cells, m, e, both;
    /* M: a table of sums and masses each, and the new means. E: precisions and constants, partials. */
    if (!pn_mul_size(components, d, &cells) || !pn_mul_size(cells, tables + 1, &m) ||
        !pn_add_size(m, tables * components, &m) || !pn_mul_size(m, sizeof(double), &m) ||
        !pn_add_size(cells, components, &e) || !pn_mul_size(e, sizeof(float), &e) ||
        !pn_add_size(e, pn_ceil_div(n, ROWS_A_BLOCK) * sizeof(double), &e))
        return SIZE_MAX;
    both = pn_max(m, e);
    return both;
}

static pn_status sizes(size_t n, size_t d, size_t components)
{
    size_t product;
    if (components == 0 || components > PN_EM_COMPONENTS_MAX || d == 0) return PN_EDIM;
    if (!pn_mul_size(n, d, &product) || !pn_mul_size(n, components, &product)) return PN_EDIM;
    return PN_OK;
}

pn_status pn_em_gaussian_e_f32(size_t n, size_t d, size_t components, pn_em_covariance covariance, const float *x,
                               const double *weight, const float *mean, const float *variance,
                               float *responsibility, float *loglik, double *mean_loglik, void *workspace,
                               size_t workspace_bytes)
{
    pn_status status = sizes(n, d, components);
    if (status != PN_OK) return status;
    if (covariance != PN_EM_SPHERICAL && covariance != PN_EM_DIAGONAL) return PN_EVALUE;
    if (mean_loglik) *mean_loglik = 0.0;
    if (n == 0) return PN_OK;
    if (!x || !weight || !mean || !variance || !responsibility) return PN_ENULL;
    const size_t needed = pn_em_gaussian_workspace(n, d, components);
    if (!workspace || needed == SIZE_MAX || workspace_bytes < needed) return PN_EWORKSPACE;

    const size_t blocks = pn_ceil_div(n, ROWS_A_BLOCK);
    const bool diagonal = covariance == PN_EM_DIAGONAL;
    double *partial = workspace;
    float *constant = (float *)(partial + blocks), *precision = constant + components;
    for (size_t k = 0; k < components; ++k) {
        double log_det = 0.0;
        for (size_t j = 0; j < (diagonal ? d : 1); ++j) {
            const float v = variance[diagonal ? k * d + j : k];
            if (!(v > 0.0f && v < INFINITY)) return PN_EVALUE;
            precision[diagonal ? k * d + j : k] = 1.0f / v;
            log_det += log((double)v);
        }
        if (!diagonal) log_det *= (double)d;
        if (!(weight[k] >= 0.0 && weight[k] < INFINITY)) return PN_EVALUE;
        constant[k] = (float)(log(weight[k]) - 0.5 * (log_det + (double)d * 1.8378770664093454836));
    }
    struct e_step p = { n, d, components, diagonal, x, mean, precision, constant, responsibility, loglik, partial };
    status = pn_team_for(blocks, e_block, &p);
    if (status == PN_OK && mean_loglik) *mean_loglik = pn_tree_sum(partial, blocks) / (double)n;
    return status;
}

/* Element `at` of the tables, added by the fixed tree. */
static double gather(const double *tables, size_t count, size_t stride, size_t at)
{
    double column[TABLES_MAX];
    for (size_t t = 0; t < count; ++t) column[t] = tables[t * stride + at];
    return pn_tree_sum(column, count);
}

pn_status pn_em_gaussian_m_f32(size_t n, size_t d, size_t components, pn_em_covariance covariance, float floor,
                               const float *x, const float *responsibility, double *weight, float *mean,
                               float *variance, void *workspace, size_t workspace_bytes)
{
    pn_status status = sizes(n, d, components);
    if (status != PN_OK) return status;
    if ((covariance != PN_EM_SPHERICAL && covariance != PN_EM_DIAGONAL) || !(floor > 0.0f && floor < INFINITY))
        return PN_EVALUE;
    if (!weight || !mean || !variance) return PN_ENULL;
    if (n == 0) {
        for (size_t k = 0; k < components; ++k) weight[k] = 0.0;
        return PN_OK;
    }
    if (!x || !responsibility) return PN_ENULL;
    const size_t needed = pn_em_gaussian_workspace(n, d, components);
    if (!workspace || needed == SIZE_MAX || workspace_bytes < needed) return PN_EWORKSPACE;

    const size_t cells = components * d, rows = table_rows(n), tables = pn_ceil_div(n, rows);
    double *sums = workspace, *mass = sums + tables * cells, *centre = mass + tables * components;
    struct m_step p = { n, d, components, rows, x, responsibility, NULL, sums, mass };
    status = pn_team_for(tables, m_block, &p);
    if (status != PN_OK) return status;
    for (size_t k = 0; k < components; ++k) weight[k] = gather(mass, tables, components, k);
    for (size_t k = 0; k < components; ++k)
        for (size_t j = 0; j < d; ++j)
            centre[k * d + j] = weight[k] >= PN_EM_MASS_MIN ? gather(sums, tables, cells, k * d + j) / weight[k]
                                                            : (double)mean[k * d + j];
    p.centre = centre;
    status = pn_team_for(tables, m_block, &p);
    if (status != PN_OK) return status;
    for (size_t k = 0; k < components; ++k) {
        const double share = weight[k];
        weight[k] = share / (double)n;
        if (!(share >= PN_EM_MASS_MIN)) continue;
        double all = 0.0;
        for (size_t j = 0; j < d; ++j) {
            const double v = gather(sums, tables, cells, k * d + j) / share;
            mean[k * d + j] = (float)centre[k * d + j];
            all += v;
            if (covariance == PN_EM_DIAGONAL) variance[k * d + j] = v > (double)floor ? (float)v : floor;
        }
        if (covariance == PN_EM_SPHERICAL) {
            all /= (double)d;
            variance[k] = all > (double)floor ? (float)all : floor;
        }
    }
    return PN_OK;
}
