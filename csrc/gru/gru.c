/* Letters: S sequences, R rows, H floats a state, n sequences that have a row at a place. */
#include "penchant/gru.h"
#include "penchant/gemm.h"

#include "../base/base.h"

/* Sequences a task of the pointwise part: about a block of floats. */
static size_t sequences_a_task(size_t H) { return pn_max(1, PN_BLOCK / (4 * H)); }

struct step {
    size_t H, n, place;
    const uint32_t *offsets, *active; /* active: [n] numbers of sequences */
    const float *x, *before, *gates, *d_y;
    float *state;  /* [n, H]: the states before, or what the product gives back */
    float *hidden; /* [n, 3H] */
    float *out, *save, *d_x, *d_hidden, *carry;
};

/* ---- memory ---------------------------------------------------------------------------------------------- */

struct memory {
    uint32_t *active;
    float *state, *hidden;            /* [n, H], [n, 3H] with n at most min(S, R) */
    float *carry, *d_hidden, *before; /* [S, H], [R, 3H], [R, H] */
    char *rest;
    size_t rest_bytes;
};

/* What the products of all places need: their rows are not known yet, and more rows may need less. */
static size_t product_bytes(pn_transpose turned, size_t most, size_t columns, size_t inner)
{
    size_t bytes = 0;
    for (size_t n = 1; n <= most; ++n)
        bytes = pn_max(bytes, pn_gemm_workspace(PN_NO_TRANS, turned, n, columns, inner));
    return bytes;
}

static bool lay_out(size_t S, size_t R, size_t H, bool gradient, char *base, struct memory *m, size_t *bytes)
{
    const size_t most = pn_min(S, R);
    size_t product;
    if (R >= UINT32_MAX || S >= UINT32_MAX || !pn_mul_size(H, 4, &product) || !pn_mul_size(product, H, &product) ||
        !pn_mul_size(product, sizeof(float), &product) || !pn_mul_size(R, 4 * sizeof(float), &product) ||
        !pn_mul_size(product, H, &product))
        return false;
    bool ok = true;
    *bytes = 0;
#define TAKE(type, name, a, b) (m->name = (type *)(base ? base + *bytes : NULL), ok = ok && pn_add_part(bytes, a, b, sizeof(type)))
    TAKE(uint32_t, active, most, 1);
    TAKE(float, state, most, H);
    TAKE(float, hidden, most, 3 * H);
    if (gradient) {
        TAKE(float, carry, S, H);
        TAKE(float, d_hidden, R, 3 * H);
        TAKE(float, before, R, H);
    }
#undef TAKE
    m->rest = base ? base + *bytes : NULL;
    return ok;
}

static size_t workspace(size_t S, size_t R, size_t H, bool gradient)
{
    struct memory m;
    size_t bytes, product;
    const size_t most = pn_min(S, R);
    if (!lay_out(S, R, H, gradient, NULL, &m, &bytes)) return SIZE_MAX;
    if (gradient)
        product = pn_max(product_bytes(PN_NO_TRANS, most, H, 3 * H),
                         pn_gemm_workspace(PN_TRANS, PN_NO_TRANS, 3 * H, H, R));
    else
        product = product_bytes(PN_TRANS, most, 3 * H, H);
    return pn_add_size(bytes, product, &bytes) ? bytes : SIZE_MAX;
}

size_t pn_gru_workspace(size_t S, size_t R, size_t H) { return workspace(S, R, H, false); }
size_t pn_gru_grad_workspace(size_t S, size_t R, size_t H) { return workspace(S, R, H, true); }

static size_t longest_of(size_t S, const uint32_t *offsets)
{
    size_t longest = 0;
    for (size_t s = 0; s < S; ++s) longest = pn_max(longest, offsets[s + 1] - offsets[s]);
    return longest;
}

/* The sequences that have a row at `place`, in order. */
static size_t list_active(size_t S, const uint32_t *offsets, size_t place, uint32_t *active)
{
    size_t n = 0;
    for (size_t s = 0; s < S; ++s)
        if (offsets[s + 1] - offsets[s] > place) active[n++] = (uint32_t)s;
    return n;
}

static pn_status each_task(struct step *step, void (*body)(void *, size_t))
{
    return pn_team_for(pn_ceil_div(step->n, sequences_a_task(step->H)), body, step);
}

#define EACH_ACTIVE(i, task, step)                                                                           \
    for (size_t i = (task) * sequences_a_task((step)->H), end_ = pn_min((step)->n, i + sequences_a_task((step)->H)); \
         i < end_; ++i)

/* ---- forward --------------------------------------------------------------------------------------------- */

PN_CLONES static void gate(size_t H, const float *restrict x, const float *restrict hidden,
                           const float *restrict before, float *restrict y, float *restrict gates)
{
    for (size_t j = 0; j < H; ++j) {
        const float r = pn_sigmoidf(x[j] + hidden[j]), z = pn_sigmoidf(x[H + j] + hidden[H + j]);
        const float n = pn_tanhf(x[2 * H + j] + r * hidden[2 * H + j]);
        y[j] = (1 - z) * n + z * before[j];
        gates[j] = r, gates[H + j] = z, gates[2 * H + j] = n, gates[3 * H + j] = hidden[2 * H + j];
    }
}

static void gather(void *context, size_t task)
{
    const struct step *s = context;
    EACH_ACTIVE(i, task, s) {
        const size_t row = s->offsets[s->active[i]] + s->place;
        if (s->place == 0)
            memset(s->state + i * s->H, 0, s->H * sizeof(float));
        else
            memcpy(s->state + i * s->H, s->out + (row - 1) * s->H, s->H * sizeof(float));
    }
}

static void forward(void *context, size_t task)
{
    const struct step *s = context;
    EACH_ACTIVE(i, task, s) {
        const size_t row = s->offsets[s->active[i]] + s->place, H = s->H;
        gate(H, s->x + row * 3 * H, s->hidden + i * 3 * H, s->state + i * H, s->out + row * H,
             s->save + row * 4 * H);
    }
}

pn_status pn_gru_f32(size_t S, size_t R, size_t H, const uint32_t *offsets, const float *x, const float *weight,
                     const float *bias, float *y, float *gates, void *workspace, size_t workspace_bytes)
{
    struct memory m;
    size_t bytes;
    if (!lay_out(S, R, H, false, workspace, &m, &bytes)) return PN_EDIM;
    if (!offsets) return PN_ENULL;
    if (!pn_ascends(S, offsets, R)) return PN_EDIM;
    if (R == 0 || H == 0) return PN_OK;
    if (!x || !weight || !bias || !y || !gates || !workspace) return PN_ENULL;
    if (workspace_bytes < bytes) return PN_EWORKSPACE;
    const pn_gemm_epilogue with_bias = { .column_bias = bias };
    const size_t longest = longest_of(S, offsets);
    for (size_t place = 0; place < longest; ++place) {
        struct step s = { .H = H, .n = list_active(S, offsets, place, m.active), .place = place, .offsets = offsets,
                          .active = m.active, .x = x, .state = m.state, .hidden = m.hidden, .out = y,
                          .save = gates };
        pn_status status = each_task(&s, gather);
        if (status == PN_OK)
            status = pn_gemm_f32(PN_NO_TRANS, PN_TRANS, s.n, 3 * H, H, 1, m.state, H, weight, H, 0, m.hidden, 3 * H,
                                 &with_bias, m.rest, workspace_bytes - bytes);
        if (status == PN_OK) status = each_task(&s, forward);
        if (status != PN_OK) return status;
    }
    return PN_OK;
}

/* ---- gradient -------------------------------------------------------------------------------------------- */

/* carry: the gradient that comes from the row behind; it leaves with what goes straight to the row before. */
PN_CLONES static void gate_grad(size_t H, const float *restrict gates, const float *restrict before,
                                const float *restrict d_y, float *restrict carry, float *restrict d_x,
                                float *restrict d_hidden)
{
    for (size_t j = 0; j < H; ++j) {
        const float r = gates[j], z = gates[H + j], n = gates[2 * H + j], part = gates[3 * H + j];
        const float d = d_y[j] + carry[j];
        const float d_new = d * (1 - z) * (1 - n * n);
        const float d_update = d * (before[j] - n) * z * (1 - z);
        const float d_reset = d_new * part * r * (1 - r);
        d_x[j] = d_reset, d_x[H + j] = d_update, d_x[2 * H + j] = d_new;
        d_hidden[j] = d_reset, d_hidden[H + j] = d_update, d_hidden[2 * H + j] = d_new * r;
        carry[j] = d * z;
    }
}

static void backward(void *context, size_t task)
{
    const struct step *s = context;
    EACH_ACTIVE(i, task, s) {
        const size_t sequence = s->active[i], row = s->offsets[sequence] + s->place, H = s->H;
        float *d_hidden = s->d_hidden + row * 3 * H;
        gate_grad(H, s->gates + row * 4 * H, s->before + row * H, s->d_y + row * H, s->carry + sequence * H,
                  s->d_x + row * 3 * H, d_hidden);
        memcpy(s->hidden + i * 3 * H, d_hidden, 3 * H * sizeof(float));
    }
}

static void give_back(void *context, size_t task)
{
    const struct step *s = context;
    EACH_ACTIVE(i, task, s) {
        float *carry = s->carry + (size_t)s->active[i] * s->H;
        for (size_t j = 0; j < s->H; ++j) carry[j] += s->state[i * s->H + j];
    }
}

static void sum_rows(size_t R, size_t columns, const float *x, float *y)
{
    for (size_t j = 0; j < columns; ++j) {
        double sum = 0;
        for (size_t row = 0; row < R; ++row) sum += (double)x[row * columns + j];
        y[j] = (float)sum;
    }
}

pn_status pn_gru_grad_f32(size_t S, size_t R, size_t H, const uint32_t *offsets, const float *weight, const float *y,
                          const float *gates, const float *d_y, float *d_x, float *d_weight, float *d_bias,
                          void *workspace, size_t workspace_bytes)
{
    struct memory m;
    size_t bytes;
    if (!lay_out(S, R, H, true, workspace, &m, &bytes)) return PN_EDIM;
    if (!offsets) return PN_ENULL;
    if (!pn_ascends(S, offsets, R)) return PN_EDIM;
    if (H == 0) return PN_OK;
    if (!d_weight || !d_bias) return PN_ENULL;
    if (R == 0) {
        memset(d_weight, 0, 3 * H * H * sizeof *d_weight);
        memset(d_bias, 0, 3 * H * sizeof *d_bias);
        return PN_OK;
    }
    if (!weight || !y || !gates || !d_y || !d_x || !workspace) return PN_ENULL;
    if (workspace_bytes < bytes) return PN_EWORKSPACE;
    const size_t rest = workspace_bytes - bytes;
    memset(m.carry, 0, S * H * sizeof *m.carry);
    for (size_t s = 0; s < S; ++s)
        for (size_t row = offsets[s]; row < offsets[s + 1]; ++row) {
            if (row == offsets[s])
                memset(m.before + row * H, 0, H * sizeof *m.before);
            else
                memcpy(m.before + row * H, y + (row - 1) * H, H * sizeof *m.before);
        }
    for (size_t place = longest_of(S, offsets); place-- > 0;) {
        struct step s = { .H = H, .n = list_active(S, offsets, place, m.active), .place = place, .offsets = offsets,
                          .active = m.active, .before = m.before, .gates = gates, .d_y = d_y, .state = m.state,
                          .hidden = m.hidden, .d_x = d_x, .d_hidden = m.d_hidden, .carry = m.carry };
        pn_status status = each_task(&s, backward);
        if (status == PN_OK)
            status = pn_gemm_f32(PN_NO_TRANS, PN_NO_TRANS, s.n, H, 3 * H, 1, m.hidden, 3 * H, weight, H, 0, m.state,
                                 H, NULL, m.rest, rest);
        if (status == PN_OK) status = each_task(&s, give_back);
        if (status != PN_OK) return status;
    }
    sum_rows(R, 3 * H, m.d_hidden, d_bias);
    return pn_gemm_f32(PN_TRANS, PN_NO_TRANS, 3 * H, H, R, 1, m.d_hidden, 3 * H, m.before, H, 0, d_weight, H, NULL,
                       m.rest, rest);
}
