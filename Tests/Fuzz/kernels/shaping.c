/* Shaped rewards, running statistics, thresholds: against the formulas in double, same bits for any team. */
#include "../fuzz.h"

static double formula(const pn_shaping *o, double z)
{
    switch (o->function) {
    case PN_SHAPE_LINEAR: return z;
    case PN_SHAPE_SIGMOID: return sigmoid_of(z);
    case PN_SHAPE_TANH: return tanh(z);
    case PN_SHAPE_POLYNOMIAL:
        return z <= -5 ? 0 : z >= 5 ? 1 : ((2.0266917e-4 * z * z - 1.01309121e-2) * z * z + 0.228788512) * z + 0.5;
    case PN_SHAPE_LOG_SIGMOID: return -softplus_of(-z);
    case PN_SHAPE_CLIP: return fmin(fmax(z, o->low), o->high);
    }
    return NAN;
}

static void shapes(bool wild)
{
    const size_t n = a_size(600), references = a_size(12), prompts = references == 0 ? 0 : 1 + a_size(40);
    const bool own = references > 0 && flip();
    const size_t rows = own ? n : prompts;
    const pn_shaping options = { (pn_shaping_function)pick(6), flip() ? 1 : 0.5 + (double)pick(8),
                                 flip() ? 0 : (double)pick(7) - 3, -1.5, 0.75 };
    float *reward = floats(n, wild), *reference = floats(rows * references, wild);
    uint32_t *prompt = own ? NULL : ids_below(n, rows);
    float *out[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        float *from = run ? copy_of(reward, n) : reward;
        out[run] = run ? from : room_for(n);
        pn_status status;
        CALL(status, pn_shape_reward_f32(n, rows, references, &options, from, prompt, reference, out[run]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(out[0], out[1], n), "n %zu references %zu", n, references);
    for (size_t i = 0; !wild && i < n; ++i) {
        double sum = 0, jump = 0;
        for (size_t m = 0; m < (references ? references : 1); ++m) {
            const size_t row = own ? i : references ? prompt[i] : 0;
            const double z = options.slope * (reward[i] - options.shift - (references ? reference[row * references + m] : 0));
            sum += formula(&options, z);
            /* The fitted polynomial jumps at its ends; a rounded z may lie on the other side. */
            if (options.function == PN_SHAPE_POLYNOMIAL && fabs(fabs(z) - 5) < 1e-4) jump += 0.012;
        }
        const double want = sum / (double)(references ? references : 1);
        EXPECT(near(out[0][i], want, 3e-6 * (1 + fabs(want)) + jump), "%g, expected %g", (double)out[0][i], want);
    }
    if (n && references && prompt) {
        prompt[pick(n)] = (uint32_t)rows;
        pn_status status;
        CALL(status, pn_shape_reward_f32(n, rows, references, &options, reward, prompt, reference, out[0]));
        EXPECT(status == PN_EINDEX, "%s", pn_status_name(status));
    }
}

static void statistics(bool wild)
{
    const size_t n = a_size(9000), cut = pick((uint64_t)n + 1);
    float *x = floats(n, wild);
    bool finite = true;
    for (size_t i = 0; i < n; ++i) finite &= isfinite(x[i]);
    pn_reward_moments found[2] = { { 0 }, { 0 } };
    pn_status status[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t parts[2] = { cut, n - cut };
        status[run] = PN_OK;
        for (int part = 0; part < 2 && status[run] == PN_OK; ++part) {
            const size_t bytes = pn_reward_moments_workspace(parts[part]);
            void *workspace = workspace_of(bytes);
            CALL(status[run], pn_reward_moments_f32(parts[part], part ? x + cut : x, &found[run], workspace, bytes));
        }
    }
    EXPECT(status[0] == status[1], "%d and %d", status[0], status[1]);
    EXPECT(same_doubles(&found[0].count, &found[1].count, 5), "n %zu", n);
    EXPECT((status[0] == PN_OK) == finite, "%s", pn_status_name(status[0]));
    if (wild || n == 0) return;
    double mean = 0, spread = 0;
    for (size_t i = 0; i < n; ++i) mean += x[i] / (double)n;
    for (size_t i = 0; i < n; ++i) spread += (x[i] - mean) * (x[i] - mean);
    EXPECT(found[0].count == (double)n && near(found[0].mean, mean, 1e-11 * (1 + fabs(mean))), "%g", found[0].mean);
    EXPECT(near(found[0].spread, spread, 1e-9 * (1 + spread)), "%g, expected %g", found[0].spread, spread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    if (flip()) shapes(wild);
    else statistics(wild);
    return fuzz_end();
}
