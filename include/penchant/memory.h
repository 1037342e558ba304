/* Memory: checked sizes and an allocator that can be replaced.
 *
 * Alignment    every block starts at 64 bytes; blocks of 2 MiB and more start at 2 MiB and ask for huge pages
 * Failure      NULL, never an abort; callers return PN_ENOMEM and leave their inputs untouched
 * Threads      the hook is set once, before other calls; alloc and free themselves may run on any thread
 */
#ifndef PENCHANT_MEMORY_H
#define PENCHANT_MEMORY_H

#include "penchant/status.h"

PN_BEGIN_C

/* *product = a * b (sum = a + b).  False, and *product = SIZE_MAX, when the result does not fit. */
bool pn_mul_size(size_t a, size_t b, size_t *product);
bool pn_add_size(size_t a, size_t b, size_t *sum);

typedef struct pn_allocator {
    void *(*alloc)(void *context, size_t bytes); /* 64-byte aligned, or NULL */
    void (*free)(void *context, void *block);    /* block may be NULL */
    void *context;
} pn_allocator;

/* Replaces the allocator; NULL restores the default one. Blocks must be freed by the allocator that made them. */
void pn_set_allocator(const pn_allocator *allocator);

void *pn_alloc(size_t bytes); /* bytes = 0 gives a block of one byte, so NULL always means failure */
void pn_free(void *block);

/* What pn_alloc and pn_free do when no hook is set; a hook may delegate to them. */
void *pn_default_alloc(void *context, size_t bytes);
void pn_default_free(void *context, void *block);

PN_END_C

#endif
