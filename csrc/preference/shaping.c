/* Shaped rewards: one loop over tiles of rows, the function picked once a tile. */
#include "base.h"
#include "penchant/shaping.h"

enum { TILE = 256 };

struct shaping {
    size_t n, prompts, references;
    pn_shaping options;
    const float *reward, *reference;
    const uint32_t *prompt;
    float *shaped;
    bool outside; /* a prompt that is not in the table */
};

/* Least squares on 100 equispaced points of [-5, 5]: c5 z^5 + c3 z^3 + c1 z + 1/2. */
PN_INLINE float fitted(float z)
{
    const float s = z * z;
    const float y = ((2.0266917e-4f * s - 1.01309121e-2f) * s + 0.228788512f) * z + 0.5f;
    const float above = z >= 5.0f ? 1.0f : y;
    return z <= -5.0f ? 0.0f : above;
}

PN_INLINE float held(float z, float low, float high)
{
    const float below = z > high ? high : z; /* comparisons with NaN keep it */
    return z < low ? low : below;
}

/* Distance of a reward to its reference; `plain`: slope 1, shift 0. Floats differ by a float, so that needs no doubles. */
PN_INLINE float distance(bool plain, const pn_shaping *o, float reward, float reference)
{
    return plain ? reward - reference : (float)(o->slope * ((double)reward - o->shift - (double)reference));
}

/* One loop from memory to the tile, so that the next values arrive while these are worked on. */
#define EACH(expression)                                                                                     \
    for (size_t i = 0; i < n; ++i) {                                                                         \
        const float z = distance(plain, o, reward[i], reference[i]);                                         \
        shaped[i] = (expression);                                                                            \
    }

PN_INLINE void shape_as(bool plain, const pn_shaping *o, size_t n, const float *restrict reward,
                        const float *restrict reference, float *restrict shaped)
{
    const float low = (float)o->low, high = (float)o->high;
    switch (o->function) {
    case PN_SHAPE_LINEAR: EACH(z) break;
    case PN_SHAPE_SIGMOID: EACH(pn_sigmoidf(z)) break;
    case PN_SHAPE_TANH: EACH(pn_tanhf(z)) break;
    case PN_SHAPE_POLYNOMIAL: EACH(fitted(z)) break;
    case PN_SHAPE_LOG_SIGMOID: EACH(pn_log_sigmoidf(z)) break;
    case PN_SHAPE_CLIP: EACH(held(z, low, high)) break;
    }
}

PN_INLINE void shape(const pn_shaping *o, size_t n, const float *restrict reward, const float *restrict reference,
                     float *restrict shaped)
{
    if (o->slope == 1.0 && o->shift == 0.0) shape_as(true, o, n, reward, reference, shaped);
    else shape_as(false, o, n, reward, reference, shaped);
}

/* The reference `m` of every row's prompt: where it stands, or gathered into `room`. */
PN_INLINE const float *references_of(const struct shaping *p, size_t first, size_t n, size_t m, float *restrict room)
{
    if (p->prompt) {
        const uint32_t *prompt = p->prompt + first;
        for (size_t i = 0; i < n; ++i) room[i] = p->reference[prompt[i] * p->references + m];
        return room;
    }
    const float *reference = p->reference + first * p->references + m;
    if (p->references == 1) return reference;
    for (size_t i = 0; i < n; ++i) room[i] = reference[i * p->references];
    return room;
}

PN_CLONES static void run(const struct shaping *p, size_t first, size_t count)
{
    static const float nothing[TILE];
    float z[TILE], room[TILE];
    double sum[TILE];
    for (size_t done = 0; done < count; done += TILE) {
        const size_t at = first + done, n = pn_min(TILE, count - done);
        const float *reward = p->reward + at;
        float *shaped = p->shaped + at;
        if (p->references < 2) {
            shape(&p->options, n, reward, p->references ? references_of(p, at, n, 0, room) : nothing, z);
            memcpy(shaped, z, n * sizeof *z); /* shaped may be reward */
            continue;
        }
        for (size_t i = 0; i < n; ++i) sum[i] = 0.0;
        for (size_t m = 0; m < p->references; ++m) {
            shape(&p->options, n, reward, references_of(p, at, n, m, room), z);
            for (size_t i = 0; i < n; ++i) sum[i] += (double)z[i];
        }
        const double share = 1.0 / (double)p->references;
        for (size_t i = 0; i < n; ++i) shaped[i] = (float)(sum[i] * share);
    }
}

PN_CLONES static uint32_t greatest(size_t n, const uint32_t *id)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; ++i) most = id[i] > most ? id[i] : most;
    return most;
}

static void block(void *context, size_t b)
{
    struct shaping *p = context;
    const size_t first = b * PN_BLOCK, n = pn_min(PN_BLOCK, p->n - first);
    if (p->references && p->prompt && greatest(n, p->prompt + first) >= p->prompts) {
        __atomic_store_n(&p->outside, true, __ATOMIC_RELAXED);
        return;
    }
    run(p, first, n);
}

pn_status pn_shape_reward_f32(size_t n, size_t prompts, size_t references, const pn_shaping *options,
                              const float *reward, const uint32_t *prompt, const float *reference, float *shaped)
{
    if (!options) return PN_ENULL;
    if (options->function > PN_SHAPE_CLIP || !(fabs(options->slope) < INFINITY) ||
        !(fabs(options->shift) < INFINITY) || !(options->low <= options->high))
        return PN_EVALUE;
    size_t table;
    if (!pn_mul_size(prompts, references, &table)) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!reward || !shaped) return PN_ENULL;
    if (references > 0) {
        if (!prompt && prompts != n) return PN_EDIM;
        if (prompts == 0) return PN_EINDEX;
        if (!reference) return PN_ENULL;
    }
    struct shaping p = { n, prompts, references, *options, reward, reference, prompt, shaped, false };
    const pn_status status = pn_team_for(pn_blocks(n), block, &p);
    return status == PN_OK && p.outside ? PN_EINDEX : status;
}

/* ---- threshold ---- */

struct thresholds {
    size_t prompts, references, height; /* height: rows a block */
    double quantile;
    const float *reference;
    float *threshold;
};

static void threshold_block(void *context, size_t b)
{
    const struct thresholds *p = context;
    const size_t M = p->references, last = pn_min(p->prompts, (b + 1) * p->height);
    for (size_t x = b * p->height; x < last; ++x) {
        const float *row = p->reference + x * M;
        double sum = 0, spread = 0;
        for (size_t m = 0; m < M; ++m) sum += (double)row[m];
        const double mean = sum / (double)M;
        for (size_t m = 0; m < M; ++m) spread += ((double)row[m] - mean) * ((double)row[m] - mean);
        p->threshold[x] = (float)(mean + p->quantile * (sqrt(spread / (double)(M - 1)) + 1e-5));
    }
}

pn_status pn_reward_threshold_f32(size_t prompts, size_t references, double quantile, const float *reference,
                                  float *threshold)
{
    size_t table;
    if (!(fabs(quantile) < INFINITY)) return PN_EVALUE;
    if (references < 2 || !pn_mul_size(prompts, references, &table)) return PN_EDIM;
    if (prompts == 0) return PN_OK;
    if (!reference || !threshold) return PN_ENULL;
    struct thresholds p = { prompts, references, pn_max(1, PN_BLOCK / references), quantile, reference, threshold };
    return pn_team_for(pn_ceil_div(prompts, p.height), threshold_block, &p);
}

/* ---- length ---- */

struct penalty {
    size_t n;
    uint32_t limit;
    double rate;
    const float *reward;
    const uint32_t *length;
    float *penalised;
};

PN_CLONES static void penalise(size_t n, uint32_t limit, double rate, const float *reward, const uint32_t *length,
                               float *penalised)
{
    for (size_t i = 0; i < n; ++i) {
        const uint32_t over = length[i] > limit ? length[i] - limit : 0;
        penalised[i] = (float)((double)reward[i] - rate * (double)over);
    }
}

static void penalty_block(void *context, size_t b)
{
    const struct penalty *p = context;
    const size_t first = b * PN_BLOCK, n = pn_min(PN_BLOCK, p->n - first);
    penalise(n, p->limit, p->rate, p->reward + first, p->length + first, p->penalised + first);
}

pn_status pn_length_penalty_f32(size_t n, uint32_t limit, double rate, const float *reward, const uint32_t *length,
                                float *penalised)
{
    if (!(rate >= 0.0) || !(rate < INFINITY)) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!reward || !length || !penalised) return PN_ENULL;
    struct penalty p = { n, limit, rate, reward, length, penalised };
    return pn_team_for(pn_blocks(n), penalty_block, &p);
}
