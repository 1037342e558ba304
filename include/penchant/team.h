/* The team: the threads that kernels run on.
 *
 * Work is cut into blocks by size alone; which thread runs which block is not defined, so a body must write only
 * what its block owns. Then results have the same bits for any number of threads.
 * Nested calls run serially on the calling thread. Several threads may call at once; each gets its own team.
 *
 * Thread count, first match wins: pn_team_use on this thread, pn_team_set_size, PENCHANT_NUM_THREADS,
 * OMP_NUM_THREADS, the processors that this process may use.
 */
#ifndef PENCHANT_TEAM_H
#define PENCHANT_TEAM_H

#include "penchant/status.h"

#define PN_TEAM_MAX 256

PN_BEGIN_C

/* Threads that the next call from this thread will use, 1 ... PN_TEAM_MAX; 1 inside a body. */
size_t pn_team_size(void);

/* Sets the default for the process; 0 restores the environment's choice. PN_EVALUE above PN_TEAM_MAX. */
pn_status pn_team_set_size(size_t threads);

/* Sets the count for calls from this thread only; 0 removes the setting. Returns the previous setting. */
size_t pn_team_use(size_t threads);

/* Calls body(context, b) once for every b in 0 ..< blocks. Returns when all are done. */
pn_status pn_team_for(size_t blocks, void (*body)(void *context, size_t block), void *context);

/* The same with at most `members` threads, each with its own number in 0 ..< members: for scratch memory that a
 * caller laid out a member. A result must not depend on the number. */
pn_status pn_team_for_members(size_t blocks, size_t members,
                              void (*body)(void *context, size_t block, size_t member), void *context);

PN_END_C

#endif
