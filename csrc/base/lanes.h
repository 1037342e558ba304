/* Lanes: fixed-width vectors whose order of additions the source fixes, whatever registers a tier has.
 *
 * Vectors are passed by address or handled by macros: passing them by value has another ABI in each tier, which the
 * compiler refuses even for inlined functions. */
#ifndef PN_LANES_H
#define PN_LANES_H

#include "base.h"

typedef float pn_f32x16 __attribute__((vector_size(64)));
typedef float pn_f32x8 __attribute__((vector_size(32)));
typedef double pn_f64x8 __attribute__((vector_size(64)));
typedef int32_t pn_i32x16 __attribute__((vector_size(64)));

/* Unaligned loads and stores. */
#define pn_load16(x)                                                                                         \
    ({                                                                                                       \
        pn_f32x16 load_;                                                                                     \
        memcpy(&load_, (x), sizeof load_);                                                                   \
        load_;                                                                                               \
    })
#define pn_store16(x, v)                                                                                     \
    do {                                                                                                     \
        const pn_f32x16 store_ = (v);                                                                        \
        memcpy((x), &store_, sizeof store_);                                                                 \
    } while (0)

/* The first n <= 16 lanes from memory, the others `fill`; and the first n lanes to memory. Nothing beyond n is touched.
 * Written so that tiers with masked loads and stores use one instruction (other tiers go lane by lane). */
PN_INLINE void pn_load_part16(pn_f32x16 *v, const float *x, size_t n, float fill)
{
    float lanes[16];
    const uint32_t limit = (uint32_t)n;
    _Pragma("clang loop unroll(disable) vectorize(enable) vectorize_width(16)")
    for (uint32_t i = 0; i < 16; ++i) lanes[i] = i < limit ? x[i] : fill;
    memcpy(v, lanes, sizeof lanes);
}

PN_INLINE void pn_store_part16(float *x, const pn_f32x16 *v, size_t n)
{
    float lanes[16];
    memcpy(lanes, v, sizeof lanes);
    const uint32_t limit = (uint32_t)n;
    _Pragma("clang loop unroll(disable) vectorize(enable) vectorize_width(16)")
    for (uint32_t i = 0; i < 16; ++i)
        if (i < limit) x[i] = lanes[i];
}

/* The same with a branch for whole vectors, which rows mostly have. */
PN_INLINE void pn_load_upto16(pn_f32x16 *v, const float *x, size_t n, float fill)
{
    if (n == 16) memcpy(v, x, sizeof *v);
    else pn_load_part16(v, x, n, fill);
}

PN_INLINE void pn_store_upto16(float *x, const pn_f32x16 *v, size_t n)
{
    if (n == 16) memcpy(x, v, sizeof *v);
    else pn_store_part16(x, v, n);
}

/* Walks a row in vectors: the body sees the column c and the number n of lanes that hold data. */
#define PN_EACH16(c, n, columns)                                                                                 for (size_t c = 0, n = pn_min(16, (columns)); c < (columns); c += 16, n = pn_min(16, (columns) - c))

/* acc[0] += lanes 0 ... 7, acc[1] += lanes 8 ... 15, in double. */
#define pn_add_wide(acc, v)                                                                                      do {                                                                                                             const pn_f32x16 wide_ = (v);                                                                                 (acc)[0] += __builtin_convertvector(__builtin_shufflevector(wide_, wide_, 0, 1, 2, 3, 4, 5, 6, 7),                                               pn_f64x8);                                                               (acc)[1] += __builtin_convertvector(                                                                             __builtin_shufflevector(wide_, wide_, 8, 9, 10, 11, 12, 13, 14, 15), pn_f64x8);                      } while (0)

/* The same with products, which are exact in double. */
#define pn_add_wide_product(acc, v, w)                                                                           do {                                                                                                             const pn_f32x16 va_ = (v), vb_ = (w);                                                                        (acc)[0] += __builtin_convertvector(__builtin_shufflevector(va_, va_, 0, 1, 2, 3, 4, 5, 6, 7),                                                   pn_f64x8) *                                                                          __builtin_convertvector(__builtin_shufflevector(vb_, vb_, 0, 1, 2, 3, 4, 5, 6, 7),                                                   pn_f64x8);                                                               (acc)[1] += __builtin_convertvector(                                                                                         __builtin_shufflevector(va_, va_, 8, 9, 10, 11, 12, 13, 14, 15), pn_f64x8) *                             __builtin_convertvector(                                                                                         __builtin_shufflevector(vb_, vb_, 8, 9, 10, 11, 12, 13, 14, 15), pn_f64x8);              } while (0)

/* Eight floats as doubles. */
#define pn_load8_f64(x)                                                                                      \
    ({                                                                                                       \
        pn_f32x8 load_;                                                                                      \
        memcpy(&load_, (x), sizeof load_);                                                                   \
        __builtin_convertvector(load_, pn_f64x8);                                                            \
    })

/* Lanes of a where the comparison held, of b elsewhere: pn_select16(a > b, a, b). */
#define pn_select16(mask, a, b)                                                                              \
    ({                                                                                                       \
        const pn_i32x16 mask_ = (mask);                                                                      \
        (pn_f32x16)((mask_ & (pn_i32x16)(a)) | (~mask_ & (pn_i32x16)(b)));                                   \
    })

/* Sums of lanes in one fixed tree. */
PN_INLINE double pn_sum8(const pn_f64x8 *lanes)
{
    const double *v = (const double *)lanes;
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* One fixed tree over the sixteen lanes that pn_add_wide fills. */
PN_INLINE double pn_sum_wide(const pn_f64x8 acc[2])
{
    const pn_f64x8 sum = acc[0] + acc[1];
    return pn_sum8(&sum);
}

PN_INLINE float pn_max16(const pn_f32x16 *lanes)
{
    const float *v = (const float *)lanes;
    float m[8];
    for (size_t i = 0; i < 8; ++i) m[i] = v[i] > v[i + 8] ? v[i] : v[i + 8];
    for (size_t i = 0; i < 4; ++i) m[i] = m[i] > m[i + 4] ? m[i] : m[i + 4];
    for (size_t i = 0; i < 2; ++i) m[i] = m[i] > m[i + 2] ? m[i] : m[i + 2];
    return m[0] > m[1] ? m[0] : m[1];
}

PN_INLINE float pn_sum16(const pn_f32x16 *lanes)
{
    const float *v = (const float *)lanes;
    float s[8];
    for (size_t i = 0; i < 8; ++i) s[i] = v[i] + v[i + 8];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

#endif
