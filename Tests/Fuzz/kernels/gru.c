/* The recurrence over ragged sequences: forward against double, same bits for any team, broken offsets. */
#include "../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    const size_t S = 1 + a_size(9), H = 1 + a_size(40);
    uint32_t *offsets = block_of((S + 1) * sizeof *offsets, sizeof *offsets);
    offsets[0] = 0;
    for (size_t s = 0; s < S; ++s) offsets[s + 1] = offsets[s] + pick(12);
    const size_t R = offsets[S];
    const bool broken = pick(8) == 0;
    if (broken) offsets[S] = (uint32_t)R + 1;
    float *x = floats(R * 3 * H, wild), *weight = floats(3 * H * H, wild), *bias = floats(3 * H, wild);
    float *d_y = floats(R * H, wild);

    float *y[2], *gates[2], *d_x[2], *d_weight[2], *d_bias[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        size_t bytes = pn_gru_workspace(S, R, H);
        void *workspace = workspace_of(bytes);
        y[run] = room_for(R * H), gates[run] = room_for(R * 4 * H), d_x[run] = room_for(R * 3 * H);
        d_weight[run] = room_for(3 * H * H), d_bias[run] = room_for(3 * H);
        pn_status status;
        CALL(status, pn_gru_f32(S, R, H, offsets, x, weight, bias, y[run], gates[run], workspace, bytes));
        EXPECT(status == (broken ? PN_EDIM : PN_OK), "%s", pn_status_name(status));
        if (broken) return fuzz_end();
        bytes = pn_gru_grad_workspace(S, R, H);
        workspace = workspace_of(bytes);
        CALL(status, pn_gru_grad_f32(S, R, H, offsets, weight, y[run], gates[run], d_y, d_x[run], d_weight[run],
                                     d_bias[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(y[0], y[1], R * H) && same_floats(gates[0], gates[1], R * 4 * H), "R %zu H %zu", R, H);
    EXPECT(same_floats(d_x[0], d_x[1], R * 3 * H) && same_floats(d_bias[0], d_bias[1], 3 * H), "R %zu H %zu", R, H);
    EXPECT(same_floats(d_weight[0], d_weight[1], 3 * H * H), "R %zu H %zu", R, H);
    if (wild) return fuzz_end();

    /* One step from the states that were written: errors do not add up over a sequence. */
    for (size_t s = 0; s < S; ++s)
        for (size_t row = offsets[s]; row < offsets[s + 1]; ++row)
            for (size_t j = 0; j < H; ++j) {
                double a[3], largest = 0;
                const double before = row == offsets[s] ? 0 : y[0][(row - 1) * H + j];
                for (size_t g = 0; g < 3; ++g) {
                    a[g] = bias[g * H + j];
                    for (size_t c = 0; row > offsets[s] && c < H; ++c) {
                        const double term = (double)weight[(g * H + j) * H + c] * y[0][(row - 1) * H + c];
                        a[g] += term;
                        largest += fabs(term);
                    }
                }
                const float *in = x + row * 3 * H;
                const double r = sigmoid_of(in[j] + a[0]), z = sigmoid_of(in[H + j] + a[1]);
                const double expected = (1 - z) * tanh(in[2 * H + j] + r * a[2]) + z * before;
                const double tolerance = 1e-5 * (1 + largest + fabs(a[0]) + fabs(a[1]) + fabs(a[2])) * (1 + fabs(before));
                EXPECT(near(y[0][row * H + j], expected, tolerance), "row %zu: %g, expected %g", row, y[0][row * H + j],
                       expected);
            }
    return fuzz_end();
}
