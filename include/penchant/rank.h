/* Ranking: the best k of many items, and the rank of one, without a matrix of scores.
 *
 * Shapes       queries: [n, d];  items: [V, d];  bias: [V] or NULL;  mask: [V] or NULL, 1 = keep, for all queries;
 *              excluded: ids that query i may not get, excluded[offsets[i] ..< offsets[i + 1]], ascending (equal
 *              neighbours allowed); offsets: [n + 1] ascending from 0; both NULL when nothing is excluded
 * Computes     s_iv = <query_i, items_v> + bias_v in float32, so equal rows score equal bits: a sum in ascending order
 *              (one fused multiply-add a term where the processor has it); for the best of one query alone sixteen
 *              such sums, added in a fixed order
 * Order        higher score first; equal scores: lower id first. A score of NaN or -inf is never returned.
 * Short lists  when fewer than k items remain, the rest has id PN_RANK_NONE and score -inf
 * Edges        n = 0 or k = 0 -> PN_OK; V = 0 -> short lists; excluded id >= V, offsets or lists that do not ascend
 *              -> PN_EINDEX; k above PN_RANK_MAX -> PN_EVALUE
 * Determinism  same bits and ids for any number of threads
 */
#ifndef PENCHANT_RANK_H
#define PENCHANT_RANK_H

#include "penchant/status.h"

PN_BEGIN_C

#define PN_RANK_NONE UINT32_MAX
#define PN_RANK_MAX ((size_t)65536)

/* ids, scores: [n, k], best first; scores may be NULL. screen: NULL or as below. Workspace: for pn_team_size() threads now; less is accepted
 * down to one thread's share and then fewer threads run. */
size_t pn_rank_top_workspace(size_t n, size_t V, size_t d, size_t k);
pn_status pn_rank_top_f32(size_t n, size_t V, size_t d, size_t k, const float *queries, const float *items,
                          const float *screen, const float *bias, const uint8_t *mask, const uint32_t *offsets,
                          const uint32_t *excluded, uint32_t *ids, float *scores, void *workspace,
                          size_t workspace_bytes);

/* A screen makes one query alone faster without changing a bit of its answer: a copy of the items in eight bits with a
 * bound of what it misses, so that only rows that may be among the best are read. Pass it with the items it was made
 * of; more queries at once pass by it. screen: pn_rank_screen_floats(V, d) floats; SIZE_MAX when d is too large (some
 * 16 million), then PN_EDIM. Items may hold anything. */
size_t pn_rank_screen_floats(size_t V, size_t d);
pn_status pn_rank_screen_f32(size_t V, size_t d, const float *items, float *screen);

/* The best k of rows of scores that exist already. scores: [n, V]; mask: [n, V] or NULL; ids, best: [n, k].
 * Needs no workspace: the heaps are built in ids and best. */
pn_status pn_rank_top_scores_f32(size_t n, size_t V, size_t k, const float *scores, const uint8_t *mask,
                                 uint32_t *ids, float *best);

/* Where a target stands among all items. targets: [n]; above, tied: [n]: how many other kept items score more than
 * the target, and exactly as much. Rank from 1: optimistic 1 + above, pessimistic 1 + above + tied, expected under
 * random order 1 + above + tied / 2. The target itself is never counted and need not be kept. An item whose score
 * is NaN is not counted; a target whose score is NaN stands behind everything (above = all kept items).
 * target_scores: [n] or NULL. target >= V -> PN_EINDEX. */
size_t pn_rank_of_target_workspace(size_t n, size_t V, size_t d);
pn_status pn_rank_of_target_f32(size_t n, size_t V, size_t d, const float *queries, const float *items,
                                const float *bias, const uint8_t *mask, const uint32_t *offsets,
                                const uint32_t *excluded, const uint32_t *targets, uint32_t *above, uint32_t *tied,
                                float *target_scores, void *workspace, size_t workspace_bytes);

/* The same in rows of scores that exist already. scores: [n, V]; missing: [n] or NULL, how many scores of the row are
 * NaN, excluded ones included. Needs no workspace. */
pn_status pn_rank_of_target_scores_f32(size_t n, size_t V, const float *scores, const uint32_t *offsets,
                                       const uint32_t *excluded, const uint32_t *targets, uint32_t *above,
                                       uint32_t *tied, uint32_t *missing);

PN_END_C

#endif
