/* EM: label noise, mixtures, Gaussian mixtures, prototypes. */
#include "../fuzz.h"

static void noise(bool wild)
{
    const size_t n = flip() ? a_size(300) : a_size(9000), annotators = 1 + a_size(40);
    float *logit = floats(n, wild), *reliability = floats(annotators, wild), *weight = maybe_weights(n);
    for (size_t a = 0; a < annotators; ++a)
        if (isnan(reliability[a])) reliability[a] = 0; /* refused */
    uint32_t *annotator = flip() ? ids_below(n, annotators) : NULL;
    const bool broken = annotator && n && pick(8) == 0;
    if (broken) annotator[mixed() % n] = (uint32_t)annotators + pick(3);
    const size_t bytes = pn_em_noise_workspace(n, annotators);
    float *out[2][3];
    double *sums[2][2], mean[2];
    pn_status status[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        for (int k = 0; k < 3; ++k) out[run][k] = room_for(n);
        for (int k = 0; k < 2; ++k) sums[run][k] = doubles_for(annotators);
        CALL(status[run], pn_em_noise_f32(n, annotators, 1, logit, annotator, reliability, weight, out[run][0], out[run][1],
                                          out[run][2], sums[run][0], sums[run][1], &mean[run], workspace, bytes));
    }
    EXPECT(status[0] == (broken ? PN_EINDEX : PN_OK) && status[1] == status[0], "%s", pn_status_name(status[0]));
    if (broken) return;
    for (int k = 0; k < 3; ++k) EXPECT(same_floats(out[0][k], out[1][k], n), "output %d, n %zu", k, n);
    for (int k = 0; k < 2; ++k) EXPECT(same_doubles(sums[0][k], sums[1][k], annotators), "sum %d, n %zu", k, n);
    if (wild) return;
    double *sum = doubles_for(annotators);
    for (size_t a = 0; a < annotators; ++a) sum[a] = 0;
    for (size_t i = 0; i < n; ++i) {
        const size_t who = annotator ? annotator[i] : 0;
        const double u = logit[i], a = fmin(fmax(reliability[who], -80), 80), w = weight ? weight[i] : 1;
        const double posterior = sigmoid_of(u + a);
        EXPECT(near(out[0][0][i], posterior, 1e-5), "posterior %g, expected %g", out[0][0][i], posterior);
        const double gradient = w * (sigmoid_of(u) - posterior);
        EXPECT(near(out[0][1][i], gradient, 1e-5 * (1 + w)), "gradient %g, expected %g", out[0][1][i], gradient);
        sum[who] += w * posterior;
    }
    for (size_t a = 0; a < annotators; ++a)
        EXPECT(near(sums[0][0][a], sum[a], 1e-4 * (1 + (double)n)), "sum %g, expected %g", sums[0][0][a], sum[a]);
}

static void noise_in_double(bool wild)
{
    const size_t n = flip() ? a_size(300) : a_size(9000), annotators = 1 + a_size(40);
    const float *narrow = floats(n, wild), *odds = floats(annotators, wild), *weights = maybe_weights(n);
    double *logit = doubles_for(n), *reliability = doubles_for(annotators), *weight = weights ? doubles_for(n) : NULL;
    for (size_t i = 0; i < n; ++i) logit[i] = narrow[i];
    for (size_t i = 0; weight && i < n; ++i) weight[i] = weights[i];
    for (size_t a = 0; a < annotators; ++a) reliability[a] = isnan(odds[a]) ? 0 : odds[a]; /* NaN is refused */
    uint32_t *annotator = flip() ? ids_below(n, annotators) : NULL;
    const bool broken = annotator && n && pick(8) == 0;
    if (broken) annotator[mixed() % n] = (uint32_t)annotators + pick(3);
    const size_t bytes = pn_em_noise_f64_workspace(n, annotators);
    double *out[2][2], *sums[2][3], total[2];
    pn_status status[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        for (int k = 0; k < 2; ++k) out[run][k] = doubles_for(n);
        for (int k = 0; k < 3; ++k) sums[run][k] = doubles_for(annotators);
        CALL(status[run], pn_em_noise_f64(n, annotators, logit, annotator, reliability, weight, out[run][0], out[run][1],
                                          sums[run][0], sums[run][1], sums[run][2], &total[run], workspace, bytes));
    }
    EXPECT(status[0] == (broken ? PN_EINDEX : PN_OK) && status[1] == status[0], "%s", pn_status_name(status[0]));
    if (broken) return;
    for (int k = 0; k < 2; ++k) EXPECT(same_doubles(out[0][k], out[1][k], n), "output %d, n %zu", k, n);
    for (int k = 0; k < 3; ++k) EXPECT(same_doubles(sums[0][k], sums[1][k], annotators), "sum %d, n %zu", k, n);
    EXPECT(same_doubles(&total[0], &total[1], 1), "%g and %g", total[0], total[1]);
    if (wild) return;
    double expected = 0;
    for (size_t i = 0; i < n; ++i) {
        const double u = logit[i], a = fmin(fmax(reliability[annotator ? annotator[i] : 0], -20), 20);
        const double w = weight ? weight[i] : 1, posterior = sigmoid_of(u + a);
        EXPECT(near(out[0][0][i], posterior, 1e-13), "posterior %g, expected %g", out[0][0][i], posterior);
        EXPECT(near(out[0][1][i], w * (sigmoid_of(u) - posterior), 1e-13 * (1 + w)), "gradient %g", out[0][1][i]);
        expected += w * (softplus_of(u) - softplus_of(u + a) + softplus_of(a));
    }
    EXPECT(near(total[0], expected, 1e-9 * (1 + fabs(expected))), "loss %g, expected %g", total[0], expected);
}

static void mixture(bool wild)
{
    const size_t n = flip() ? a_size(200) : a_size(3000), components = 1 + a_size(20);
    const pn_em_input input = flip() ? PN_EM_MARGIN : PN_EM_LOG_LIKELIHOOD;
    float *x = floats(n * components, wild), *log_weight = floats(components, false), *weight = maybe_weights(n);
    if (pick(4) == 0) log_weight[pick(components)] = -INFINITY;
    const bool all_closed = n && components == 1 && log_weight[0] == -INFINITY, in_place = flip();
    const size_t bytes = pn_em_mixture_workspace(n, components);
    float *r[2];
    double *fresh[2], mean[2];
    pn_status status[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        fresh[run] = doubles_for(components);
        r[run] = run && in_place ? copy_of(x, n * components) : room_for(n * components);
        CALL(status[run], pn_em_mixture_f32(n, components, input, run && in_place ? r[run] : x, log_weight, weight, r[run],
                                            fresh[run], &mean[run], workspace, bytes));
    }
    EXPECT(status[0] == status[1] && status[0] == (all_closed ? PN_EVALUE : PN_OK), "%s", pn_status_name(status[0]));
    if (all_closed) return;
    EXPECT(same_floats(r[0], r[1], n * components), "n %zu, K %zu", n, components);
    EXPECT(same_doubles(fresh[0], fresh[1], components), "n %zu, K %zu", n, components);
    if (wild) return;
    for (size_t i = 0; i < n; ++i) {
        double total = 0, top = -INFINITY, l[32];
        for (size_t k = 0; k < components; ++k) {
            const double v = x[i * components + k];
            l[k] = log_weight[k] + (input == PN_EM_MARGIN ? -softplus_of(-v) : v);
            top = fmax(top, l[k]);
        }
        for (size_t k = 0; k < components; ++k) total += exp(l[k] - top);
        for (size_t k = 0; k < components; ++k) {
            const double expected = exp(l[k] - top) / total;
            EXPECT(near(r[0][i * components + k], expected, 1e-5), "%g, expected %g", r[0][i * components + k], expected);
        }
    }
}

static void gaussian(bool wild)
{
    const size_t n = a_size(300), d = 1 + a_size(20), components = 1 + a_size(8);
    const pn_em_covariance covariance = flip() ? PN_EM_DIAGONAL : PN_EM_SPHERICAL;
    const size_t variances = covariance == PN_EM_DIAGONAL ? components * d : components;
    float *x = floats(n * d, wild), *centre = floats(components * d, false);
    double *share = doubles_for(components);
    for (size_t k = 0; k < components; ++k) share[k] = (1 + (double)(mixed() % 7)) / 8;
    float *variance = floats(variances, false);
    for (size_t i = 0; i < variances; ++i) variance[i] = fabsf(variance[i]) + 0.25f;
    const size_t bytes = pn_em_gaussian_workspace(n, d, components);
    float *r[2], *loglik[2], *mean[2], *spread[2];
    double average[2], *weight[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        r[run] = room_for(n * components);
        loglik[run] = room_for(n);
        mean[run] = copy_of(centre, components * d);
        spread[run] = copy_of(variance, variances);
        weight[run] = doubles_for(components);
        pn_status status;
        CALL(status, pn_em_gaussian_e_f32(n, d, components, covariance, x, share, centre, variance, r[run], loglik[run],
                                          &average[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        CALL(status, pn_em_gaussian_m_f32(n, d, components, covariance, 1e-3f, x, r[run], weight[run], mean[run],
                                          spread[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(r[0], r[1], n * components) && same_floats(loglik[0], loglik[1], n), "n %zu d %zu", n, d);
    EXPECT(same_floats(mean[0], mean[1], components * d) && same_floats(spread[0], spread[1], variances), "n %zu", n);
    for (size_t i = 0; !wild && i < n; ++i) {
        double sum = 0;
        for (size_t k = 0; k < components; ++k) sum += r[0][i * components + k];
        EXPECT(near(sum, 1, 1e-5), "responsibilities add up to %g", sum);
    }
    for (size_t i = 0; !wild && i < variances; ++i) EXPECT(spread[0][i] >= 1e-3f, "variance %g", spread[0][i]);
}

static void prototypes(bool wild)
{
    const size_t users = a_size(40), components = 1 + a_size(10);
    size_t *offsets = block_of((users + 1) * sizeof *offsets, sizeof *offsets);
    offsets[0] = 0;
    for (size_t u = 0; u < users; ++u) offsets[u + 1] = offsets[u] + a_size(30);
    const size_t rows = offsets[users];
    float *margin = floats(rows * components, wild), *log_weight = floats(components, false);
    const size_t bytes = pn_em_prototype_workspace(users, components);
    float *r[2], *grad[2];
    double *fresh[2], mean[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        r[run] = room_for(users * components);
        grad[run] = room_for(rows * components);
        fresh[run] = doubles_for(components);
        pn_status status;
        CALL(status, pn_em_prototype_f32(users, components, 1, offsets, margin, log_weight, r[run], grad[run], fresh[run],
                                         &mean[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(r[0], r[1], users * components) && same_floats(grad[0], grad[1], rows * components), "%zu", users);
    for (size_t u = 0; !wild && u < users; ++u)
        for (size_t i = offsets[u]; i < offsets[u + 1]; ++i)
            for (size_t k = 0; k < components; ++k) {
                const double expected = -r[0][u * components + k] * sigmoid_of(-margin[i * components + k]);
                EXPECT(near(grad[0][i * components + k], expected, 1e-5), "%g, expected %g", grad[0][i * components + k],
                       expected);
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    switch (pick(5)) {
    case 0: noise(wild); break;
    case 1: noise_in_double(wild); break;
    case 2: mixture(wild); break;
    case 3: gaussian(wild); break;
    default: prototypes(wild); break;
    }
    return fuzz_end();
}
