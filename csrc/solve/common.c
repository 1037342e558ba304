#include "solve.h"

#include <limits.h>
#include <pthread.h>

extern void openblas_set_num_threads(int threads) __attribute__((weak));

static void hold_at_one_thread(void)
{
    /* Another BLAS behind the same interface has no such call; then its own environment variable decides. */
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

void pn_solve_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, hold_at_one_thread);
}

bool pn_solve_fits(size_t rows, size_t columns, size_t ld)
{
    size_t elements, bytes;
    return ld >= columns && rows <= INT_MAX && ld <= INT_MAX && pn_mul_size(rows, ld, &elements) &&
           pn_mul_size(elements, sizeof(double), &bytes) && bytes <= PTRDIFF_MAX;
}

bool pn_all_finite(size_t rows, size_t columns, const double *a, size_t lda)
{
    for (size_t i = 0; i < rows; ++i)
        for (size_t j = 0; j < columns; ++j)
            if (!isfinite(a[i * lda + j])) return false;
    return true;
}

bool pn_lower_is_finite(size_t n, const double *a, size_t lda)
{
    for (size_t i = 0; i < n; ++i)
        if (!pn_all_finite(1, i + 1, a + i * lda, lda)) return false;
    return true;
}

#define PIECE ((size_t)64)

void *pn_take(struct pn_arena *arena, size_t count, size_t size)
{
    size_t bytes, end;
    /* The first piece leaves room to align the caller's memory. */
    const size_t start = arena->used ? arena->used
                                     : arena->base ? (PIECE - (uintptr_t)arena->base % PIECE) % PIECE : PIECE;
    if (arena->used == SIZE_MAX || !pn_mul_size(count, size, &bytes) || !pn_add_size(bytes, PIECE - 1, &bytes) ||
        !pn_add_size(start, bytes / PIECE * PIECE, &end)) {
        arena->used = SIZE_MAX;
        return NULL;
    }
    arena->used = end;
    return arena->base ? arena->base + start : NULL;
}
