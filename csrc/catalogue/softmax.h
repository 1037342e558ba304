/* Softmax over many items for many rows, value and gradients, a chunk of rows at a time. Not public.
 *
 * Letters: n rows, V items, d floats a row. A panel is up to 64 rows side by side as lanes (16, 32, 48 or 64 of
 * them); a chunk is one or more panels; a tile is up to 256 items, all alike. Logits lie as
 * [panel][item][lane], so a row's maximum and sum run down a lane and need no shuffles, and each of the three
 * products reads items, logits and hidden rows where they are. */
#ifndef PN_CATALOGUE_SOFTMAX_H
#define PN_CATALOGUE_SOFTMAX_H

#include "../tile/tile.h"

struct pn_softmax_plan {
    size_t V, d, dp;      /* dp: d rounded up to whole vectors */
    size_t tile;          /* items a tile */
    size_t tiles, groups; /* a group of tiles sums its share of d_hidden */
    size_t lanes, panels; /* of a chunk */
    bool keep;            /* exponentials stay in memory between value and gradient */
    size_t fixed, member; /* bytes: once, and for each thread */
};

struct pn_softmax {
    struct pn_softmax_plan plan;
    pn_tile tile;

    size_t rows; /* rows that count */
    const uint32_t *row;  /* [rows] their numbers */
    const float *hidden, *items, *bias;
    const uint32_t *targets; /* by row number */
    const float *gradient;   /* [rows]: scale * weight / sum of weights */

    /* The target's logit: NULL, when the target is one of the items (its logit is met on the way). Otherwise
     * [rows], one more term of each row's sum; items whose id equals the row's target are then left out. */
    const float *target_logit;
    const float *target_rows; /* then: the table that targets index */
    const uint32_t *item_ids;

    bool accumulate;
    float *loss;          /* [rows] of pn_softmax_run's own: log sum - target's logit */
    float *log_sum;       /* [rows] */
    float *target_factor; /* [rows] or NULL: gradient * (p_target - 1), with target_logit only */
    float *d_hidden, *d_items, *d_bias;
};

/* Rows of `loss` and so on are those of `row`: packed. d_hidden is written at the row numbers. */
bool pn_softmax_plan(size_t n, size_t V, size_t d, bool gradients, struct pn_softmax_plan *plan);
size_t pn_softmax_bytes(const struct pn_softmax_plan *plan);
pn_status pn_softmax_run(const struct pn_softmax *softmax, void *workspace, size_t workspace_bytes);

#endif
