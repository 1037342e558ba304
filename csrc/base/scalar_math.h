/* Inline mathematics in float: the one place where exp, log, tanh, erf and their kin are written.
 *
 * Every function is branch-free (selects, shifts, polynomials), so that a plain loop in a PN_CLONES function becomes
 * SIMD code of the tier without a call. Bounds are over all finite floats, measured by bench/exhaustive.
 *
 * Edges        NaN -> NaN; limits at +-inf; signed zero kept where f(x) ~ x; subnormal arguments and results are
 *              rounded like others, never flushed
 * Contraction  a * b + c may be fused or not (tiers with and without FMA); the bounds hold for both, and no step
 *              depends on a product being rounded
 * Polynomials  minimax for the relative error of the result, coefficients rounded one by one and the rest refitted
 */
#ifndef PN_SCALAR_MATH_H
#define PN_SCALAR_MATH_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PN_INLINE static inline __attribute__((always_inline))

PN_INLINE uint32_t pn_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

PN_INLINE float pn_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

PN_INLINE float pn_absf(float x) { return pn_float(pn_bits(x) & 0x7fffffffu); }

PN_INLINE float pn_copysignf(float magnitude, float sign)
{
    return pn_float((pn_bits(magnitude) & 0x7fffffffu) | (pn_bits(sign) & 0x80000000u));
}

/* ln 2 in two parts: the first has 15 bits, so that a product with an exponent is exact. */
#define PN_LN2_HIGH 0x1.62e4p-1f
#define PN_LN2_LOW 0x1.7f7d1cp-20f
#define PN_LOG2_E 0x1.715476p+0f

/* e^x - 1 - r over r^2 on |r| <= ln2 / 2: 2^-28 of e^r. */
PN_INLINE float pn_exp_tail(float r)
{
    float q = 0x1.6d5f5ep-10f;
    q = q * r + 0x1.123c22p-7f;
    q = q * r + 0x1.5554d8p-5f;
    q = q * r + 0x1.55548ep-3f;
    return q * r + 0.5f;
}

/* f e^x for x in [-110, 89] or NaN.  x = n ln2 + r;  e^r by a polynomial, then two scalings by about 2^(n/2): the
 * second one rounds, so that subnormal results and overflow come out right.
 * The shifter holds n + 254 in its low bits: halves of it are biased exponents already. */
PN_INLINE float pn_exp_times(float x, float f)
{
    const float shifter = 0x1.8p+23f + 254.0f;
    const float t = x * PN_LOG2_E + shifter;
    const float n = t - shifter;
    float r = x - n * PN_LN2_HIGH;
    r = r - n * PN_LN2_LOW;
    const float s = r * r * pn_exp_tail(r) + r;
    const uint32_t both = pn_bits(t), half = both >> 1;
    return (f * s + f) * pn_float(half << 23) * pn_float((both - half) << 23);
}

/* e^(x + low) for x in [-110, 89] and a low part far smaller than an ulp of 1: differences that a float cannot hold. */
PN_INLINE float pn_exp_pair(float x, float low)
{
    const float shifter = 0x1.8p+23f + 254.0f;
    const float t = x * PN_LOG2_E + shifter;
    const float n = t - shifter;
    float r = x - n * PN_LN2_HIGH;
    r = r - (n * PN_LN2_LOW - low);
    const float p = (r * r * pn_exp_tail(r) + r) + 1.0f;
    const uint32_t both = pn_bits(t), half = both >> 1;
    return p * pn_float(half << 23) * pn_float((both - half) << 23);
}

PN_INLINE float pn_exp_core(float x) { return pn_exp_times(x, 1.0f); }

/* A comparison with NaN is false, so NaN passes through these clamps. */
PN_INLINE float pn_clamp_low(float x, float low) { return x < low ? low : x; }
PN_INLINE float pn_clamp_high(float x, float high) { return x > high ? high : x; }

/* e^x.  89 overflows and -104 rounds to zero. */
PN_INLINE float pn_expf(float x)
{
    return pn_exp_core(pn_clamp_high(pn_clamp_low(x, -104.0f), 89.0f));
}

/* e^-|x|: in [0, 1]. */
PN_INLINE float pn_exp_neg_absf(float x)
{
    return pn_exp_core(pn_clamp_low(-pn_absf(x), -104.0f));
}

/* e^x - 1.  2^n e^r - 1 = 2 (2^(n-1) (e^r - 1) + (2^(n-1) - 1/2)): the products by powers of two are exact. */
PN_INLINE float pn_expm1f(float x)
{
    const float clamped = pn_clamp_high(pn_clamp_low(x, -30.0f), 89.0f);
    const float shifter = 0x1.8p+23f + 126.0f;
    const float t = clamped * PN_LOG2_E + shifter;
    const float n = t - shifter;
    float r = clamped - n * PN_LN2_HIGH;
    r = r - n * PN_LN2_LOW;
    float q = 0x1.a29382p-13f;
    q = q * r + 0x1.6d4166p-10f;
    q = q * r + 0x1.110fe0p-7f;
    q = q * r + 0x1.5554f2p-5f;
    q = q * r + 0x1.555556p-3f;
    q = q * r + 0.5f;
    const float e = r * r * q + r;
    const float scale = pn_float(pn_bits(t) << 23);
    const float y = 2.0f * (scale * e + (scale - 0.5f));
    return pn_absf(x) < 0x1p-25f ? x : y;
}

/* (log(1 + f) - f) / f^2 on |f| <= 1/3. */
PN_INLINE float pn_log1p_tail(float f)
{
    float q = -0x1.0c534cp-3f;
    q = q * f + 0x1.1e493ap-3f;
    q = q * f - 0x1.f11b92p-4f;
    q = q * f + 0x1.1eddf6p-3f;
    q = q * f - 0x1.55af88p-3f;
    q = q * f + 0x1.99cfa8p-3f;
    q = q * f - 0x1.fffe90p-3f;
    q = q * f + 0x1.555508p-2f;
    return q * f - 0.5f;
}

/* k ln2 + log(1 + f), small parts first. */
PN_INLINE float pn_log_sum(float k, float f)
{
    const float small = f * f * pn_log1p_tail(f) + k * PN_LN2_LOW;
    return k * PN_LN2_HIGH + (f + small);
}

#define PN_TWO_THIRDS_BITS 0x3f2aaaabu

/* log x.  x = 2^k (1 + f) with 1 + f in [2/3, 4/3). */
PN_INLINE float pn_logf(float x)
{
    const bool subnormal = x < 0x1p-126f;
    const float scaled = subnormal ? x * 0x1p+23f : x;
    const int32_t offset = (int32_t)(pn_bits(scaled) - PN_TWO_THIRDS_BITS);
    const float k = (float)(offset >> 23) - (subnormal ? 23.0f : 0.0f);
    const float f = pn_float(((uint32_t)offset & 0x7fffffu) + PN_TWO_THIRDS_BITS) - 1.0f;
    const float y = pn_log_sum(k, f);
    const float positive = x < INFINITY ? y : x;
    const float rest = x == 0.0f ? -INFINITY : NAN;
    return x > 0.0f ? positive : rest;
}

/* log(1 + x).  With 1 + x ~ 2^k m, f = 2^-k x + (2^-k - 1) holds what the rounding of 1 + x lost.
 * 2^-k is formed as a quarter of 2^(2-k), which is normal for every k <= 128. */
PN_INLINE float pn_log1pf(float x)
{
    const int32_t offset = (int32_t)(pn_bits(1.0f + x) - PN_TWO_THIRDS_BITS);
    const int32_t k = offset >> 23;
    const float four = pn_float((uint32_t)(129 - k) << 23);
    const float f = 0.25f * x * four + (0.25f * four - 1.0f);
    const float y = pn_log_sum((float)k, f);
    const float above = x < INFINITY ? y : x;
    const float rest = x == -1.0f ? -INFINITY : NAN;
    const float large = x > -1.0f ? above : rest;
    return pn_absf(x) < 0x1p-25f ? x : large;
}

/* log(1 + e) for e in [0, 1] or NaN: one polynomial, no split of the range. *low is what the last addition lost. */
PN_INLINE float pn_log1p_unit_pair(float e, float *low)
{
    float q = -0x1.b0fcbep-9f;
    q = q * e + 0x1.49f3cap-6f;
    q = q * e - 0x1.d76758p-5f;
    q = q * e + 0x1.b4fe36p-4f;
    q = q * e - 0x1.3a5728p-3f;
    q = q * e + 0x1.9350b4p-3f;
    q = q * e - 0x1.ff249cp-3f;
    q = q * e + 0x1.554dd4p-2f;
    q = q * e - 0x1.ffffd2p-2f;
    const float bend = e * e * q, y = bend + e;
    *low = bend - (y - e);
    return y;
}

PN_INLINE float pn_log1p_unit(float e)
{
    float low;
    return pn_log1p_unit_pair(e, &low);
}

/* tanh x.  Below 0.625 an odd polynomial, above 1 - 2 / (e^2|x| + 1). */
PN_INLINE float pn_tanhf(float x)
{
    const float a = pn_absf(x), s = a * a;
    float p = -0x1.767a14p-8f;
    p = p * s + 0x1.524c40p-6f;
    p = p * s - 0x1.b842c4p-5f;
    p = p * s + 0x1.11075ep-3f;
    p = p * s - 0x1.555534p-2f;
    const float near = a * (s * p) + a;
    const float far = 1.0f - 2.0f / (pn_exp_core(pn_clamp_high(a + a, 40.0f)) + 1.0f);
    return pn_copysignf(a < 0.625f ? near : far, x);
}

/* erf x.  Below 1 an odd polynomial, above 1 - e^(-a q(a)) with -log erfc(a) = a q(a); at 4 it rounds to 1. */
PN_INLINE float pn_erff(float x)
{
    const float a = pn_absf(x), s = a * a;
    float p = 0x1.4c3940p-14f;
    p = p * s - 0x1.a50c7cp-11f;
    p = p * s + 0x1.542e32p-8f;
    p = p * s - 0x1.b7fe92p-6f;
    p = p * s + 0x1.ce2d50p-4f;
    p = p * s - 0x1.812740p-2f;
    p = p * s + 0x1.06eba8p-3f;
    const float near = a * p + a;
    const float b = pn_clamp_high(a, 4.0f);
    float q = -0x1.b9b248p-13f;
    q = q * b + 0x1.a1aed0p-9f;
    q = q * b - 0x1.758352p-6f;
    q = q * b + 0x1.ae8c66p-4f;
    q = q * b + 0x1.458be4p-1f;
    q = q * b + 0x1.20e40ap+0f;
    const float far = 1.0f - pn_exp_core(-(b * q));
    return pn_copysignf(a < 1.0f ? near : far, x);
}

/* 1 / (1 + e^-x).  With e = e^-|x| and q = e / (1 + e):  x >= 0 -> 1 - q,  x < 0 -> e - e q.
 * q alone would do below zero; the form here keeps the rounding of 1 + e out of small results. */
PN_INLINE float pn_sigmoidf(float x)
{
    const float e = pn_exp_neg_absf(x);
    const float top = x >= 0.0f ? 1.0f : e;
    return top - top * (e / (1.0f + e));
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
PN_INLINE float pn_softplusf(float x)
{
    float low;
    const float y = pn_log1p_unit_pair(pn_exp_neg_absf(x), &low);
    return ((x > 0.0f ? x : 0.0f) + low) + y;
}

/* log sigmoid(x) = min(x, 0) - log(1 + e^-|x|). */
PN_INLINE float pn_log_sigmoidf(float x)
{
    float low;
    const float y = pn_log1p_unit_pair(pn_exp_neg_absf(x), &low);
    return ((x < 0.0f ? x : 0.0f) - low) - y;
}

#endif
