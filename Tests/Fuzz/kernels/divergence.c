/* Divergence of states over a catalogue: value and gradient against every pair in double, same bits for any team. */
#include "../fuzz.h"

static void log_softmax(size_t V, size_t d, const float *hidden, const float *items, const float *bias, double *to)
{
    double top = -INFINITY, total = 0;
    for (size_t v = 0; v < V; ++v) {
        to[v] = bias ? bias[v] : 0;
        for (size_t c = 0; c < d; ++c) to[v] += (double)hidden[c] * items[v * d + c];
        top = fmax(top, to[v]);
    }
    for (size_t v = 0; v < V; ++v) total += exp(to[v] - top);
    for (size_t v = 0; v < V; ++v) to[v] -= top + log(total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    const size_t T = 1 + pick(5), n = a_size(9), V = 1 + a_size(60), d = a_size(20);
    float *hidden = floats(T * n * d, wild), *items = floats(V * d, wild), *bias = maybe_floats(V, wild);
    uint32_t *targets = ids_below(n, V);
    size_t rows = 0;
    for (size_t i = 0; i < n; ++i) {
        if ((mixed() & 3) == 0) targets[i] = PN_CATALOGUE_IGNORE;
        rows += targets[i] != PN_CATALOGUE_IGNORE;
    }
    float *d_hidden[2], *d_items[2];
    double mean[2] = { 0, 0 };
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t bytes = pn_catalogue_divergence_workspace(T, n, V, d);
        void *workspace = workspace_of(bytes);
        d_hidden[run] = room_for(T * n * d), d_items[run] = room_for(V * d);
        pn_status status;
        CALL(status, pn_catalogue_divergence_f32(T, n, V, d, 1, hidden, items, bias, targets, &mean[run], d_hidden[run],
                                                 d_items[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_doubles(&mean[0], &mean[1], 1) && same_floats(d_hidden[0], d_hidden[1], T * n * d), "n %zu", n);
    EXPECT(same_floats(d_items[0], d_items[1], V * d), "V %zu", V);
    if (wild || T < 2 || rows == 0) return fuzz_end();

    double *logs = doubles_for(T * V), value = 0, largest = 0;
    const double pairs = (double)(T * (T - 1) * rows);
    for (size_t i = 0; i < n; ++i) {
        if (targets[i] == PN_CATALOGUE_IGNORE) continue;
        for (size_t t = 0; t < T; ++t) log_softmax(V, d, hidden + (t * n + i) * d, items, bias, logs + t * V);
        for (size_t t = 0; t < T; ++t)
            for (size_t c = 0; c < d; ++c) {
                double slope = 0, scale = 0;
                for (size_t u = 0; u < T; ++u) {
                    double apart = 0;
                    for (size_t v = 0; v < V; ++v) apart += exp(logs[t * V + v]) * (logs[t * V + v] - logs[u * V + v]);
                    if (c == 0) value += apart / pairs;
                    for (size_t v = 0; v < V; ++v) {
                        const double ratio = logs[t * V + v] - logs[u * V + v];
                        slope += exp(logs[t * V + v]) * (ratio - apart) * items[v * d + c] / pairs;
                        scale += exp(logs[t * V + v]) * (1 + fabs(ratio) + fabs(logs[t * V + v])) * fabs(items[v * d + c]) / pairs;
                    }
                }
                largest = fmax(largest, scale);
                const float got = d_hidden[0][(t * n + i) * d + c];
                EXPECT(near(got, slope, 1e-4 * (1 + scale)), "row %zu: %g, expected %g", i, got, slope);
            }
    }
    if (d > 0) EXPECT(near(mean[0], value, 1e-4 * (1 + fabs(value))), "%g, expected %g", mean[0], value);
    return fuzz_end();
}
