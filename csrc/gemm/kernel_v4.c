#if defined(__x86_64__)
/* min_vector_width: the tier's tuning prefers 256 bits and would split every vector, and then spill. */
#define PN_K_TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define PN_K_FMA 1
#define PN_K_LANES 16
#define PN_K_ROWS 8
#define PN_K_VECTORS 3
#define PN_K_TABLE pn_gemm_kernels_v4
#include "kernel_template.h"
#endif
