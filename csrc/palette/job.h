/* What the calls of the family share: padded copies of the parameters, scratch of a text, the forward pass. Not public.
 * d content, K attributes, m width, r rank, C communities; R, L as in the header, R padded to whole vectors. */
#ifndef PN_PALETTE_JOB_H
#define PN_PALETTE_JOB_H

#include "../attribute/job.h"
#include "penchant/palette.h"

enum { PALETTE_CHUNKS_MAX = 64, PALETTE_CHUNK_MIN = 4 };

struct palette_model {
    bool is_signed, use;
    size_t N, d, K, m, r, C, R, K16, L;
    const float *h, *E, *s;
    const uint16_t *E16;
    const uint8_t *mask;
    float beta;
    const float *query_t; /* [d, R] */
    const float *key_t;   /* [m, R] */
    const float *score;   /* [R], zeros behind r */
    const float *rows;    /* [max(C, 1), L]: shared row plus that of the community */
};

/* A text on its way through the model. */
struct palette_text {
    float *tile;    /* [K, m], when E is bfloat16 */
    float *tanh;    /* [K, R] */
    float *query;   /* [R] */
    float *alpha;   /* [K16] */
    float *value;   /* [K16]: kappa_i / (beta alpha_i) */
    float *slope;   /* [K16] */
    uint32_t *kept; /* [K16] */
    size_t n;       /* how many are kept */
    const float *h, *E, *s;
    float attribute, utility; /* sum of alpha_i value_i; the result */
};

/* A call over texts, in chunks: what utility and multi have in common. */
struct palette_pass {
    struct palette_model model;
    size_t chunks, chunk_texts;
    size_t scratch_floats; /* of a member: a text, and two vectors [K16, 16] when all communities are wanted */
    size_t Cp;             /* C padded to whole vectors */
    float *turned;         /* [L, Cp] when all communities are wanted */
    float *scratch;        /* [chunks, scratch_floats], one a member of the team: it stays in its cache */
};

size_t palette_pass_workspace(const pn_palette_shape *shape, size_t texts, bool all_communities);
/* Checks the call and lays out its workspace. No texts: PN_OK and no chunks. */
pn_status palette_pass_open(struct palette_pass *pass, const pn_palette_shape *shape, const pn_palette_texts *texts,
                            bool use, bool all_communities, const float *parameters, const float *utility,
                            void *workspace, size_t workspace_bytes);

bool palette_text_floats(const pn_palette_shape *shape, size_t *floats);
/* Room for a text, from `*at` on. */
void palette_text_place(const struct palette_model *p, float **at, struct palette_text *t);

/* Floats of the padded parameters. False on overflow. */
bool palette_model_floats(const pn_palette_shape *shape, size_t *floats);
/* Checks shape and texts, and lays the parameters out from `*at` on. */
pn_status palette_check(const pn_palette_shape *shape, const pn_palette_texts *texts, bool use, struct palette_model *p);
void palette_model_place(struct palette_model *p, const float *parameters, float **at);

PN_INLINE size_t palette_up16(size_t n) { return pn_ceil_div(n, 16) * 16; }

/* The texts of chunk c, from *first on. */
PN_INLINE size_t palette_pass_texts(const struct palette_pass *pass, size_t c, size_t *first)
{
    *first = c * pass->chunk_texts;
    return pn_min(pass->chunk_texts, pass->model.N - *first);
}

PN_INLINE void palette_chunks(size_t items, size_t *chunks, size_t *per_chunk)
{
    *per_chunk = pn_max(PALETTE_CHUNK_MIN, pn_ceil_div(items, PALETTE_CHUNKS_MAX));
    *chunks = pn_ceil_div(items, *per_chunk);
}

/* Asks for what palette_open of text `index` reads: pairs name texts in any order, so nothing else brings them in. */
PN_INLINE void palette_prefetch(const struct palette_model *p, size_t index)
{
    const char *h = (const char *)(p->h + index * p->d);
    for (size_t i = 0; i < p->d * sizeof(float); i += 64) __builtin_prefetch(h + i);
    if (!p->use) return;
    const size_t cells = p->K * p->m, bytes = cells * (p->E ? sizeof *p->E : sizeof *p->E16);
    const char *row = p->E ? (const char *)(p->E + index * cells) : (const char *)(p->E16 + index * cells);
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(row + i);
    if (p->is_signed) __builtin_prefetch(p->s + index * p->K);
}

/* tanh x as x P(x^2) / Q(x^2), minimax on |x| <= 9.02 where a float's tanh is 1: within 6 ulp, at less than half of the
 * price of pn_tanhf. At most 1 + 2^-22. */
PN_INLINE float palette_tanh(float x)
{
    const float c = pn_clamp_high(pn_clamp_low(x, -9.02f), 9.02f), s = c * c;
    float p = 0x1.c9921ep-27f;
    p = p * s + 0x1.594edcp-16f;
    p = p * s + 0x1.c9f530p-9f;
    p = p * s + 0x1.1203d6p-3f;
    p = p * s + 1.0f;
    float q = 0x1.a0accap-21f;
    q = q * s + 0x1.583dc0p-12f;
    q = q * s + 0x1.a7dda4p-6f;
    q = q * s + 0x1.de5734p-2f;
    q = q * s + 1.0f;
    return c * p / q;
}

/* Looks at text `index`: its rows, which attributes count, and E as float. */
PN_INLINE void palette_open(const struct palette_model *p, size_t index, struct palette_text *t)
{
    t->h = p->h + index * p->d;
    t->s = p->is_signed ? p->s + index * p->K : NULL;
    t->n = 0;
    if (!p->use) return;
    for (size_t i = 0; i < p->K; ++i)
        if (!p->mask || p->mask[index * p->K + i]) t->kept[t->n++] = (uint32_t)i;
    const size_t cells = p->K * p->m;
    if (p->E) {
        t->E = p->E + index * cells;
        return;
    }
    const uint16_t *half = p->E16 + index * cells;
    for (size_t i = 0; i < cells; ++i) t->tile[i] = pn_float((uint32_t)half[i] << 16);
    t->E = t->tile;
}

/* out = base + W_q h (base may be NULL). */
PN_INLINE void palette_query(const struct palette_model *p, const float *h, const float *base, float *out)
{
    const size_t R = p->R;
    for (size_t v = 0; v < R; v += 16) {
        pn_f32x16 a = { 0 }, b = { 0 };
        if (base) a = pn_load_part(base + v, p->r - v);
        size_t j = 0;
        for (; j + 2 <= p->d; j += 2) {
            a += h[j] * pn_load16(p->query_t + j * R + v);
            b += h[j + 1] * pn_load16(p->query_t + (j + 1) * R + v);
        }
        if (j < p->d) a += h[j] * pn_load16(p->query_t + j * R + v);
        pn_store16(out + v, a + b);
    }
}

/* t->tanh = W_f e_i + query for the kept i: the argument of tanh. Four attributes at a time. */
PN_INLINE void palette_keys(const struct palette_model *p, struct palette_text *t)
{
    const size_t R = p->R, m = p->m, n = t->n;
    for (size_t v = 0; v < R; v += 16) {
        const pn_f32x16 start = pn_load16(t->query + v);
        for (size_t i = 0; i < n; i += 4) {
            /* The last group repeats its last row, which is then written once. */
            const float *row[4];
            for (size_t k = 0; k < 4; ++k) row[k] = t->E + t->kept[pn_min(i + k, n - 1)] * m;
            pn_f32x16 a = start, b = start, c = start, e = start;
            for (size_t j = 0; j < m; ++j) {
                const pn_f32x16 w = pn_load16(p->key_t + j * R + v);
                a += row[0][j] * w;
                b += row[1][j] * w;
                c += row[2][j] * w;
                e += row[3][j] * w;
            }
            pn_store16(t->tanh + i * R + v, a);
            if (i + 1 < n) pn_store16(t->tanh + (i + 1) * R + v, b);
            if (i + 2 < n) pn_store16(t->tanh + (i + 2) * R + v, c);
            if (i + 3 < n) pn_store16(t->tanh + (i + 3) * R + v, e);
        }
    }
}

/* The forward pass of one text under the row of its community. */
PN_INLINE void palette_forward(const struct palette_model *p, size_t index, const float *row, struct palette_text *t)
{
    const size_t R = p->R, K = p->K;
    const float *reward = row + p->r, *direction = reward + p->d;
    palette_open(p, index, t);
    t->utility = attribute_dot(p->d, reward, t->h);
    t->attribute = 0.0f;
    if (t->n == 0) return;
    palette_query(p, t->h, row, t->query);
    palette_keys(p, t);
    for (size_t k = 0; k < t->n * R; ++k) t->tanh[k] = palette_tanh(t->tanh[k]);
    float *at = t->slope; /* free until the backward pass */
    for (size_t i = 0; i < t->n; ++i) {
        at[i] = attribute_dot(R, t->tanh + i * R, p->score);
        const size_t kept = t->kept[i];
        t->value[i] = p->is_signed ? (float)K * direction[kept] * t->s[kept]
                                   : attribute_dot(p->m, reward, t->E + kept * p->m);
    }
    attribute_softmax(t->n, at, t->alpha);
    for (size_t i = 0; i < t->n; ++i) t->attribute += t->alpha[i] * t->value[i];
    t->utility += p->beta * t->attribute;
}

#endif
