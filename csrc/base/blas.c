#include "penchant/cpu.h"

/* OpenBLAS says which version it is and which core it picked. */
extern char *openblas_get_config(void);

const char *pn_blas_description(void)
{
    const char *text = openblas_get_config();
    return text ? text : "unknown";
}
