/* Utilities of texts, each under the community it came from. */
#include "job.h"

struct utility_job {
    struct palette_model model;
    size_t chunks, chunk_texts, scratch_floats;
    const uint32_t *community;
    float *utility, *alpha, *kappa, *scratch;
};

PN_CLONES static void texts_of(const struct utility_job *job, size_t first, size_t count, struct palette_text *t)
{
    const struct palette_model *p = &job->model;
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

static void chunk(void *context, size_t c)
{
    const struct utility_job *job = context;
    const size_t first = c * job->chunk_texts;
    float *at = job->scratch + c * job->scratch_floats;
    struct palette_text t;
    palette_text_place(&job->model, &at, &t);
    texts_of(job, first, pn_min(job->chunk_texts, job->model.N - first), &t);
}

static bool plan(const pn_palette_shape *s, size_t texts, struct utility_job *job, size_t *bytes)
{
    size_t model, scratch;
    palette_chunks(texts, &job->chunks, &job->chunk_texts);
    return palette_model_floats(s, &model) && palette_text_floats(s, &job->scratch_floats) &&
           pn_mul_size(job->scratch_floats, job->chunks, &scratch) && pn_add_size(model, scratch, bytes) &&
           pn_mul_size(*bytes, sizeof(float), bytes);
}

size_t pn_palette_utility_workspace(const pn_palette_shape *shape, size_t texts)
{
    struct utility_job job;
    size_t bytes;
    if (!shape || pn_palette_parameters(shape) == SIZE_MAX) return SIZE_MAX;
    return plan(shape, texts, &job, &bytes) ? bytes : SIZE_MAX;
}

pn_status pn_palette_utility_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, bool use,
                                 const float *parameters, const uint32_t *community, float *utility, float *alpha,
                                 float *kappa, void *workspace, size_t workspace_bytes)
{
    struct utility_job job = { .community = community, .utility = utility, .alpha = alpha, .kappa = kappa };
    size_t bytes;
    const pn_status status = palette_check(shape, texts, use, &job.model);
    if (status != PN_OK) return status;
    if (texts->count == 0) return PN_OK;
    if (!parameters || !utility) return PN_ENULL;
    for (size_t b = 0; community && job.model.C && b < texts->count; ++b)
        if (community[b] >= job.model.C) return PN_EINDEX;
    if (!plan(shape, texts->count, &job, &bytes)) return PN_EDIM;
    if (!workspace || workspace_bytes < bytes) return PN_EWORKSPACE;
    float *at = workspace;
    palette_model_place(&job.model, parameters, &at);
    job.scratch = at;
    return pn_team_for(job.chunks, chunk, &job);
}
