/* Policy and critic: losses and gradients, advantages and draws, against their formulas in double. */
#include "../fuzz.h"

static uint32_t *some_ids(size_t rows, size_t classes)
{
    uint32_t *ids = ids_below(rows, classes);
    for (size_t r = 0; r < rows; ++r)
        if ((mixed() & 7) == 0) ids[r] = PN_POLICY_IGNORE;
    return ids;
}

static double logp_of(size_t n, const float *x, uint32_t id)
{
    double top = -INFINITY, total = 0;
    for (size_t i = 0; i < n; ++i) top = fmax(top, x[i]);
    for (size_t i = 0; i < n; ++i) total += exp(x[i] - top);
    return x[id] - top - log(total);
}

static void policy(bool wild)
{
    const size_t rows = a_size(300), classes = 1 + a_size(70);
    const pn_policy_options o = { (pn_kl_estimator)pick(4), 0.3f, 0.2f, 0.25f, flip() ? 1 : -0.5f };
    float *logits = floats(rows * classes, wild), *advantage = floats(rows, wild), *weight = maybe_weights(rows);
    float *old = maybe_floats(rows, wild), *reference = floats(rows, wild);
    uint32_t *ids = some_ids(rows, classes);
    for (size_t r = 0; !wild && r < rows; ++r) {
        if (old) old[r] = -2 + 0.01f * old[r];
        reference[r] = -2 + 0.01f * reference[r];
    }
    double loss[2] = { 0, 0 };
    float *grad[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t bytes = pn_policy_loss_workspace(rows, classes);
        void *workspace = workspace_of(bytes);
        grad[run] = run ? copy_of(logits, rows * classes) : room_for(rows * classes);
        pn_status status;
        CALL(status, pn_policy_loss_f32(rows, classes, &o, run ? grad[run] : logits, ids, advantage, old, reference,
                                        weight, &loss[run], grad[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_doubles(&loss[0], &loss[1], 1) && same_floats(grad[0], grad[1], rows * classes), "rows %zu", rows);
    if (wild) return;
    double sum = 0, size = 0;
    for (size_t r = 0; r < rows; ++r) {
        if (ids[r] == PN_POLICY_IGNORE) continue;
        const double l = logp_of(classes, logits + r * classes, ids[r]), q = l - reference[r];
        const double u = old ? exp(fmin(l - old[r], 20)) : 0, held = fmin(fmax(u, 0.8), 1.25);
        double value = old ? -fmin(advantage[r] * u, advantage[r] * held) : -advantage[r] * l;
        if (old && l - old[r] > 20) value = NAN; /* the tangent: covered by the tests */
        if (o.estimator == PN_KL_K2) value += 0.3 * q * q / 2;
        if (o.estimator == PN_KL_K3) value += 0.3 * (exp(-q) + q - 1);
        if (o.estimator == PN_KL_K3_REVERSED) value += 0.3 * (exp(q) - q - 1);
        if (fabs(q) > 20) value = NAN;
        sum += (weight ? weight[r] : 1) * value;
        size += (weight ? weight[r] : 1) * (fabs(value) + (1 + fabs(advantage[r])) * (1 + u) + exp(fmin(fabs(q), 20)));
    }
    if (!isnan(sum)) EXPECT(near(loss[0], sum, 1e-4 * (1 + size)), "%g, expected %g", loss[0], sum);
}

static void critic(bool wild)
{
    const size_t n = a_size(9000);
    float *value = floats(n, wild), *target = floats(n, wild), *old = maybe_floats(n, wild), *weight = maybe_weights(n);
    double loss[2] = { 0, 0 };
    float *grad[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t bytes = pn_value_loss_workspace(n);
        void *workspace = workspace_of(bytes);
        grad[run] = room_for(n);
        pn_status status;
        CALL(status, pn_value_loss_f32(n, 0.2f, 1, value, target, old, weight, &loss[run], grad[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_doubles(&loss[0], &loss[1], 1) && same_floats(grad[0], grad[1], n), "n %zu", n);
    if (wild) return;
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
        const double e = (double)value[i] - target[i];
        double term = e * e;
        if (old) {
            const double c = old[i] + fmin(fmax((double)value[i] - old[i], -0.2), 0.2) - target[i];
            term = fmax(term, c * c);
        }
        sum += (weight ? weight[i] : 1) * term;
    }
    EXPECT(near(loss[0], sum, 1e-5 * (1 + sum)), "%g, expected %g", loss[0], sum);
}

static void advantages(bool wild)
{
    const size_t sequences = a_size(60);
    uint32_t *offsets = ids_below(sequences + 1, 1);
    for (size_t s = 0; s < sequences; ++s) offsets[s + 1] = offsets[s] + pick(30);
    const size_t n = sequences ? offsets[sequences] : 0;
    float *reward = floats(n, wild), *value = floats(n, wild), *a[2], *g[2], *w[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        a[run] = room_for(n), g[run] = room_for(n), w[run] = room_for(n);
        pn_status status;
        CALL(status, pn_advantage_f32(sequences, n, 1, 0.95, offsets, reward, value, a[run], g[run]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        const size_t bytes = pn_whiten_workspace(n);
        void *workspace = workspace_of(bytes);
        CALL(status, pn_whiten_f32(n, 1e-8, a[run], w[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(a[0], a[1], n) && same_floats(g[0], g[1], n) && same_floats(w[0], w[1], n), "n %zu", n);
    const size_t size = 1 + a_size(40), groups = a_size(40);
    float *r = floats(groups * size, wild), *own[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        own[run] = room_for(groups * size);
        pn_status status;
        CALL(status, pn_group_advantage_f32(groups, size, PN_GROUP_DEVIATION, 1e-8, r, own[run]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(own[0], own[1], groups * size), "groups %zu of %zu", groups, size);
    for (size_t i = 0; !wild && i < groups; ++i) {
        double sum = 0, squares = 0;
        for (size_t k = 0; k < size; ++k) sum += own[0][i * size + k], squares += own[0][i * size + k] * own[0][i * size + k];
        EXPECT(near(sum, 0, 1e-4 * (double)size), "a group adds up to %g", sum);
        EXPECT(squares == 0 || near(squares, (double)size - 1, 1e-2 * (double)size), "a group has %g", squares);
    }
}

static void draws(bool wild)
{
    const size_t rows = a_size(200), classes = 1 + a_size(40);
    float *logits = floats(rows * classes, wild), *logp[2];
    uint32_t *id[2];
    pn_status status[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        id[run] = ids_below(rows, 1), logp[run] = room_for(rows);
        CALL(status[run], pn_draw_token_f32(rows, classes, 0.7f, 3, 4, 5, logits, id[run], logp[run]));
    }
    EXPECT(status[0] == status[1] && (wild || status[0] == PN_OK), "%d and %d", status[0], status[1]);
    if (status[0] != PN_OK) return;
    EXPECT(same_floats(logp[0], logp[1], rows), "rows %zu", rows);
    for (size_t r = 0; r < rows; ++r) {
        EXPECT(id[0][r] == id[1][r] && id[0][r] < classes, "row %zu drew %u", r, id[0][r]);
        if (!wild) {
            const double want = logp_of(classes, logits + r * classes, id[0][r]);
            EXPECT(near(logp[0][r], want, 1e-4 * (1 + fabs(want))), "%g, expected %g", (double)logp[0][r], want);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    switch (pick(4)) {
    case 0: policy(wild); break;
    case 1: critic(wild); break;
    case 2: advantages(wild); break;
    default: draws(wild); break;
    }
    return fuzz_end();
}
