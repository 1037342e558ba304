/* A coarse copy of the items that says which of them can be among the best of one query. Not public. */
#ifndef PN_RANK_SCREEN_H
#define PN_RANK_SCREEN_H

#include "base.h"

/* Views of a block of pn_rank_screen_floats(V, d) floats. */
struct pn_screen {
    const float *scale, *error; /* [V] */
    const int8_t *codes;        /* [V][width] */
    size_t width;               /* d up to whole vectors */
};

/* A query in whole numbers. */
struct pn_screen_query {
    const int16_t *codes; /* [width] */
    float scale, norm;    /* what a code is worth; at least the length of the query */
};

struct pn_screen pn_screen_of(size_t V, size_t d, const float *screen);

/* Writes the query's codes. False when its numbers are too large, too small or not finite: then nothing is screened. */
bool pn_screen_ask(struct pn_screen screen, size_t d, const float *query, int16_t *codes, struct pn_screen_query *out);

/* bound[i]: no less than the float32 score of item first + i, NaN only where that is no number above -inf. */
void pn_screen_bounds(struct pn_screen screen, struct pn_screen_query query, size_t first, size_t count,
                      const float *bias, float *bound);

#endif
