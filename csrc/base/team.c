/* The only file that knows OpenMP. A Swift package may not pass -fopenmp, so without _OPENMP the region is started
 * through the runtime's entry that compilers emit for it; both ways run on the same team of threads. */
#include "base.h"

#include <stdatomic.h>
#include <stdlib.h>

extern int omp_in_parallel(void);
extern int omp_get_thread_num(void);
#ifndef _OPENMP
extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
#endif

static _Atomic size_t process_size;     /* pn_team_set_size; 0 = not set */
static _Atomic size_t environment_size; /* cached; 0 = not read yet */
static _Thread_local size_t thread_size; /* pn_team_use; 0 = not set */

static size_t count_in(const char *variable)
{
    const char *text = getenv(variable);
    if (!text || *text < '0' || *text > '9') return 0;
    char *end;
    const unsigned long count = strtoul(text, &end, 10);
    /* OMP_NUM_THREADS may be a list, one entry a nesting level: the first counts. */
    if (*end != '\0' && *end != ',') return 0;
    return pn_min(count, PN_TEAM_MAX);
}

static size_t environment_choice(void)
{
    size_t size = atomic_load_explicit(&environment_size, memory_order_relaxed);
    if (size) return size;
    size = count_in("PENCHANT_NUM_THREADS");
    if (!size) size = count_in("OMP_NUM_THREADS");
    if (!size) size = pn_min(pn_cpu_count(), PN_TEAM_MAX);
    atomic_store_explicit(&environment_size, size, memory_order_relaxed);
    return size;
}

size_t pn_team_size(void)
{
    if (omp_in_parallel()) return 1;
    if (thread_size) return thread_size;
    const size_t size = atomic_load_explicit(&process_size, memory_order_relaxed);
    return size ? size : environment_choice();
}

pn_status pn_team_set_size(size_t threads)
{
    if (threads > PN_TEAM_MAX) return PN_EVALUE;
    atomic_store_explicit(&process_size, threads, memory_order_relaxed);
    return PN_OK;
}

size_t pn_team_use(size_t threads)
{
    const size_t previous = thread_size;
    thread_size = pn_min(threads, PN_TEAM_MAX);
    return previous;
}

/* A member's own run of blocks. A line each, so that counters do not share one. */
struct run {
    _Alignas(64) _Atomic size_t next;
    size_t end;
};

struct job {
    void (*body)(void *, size_t, size_t);
    void *context;
    size_t threads;
    struct run *runs;
};

/* Everybody starts on a run of neighbouring blocks, the same in every call of one size: streams stay sequential and
 * what a member wrote last is in its cache. Who is done helps the others block by block, so a thread that the system
 * takes away delays only the block it holds. */
static void member(void *data)
{
    const struct job *job = data;
    const size_t me = (size_t)omp_get_thread_num();
    for (size_t k = 0; k < job->threads; ++k) {
        struct run *run = &job->runs[(me + k) % job->threads];
        for (;;) {
            const size_t b = atomic_fetch_add_explicit(&run->next, 1, memory_order_relaxed);
            if (b >= run->end) break;
            job->body(job->context, b, me);
        }
    }
}

pn_status pn_team_for_members(size_t blocks, size_t members, void (*body)(void *, size_t, size_t), void *context)
{
    if (!body) return PN_ENULL;
    if (members == 0) return PN_EVALUE;
    const size_t threads = pn_min(pn_min(pn_team_size(), members), blocks);
    if (threads <= 1) {
        for (size_t b = 0; b < blocks; ++b) body(context, b, 0);
        return PN_OK;
    }
    struct run runs[PN_TEAM_MAX];
    const size_t each = blocks / threads, extra = blocks % threads;
    for (size_t k = 0, first = 0; k < threads; ++k) {
        atomic_init(&runs[k].next, first);
        first += each + (k < extra);
        runs[k].end = first;
    }
    struct job job = { body, context, threads, runs };
#ifdef _OPENMP
#pragma omp parallel num_threads((int)threads)
    member(&job);
#else
    GOMP_parallel(member, &job, (unsigned)threads, 0);
#endif
    return PN_OK;
}

struct plain {
    void (*body)(void *, size_t);
    void *context;
};

static void without_member(void *context, size_t block, size_t me)
{
    (void)me;
    const struct plain *plain = context;
    plain->body(plain->context, block);
}

pn_status pn_team_for(size_t blocks, void (*body)(void *, size_t), void *context)
{
    if (!body) return PN_ENULL;
    struct plain plain = { body, context };
    return pn_team_for_members(blocks, PN_TEAM_MAX, without_member, &plain);
}
