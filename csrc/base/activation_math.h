/* Inline activations and their slopes; included by base.h after scalar_math.h.
 *
 * The Gaussian tails need e^z with z of more digits than a float has (an error of one float ulp in z = -80 is 80 times
 * that in e^z), so the exponent and the last steps are in double; the long polynomials stay in float.
 *
 * Accuracy     2 ulp; SiLU in float 3 and 5, for in double it took a quarter of a step of a small denoiser
 * Slopes       of SiLU and both GELU cross zero; there the bound is on the absolute error (2^-24), elsewhere relative
 * Edges        at -inf SiLU and GELU are -0, their limit; at +inf they are +inf; slopes are 0 and 1
 */
#ifndef PN_ACTIVATION_MATH_H
#define PN_ACTIVATION_MATH_H

#include "scalar_math.h"

/* Zero with the sign of x. */
PN_INLINE float pn_signed_zero(float x) { return pn_float(pn_bits(x) & 0x80000000u); }

/* e^z for z in [-200, 0] or NaN, within 2^-27 relative and never subnormal. */
PN_INLINE double pn_exp_wide(double z)
{
    const float shifter = 0x1.8p+23f + 1023.0f;
    const float t = (float)z * PN_LOG2_E + shifter;
    const double r = z - (double)(t - shifter) * 0x1.62e42fefa39efp-1;
    const float rf = (float)r;
    const double p = 1.0 + (r + (double)(rf * rf * pn_exp_tail(rf)));
    const uint64_t exponent = (uint64_t)pn_bits(t) << 52;
    double scale;
    memcpy(&scale, &exponent, sizeof scale);
    return p * scale;
}

/* M(a) = Phi(-a) e^(a^2 / 2) for a in [0, 15]: t P(t) with t = 1 / (a + 3).
 * The reciprocal gets one Newton step; terms of P from t^3 on are small enough for float. */
PN_INLINE double pn_mills(float a)
{
    const float guess = 1.0f / (a + 3.0f);
    const double t = guess * (2.0 - ((double)a + 3.0) * guess);
    float h = 0x1.a160e0p+11f;
    h = h * guess - 0x1.af5cc2p+12f;
    h = h * guess + 0x1.68792ep+12f;
    h = h * guess - 0x1.263cf8p+11f;
    h = h * guess + 0x1.c31e38p+8f;
    h = h * guess - 0x1.02ce1ap+6f;
    h = h * guess + 0x1.3190d2p+4f;
    h = h * guess + 0x1.ad4e88p+2f;
    const double p = (0x1.9b16eep+1 + t * (double)h) * t + 0x1.3242e6p+0;
    return t * (p * t + 0x1.9885b8p-2);
}

/* x Phi(x) = max(x, 0) - |x| Phi(-|x|). From 15 on the tail is below half of the smallest float. */
PN_INLINE float pn_geluf(float x)
{
    const float a = pn_clamp_high(pn_absf(x), 15.0f);
    const double wide = a;
    const double tail = pn_exp_wide(-0.5 * wide * wide) * pn_mills(a);
    return (float)((double)(x > 0.0f ? x : pn_signed_zero(x)) - wide * tail);
}

/* Phi(x) + x phi(x). With d = e^(-a^2 / 2) (M(a) - a / sqrt(2 pi)):  x > 0 -> 1 - d,  else d. */
PN_INLINE float pn_gelu_slopef(float x)
{
    const float a = pn_clamp_high(pn_absf(x), 15.0f);
    const double wide = a;
    const double d = pn_exp_wide(-0.5 * wide * wide) * (pn_mills(a) - wide * 0x1.9884533d43651p-2);
    return (float)(x > 0.0f ? 1.0 - d : d);
}

/* 1 / d for d in [1, 2]: the float quotient and one Newton step, a tenth of the price of a division in double. */
PN_INLINE double pn_reciprocal_wide(double d)
{
    const double guess = 1.0f / (float)d;
    return guess * (2.0 - d * guess);
}

/* x sigmoid(z) where e = e^-|z| and z has the sign of x:  x > 0 -> x / (1 + e), else x e / (1 + e). */
PN_INLINE float pn_gated(float x, double e)
{
    return (float)((x > 0.0f ? 1.0 : e) * pn_reciprocal_wide(1.0 + e) * x);
}

/* Its slope sigmoid(z) (1 + x z' (1 - sigmoid(z))), given |x z'|. */
PN_INLINE float pn_gated_slope(float x, double e, double rise)
{
    const double g = pn_reciprocal_wide(1.0 + e);
    const double above = g * (1.0 + rise * e * g), below = e * g * (1.0 - rise * g);
    return (float)(x > 0.0f ? above : below);
}

/* x sigmoid(x) in float, whose exponent needs no more digits than x has: x / (1 + e) or x e / (1 + e), e = e^-|x|.
 * From -110 on below half of the smallest float. */
PN_INLINE float pn_siluf(float x)
{
    const float z = pn_clamp_low(-pn_absf(x), -110.0f);
    const float below = pn_exp_times(z, pn_clamp_low(x, -110.0f));
    return (x > 0.0f ? x : below) / (1.0f + pn_exp_core(z));
}

/* s (1 + x (1 - s)), s = sigmoid(x):  with t = e (1 - |x| + e) / (1 + e)^2:  x > 0 -> 1 - t,  else t. Where the slope is
 * zero, 1 - |x| is exact. */
PN_INLINE float pn_silu_slopef(float x)
{
    const float a = pn_clamp_high(pn_absf(x), 110.0f);
    const float e = pn_exp_core(-a), d = 1.0f + e;
    const float t = e * ((1.0f - a) + e) / (d * d);
    return x > 0.0f ? 1.0f - t : t;
}

/* x sigmoid(z), z = 2 sqrt(2 / pi) (x + 0.044715 x^3); from -11 on below half of the smallest float. */
#define PN_GELU_LINEAR 0x1.9884533d43651p+0
#define PN_GELU_CUBIC 0x1.2444f2a4d8b4bp-4
PN_INLINE float pn_gelu_tanhf(float x)
{
    const double a = pn_clamp_high(pn_absf(x), 11.0f);
    return pn_gated(pn_clamp_low(x, -11.0f), pn_exp_wide(-a * (PN_GELU_LINEAR + PN_GELU_CUBIC * (a * a))));
}

PN_INLINE float pn_gelu_tanh_slopef(float x)
{
    const double a = pn_clamp_high(pn_absf(x), 12.0f), square = a * a;
    const double e = pn_exp_wide(-a * (PN_GELU_LINEAR + PN_GELU_CUBIC * square));
    return pn_gated_slope(x, e, a * (PN_GELU_LINEAR + 3.0 * PN_GELU_CUBIC * square));
}

/* sigmoid (1 - sigmoid) = e / (1 + e)^2. */
PN_INLINE float pn_sigmoid_slopef(float x)
{
    const double e = pn_exp_wide(-(double)pn_clamp_high(pn_absf(x), 110.0f));
    const double g = pn_reciprocal_wide(1.0 + e);
    return (float)(e * g * g);
}

/* 1 - tanh^2 = 4 sigmoid(2x) (1 - sigmoid(2x)). */
PN_INLINE float pn_tanh_slopef(float x)
{
    const double e = pn_exp_wide(-2.0 * (double)pn_clamp_high(pn_absf(x), 55.0f));
    const double g = pn_reciprocal_wide(1.0 + e);
    return (float)(4.0 * e * g * g);
}

/* 2 / sqrt(pi) e^(-x^2). */
PN_INLINE float pn_erf_slopef(float x)
{
    const double a = pn_clamp_high(pn_absf(x), 12.0f);
    return (float)(0x1.20dd750429b6dp+0 * pn_exp_wide(-a * a));
}

/* NaN stays: a comparison with it is false. */
PN_INLINE float pn_reluf(float x) { return x < 0.0f ? 0.0f : x; }
PN_INLINE float pn_relu_slopef(float x) { return x > 0.0f ? 1.0f : (x <= 0.0f ? 0.0f : x); }

#endif
