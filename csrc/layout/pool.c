/* Mean over the kept positions of padded sequences. */
#include "base.h"
#include "penchant/layout.h"

struct pool {
    size_t length, width;
    const float *in;
    const uint8_t *mask;
    float *out;
};

static size_t kept(const struct pool *c, size_t b)
{
    size_t count = 0;
    for (size_t t = 0; t < c->length; ++t) count += c->mask[b * c->length + t] != 0;
    return count;
}

PN_CLONES static void add(size_t n, const float *restrict x, float *restrict y)
{
    for (size_t i = 0; i < n; ++i) y[i] += x[i];
}

PN_CLONES static void scale(size_t n, float factor, const float *x, float *y)
{
    for (size_t i = 0; i < n; ++i) y[i] = factor * x[i];
}

static void mean_block(void *context, size_t b)
{
    const struct pool *c = context;
    const size_t count = kept(c, b);
    float *y_b = c->out + b * c->width;
    memset(y_b, 0, c->width * sizeof *y_b);
    if (count == 0) return;
    for (size_t t = 0; t < c->length; ++t)
        if (c->mask[b * c->length + t]) add(c->width, c->in + (b * c->length + t) * c->width, y_b);
    scale(c->width, 1.0f / (float)count, y_b, y_b);
}

static void grad_block(void *context, size_t b)
{
    const struct pool *c = context;
    const size_t count = kept(c, b);
    const float factor = count ? 1.0f / (float)count : 0;
    for (size_t t = 0; t < c->length; ++t) {
        float *dx_bt = c->out + (b * c->length + t) * c->width;
        if (c->mask[b * c->length + t])
            scale(c->width, factor, c->in + b * c->width, dx_bt);
        else
            memset(dx_bt, 0, c->width * sizeof *dx_bt);
    }
}

static pn_status run(size_t batch, size_t length, size_t width, const float *in, const uint8_t *mask, float *out,
                     void (*block)(void *, size_t))
{
    size_t n;
    if (!pn_mul_size(batch, length, &n) || !pn_mul_size(n, width, &n)) return PN_EDIM;
    if (batch == 0 || width == 0) return PN_OK;
    if (!out || (n && (!in || !mask))) return PN_ENULL;
    struct pool c = { length, width, in, mask, out };
    return pn_team_for(batch, block, &c);
}

pn_status pn_masked_mean_f32(size_t batch, size_t length, size_t width, const float *x, const uint8_t *mask, float *y)
{
    return run(batch, length, width, x, mask, y, mean_block);
}

pn_status pn_masked_mean_grad_f32(size_t batch, size_t length, size_t width, const float *dy, const uint8_t *mask,
                                  float *dx)
{
    return run(batch, length, width, dy, mask, dx, grad_block);
}
