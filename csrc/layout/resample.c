/* Pictures at twice and at half the size. Each direction is the other's gradient. */
#include "base.h"
#include "penchant/layout.h"

/* Elements of the smaller picture a task works on. */
#define TASK PN_BLOCK

struct resample {
    size_t lines, width, channels; /* of the smaller picture */
    size_t height;                 /* its lines a task */
    float factor;
    const float *x;
    float *y;
};

PN_CLONES static void widen(size_t width, size_t channels, float factor, const float *restrict x,
                            float *restrict y)
{
    for (size_t i = 0; i < width; ++i, x += channels, y += 2 * channels)
        for (size_t c = 0; c < channels; ++c) y[c] = y[channels + c] = factor * x[c];
}

/* Neighbours in a line first, then the two lines. */
PN_CLONES static void narrow(size_t width, size_t channels, float factor, const float *restrict above,
                             const float *restrict below, float *restrict y)
{
    for (size_t i = 0; i < width; ++i, above += 2 * channels, below += 2 * channels, y += channels)
        for (size_t c = 0; c < channels; ++c)
            y[c] = factor * ((above[c] + above[channels + c]) + (below[c] + below[channels + c]));
}

static void up_block(void *context, size_t block)
{
    const struct resample *r = context;
    const size_t first = block * r->height, last = pn_min(first + r->height, r->lines);
    const size_t small = r->width * r->channels;
    for (size_t line = first; line < last; ++line) {
        float *y = r->y + line * 4 * small;
        widen(r->width, r->channels, r->factor, r->x + line * small, y);
        memcpy(y + 2 * small, y, 2 * small * sizeof *y);
    }
}

static void down_block(void *context, size_t block)
{
    const struct resample *r = context;
    const size_t first = block * r->height, last = pn_min(first + r->height, r->lines);
    const size_t small = r->width * r->channels;
    for (size_t line = first; line < last; ++line) {
        const float *x = r->x + line * 4 * small;
        narrow(r->width, r->channels, r->factor, x, x + 2 * small, r->y + line * small);
    }
}

static pn_status run(size_t pictures, size_t height, size_t width, size_t channels, float factor,
                     const float *x, float *y, void (*block)(void *, size_t))
{
    size_t n;
    if (!pn_mul_size(pictures, height, &n) || !pn_mul_size(n, width, &n) || !pn_mul_size(n, channels, &n) ||
        n > PTRDIFF_MAX / 16)
        return PN_EDIM;
    if (n == 0) return PN_OK;
    if (!x || !y) return PN_ENULL;
    struct resample r = {
        pictures * height, width, channels, pn_max(TASK / (width * channels), 1), factor, x, y
    };
    return pn_team_for(pn_ceil_div(r.lines, r.height), block, &r);
}

pn_status pn_upsample_f32(size_t pictures, size_t height, size_t width, size_t channels, float factor,
                          const float *x, float *y)
{
    return run(pictures, height, width, channels, factor, x, y, up_block);
}

pn_status pn_downsample_f32(size_t pictures, size_t height, size_t width, size_t channels, float factor,
                            const float *x, float *y)
{
    return run(pictures, height, width, channels, factor, x, y, down_block);
}
