/* Prototypes: all pairs of a user come from one of K tastes. */
#include "base.h"
#include "scalar_math.h"
#include "penchant/em.h"
#include "penchant/reduce.h"

enum { TILE = 512, USERS_A_BLOCK = 16, TABLES_MAX = 256 };

struct prototypes {
    size_t users, components, block_users;
    float grad_scale;
    const size_t *offsets;
    const float *margin, *log_weight;
    float *responsibility, *grad;
    double *mass;    /* [blocks, components] */
    double *partial; /* [blocks] */
};

PN_CLONES static void run(const struct prototypes *p, size_t b, size_t first, size_t end)
{
    const size_t K = p->components, step = pn_max(1, TILE / K) * K;
    double *mass = p->mass + b * K, loglik[PN_EM_COMPONENTS_MAX], total = 0.0;
    float tile[TILE > PN_EM_COMPONENTS_MAX ? TILE : PN_EM_COMPONENTS_MAX];
    for (size_t k = 0; k < K; ++k) mass[k] = 0.0;
    for (size_t u = first; u < end; ++u) {
        const size_t begin = p->offsets[u] * K, stop = p->offsets[u + 1] * K;
        for (size_t k = 0; k < K; ++k) loglik[k] = (double)p->log_weight[k];
        for (size_t at = begin; at < stop; at += step) {
            const size_t n = pn_min(step, stop - at);
            for (size_t j = 0; j < n; ++j) tile[j] = pn_log_sigmoidf(p->margin[at + j]);
            for (size_t j = 0; j < n; j += K)
                for (size_t k = 0; k < K; ++k) loglik[k] += (double)tile[j + k];
        }
        /* The differences are taken in double: sums over many pairs are large, what separates tastes is not. */
        double max = -INFINITY, sum = 0.0;
        for (size_t k = 0; k < K; ++k) max = loglik[k] <= max ? max : loglik[k];
        float *r = p->responsibility + u * K;
        for (size_t k = 0; k < K; ++k) {
            r[k] = pn_expf((float)(loglik[k] - max));
            sum += (double)r[k];
        }
        for (size_t k = 0; k < K; ++k) {
            r[k] = (float)((double)r[k] / sum);
            mass[k] += (double)r[k];
        }
        total -= max + (double)pn_logf((float)sum);
        if (!p->grad) continue;
        for (size_t at = begin; at < stop; at += step) {
            const size_t n = pn_min(step, stop - at);
            for (size_t j = 0; j < n; ++j) tile[j] = pn_sigmoidf(-p->margin[at + j]);
            for (size_t j = 0; j < n; j += K)
                for (size_t k = 0; k < K; ++k) p->grad[at + j + k] = -p->grad_scale * r[k] * tile[j + k];
        }
    }
    p->partial[b] = total;
}

static void block(void *context, size_t b)
{
    const struct prototypes *p = context;
    const size_t first = b * p->block_users;
    run(p, b, first, pn_min(first + p->block_users, p->users));
}

static size_t users_of_block(size_t users)
{
    return pn_ceil_div(pn_ceil_div(users, TABLES_MAX), USERS_A_BLOCK) * USERS_A_BLOCK;
}

size_t pn_em_prototype_workspace(size_t users, size_t components)
{
    if (users == 0 || components == 0) return 0;
    const size_t blocks = pn_ceil_div(users, users_of_block(users));
    size_t doubles;
    if (!pn_mul_size(components, blocks, &doubles) || !pn_add_size(doubles, blocks, &doubles) ||
        !pn_mul_size(doubles, sizeof(double), &doubles))
        return SIZE_MAX;
    return doubles;
}

pn_status pn_em_prototype_f32(size_t users, size_t components, float grad_scale, const size_t *offsets,
                              const float *margin, const float *log_weight, float *responsibility, float *grad,
                              double *new_weight, double *mean, void *workspace, size_t workspace_bytes)
{
    size_t product;
    if (components == 0 || components > PN_EM_COMPONENTS_MAX) return PN_EDIM;
    if (!pn_mul_size(users, components, &product)) return PN_EDIM;
    if (!(fabsf(grad_scale) < INFINITY)) return PN_EVALUE;
    for (size_t k = 0; new_weight && k < components; ++k) new_weight[k] = 0.0;
    if (mean) *mean = 0.0;
    if (users == 0) return PN_OK;
    if (!offsets || !log_weight || !responsibility) return PN_ENULL;
    if (offsets[0] != 0) return PN_EDIM;
    for (size_t u = 0; u < users; ++u)
        if (offsets[u + 1] < offsets[u]) return PN_EDIM;
    if (!pn_mul_size(offsets[users], components, &product)) return PN_EDIM;
    if (product && !margin) return PN_ENULL;
    bool open = false;
    for (size_t k = 0; k < components; ++k) {
        if (!(log_weight[k] < INFINITY)) return PN_EVALUE;
        open |= log_weight[k] > -INFINITY;
    }
    if (!open) return PN_EVALUE;
    const size_t needed = pn_em_prototype_workspace(users, components);
    if (!workspace || needed == SIZE_MAX || workspace_bytes < needed) return PN_EWORKSPACE;

    struct prototypes p = { users, components, users_of_block(users), grad_scale, offsets, margin, log_weight,
                            responsibility, grad, NULL, NULL };
    const size_t blocks = pn_ceil_div(users, p.block_users);
    p.mass = workspace;
    p.partial = p.mass + blocks * components;
    const pn_status status = pn_team_for(blocks, block, &p);
    if (status != PN_OK) return status;
    double column[TABLES_MAX];
    for (size_t k = 0; new_weight && k < components; ++k) {
        for (size_t b = 0; b < blocks; ++b) column[b] = p.mass[b * components + k];
        new_weight[k] = pn_tree_sum(column, blocks) / (double)users;
    }
    if (mean) *mean = pn_tree_sum(p.partial, blocks) / (double)users;
    return PN_OK;
}
