#include "penchant/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PN_ALIGN ((size_t)64)
#define PN_HUGE_PAGE ((size_t)2 << 20)

bool pn_mul_size(size_t a, size_t b, size_t *product)
{
    if (!__builtin_mul_overflow(a, b, product)) return true;
    *product = SIZE_MAX;
    return false;
}

bool pn_add_size(size_t a, size_t b, size_t *sum)
{
    if (!__builtin_add_overflow(a, b, sum)) return true;
    *sum = SIZE_MAX;
    return false;
}

void *pn_default_alloc(void *context, size_t bytes)
{
    (void)context;
    /* The pages are whole: a block just above one wastes most of a second, which large arrays gain back. */
    const size_t align = bytes >= PN_HUGE_PAGE ? PN_HUGE_PAGE : PN_ALIGN;
    size_t rounded;
    if (!pn_add_size(bytes ? bytes : 1, align - 1, &rounded)) return NULL;
    rounded &= ~(align - 1);
    void *block = NULL;
    if (posix_memalign(&block, align, rounded) != 0) return NULL;
#ifdef MADV_HUGEPAGE
    /* Without it big arrays get about half of the memory bandwidth. A refusal costs speed only. */
    if (align == PN_HUGE_PAGE) (void)madvise(block, rounded, MADV_HUGEPAGE);
#endif
    return block;
}

void pn_default_free(void *context, void *block)
{
    (void)context;
    free(block);
}

static const pn_allocator default_allocator = { pn_default_alloc, pn_default_free, NULL };
static pn_allocator current = { pn_default_alloc, pn_default_free, NULL };

void pn_set_allocator(const pn_allocator *allocator)
{
    current = allocator ? *allocator : default_allocator;
}

void *pn_alloc(size_t bytes) { return current.alloc(current.context, bytes); }

void pn_free(void *block) { current.free(current.context, block); }
