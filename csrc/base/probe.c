#include "lanes.h"
#include "penchant/probe.h"

struct triad { size_t n; float *a; const float *b, *c; };

/* Long blocks, so that the hardware's prefetchers see long streams. */
#define TRIAD ((size_t)1 << 16)

PN_CLONES static void run(size_t n, float *restrict a, const float *restrict b, const float *restrict c)
{
    for (size_t i = 0; i < n; ++i) a[i] = b[i] + 3.0f * c[i];
}

static void triad_block(void *context, size_t block)
{
    const struct triad *t = context;
    const size_t first = block * TRIAD;
    run(pn_min(TRIAD, t->n - first), t->a + first, t->b + first, t->c + first);
}

pn_status pn_probe_triad_f32(size_t n, float *a, const float *b, const float *c)
{
    if (n == 0) return PN_OK;
    if (!a || !b || !c) return PN_ENULL;
    struct triad t = { n, a, b, c };
    return pn_team_for(pn_ceil_div(n, TRIAD), triad_block, &t);
}

/* Six chains of 16 lanes: more than latency times width of a core's multiply-add units, and no more registers than AVX2
 * has. The expression is contracted to one instruction where the tier has it. */
#define CHAINS 6

struct fma { size_t rounds; float *sums; };

PN_CLONES static float fma_chains(size_t rounds, float start)
{
    pn_f32x16 x[CHAINS];
    pn_f32x16 scale, shift;
    for (int l = 0; l < 16; ++l) {
        scale[l] = 0.999f;
        shift[l] = 0.001f;
        for (int c = 0; c < CHAINS; ++c) x[c][l] = start + (float)c;
    }
    for (size_t r = 0; r < rounds; ++r)
        for (int c = 0; c < CHAINS; ++c) x[c] = x[c] * scale + shift;
    float sum = 0;
    for (int c = 0; c < CHAINS; ++c)
        for (int l = 0; l < 16; ++l) sum += x[c][l];
    return sum;
}

static void fma_block(void *context, size_t block)
{
    const struct fma *f = context;
    f->sums[block] = fma_chains(f->rounds, (float)block);
}

pn_status pn_probe_fma_f32(size_t members, size_t rounds, float *sum)
{
    if (!sum) return PN_ENULL;
    if (members == 0 || members > PN_TEAM_MAX) return PN_EVALUE;
    float sums[PN_TEAM_MAX];
    struct fma f = { rounds, sums };
    const pn_status status = pn_team_for(members, fma_block, &f);
    *sum = 0;
    if (status == PN_OK)
        for (size_t m = 0; m < members; ++m) *sum += sums[m];
    return status;
}
