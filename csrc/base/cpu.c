#define _GNU_SOURCE
#include "penchant/cpu.h"

#include <sched.h>
#include <unistd.h>

static _Thread_local pn_tier limit = PN_TIER_V4;

void pn_cpu_limit_tier(pn_tier most) { limit = most; }

static pn_tier processor_tier(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return PN_TIER_V4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return PN_TIER_V3;
#endif
    return PN_TIER_BASE;
}

pn_tier pn_cpu_tier(void)
{
    const pn_tier tier = processor_tier();
    return tier < limit ? tier : limit;
}

const char *pn_tier_name(pn_tier tier)
{
    switch (tier) {
    case PN_TIER_V4: return "x86-64-v4 (AVX-512)";
    case PN_TIER_V3: return "x86-64-v3 (AVX2)";
    case PN_TIER_BASE: break;
    }
    return "baseline";
}

size_t pn_cpu_count(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        const int count = CPU_COUNT(&set);
        if (count > 0) return (size_t)count;
    }
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}
