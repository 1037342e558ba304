/* Random numbers by counter: a draw is a function of (seed, stream, index), never of order or thread.
 *
 * Generator    Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers, SC 2011), key = seed,
 *              counter = (index part, stream).  Streams of one seed are independent
 * Shapes       y: [n];  y[i] is draw first + i, so that two calls that continue each other equal one long call.
 *              first + n must stay below 2^56 (PN_EVALUE)
 * Uniform      [0, 1), multiples of 2^-24, every one equally likely
 * Normal       mean 0, deviation 1, Box-Muller: |y| <= 6.7, absolute error below 2^-20
 * Below        integers in 0 ..< bound, exactly unbiased; bound in 1 ... 2^32 - 1 (PN_EVALUE)
 * Permutation  Fisher-Yates over draws of "below", every order equally likely; runs on the calling thread
 * Bernoulli    1 where the uniform draw of the same index is below p, else 0; p in [0, 1] (PN_EVALUE)
 * Determinism  same bits for any number of threads; uniform, below, permutation and Bernoulli on every tier too
 */
#ifndef PENCHANT_RANDOM_H
#define PENCHANT_RANDOM_H

#include "penchant/status.h"

PN_BEGIN_C

/* The bare generator: four words from a counter and a key. */
void pn_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);

pn_status pn_random_uniform_f32(size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *PN_COUNT(n) y);
pn_status pn_random_normal_f32(size_t n, uint64_t seed, uint64_t stream, uint64_t first, float *PN_COUNT(n) y);
pn_status pn_random_bernoulli_u8(size_t n, float p, uint64_t seed, uint64_t stream, uint64_t first,
                                 uint8_t *PN_COUNT(n) mask);
pn_status pn_random_below_u32(size_t n, uint32_t bound, uint64_t seed, uint64_t stream, uint64_t first,
                              uint32_t *PN_COUNT(n) y);

/* A random order of 0 ..< n; n below 2^32 (PN_EDIM). */
pn_status pn_random_permutation_u32(size_t n, uint64_t seed, uint64_t stream, uint32_t *PN_COUNT(n) y);

PN_END_C

#endif
