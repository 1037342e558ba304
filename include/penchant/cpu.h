/* What this processor offers: tier of the kernels that run here. */
#ifndef PENCHANT_CPU_H
#define PENCHANT_CPU_H

#include "penchant/status.h"

PN_BEGIN_C

typedef enum pn_tier {
    PN_TIER_BASE = 0, /* what the compiler's default target has (SSE2 on x86-64) */
    PN_TIER_V3 = 3,   /* x86-64-v3: AVX2, FMA */
    PN_TIER_V4 = 4,   /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
} pn_tier;

/* The tier that kernels use which choose at a call: what the processor has, or the limit below it. */
pn_tier pn_cpu_tier(void);

/* Lowers that choice for calls from this thread, for tests and comparisons; PN_TIER_V4 lifts the limit. Kernels whose
 * variant the loader picked keep theirs. What is packed under one tier is not read under another. */
void pn_cpu_limit_tier(pn_tier most);
const char *pn_tier_name(pn_tier tier);

/* Processors that this process may run on (affinity counted). */
size_t pn_cpu_count(void);

/* Name, version and core of the BLAS library below; static memory. */
const char *pn_blas_description(void);

PN_END_C

#endif
