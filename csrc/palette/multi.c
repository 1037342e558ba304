/* Every text under every community, lanes across communities.
 *
 * tanh(a + b) = 1 - 2 / (1 + e^2a e^2b): with A = e^2(W_q h + W_f e_i) made once a text and B = e^2 query_c once a call, a
 * score costs two products and half a division:  w1 / x1 + w2 / x2 = (w1 x2 + w2 x1) / (x1 x2).
 * Exponents are held within 42 each, so that A B is finite; A B is held below e^40, where tanh is 1 in float. */
#include "job.h"

#define LIMIT 21.0f /* of a and of b */
#define TOP 0x1.a220d4p+57f /* e^40 */

struct multi_job {
    struct palette_pass pass; /* turned: rows by community; the query part as e^2b */
    float *utility;
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
    const struct palette_model *p = &job->pass.model;
    const size_t R = p->R, r = p->r, Cp = job->pass.Cp;
    const float *query = job->pass.turned, *reward = query + r * Cp, *direction = reward + p->d * Cp;
    float ends = 0.0f;
    for (size_t k = 0; k < r; ++k) ends += p->score[k];
    for (size_t b = first; b < first + count; ++b) {
        if (b + 1 < p->N) palette_prefetch(p, b + 1);
        palette_open(p, b, t);
        if (t->n) {
            palette_query(p, t->h, NULL, t->query);
            palette_keys(p, t);
            for (size_t k = 0; k < t->n * R; ++k) t->tanh[k] = pn_expf(2.0f * clamp(t->tanh[k]));
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
                for (; k + 2 <= r; k += 2) {
                    pn_f32x16 x = A[k] * pn_load16(query + k * Cp + c);
                    pn_f32x16 y = A[k + 1] * pn_load16(query + (k + 1) * Cp + c);
                    x = 1.0f + pn_select16(x > TOP, (pn_f32x16){ 0 } + TOP, x);
                    y = 1.0f + pn_select16(y > TOP, (pn_f32x16){ 0 } + TOP, y);
                    falls += (w[k] * y + w[k + 1] * x) / (x * y);
                }
                if (k < r) falls += w[k] / (1.0f + A[k] * pn_load16(query + k * Cp + c));
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
            for (size_t i = 0; i < t->n * 16; ++i) sigma[i] = pn_expf(sigma[i]);
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

static void chunk(void *context, size_t c, size_t member)
{
    const struct multi_job *job = context;
    size_t first;
    const size_t count = palette_pass_texts(&job->pass, c, &first);
    float *at = job->pass.scratch + member * job->pass.scratch_floats;
    struct palette_text t;
    palette_text_place(&job->pass.model, &at, &t);
    texts_of(job, first, count, &t, at, at + job->pass.model.K16 * 16);
}

size_t pn_palette_multi_workspace(const pn_palette_shape *shape, size_t texts)
{
    return palette_pass_workspace(shape, texts, true);
}

pn_status pn_palette_multi_f32(const pn_palette_shape *shape, const pn_palette_texts *texts, bool use,
                               const float *parameters, float *utility, void *workspace, size_t workspace_bytes)
{
    struct multi_job job = { .utility = utility };
    struct palette_pass *pass = &job.pass;
    const pn_status status =
        palette_pass_open(pass, shape, texts, use, true, parameters, utility, workspace, workspace_bytes);
    if (status != PN_OK || pass->chunks == 0) return status;
    const struct palette_model *p = &pass->model;
    memset(pass->turned, 0, p->L * pass->Cp * sizeof(float));
    for (size_t c = 0; c < p->C; ++c)
        for (size_t i = 0; i < p->L; ++i) {
            const float x = p->rows[c * p->L + i];
            pass->turned[i * pass->Cp + c] = i < p->r ? pn_expf(2.0f * clamp(x)) : x;
        }
    return pn_team_for_members(pass->chunks, PALETTE_CHUNKS_MAX, chunk, &job);
}
