/* Moves between noise levels: coefficients in double, rows in float. */
#include "base.h"
#include "penchant/diffusion.h"

static bool is_level(double level) { return level > 0.0 && level <= 1.0; }

pn_status pn_ddim_level(double from, double to, double eta, pn_ddim_coefficients *coefficients)
{
    if (!coefficients) return PN_ENULL;
    if (!is_level(from) || !is_level(to) || !(eta >= 0.0 && eta <= 1.0)) return PN_EVALUE;
    double variance = 0.0;
    if (eta > 0.0 && to > from)
        variance = eta * eta * (1.0 - to) / (1.0 - from) * ((to - from) / to);
    const double x = sqrt(to / from);
    /* sqrt(A) - sqrt(B) with A = 1 - to - sigma^2 and B = (to/from)(1 - from), as (A - B)/(sqrt(A) + sqrt(B)):
     * A - B = 1 - to/from - sigma^2, and 1 - to/from = (from - to)/from is exact to rounding. */
    const double a = fmax(0.0, 1.0 - to - variance), b = to / from * (1.0 - from);
    const double roots = sqrt(a) + sqrt(b);
    const double eps = roots > 0.0 ? ((from - to) / from - variance) / roots : 0.0;
    *coefficients = (pn_ddim_coefficients){ x, eps, sqrt(variance) };
    return PN_OK;
}

/* Elements a block: small rows share one, so that a wake-up of the team is worth it. */
enum { BLOCK = 16384 };

struct move {
    size_t rows, cols, piece, rows_a_block, pieces; /* a block is rows_a_block whole rows or one piece of a row */
    float guidance;
    const float *c_x, *c_eps, *c_z;
    const double *from, *to; /* levels instead of coefficients */
    const float *x, *eps, *free, *z;
    float *out;
};

/* Aliases are whole arrays, so a vector is read before its place is written. */
#define EACH _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < n; ++i)

PN_INLINE void move_span(const struct move *p, size_t row, size_t at, size_t n)
{
    float a, b, c = 0.0f;
    if (p->from) {
        pn_ddim_coefficients exact;
        (void)pn_ddim_level(p->from[row], p->to[row], 0.0, &exact); /* checked by the caller */
        a = (float)exact.x;
        b = (float)exact.eps;
    } else {
        a = p->c_x[row];
        b = p->c_eps[row];
        if (p->c_z) c = p->c_z[row];
    }
    const float *x = p->x + at, *eps = p->eps + at, *z = p->z ? p->z + at : NULL;
    float *out = p->out + at;
    if (p->free) {
        const float *free = p->free + at, w = p->guidance;
        if (z)
            EACH out[i] = a * x[i] + b * (free[i] + w * (eps[i] - free[i])) + c * z[i];
        else
            EACH out[i] = a * x[i] + b * (free[i] + w * (eps[i] - free[i]));
    } else if (z) {
        EACH out[i] = a * x[i] + b * eps[i] + c * z[i];
    } else {
        EACH out[i] = a * x[i] + b * eps[i];
    }
}

PN_CLONES static void run(const struct move *p, size_t block)
{
    if (p->pieces > 1) {
        const size_t row = block / p->pieces, first = block % p->pieces * p->piece;
        move_span(p, row, row * p->cols + first, pn_min(p->piece, p->cols - first));
        return;
    }
    const size_t first = block * p->rows_a_block, end = pn_min(first + p->rows_a_block, p->rows);
    for (size_t row = first; row < end; ++row) move_span(p, row, row * p->cols, p->cols);
}

static void block(void *context, size_t b) { run(context, b); }

static pn_status start(struct move *p)
{
    p->piece = BLOCK;
    p->pieces = pn_ceil_div(p->cols, BLOCK);
    p->rows_a_block = pn_max(1, BLOCK / p->cols);
    const size_t blocks = p->pieces > 1 ? p->rows * p->pieces : pn_ceil_div(p->rows, p->rows_a_block);
    return pn_team_for(blocks, block, p);
}

static pn_status shape(size_t rows, size_t cols, bool *empty)
{
    size_t elements;
    *empty = rows == 0 || cols == 0;
    return pn_mul_size(rows, cols, &elements) ? PN_OK : PN_EDIM;
}

pn_status pn_ddim_move_f32(size_t rows, size_t cols, const float *c_x, const float *c_eps, const float *c_z,
                           const float *x, const float *eps, const float *z, float *out)
{
    bool empty;
    const pn_status status = shape(rows, cols, &empty);
    if (status != PN_OK || empty) return status;
    if (!c_x || !c_eps || !x || !eps || !out || !c_z != !z) return PN_ENULL;
    struct move p = { .rows = rows, .cols = cols, .c_x = c_x, .c_eps = c_eps, .c_z = c_z, .x = x, .eps = eps,
                      .z = z, .out = out };
    return start(&p);
}

pn_status pn_ddim_move_guided_f32(size_t rows, size_t cols, float guidance, const float *c_x, const float *c_eps,
                                  const float *c_z, const float *x, const float *eps_given, const float *eps_free,
                                  const float *z, float *out)
{
    bool empty;
    const pn_status status = shape(rows, cols, &empty);
    if (status != PN_OK || empty) return status;
    if (!c_x || !c_eps || !x || !eps_given || !eps_free || !out || !c_z != !z) return PN_ENULL;
    struct move p = { .rows = rows, .cols = cols, .guidance = guidance, .c_x = c_x, .c_eps = c_eps, .c_z = c_z,
                      .x = x, .eps = eps_given, .free = eps_free, .z = z, .out = out };
    return start(&p);
}

pn_status pn_ddim_invert_f32(size_t rows, size_t cols, const double *from, const double *to, const float *x,
                             const float *eps, float *out)
{
    bool empty;
    const pn_status status = shape(rows, cols, &empty);
    if (status != PN_OK || empty) return status;
    if (!from || !to || !x || !eps || !out) return PN_ENULL;
    for (size_t r = 0; r < rows; ++r)
        if (!is_level(from[r]) || !is_level(to[r])) return PN_EVALUE;
    struct move p = { .rows = rows, .cols = cols, .from = from, .to = to, .x = x, .eps = eps, .out = out };
    return start(&p);
}

struct implied {
    size_t rows, cols, rows_a_block;
    const double *level;
    const float *x, *x0;
    float *out;
};

PN_CLONES static void run_implied(const struct implied *p, size_t first, size_t end)
{
    const size_t n = p->cols;
    for (size_t row = first; row < end; ++row) {
        const double signal = sqrt(p->level[row]), noise = sqrt(1.0 - p->level[row]);
        const float a = (float)(1.0 / noise), b = (float)(signal / noise);
        const float *x = p->x + row * n, *x0 = p->x0 + row * n;
        float *out = p->out + row * n;
        EACH out[i] = a * x[i] - b * x0[i];
    }
}

static void implied_block(void *context, size_t b)
{
    const struct implied *p = context;
    const size_t first = b * p->rows_a_block;
    run_implied(p, first, pn_min(first + p->rows_a_block, p->rows));
}

pn_status pn_implied_noise_f32(size_t rows, size_t cols, const double *level, const float *x, const float *x0,
                               float *out)
{
    bool empty;
    const pn_status status = shape(rows, cols, &empty);
    if (status != PN_OK || empty) return status;
    if (!level || !x || !x0 || !out) return PN_ENULL;
    for (size_t r = 0; r < rows; ++r)
        if (!(level[r] > 0.0 && level[r] < 1.0)) return PN_EVALUE;
    struct implied p = { rows, cols, pn_max(1, BLOCK / cols), level, x, x0, out };
    return pn_team_for(pn_ceil_div(rows, p.rows_a_block), implied_block, &p);
}
