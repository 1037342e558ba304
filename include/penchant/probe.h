/* What this machine can do at most, measured by loops that do nothing else.
 *
 * pn_probe_triad_f32   a[i] = b[i] + 3 c[i]: memory traffic of 12 bytes an element (a write may cost a read besides)
 * pn_probe_fma_f32     `rounds` times 6 independent vectors of 16 fused multiply-adds on every member of the team:
 *                      2 * 6 * 16 * rounds floating-point operations a member; *sum keeps the work from being removed
 */
#ifndef PENCHANT_PROBE_H
#define PENCHANT_PROBE_H

#include "penchant/status.h"

PN_BEGIN_C

pn_status pn_probe_triad_f32(size_t n, float *a, const float *b, const float *c);
pn_status pn_probe_fma_f32(size_t members, size_t rounds, float *sum);

PN_END_C

#endif
