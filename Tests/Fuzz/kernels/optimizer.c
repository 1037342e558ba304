/* Optimisers, norm and moving average. */
#include "../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip(), adam = flip();
    const size_t n = flip() ? a_size(300) : a_size(9000);
    float *gradient = floats(n, wild), *parameter = floats(n, false), *first = floats(n, false), *second = floats(n, false);
    for (size_t i = 0; i < n; ++i) second[i] = fabsf(second[i]);
    const bool averaged = adam && flip();
    float *average = averaged ? floats(n, false) : NULL;
    pn_parameter_range range[8];
    size_t ranges = pick(4), at = 0;
    const bool whole = flip();
    if (whole) ranges = 0;
    for (size_t r = 0; r < ranges; ++r) {
        range[r].first = at + pick(n - at + 1);
        range[r].count = pick(n - range[r].first + 1);
        range[r].rate = (float)pick(3) * 0.5f;
        range[r].decay = (float)pick(3) * 0.125f;
        at = range[r].first + range[r].count;
    }
    const pn_adam a = { .rate = 0.0625, .beta1 = 0.875, .beta2 = 0.96875, .epsilon = 1e-8, .decay = pick(2) * 0.125,
                        .step = 1 + pick(5), .decoupled = flip() };
    pn_sgd s = { .rate = 0.0625, .momentum = pick(2) * 0.875, .dampening = pick(2) * 0.25, .decay = pick(2) * 0.125,
                       .step = 1 + pick(3) };
    s.nesterov = s.momentum != 0 && s.dampening == 0 && flip();

    float *p[2], *m[2], *v[2], *e[2];
    size_t bad[2];
    double norm[2];
    pn_status status[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        p[run] = copy_of(parameter, n);
        m[run] = copy_of(first, n);
        v[run] = copy_of(second, n);
        e[run] = copy_of(average, n);
        if (adam)
            CALL(status[run], pn_adam_f32(n, &a, 0.5, 0.75, ranges, whole ? NULL : range, gradient, p[run], m[run], v[run],
                                          e[run], &bad[run]));
        else
            CALL(status[run], pn_sgd_f32(n, &s, 0.5, ranges, whole ? NULL : range, gradient, p[run], m[run], &bad[run]));
        EXPECT(status[run] == PN_OK || status[run] == PN_ENONFINITE, "%s", pn_status_name(status[run]));
        EXPECT(wild || status[run] == PN_OK, "%s without a bad number", pn_status_name(status[run]));
        size_t lowest;
        pn_status found;
        CALL(found, pn_gradient_norm_f32(n, gradient, &norm[run], &lowest));
        size_t expected = SIZE_MAX;
        for (size_t i = n; i > 0; --i)
            if (!isfinite(gradient[i - 1])) expected = i - 1;
        EXPECT(lowest == expected && found == (expected == SIZE_MAX ? PN_OK : PN_ENONFINITE), "%zu, expected %zu", lowest,
               expected);
    }
    EXPECT(status[0] == status[1] && bad[0] == bad[1] && same_doubles(&norm[0], &norm[1], 1), "n %zu", n);
    EXPECT(same_floats(p[0], p[1], n) && same_floats(m[0], m[1], n) && same_floats(v[0], v[1], n), "n %zu", n);
    if (averaged) EXPECT(same_floats(e[0], e[1], n), "n %zu", n);
    for (size_t i = 0; i < n; ++i) EXPECT(isfinite(p[0][i]) || wild, "parameter %zu became %g", i, p[0][i]);
    if (wild || !whole) return fuzz_end();
    for (size_t i = 0; i < n; ++i) {
        double g = 0.5 * gradient[i], expected = parameter[i];
        if (adam) {
            if (a.decoupled) expected -= a.rate * a.decay * expected;
            else g += a.decay * parameter[i];
            const double m1 = first[i] + (1 - a.beta1) * (g - first[i]), v1 = a.beta2 * second[i] + (1 - a.beta2) * g * g;
            expected -= a.rate / (1 - pow(a.beta1, (double)a.step)) * m1 /
                        (sqrt(v1 / (1 - pow(a.beta2, (double)a.step))) + a.epsilon);
            /* Next to v = 0 the quotient m / sqrt(v) is as steep as epsilon is small. */
            if (v1 < 1e-10) continue;
        } else {
            g += s.decay * parameter[i];
            const double b = s.momentum == 0 || s.step == 1 ? g : s.momentum * first[i] + (1 - s.dampening) * g;
            expected -= s.rate * (s.nesterov ? g + s.momentum * b : b);
        }
        EXPECT(near(p[0][i], expected, 1e-5 * (1 + fabs(expected) + fabs(g) + fabs(first[i]))), "[%zu] %g, expected %g", i,
               p[0][i], expected);
    }
    return fuzz_end();
}
