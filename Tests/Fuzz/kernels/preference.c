/* Preference losses and Plackett-Luce. */
#include "../fuzz.h"

struct results {
    float *loss, *grad_chosen, *grad_rejected;
    double mean;
};

static double loss_of(const pn_preference_options *o, double s, double h, double p)
{
    const double e = o->smoothing, g = o->shape, c = 1 / (2 * (double)o->beta);
    switch (o->loss) {
    case PN_PREFERENCE_SIGMOID: return p * softplus_of(-s) + (1 - p) * softplus_of(s);
    case PN_PREFERENCE_ROBUST: return ((1 - e) * softplus_of(-s) - e * softplus_of(s)) / (1 - 2 * e);
    case PN_PREFERENCE_HINGE: return p * fmax(0, 1 - s) + (1 - p) * fmax(0, 1 + s);
    case PN_PREFERENCE_IPO: return p * (h - c) * (h - c) + (1 - p) * (h + c) * (h + c);
    case PN_PREFERENCE_HOLDER: return -(1 + g) * pow(sigmoid_of(s), g) + g * pow(sigmoid_of(s), 1 + g);
    case PN_PREFERENCE_ROPO: return 4 * g / ((1 + g) * (1 + g)) * (softplus_of(-s) + g * sigmoid_of(-s));
    case PN_PREFERENCE_EXO:
        return sigmoid_of(s) * (-softplus_of(-s) - log(1 - e)) + sigmoid_of(-s) * (-softplus_of(s) - log(e));
    case PN_PREFERENCE_DISCOPOP:
        return sigmoid_of(-s / g) * softplus_of(-s) + sigmoid_of(s / g) * exp(fmin(-s, 30));
    }
    return NAN;
}

static void pairs(bool wild)
{
    const size_t n = flip() ? a_size(300) : a_size(9000);
    pn_preference_options o = { .loss = (pn_preference_loss)pick(8),
                                .beta = ldexpf(1, (int)pick(7) - 4),
                                .gamma = (float)pick(5) * 0.25f,
                                .shape = 0.25f + (float)pick(8) * 0.25f,
                                .grad_scale = flip() ? 1.0f : 0.25f };
    if (o.loss <= PN_PREFERENCE_IPO || o.loss == PN_PREFERENCE_EXO) o.smoothing = (float)pick(4) * 0.125f;
    if (o.loss == PN_PREFERENCE_EXO && o.smoothing == 0) o.smoothing = 0.125f;
    if (o.loss == PN_PREFERENCE_DISCOPOP) o.shape = 0.0625f; /* its own 0.05, or near it: e^-s stays small where it counts */
    const bool labelled = o.loss == PN_PREFERENCE_SIGMOID || o.loss == PN_PREFERENCE_HINGE || o.loss == PN_PREFERENCE_IPO;

    float *chosen = floats(n, wild), *rejected = floats(n, wild);
    float *reference_chosen = maybe_floats(n, wild), *reference_rejected = reference_chosen ? floats(n, wild) : NULL;
    const bool with_length = flip();
    uint32_t *length_chosen = with_length ? ids_below(n, 40) : NULL, *length_rejected = with_length ? ids_below(n, 40) : NULL;
    float *target = maybe_floats(n, wild), *weight = maybe_weights(n);
    float *label = labelled && flip() ? room_for(n) : NULL;
    for (size_t i = 0; label && i < n; ++i) label[i] = (float)(mixed() % 5) * 0.25f;
    const uint32_t form = pick(3); /* margin, scores, log-probabilities */
    if (form == 2 && flip()) o.likelihood = 0.5f;

    struct results r[2];
    const size_t bytes = pn_preference_workspace(n);
    const bool in_place = flip();
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        float *c = run && in_place ? copy_of(chosen, n) : chosen, *j = run && in_place ? copy_of(rejected, n) : rejected;
        r[run] = (struct results){ room_for(n), run && in_place ? c : room_for(n), run && in_place ? j : room_for(n), 0 };
        pn_status status;
        if (form == 0)
            CALL(status, pn_preference_margin_f32(n, &o, c, target, label, weight, r[run].loss, r[run].grad_chosen,
                                                  &r[run].mean, workspace, bytes));
        else if (form == 1)
            CALL(status, pn_preference_score_f32(n, &o, c, j, target, label, weight, r[run].loss, r[run].grad_chosen,
                                                 r[run].grad_rejected, &r[run].mean, workspace, bytes));
        else
            CALL(status, pn_preference_logprob_f32(n, &o, c, j, reference_chosen, reference_rejected, length_chosen,
                                                   length_rejected, target, label, weight, r[run].loss,
                                                   r[run].grad_chosen, r[run].grad_rejected, &r[run].mean, workspace,
                                                   bytes));
        EXPECT(status == PN_OK, "%s for loss %d, form %u, n %zu", pn_status_name(status), o.loss, form, n);
    }
    EXPECT(same_floats(r[0].loss, r[1].loss, n), "loss %d, form %u, n %zu", o.loss, form, n);
    EXPECT(same_floats(r[0].grad_chosen, r[1].grad_chosen, n), "loss %d, form %u, n %zu", o.loss, form, n);
    EXPECT(form == 0 || same_floats(r[0].grad_rejected, r[1].grad_rejected, n), "loss %d, n %zu", o.loss, n);
    EXPECT(same_doubles(&r[0].mean, &r[1].mean, 1), "%g and %g", r[0].mean, r[1].mean);
    if (wild) return;

    double total = 0;
    for (size_t i = 0; i < n; ++i) {
        const double m = form == 2 && length_chosen ? fmax(length_chosen[i], 1) : 1;
        const double k = form == 2 && length_rejected ? fmax(length_rejected[i], 1) : 1;
        const double rc = form == 2 && reference_chosen ? reference_chosen[i] : 0;
        const double rr = form == 2 && reference_rejected ? reference_rejected[i] : 0;
        const double d = form == 0 ? chosen[i] : (chosen[i] - rc) / m - (rejected[i] - rr) / k;
        const double t = target ? target[i] : 0, w = weight ? weight[i] : 1;
        const double s = o.beta * d - o.gamma - t, h = d - o.gamma - t;
        const double p = label ? label[i] : 1 - o.smoothing;
        double expected = loss_of(&o, s, h, p);
        if (form == 2) expected -= o.likelihood * chosen[i] / m;
        expected *= w;
        const double scale = 1 + fabs(s) + fabs(h) + (o.loss == PN_PREFERENCE_IPO ? h * h + 1 / (double)(o.beta * o.beta) : 0);
        EXPECT(near(r[0].loss[i], expected, 2e-5 * (w + 1e-30) * scale * 8), "loss %d form %u [%zu]: %g, expected %g",
               o.loss, form, i, r[0].loss[i], expected);
        total += expected;
    }
    EXPECT(near(r[0].mean, n ? total / (double)n : 0, 1e-3 * (1 + fabs(total) / (double)(n ? n : 1))),
           "mean %g, expected %g", r[0].mean, total / (double)n);
}

static void rewards(bool wild)
{
    const size_t n = flip() ? a_size(300) : a_size(9000);
    pn_reward_options o = { .loss = (pn_reward_loss)pick(5), .beta = ldexpf(1, (int)pick(5) - 3), .grad_scale = 0.5f };
    if (o.loss == PN_REWARD_BCO) o.shift = (float)pick(3) * 0.25f;
    float *chosen = floats(n, wild), *rejected = floats(n, wild), *weight = maybe_weights(n);
    float *reference_chosen = maybe_floats(n, wild), *reference_rejected = reference_chosen ? floats(n, wild) : NULL;
    const size_t bytes = pn_preference_workspace(n);
    struct results r[2];
    float *robust[2];
    double value[2] = { 0, 0 };
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        r[run] = (struct results){ room_for(n), room_for(n), room_for(n), 0 };
        robust[run] = room_for(n);
        pn_status status;
        CALL(status, pn_preference_reward_f32(n, &o, chosen, rejected, reference_chosen, reference_rejected, weight,
                                              r[run].loss, r[run].grad_chosen, r[run].grad_rejected, &r[run].mean,
                                              workspace, bytes));
        EXPECT(status == PN_OK, "%s for loss %d, n %zu", pn_status_name(status), o.loss, n);
        CALL(status, pn_preference_robust_weight_f32(n, o.beta, r[run].loss, robust[run], &value[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s for weights, n %zu", pn_status_name(status), n);
    }
    EXPECT(same_floats(r[0].loss, r[1].loss, n) && same_floats(robust[0], robust[1], n), "loss %d, n %zu", o.loss, n);
    EXPECT(same_floats(r[0].grad_chosen, r[1].grad_chosen, n), "loss %d, n %zu", o.loss, n);
    EXPECT(same_floats(r[0].grad_rejected, r[1].grad_rejected, n), "loss %d, n %zu", o.loss, n);
    EXPECT(same_doubles(&value[0], &value[1], 1), "%g and %g", value[0], value[1]);
    if (wild || n == 0) return;
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
        const double d = (double)chosen[i] - (reference_chosen ? reference_chosen[i] : 0);
        const double e = (double)rejected[i] - (reference_rejected ? reference_rejected[i] : 0);
        const double c = o.beta * d - o.shift, j = o.beta * e - o.shift, half = 1 / (2 * (double)o.beta);
        double expected = 0;
        switch (o.loss) {
        case PN_REWARD_NCA: expected = softplus_of(-c) + softplus_of(c) / 2 + softplus_of(j) / 2; break;
        case PN_REWARD_BCO: expected = softplus_of(-c) + softplus_of(j); break;
        case PN_REWARD_SPPO: expected = (d - half) * (d - half) + (e + half) * (e + half); break;
        case PN_REWARD_APO_ZERO: expected = 1 - sigmoid_of(c) + sigmoid_of(j); break;
        case PN_REWARD_APO_DOWN: expected = sigmoid_of(c) + 1 - sigmoid_of(c - j); break;
        }
        const double w = weight ? weight[i] : 1;
        EXPECT(near(r[0].loss[i], w * expected, 2e-5 * (1 + w) * (1 + fabs(expected))), "loss %d: %g, expected %g", o.loss,
               r[0].loss[i], w * expected);
        sum += robust[0][i];
    }
    EXPECT(near(sum, (double)n, 1e-4 * (double)n), "weights add up to %g of %zu", sum, n);
}

static void rankings(bool wild)
{
    const size_t lists = a_size(40), top = pick(6);
    size_t *offsets = block_of((lists + 1) * sizeof *offsets, sizeof *offsets);
    offsets[0] = 0;
    for (size_t l = 0; l < lists; ++l) offsets[l + 1] = offsets[l] + a_size(20);
    const size_t items = offsets[lists];
    float *score = floats(items, wild), *weight = maybe_weights(lists);
    uint32_t *place = flip() ? block_of(items * sizeof *place, sizeof *place) : NULL;
    for (size_t l = 0; place && l < lists; ++l) {
        const size_t count = offsets[l + 1] - offsets[l], ranked = pick(count + 1);
        for (size_t i = 0; i < count; ++i) place[offsets[l] + i] = i < ranked ? (uint32_t)i : PN_UNRANKED;
        for (size_t i = count; i > 1; --i) {
            const size_t j = (size_t)(mixed() % i);
            const uint32_t swap = place[offsets[l] + i - 1];
            place[offsets[l] + i - 1] = place[offsets[l] + j];
            place[offsets[l] + j] = swap;
        }
    }
    /* Sometimes not a ranking at all: it must be refused, or hold by chance. */
    const bool broken = place && items && pick(8) == 0;
    if (broken) place[mixed() % items] = next_word();

    const size_t bytes = pn_plackett_luce_workspace(lists, items);
    float *loss[2], *grad[2];
    double mean[2] = { 0, 0 };
    pn_status status[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        void *workspace = workspace_of(bytes);
        loss[run] = room_for(lists);
        grad[run] = room_for(items);
        CALL(status[run], pn_plackett_luce_f32(lists, top, 0.5f, offsets, score, place, weight, loss[run], grad[run],
                                               &mean[run], workspace, bytes));
    }
    EXPECT(status[0] == status[1], "%d and %d", status[0], status[1]);
    EXPECT(status[0] == PN_OK || broken, "%s", pn_status_name(status[0]));
    if (status[0] != PN_OK) return;
    EXPECT(same_floats(loss[0], loss[1], lists) && same_floats(grad[0], grad[1], items), "%zu lists", lists);
    if (wild) return;

    for (size_t l = 0; l < lists; ++l) {
        const size_t count = offsets[l + 1] - offsets[l];
        const float *s = score + offsets[l];
        const uint32_t *q = place ? place + offsets[l] : NULL;
        double expected = 0, gradient = 0;
        for (size_t i = 0; i < count; ++i) {
            gradient += grad[0][offsets[l] + i];
            const uint32_t mine = q ? q[i] : (uint32_t)i;
            if (mine == PN_UNRANKED || (top && mine >= top)) continue;
            double rest = 0;
            for (size_t k = 0; k < count; ++k)
                if ((q ? q[k] : (uint32_t)k) >= mine) rest += exp((double)s[k] - s[i]);
            expected += log(rest);
        }
        expected *= weight ? weight[l] : 1;
        EXPECT(near(loss[0][l], expected, 1e-4 * (1 + fabs(expected))), "list %zu of %zu items: %g, expected %g", l, count,
               loss[0][l], expected);
        /* A constant added to every score changes nothing, so a list's gradient adds up to 0. */
        EXPECT(fabs(gradient) <= 1e-4 * (1 + (weight ? weight[l] : 1)) * (double)(count + 1), "sum of the gradient %g", gradient);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    switch (pick(4)) {
    case 0: rankings(wild); break;
    case 1: rewards(wild); break;
    default: pairs(wild);
    }
    return fuzz_end();
}
