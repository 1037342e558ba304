/* Softmax, layer norm, RMS norm, group norm and their gradients. */
#include "../fuzz.h"

static void softmax(bool wild)
{
    const size_t rows = a_size(40), columns = a_size(200), n = rows * columns;
    const bool logarithm = flip(), in_place = flip();
    float *x = floats(n, wild), *dy = floats(n, wild), *y[2], *dx[2];
    uint8_t *mask = maybe_mask(n);
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        y[run] = run && in_place ? copy_of(x, n) : room_for(n);
        dx[run] = run && in_place ? copy_of(dy, n) : room_for(n);
        const float *from = run && in_place ? y[run] : x, *upstream = run && in_place ? dx[run] : dy;
        pn_status status;
        if (logarithm) CALL(status, pn_log_softmax_f32(rows, columns, from, mask, y[run]));
        else CALL(status, pn_softmax_f32(rows, columns, from, mask, y[run]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        if (logarithm) CALL(status, pn_log_softmax_grad_f32(rows, columns, y[run], upstream, dx[run]));
        else CALL(status, pn_softmax_grad_f32(rows, columns, y[run], upstream, dx[run]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(y[0], y[1], n) && same_floats(dx[0], dx[1], n), "%zu rows of %zu", rows, columns);
    for (size_t r = 0; !wild && r < rows; ++r) {
        double top = -INFINITY, total = 0;
        for (size_t c = 0; c < columns; ++c)
            if (!mask || mask[r * columns + c]) top = fmax(top, x[r * columns + c]);
        for (size_t c = 0; c < columns; ++c)
            if (!mask || mask[r * columns + c]) total += exp(x[r * columns + c] - top);
        for (size_t c = 0; c < columns; ++c) {
            const size_t i = r * columns + c;
            const bool kept = !mask || mask[i];
            const double log_p = x[i] - top - log(total);
            const double expected = logarithm ? (kept ? log_p : -INFINITY) : (kept ? exp(log_p) : 0);
            EXPECT(near(y[0][i], expected, 1e-6 * (fabs(expected) < 1 ? 1 : fabs(expected)) + 1e-12), "[%zu, %zu] %g, expected %g",
                   r, c, y[0][i], expected);
        }
    }
}

static void norms(bool wild)
{
    const size_t rows = a_size(40), columns = 1 + a_size(200), n = rows * columns;
    const bool layer = flip();
    const float eps = flip() ? 1e-5f : 0.25f;
    float *x = floats(n, wild), *residual = maybe_floats(n, wild), *gain = maybe_floats(columns, false);
    float *shift = layer ? maybe_floats(columns, false) : NULL, *dy = floats(n, wild), *dsum = maybe_floats(n, wild);
    float *y[2], *sum[2], *mean[2], *rstd[2], *dx[2], *dgain[2], *dshift[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        y[run] = room_for(n);
        sum[run] = residual ? room_for(n) : NULL;
        mean[run] = room_for(rows);
        rstd[run] = room_for(rows);
        dx[run] = room_for(n);
        dgain[run] = room_for(columns);
        dshift[run] = room_for(columns);
        pn_status status;
        if (layer) {
            CALL(status, pn_layer_norm_f32(rows, columns, eps, x, residual, gain, shift, y[run], sum[run], mean[run], rstd[run]));
            EXPECT(status == PN_OK, "%s", pn_status_name(status));
            const size_t bytes = pn_layer_norm_grad_workspace(rows, columns);
            void *workspace = workspace_of(bytes);
            CALL(status, pn_layer_norm_grad_f32(rows, columns, residual ? sum[run] : x, gain, mean[run], rstd[run], dy, dsum,
                                                dx[run], dgain[run], dshift[run], workspace, bytes));
        } else {
            CALL(status, pn_rms_norm_f32(rows, columns, eps, x, residual, gain, y[run], sum[run], rstd[run]));
            EXPECT(status == PN_OK, "%s", pn_status_name(status));
            const size_t bytes = pn_rms_norm_grad_workspace(rows, columns);
            void *workspace = workspace_of(bytes);
            CALL(status, pn_rms_norm_grad_f32(rows, columns, residual ? sum[run] : x, gain, rstd[run], dy, dsum, dx[run],
                                              dgain[run], workspace, bytes));
        }
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(y[0], y[1], n) && same_floats(dx[0], dx[1], n), "%zu rows of %zu", rows, columns);
    EXPECT(same_floats(dgain[0], dgain[1], columns) && same_floats(rstd[0], rstd[1], rows), "%zu rows of %zu", rows, columns);
    if (layer) EXPECT(same_floats(dshift[0], dshift[1], columns) && same_floats(mean[0], mean[1], rows), "%zu rows", rows);
    for (size_t r = 0; !wild && r < rows; ++r) {
        const float *row = (residual ? sum[0] : x) + r * columns;
        double centre = 0, variance = 0;
        for (size_t c = 0; layer && c < columns; ++c) centre += row[c] / (double)columns;
        for (size_t c = 0; c < columns; ++c) variance += (row[c] - centre) * (row[c] - centre) / (double)columns;
        for (size_t c = 0; c < columns; ++c) {
            const size_t i = r * columns + c;
            const double g = gain ? gain[c] : 1, b = shift ? shift[c] : 0;
            const double expected = (row[c] - centre) / sqrt(variance + eps) * g + b;
            const double scale = (fabs(row[c]) + fabs(centre)) / sqrt(variance + eps) * fabs(g) + fabs(b);
            EXPECT(near(y[0][i], expected, 2e-6 * scale + 1e-12), "[%zu, %zu] %g, expected %g", r, c, y[0][i], expected);
        }
    }
}

static void group_norm(bool wild)
{
    const size_t each = 1 + a_size(flip() ? 4 : 80), groups = 1 + pick(9);
    const pn_group_norm_shape s = { .pictures = a_size(5), .pixels = a_size(40), .channels = each * groups, .groups = groups,
                                    .eps = flip() ? 1e-5f : 0.25f, .silu = flip() };
    const size_t n = s.pictures * s.pixels * s.channels, nfilm = s.pictures * 2 * s.channels, sums = s.pictures * groups;
    float *x = floats(n, wild), *gain = maybe_floats(s.channels, false), *shift = maybe_floats(s.channels, false);
    float *film = maybe_floats(nfilm, wild), *dy = floats(n, wild), *dsum = maybe_floats(n, wild);
    const bool in_place = flip();
    float *y[2], *mean[2], *rstd[2], *dx[2], *dgain[2], *dshift[2], *dfilm[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        y[run] = run && in_place ? copy_of(x, n) : room_for(n);
        dx[run] = run && in_place ? copy_of(dy, n) : room_for(n);
        mean[run] = room_for(sums);
        rstd[run] = room_for(sums);
        dgain[run] = room_for(s.channels);
        dshift[run] = room_for(s.channels);
        dfilm[run] = room_for(nfilm);
        pn_status status;
        CALL(status, pn_group_norm_f32(&s, run && in_place ? y[run] : x, gain, shift, film, y[run], mean[run], rstd[run]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        const size_t bytes = pn_group_norm_grad_workspace(&s);
        void *workspace = workspace_of(bytes);
        CALL(status, pn_group_norm_grad_f32(&s, x, gain, shift, film, mean[run], rstd[run], run && in_place ? dx[run] : dy, dsum,
                                            dx[run], dgain[run], dshift[run], dfilm[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(y[0], y[1], n) && same_floats(dx[0], dx[1], n), "%zu values", n);
    EXPECT(same_floats(rstd[0], rstd[1], sums) && same_floats(dfilm[0], dfilm[1], nfilm), "%zu values", n);
    EXPECT(same_floats(dgain[0], dgain[1], s.channels) && same_floats(dshift[0], dshift[1], s.channels), "%zu values", n);
    for (size_t g = 0; !wild && n && g < sums; ++g) {
        const size_t picture = g / groups, first = g % groups * each, count = s.pixels * each;
        const float *from = x + picture * s.pixels * s.channels + first;
        double centre = 0, variance = 0, largest = 0;
        for (size_t i = 0; i < count; ++i) {
            const double v = from[i / each * s.channels + i % each];
            centre += v / (double)count;
            largest = fmax(largest, fabs(v));
        }
        for (size_t i = 0; i < count; ++i) {
            const double d = from[i / each * s.channels + i % each] - centre;
            variance += d * d / (double)count;
        }
        const double inverse = 1 / sqrt(variance + s.eps);
        for (size_t i = 0; i < count; ++i) {
            const size_t c = first + i % each, at = (picture * s.pixels + i / each) * s.channels + c;
            const double unit = (x[at] - centre) * inverse, a = gain ? gain[c] : 1, b = shift ? shift[c] : 0;
            const double scale = film ? 1 + film[picture * 2 * s.channels + c] : 1;
            const double t = film ? film[(picture * 2 + 1) * s.channels + c] : 0;
            const double z = (unit * a + b) * scale + t, want = s.silu ? z * sigmoid_of(z) : z;
            const double spread = (fabs(a) * (fabs(unit) + largest * inverse) + fabs(b)) * (1 + fabs(scale)) + fabs(t);
            EXPECT(near(y[0][at], want, 2e-6 * (spread + fabs(z)) + 1e-12), "[%zu] %g, expected %g", at, y[0][at], want);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    switch (pick(3)) {
    case 0: softmax(wild); break;
    case 1: norms(wild); break;
    default: group_norm(wild); break;
    }
    return fuzz_end();
}
