#include "penchant/random.h"

#include "philox.h"

#define MOST_DRAWS ((uint64_t)1 << 56)

void pn_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4])
{
    uint32_t c[4] = { counter[0], counter[1], counter[2], counter[3] };
    pn_philox_inline(c, key[0], key[1]);
    memcpy(words, c, sizeof c);
}

PN_CLONES static void uniform_group(uint64_t seed, uint64_t stream, uint64_t group, float *y)
{
    uint32_t words[PN_DRAW_GROUP];
    pn_philox_group(seed, stream, group, words);
    for (size_t i = 0; i < PN_DRAW_GROUP; ++i) y[i] = pn_unit_float(words[i]);
}

/* cos and sin of 2 pi u for u in [0, 1): the nearest quarter turn is taken off, then polynomials on an eighth. */
PN_INLINE void turn(float u, float *cosine, float *sine)
{
    const float shifter = 0x1.8p+23f;
    const float quarter = 4.0f * u + shifter;
    const uint32_t q = pn_bits(quarter);
    const float v = u - 0.25f * (quarter - shifter), s = v * v;
    float odd = -0x1.2ac4ecp+6f;
    odd = odd * s + 0x1.464b1ap+6f;
    odd = odd * s - 0x1.4abb6cp+5f;
    odd = v * (odd * s + 0x1.921fb4p+2f);
    float even = -0x1.4ea1aep+6f;
    even = even * s + 0x1.03b132p+6f;
    even = even * s - 0x1.3bd3a0p+4f;
    even = even * s + 1.0f;
    const float c = q & 1 ? odd : even, d = q & 1 ? even : odd;
    *cosine = pn_float(pn_bits(c) ^ ((q + 1) & 2) << 30);
    *sine = pn_float(pn_bits(d) ^ (q & 2) << 30);
}

/* Box-Muller: words w and w + 1 of a counter make two draws. The radius takes (word + 1/2) 2^-32, which is above 0. */
PN_CLONES static void normal_group(uint64_t seed, uint64_t stream, uint64_t group, float *y)
{
    uint32_t words[PN_DRAW_GROUP];
    pn_philox_group(seed, stream, group, words);
    for (size_t pair = 0; pair < PN_DRAW_GROUP; pair += 32)
        for (size_t l = pair; l < pair + 16; ++l) {
            const float high = (float)(int32_t)(words[l] >> 8), low = (float)(int32_t)(words[l] & 0xff);
            const float unit = high * 0x1p-24f + (low + 0.5f) * 0x1p-32f;
            const float radius = __builtin_elementwise_sqrt(-2.0f * pn_logf(unit));
            float cosine, sine;
            turn(pn_unit_float(words[l + 16]), &cosine, &sine);
            y[l] = radius * cosine;
            y[l + 16] = radius * sine;
        }
}

typedef void draw_group(uint64_t seed, uint64_t stream, uint64_t group, float *y);

/* Whole groups go straight to y, cut ones through a copy. */
static void run(draw_group *draw, size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *y)
{
    for (size_t i = 0; i < n;) {
        const uint64_t index = first + i;
        const size_t skip = index % PN_DRAW_GROUP, count = pn_min(PN_DRAW_GROUP - skip, n - i);
        if (count == PN_DRAW_GROUP) {
            draw(seed, stream, index / PN_DRAW_GROUP, y + i);
        } else {
            float group[PN_DRAW_GROUP];
            draw(seed, stream, index / PN_DRAW_GROUP, group);
            memcpy(y + i, group + skip, count * sizeof *y);
        }
        i += count;
    }
}

void pn_uniform_run(size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *y)
{
    run(uniform_group, n, seed, stream, first, y);
}

struct args {
    size_t n;
    uint64_t seed, stream, first;
    draw_group *draw;
    float *y;
    float p;
    uint8_t *mask;
    uint32_t bound, *integers;
};

static pn_status range(size_t n, uint64_t first)
{
    return first > MOST_DRAWS || n > MOST_DRAWS - first ? PN_EVALUE : PN_OK;
}

static void float_block(void *context, size_t b)
{
    const struct args *a = context;
    const size_t begin = b * PN_BLOCK;
    run(a->draw, pn_min(PN_BLOCK, a->n - begin), a->seed, a->stream, a->first + begin, a->y + begin);
}

static pn_status floats(size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *y, draw_group *draw)
{
    if (range(n, first) != PN_OK) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!y) return PN_ENULL;
    struct args a = { .n = n, .seed = seed, .stream = stream, .first = first, .draw = draw, .y = y };
    return pn_team_for(pn_blocks(n), float_block, &a);
}

pn_status pn_random_uniform_f32(size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *y)
{
    return floats(n, seed, stream, first, y, uniform_group);
}

pn_status pn_random_normal_f32(size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *y)
{
    return floats(n, seed, stream, first, y, normal_group);
}

static void bernoulli_block(void *context, size_t b)
{
    const struct args *a = context;
    const size_t begin = b * PN_BLOCK, end = pn_min(begin + PN_BLOCK, a->n);
    float draws[512];
    for (size_t i = begin; i < end; i += 512) {
        const size_t n = pn_min(512, end - i);
        pn_uniform_run(n, a->seed, a->stream, a->first + i, draws);
        for (size_t j = 0; j < n; ++j) a->mask[i + j] = draws[j] < a->p;
    }
}

pn_status pn_random_bernoulli_u8(size_t n, float p, uint64_t seed, uint64_t stream, uint64_t first, uint8_t *mask)
{
    if (!(p >= 0.0f && p <= 1.0f) || range(n, first) != PN_OK) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!mask) return PN_ENULL;
    struct args a = { .n = n, .seed = seed, .stream = stream, .first = first, .p = p, .mask = mask };
    return pn_team_for(pn_blocks(n), bernoulli_block, &a);
}

/* Lemire: the high half of draw * bound, a draw again when the low half falls into the uneven rest (chance below
 * 2^-32). Draws are 64 bits, two a counter; the attempt counts in the top byte of the counter, so that a second
 * attempt disturbs no other index. */
static uint32_t below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t bound)
{
    for (uint64_t attempt = 0;; ++attempt) {
        const uint64_t counter = index / 2 | attempt << 56;
        uint32_t c[4] = { (uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)stream, (uint32_t)(stream >> 32) };
        pn_philox_inline(c, (uint32_t)seed, (uint32_t)(seed >> 32));
        const size_t w = index % 2 * 2;
        const uint64_t draw = c[w] | (uint64_t)c[w + 1] << 32;
        const unsigned __int128 product = (unsigned __int128)draw * bound;
        const uint64_t low = (uint64_t)product;
        if (low >= bound || low >= -(uint64_t)bound % bound || attempt == 255) return (uint32_t)(product >> 64);
    }
}

static void below_block(void *context, size_t b)
{
    const struct args *a = context;
    const size_t begin = b * PN_BLOCK, end = pn_min(begin + PN_BLOCK, a->n);
    for (size_t i = begin; i < end; ++i) a->integers[i] = below(a->seed, a->stream, a->first + i, a->bound);
}

pn_status pn_random_below_u32(size_t n, uint32_t bound, uint64_t seed, uint64_t stream, uint64_t first, uint32_t *y)
{
    if (bound == 0 || range(n, first) != PN_OK) return PN_EVALUE;
    if (n == 0) return PN_OK;
    if (!y) return PN_ENULL;
    struct args a = { .n = n, .seed = seed, .stream = stream, .first = first, .bound = bound, .integers = y };
    return pn_team_for(pn_blocks(n), below_block, &a);
}

pn_status pn_random_permutation_u32(size_t n, uint64_t seed, uint64_t stream, uint32_t *y)
{
    if (n > UINT32_MAX) return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!y) return PN_ENULL;
    for (size_t i = 0; i < n; ++i) {
        const uint32_t j = below(seed, stream, i, (uint32_t)(i + 1));
        y[i] = y[j]; /* j = i copies what the next line replaces */
        y[j] = (uint32_t)i;
    }
    return PN_OK;
}
