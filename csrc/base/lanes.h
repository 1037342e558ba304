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

PN_INLINE float pn_sum16(const pn_f32x16 *lanes)
{
    const float *v = (const float *)lanes;
    float s[8];
    for (size_t i = 0; i < 8; ++i) s[i] = v[i] + v[i + 8];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

#endif
