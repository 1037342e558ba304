/* Every processor: four lanes, multiplication and addition apart. */
#define PN_K_TARGET
#define PN_K_LANES 4
#define PN_K_ROWS 4
#define PN_K_VECTORS 2
#define PN_K_TABLE pn_gemm_kernels_base
#include "kernel_template.h"
