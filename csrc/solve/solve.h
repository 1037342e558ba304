/* Shared by the solvers. Not public. */
#ifndef PN_SOLVE_INTERNAL_H
#define PN_SOLVE_INTERNAL_H

#include "base.h"
#include "penchant/solve.h"

/* Holds the library below at one thread; before the first call into it. */
void pn_solve_begin(void);

/* Sizes that the library's int can hold, and memory that can be addressed. */
bool pn_solve_fits(size_t rows, size_t columns, size_t ld);

bool pn_all_finite(size_t rows, size_t columns, const double *a, size_t lda);
bool pn_lower_is_finite(size_t n, const double *a, size_t lda);

/* Cuts a workspace into aligned pieces. With a NULL base it only counts. */
struct pn_arena {
    char *base;
    size_t used; /* SIZE_MAX after an overflow */
};
void *pn_take(struct pn_arena *arena, size_t count, size_t size);

#endif
