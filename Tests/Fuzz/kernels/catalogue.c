/* Cross-entropy over a catalogue, whole and sampled. */
#include "../fuzz.h"

static void whole(bool wild)
{
    const size_t n = a_size(40), V = 1 + a_size(700), d = a_size(40);
    float *hidden = floats(n * d, wild), *items = floats(V * d, wild), *bias = maybe_floats(V, wild);
    float *weights = maybe_weights(n);
    uint32_t *targets = ids_below(n, V);
    for (size_t i = 0; i < n; ++i)
        if ((mixed() & 7) == 0) targets[i] = PN_CATALOGUE_IGNORE;
    const bool broken = n && pick(8) == 0;
    if (broken) targets[mixed() % n] = (uint32_t)V;
    const size_t bytes = pn_catalogue_loss_workspace(n, V, d);
    float *loss[2], *d_hidden[2], *d_items[2], *d_bias[2];
    double mean[2] = { 0, 0 };
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t now = pn_catalogue_loss_workspace(n, V, d);
        void *workspace = workspace_of(now > bytes ? now : bytes);
        loss[run] = room_for(n);
        d_hidden[run] = room_for(n * d);
        d_items[run] = room_for(V * d);
        d_bias[run] = bias ? room_for(V) : NULL;
        pn_status status;
        CALL(status, pn_catalogue_loss_f32(n, V, d, 1, false, hidden, items, bias, targets, weights, loss[run], &mean[run],
                                           d_hidden[run], d_items[run], d_bias[run], workspace, now > bytes ? now : bytes));
        EXPECT(status == (broken ? PN_EINDEX : PN_OK), "%s", pn_status_name(status));
    }
    if (broken) return;
    EXPECT(same_floats(loss[0], loss[1], n) && same_floats(d_hidden[0], d_hidden[1], n * d), "n %zu V %zu", n, V);
    EXPECT(same_floats(d_items[0], d_items[1], V * d) && same_doubles(&mean[0], &mean[1], 1), "n %zu V %zu", n, V);
    if (wild) return;
    for (size_t i = 0; i < n; ++i) {
        if (targets[i] == PN_CATALOGUE_IGNORE) {
            EXPECT(loss[0][i] == 0, "an ignored row has loss %g", loss[0][i]);
            continue;
        }
        if (weights && weights[i] == 0) continue; /* counts as ignored */
        double top = -INFINITY, total = 0, target = 0, scale = 0;
        double *logit = doubles_for(V);
        for (size_t v = 0; v < V; ++v) {
            logit[v] = bias ? bias[v] : 0;
            for (size_t c = 0; c < d; ++c) logit[v] += (double)hidden[i * d + c] * items[v * d + c];
            top = fmax(top, logit[v]);
            scale = fmax(scale, fabs(logit[v]));
        }
        for (size_t v = 0; v < V; ++v) total += exp(logit[v] - top);
        target = logit[targets[i]];
        const double expected = log(total) + top - target;
        EXPECT(near(loss[0][i], expected, 2e-5 * (1 + scale)), "row %zu: %g, expected %g", i, loss[0][i], expected);
    }
}

static void sampled(bool wild)
{
    const size_t n = a_size(30), V = 1 + a_size(60), d = a_size(30), c = a_size(40);
    float *hidden = floats(n * d, wild), *items = floats(V * d, wild), *weights = maybe_weights(n);
    uint32_t *targets = ids_below(n, V), *candidates = ids_below(c, V);
    float *target_q = maybe_floats(n, false), *candidate_q = maybe_floats(c, false);
    const bool broken = c && n && pick(8) == 0;
    if (broken) candidates[mixed() % c] = (uint32_t)V + pick(2);
    float *loss[2], *d_hidden[2], *d_candidates[2], *d_targets[2];
    double mean[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t bytes = pn_catalogue_sampled_loss_workspace(n, c, d);
        void *workspace = workspace_of(bytes);
        loss[run] = room_for(n);
        d_hidden[run] = room_for(n * d);
        d_candidates[run] = room_for(c * d);
        d_targets[run] = room_for(n * d);
        pn_status status;
        CALL(status, pn_catalogue_sampled_loss_f32(n, V, d, c, 1, hidden, items, targets, target_q, candidates, candidate_q,
                                                   weights, loss[run], &mean[run], d_hidden[run], d_candidates[run],
                                                   d_targets[run], workspace, bytes));
        EXPECT(status == (broken ? PN_EINDEX : PN_OK), "%s", pn_status_name(status));
    }
    if (broken) return;
    EXPECT(same_floats(loss[0], loss[1], n) && same_floats(d_hidden[0], d_hidden[1], n * d), "n %zu c %zu", n, c);
    EXPECT(same_floats(d_candidates[0], d_candidates[1], c * d) && same_floats(d_targets[0], d_targets[1], n * d), "n %zu", n);
    for (size_t i = 0; !wild && c == 0 && i < n; ++i)
        EXPECT(near(loss[0][i], 0, 1e-5), "without candidates the loss is %g", loss[0][i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    if (flip()) whole(wild);
    else sampled(wild);
    return fuzz_end();
}
