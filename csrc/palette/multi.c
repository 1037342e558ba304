/* Every text under every community, lanes across communities.
 *
 * tanh(a + b) = 1 - 2 / (1 + e^2a e^2b): with A = e^2(W_q h + W_f e_i) made once a text and B = e^2 query_c once a call,
 * x = 1 + A B, and four scores share one division:
 *   w1 / x1 + w2 / x2 = (w1 x2 + w2 x1) / (x1 x2) = n12 / x12,  n12 / x12 + n34 / x34 = (n12 x34 + n34 x12) / (x12 x34).
 * Exponents are held within 42 each, so that A B is finite; x is held below e^20, where tanh is 1 in float, so that the
 * product of four is finite too. */
#include "job.h"

#define LIMIT 21.0f /* of a and of b */
#define TOP 0x1.ceb088p+28f /* e^20 */

struct multi_job {
    struct palette_model model;
    size_t Cp, chunks, chunk_texts, scratch_floats;
    const float *turned; /* [L, Cp]: rows by community; the query part as e^2b */
    float *utility, *scratch;
};

PN_INLINE float clamp(float x) { return x > LIMIT ? LIMIT : x < -LIMIT ? -LIMIT : x; }

/* The sum of x_j turned[j, lanes] into `out`. */
#define lanes_dot(n, x, turned, stride, out)                                                                 \
    do {                                                                                                     \
        pn_f32x16 even_ = { 0 }, odd_ = { 0 };                                                               \
        size_t j_ = 0;                                                                                       \
        for (; j_ + 2 <= (n); j_ += 2) {                                                                     \
            even_ += (x)[j_] * pn_load16((turned) + j_ * (stride));                                          \
            odd_ += (x)[j_ + 1] * pn_load16((turned) + (j_ + 1) * (stride));                                 \
        }                                                                                                    \
        if (j_ < (n)) even_ += (x)[j_] * pn_load16((turned) + j_ * (stride));                                \
        (out) = even_ + odd_;                                                                                \
    } while (0)

PN_CLONES static void texts_of(const struct multi_job *job, size_t first, size_t count, struct palette_text *t,
                               float *sigma, float *value)
{
    const struct palette_model *p = &job->model;
    const size_t R = p->R, r = p->r, Cp = job->Cp;
    const float *reward = job->turned + r * Cp, *direction = reward + p->d * Cp;
    const pn_f32x16 top_x = (pn_f32x16){ 0 } + TOP;
    float ends = 0.0f;
    for (size_t k = 0; k < r; ++k) ends += p->score[k];
    for (size_t b = first; b < first + count; ++b) {
        if (b + 1 < p->N) palette_prefetch(p, b + 1);
        palette_open(p, b, t);
        if (t->n) {
            palette_query(p, t->h, NULL, t->query);
            palette_keys(p, t);
            for (size_t k = 0; k < t->n * R; ++k) t->tanh[k] = pn_exp_normal(2.0f * clamp(t->tanh[k]));
        }
        for (size_t c = 0; c < p->C; c += 16) {
            const size_t lanes = pn_min(16, p->C - c);
            pn_f32x16 utility;
            lanes_dot(p->d, t->h, reward + c, Cp, utility);
            pn_f32x16 top = { 0 };
            for (size_t i = 0; i < t->n; ++i) {
                const float *A = t->tanh + i * R, *w = p->score;
                pn_f32x16 falls = { 0 };
                size_t k = 0;
                for (; k + 4 <= r; k += 4) {
                    pn_f32x16 x[4];
                    for (size_t q = 0; q < 4; ++q) {
                        x[q] = 1.0f + A[k + q] * pn_load16(job->turned + (k + q) * Cp + c);
                        x[q] = pn_select16(x[q] > TOP, top_x, x[q]);
                    }
                    const pn_f32x16 x12 = x[0] * x[1], n12 = w[k] * x[1] + w[k + 1] * x[0];
                    const pn_f32x16 x34 = x[2] * x[3], n34 = w[k + 2] * x[3] + w[k + 3] * x[2];
                    falls += (n12 * x34 + n34 * x12) / (x12 * x34);
                }
                for (; k < r; ++k) falls += w[k] / (1.0f + A[k] * pn_load16(job->turned + k * Cp + c));
                const pn_f32x16 score = ends - 2.0f * falls;
                pn_store16(sigma + i * 16, score);
                top = i == 0 ? score : pn_select16(score > top, score, top);
                const size_t kept = t->kept[i];
                pn_f32x16 v;
                if (p->is_signed)
                    v = ((float)p->K * t->s[kept]) * pn_load16(direction + kept * Cp + c);
                else
                    lanes_dot(p->m, t->E + kept * p->m, reward + c, Cp, v);
                pn_store16(value + i * 16, v);
            }
            for (size_t i = 0; i < t->n; ++i) pn_store16(sigma + i * 16, pn_load16(sigma + i * 16) - top);
            for (size_t i = 0; i < t->n * 16; ++i) sigma[i] = pn_exp_normal(pn_clamp_low(sigma[i], -87.0f));
            pn_f32x16 mass = { 0 }, sum = { 0 };
            for (size_t i = 0; i < t->n; ++i) {
                const pn_f32x16 e = pn_load16(sigma + i * 16);
                mass += e;
                sum += e * pn_load16(value + i * 16);
            }
            if (t->n) utility += p->beta * sum / mass;
            float out[16];
            pn_store16(out, utility);
            memcpy(job->utility + b * p->C + c, out, lanes * sizeof(float));
        }
    }
}

static void chunk(void *context, size_t c)
{
    const struct multi_job *job = context;
    const size_t first = c * job->chunk_texts;
    float *at = job->scratch + c * job->scratch_floats;
    struct palette_text t;
    palette_text_place(&job->model, &at, &t);
    texts_of(job, first, pn_min(job->chunk_texts, job->model.N - first), &t, at, at + job->model.K16 * 16);
}

static bool plan(const pn_palette_shape *s, size_t texts, struct multi_job *job, size_t *bytes)
{
    size_t model, text, scratch, lanes, turned, row = s->rank + s->content + s->attributes;
    if (row < s->rank || row < s->attributes || s->communities > SIZE_MAX - 16) return false;
    job->Cp = palette_up16(s->communities);
    palette_chunks(texts, &job->chunks, &job->chunk_texts);
    return palette_model_floats(s, &model) && palette_text_floats(s, &text) &&
           pn_mul_size(palette_up16(s->attributes), 32, &lanes) && pn_add_size(text, lanes, &job->scratch_floats) &&
           pn_mul_size(job->scratch_floats, job->chunks, &scratch) && pn_mul_size(row, job->Cp, &turned) &&
           pn_add_size(model, scratch, bytes) && pn_add_size(*bytes, turned, bytes) &&
           pn_mul_size(*bytes, sizeof(float), bytes);
}

size_t pn_palette_multi_workspace(const pn_palette_shape *shape, size_t texts)
{
    struct multi_job job;
    size_t bytes;
    if (!shape || pn_palette_parameters(shape) == SIZE_MAX) return SIZE_MAX;
    return plan(shape, texts, &job, &bytes) ? bytes : SIZE_MAX;
}

pn_status pn_palette_multi_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, bool use,
                               const float *parameters, float *utility, void *workspace, size_t workspace_bytes)
{
    struct multi_job job = { .utility = utility };
    size_t bytes, results;
    const pn_status status = palette_check(shape, texts, use, &job.model);
    if (status != PN_OK) return status;
    const struct palette_model *p = &job.model;
    if (p->C == 0 || !pn_mul_size(texts->count, p->C, &results)) return PN_EDIM;
    if (texts->count == 0) return PN_OK;
    if (!parameters || !utility) return PN_ENULL;
    if (!plan(shape, texts->count, &job, &bytes)) return PN_EDIM;
    if (!workspace || workspace_bytes < bytes) return PN_EWORKSPACE;
    float *at = workspace;
    palette_model_place(&job.model, parameters, &at);
    float *turned = at;
    memset(turned, 0, p->L * job.Cp * sizeof(float));
    for (size_t c = 0; c < p->C; ++c)
        for (size_t i = 0; i < p->L; ++i) {
            const float x = p->rows[c * p->L + i];
            turned[i * job.Cp + c] = i < p->r ? pn_exp_normal(2.0f * clamp(x)) : x;
        }
    job.turned = turned;
    job.scratch = turned + p->L * job.Cp;
    return pn_team_for(job.chunks, chunk, &job);
}
