/* Moves between noise levels, implied noise, losses over pairs of latents. */
#include "../fuzz.h"

static double *levels(size_t n, bool wild)
{
    double *x = doubles_for(n);
    for (size_t i = 0; i < n; ++i) x[i] = wild && (mixed() & 15) == 0 ? (double)special_float() : 0.01 + 0.98 * (double)(mixed() % 1000) / 1000;
    return x;
}

static bool all_inside(const double *x, size_t n, bool with_one)
{
    for (size_t i = 0; i < n; ++i)
        if (!(x[i] > 0 && (x[i] < 1 || (with_one && x[i] == 1)))) return false;
    return true;
}

static void moves(bool wild)
{
    const size_t rows = a_size(20), cols = a_size(600), n = rows * cols;
    float *x = floats(n, wild), *eps = floats(n, wild);
    double *from = levels(rows, wild), *to = levels(rows, wild);
    const bool valid = n == 0 || (all_inside(from, rows, true) && all_inside(to, rows, true));
    float *out[2];
    pn_status status[2];
    const bool in_place = flip();
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        float *from_x = run && in_place ? copy_of(x, n) : x;
        out[run] = run && in_place ? from_x : room_for(n);
        CALL(status[run], pn_ddim_invert_f32(rows, cols, from, to, from_x, eps, out[run]));
    }
    EXPECT(status[0] == status[1], "%d and %d", status[0], status[1]);
    if (n) EXPECT((status[0] == PN_OK) == valid, "%s", pn_status_name(status[0]));
    if (status[0] != PN_OK) return;
    EXPECT(same_floats(out[0], out[1], n), "rows %zu cols %zu", rows, cols);
    for (size_t i = 0; !wild && i < n; ++i) {
        const double a = from[i / cols], b = to[i / cols];
        const double expected = sqrt(b) * ((x[i] - sqrt(1 - a) * eps[i]) / sqrt(a)) + sqrt(1 - b) * eps[i];
        const double scale = sqrt(b / a) * (fabs(x[i]) + fabs(eps[i])) + fabs(eps[i]);
        EXPECT(near(out[0][i], expected, 1e-6 * scale + 1e-30), "%g, expected %g", out[0][i], expected);
    }

    /* The noise that explains x at a level, put back, gives x. */
    float *noise = room_for(n), *x0 = floats(n, false);
    double *level = levels(rows, false);
    pn_status done;
    CALL(done, pn_implied_noise_f32(rows, cols, level, x, x0, noise));
    EXPECT(done == PN_OK, "%s", pn_status_name(done));
    for (size_t i = 0; !wild && i < n; ++i) {
        const double a = level[i / cols], back = sqrt(a) * x0[i] + sqrt(1 - a) * noise[i];
        EXPECT(near(back, x[i], 1e-5 * (1 + fabs(x[i]) + fabs(x0[i]))), "%g, expected %g", back, (double)x[i]);
    }
}

static void losses(bool wild)
{
    const size_t pairs = a_size(12), cols = 1 + a_size(400), n = 2 * pairs * cols;
    const float beta = ldexpf(1, (int)pick(6) - 3);
    float *eps = floats(n, wild), *reference = floats(n, wild), *x = floats(n, wild), *x0 = floats(n, wild);
    float *weight = maybe_weights(pairs);
    double *level = levels(pairs, false);
    const bool implied = flip(), in_place = flip();
    const size_t bytes = pn_diffusion_loss_workspace(pairs);
    float *loss[2], *h[2], *error[2], *grad[2];
    double mean[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        float *mine = run && in_place ? copy_of(eps, n) : eps;
        loss[run] = room_for(pairs);
        h[run] = room_for(pairs);
        error[run] = room_for(4 * pairs);
        grad[run] = run && in_place ? mine : room_for(n);
        pn_status status;
        if (implied)
            CALL(status, pn_inpo_loss_f32(pairs, cols, beta, 1, level, mine, reference, x, x0, weight, loss[run], h[run],
                                          error[run], grad[run], &mean[run], workspace, bytes));
        else
            CALL(status, pn_diffusion_loss_f32(pairs, cols, beta, 1, mine, reference, x, weight, loss[run], h[run],
                                               error[run], grad[run], &mean[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(loss[0], loss[1], pairs) && same_floats(h[0], h[1], pairs), "pairs %zu cols %zu", pairs, cols);
    EXPECT(same_floats(error[0], error[1], 4 * pairs) && same_floats(grad[0], grad[1], n), "pairs %zu cols %zu", pairs, cols);
    for (size_t p = 0; !wild && p < pairs; ++p) {
        double sum[4] = { 0, 0, 0, 0 };
        for (size_t side = 0; side < 2; ++side)
            for (size_t c = 0; c < cols; ++c) {
                const size_t i = (side * pairs + p) * cols + c;
                const double tau = implied ? (x[i] - sqrt(level[p]) * x0[i]) / sqrt(1 - level[p]) : x[i];
                sum[side] += (eps[i] - tau) * (eps[i] - tau) / (double)cols;
                sum[2 + side] += (reference[i] - tau) * (reference[i] - tau) / (double)cols;
            }
        const double expected = -(beta / 2.0) * ((sum[0] - sum[1]) - (sum[2] - sum[3]));
        const double scale = beta * (sum[0] + sum[1] + sum[2] + sum[3]);
        EXPECT(near(h[0][p], expected, 1e-5 * scale + 1e-9), "h %g, expected %g", h[0][p], expected);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    if (flip()) moves(wild);
    else losses(wild);
    return fuzz_end();
}
