/* Utilities of texts, each under the community it came from. */
#include "job.h"

struct utility_job {
    struct palette_pass pass;
    const uint32_t *community;
    float *utility, *alpha, *kappa;
};

PN_CLONES static void texts_of(const struct utility_job *job, size_t first, size_t count, struct palette_text *t)
{
    const struct palette_model *p = &job->pass.model;
    for (size_t b = first; b < first + count; ++b) {
        if (b + 1 < p->N) palette_prefetch(p, b + 1);
        palette_forward(p, b, p->rows + (p->C && job->community ? job->community[b] : 0) * p->L, t);
        job->utility[b] = t->utility;
        float *alpha = job->alpha ? job->alpha + b * p->K : NULL, *kappa = job->kappa ? job->kappa + b * p->K : NULL;
        if (alpha) memset(alpha, 0, p->K * sizeof *alpha);
        if (kappa) memset(kappa, 0, p->K * sizeof *kappa);
        for (size_t i = 0; alpha && i < t->n; ++i) alpha[t->kept[i]] = t->alpha[i];
        for (size_t i = 0; kappa && i < t->n; ++i) kappa[t->kept[i]] = p->beta * t->alpha[i] * t->value[i];
    }
}

static void chunk(void *context, size_t c, size_t member)
{
    const struct utility_job *job = context;
    size_t first;
    const size_t count = palette_pass_texts(&job->pass, c, &first);
    float *at = job->pass.scratch + member * job->pass.scratch_floats;
    struct palette_text t;
    palette_text_place(&job->pass.model, &at, &t);
    texts_of(job, first, count, &t);
}

size_t pn_palette_utility_workspace(const pn_palette_shape *shape, size_t texts)
{
    return palette_pass_workspace(shape, texts, false);
}

pn_status pn_palette_utility_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, bool use,
                                 const float *parameters, const uint32_t *community, float *utility, float *alpha,
                                 float *kappa, void *workspace, size_t workspace_bytes)
{
    struct utility_job job = { .community = community, .utility = utility, .alpha = alpha, .kappa = kappa };
    const pn_status status = palette_pass_open(&job.pass, shape, texts, use, false, parameters, utility, workspace,
                                               workspace_bytes);
    if (status != PN_OK) return status;
    const size_t C = job.pass.model.C;
    for (size_t b = 0; community && C && b < texts->count; ++b)
        if (community[b] >= C) return PN_EINDEX;
    return pn_team_for_members(job.pass.chunks, PALETTE_CHUNKS_MAX, chunk, &job);
}
