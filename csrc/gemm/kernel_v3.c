#if defined(__x86_64__)
#define PN_K_TARGET __attribute__((target("arch=x86-64-v3")))
#define PN_K_FMA 1
#define PN_K_LANES 8
#define PN_K_ROWS 4
#define PN_K_VECTORS 3
#define PN_K_TABLE pn_gemm_kernels_v3
#include "kernel_template.h"
#endif
