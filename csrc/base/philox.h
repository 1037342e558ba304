/* Philox 4x32-10, inline, and the order in which its words become draws.
 *
 * Draws come in groups of 64 from 16 consecutive counters: draw 64 g + 16 w + l is word w of counter 16 g + l. So 16
 * lanes work on one group and store without shuffling. */
#ifndef PN_PHILOX_H
#define PN_PHILOX_H

#include "base.h"

#define PN_DRAW_GROUP ((size_t)64)

PN_INLINE void pn_philox_inline(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    for (int round = 0; round < 10; ++round) {
        const uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        const uint32_t c0 = (uint32_t)(b >> 32) ^ c[1] ^ k0, c2 = (uint32_t)(a >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)b;
        c[3] = (uint32_t)a;
        c[0] = c0;
        c[2] = c2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* The 64 words of a group. */
PN_INLINE void pn_philox_group(uint64_t seed, uint64_t stream, uint64_t group, uint32_t *words)
{
    for (uint32_t l = 0; l < 16; ++l) {
        const uint64_t counter = group * 16 + l;
        uint32_t c[4] = { (uint32_t)counter, (uint32_t)(counter >> 32), (uint32_t)stream, (uint32_t)(stream >> 32) };
        pn_philox_inline(c, (uint32_t)seed, (uint32_t)(seed >> 32));
        words[l] = c[0];
        words[16 + l] = c[1];
        words[32 + l] = c[2];
        words[48 + l] = c[3];
    }
}

/* The top 24 bits as a multiple of 2^-24. The integer is below 2^24, so the signed conversion is exact. */
PN_INLINE float pn_unit_float(uint32_t word) { return (float)(int32_t)(word >> 8) * 0x1p-24f; }

/* Draws first ..< first + n, uniform in [0, 1). Also what dropout masks are made of. */
void pn_uniform_run(size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *y);

#endif
