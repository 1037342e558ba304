/* The preference model of PrefPalette: loss with its gradient, utilities, every community at once. */
#include "../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip(), is_signed = flip(), use = flip();
    const size_t N = 1 + a_size(30), K = 1 + a_size(20), m = 1 + a_size(24), d = is_signed ? 1 + a_size(24) : m;
    const pn_palette_shape shape = { .form = is_signed ? PN_PALETTE_SIGNED : PN_PALETTE_PAPER, .content = d,
                                     .attributes = K, .width = m, .rank = 1 + a_size(17), .communities = a_size(20) };
    const size_t C = shape.communities, P = a_size(40), count = pn_palette_parameters(&shape);
    EXPECT(count != SIZE_MAX, "small sizes overflow");
    const pn_palette_texts texts = { .count = N, .h = floats(N * d, wild), .E = floats(N * K * m, wild),
                                     .s = floats(N * K, wild), .mask = maybe_mask(N * K) };
    const float *parameters = floats(count, wild), *margin = maybe_floats(P, false);
    uint32_t *chosen = ids_below(P, N), *rejected = ids_below(P, N), *community = C ? ids_below(P, C) : NULL;
    const bool broken = P && pick(8) == 0;
    if (broken) chosen[mixed() % P] = (uint32_t)N;

    float *gradient[2], *utility[2], *all[2];
    double loss[2] = { 0, 0 };
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        gradient[run] = room_for(count);
        utility[run] = room_for(N);
        all[run] = room_for(N * (C ? C : 1));
        pn_status status;
        size_t bytes = pn_palette_loss_workspace(&shape, P);
        void *workspace = workspace_of(bytes);
        CALL(status, pn_palette_loss_f32(&shape, &texts, P, use, 0.5f, parameters, chosen, rejected, community, NULL,
                                         margin, &loss[run], gradient[run], workspace, bytes));
        EXPECT(status == (broken ? PN_EINDEX : PN_OK), "%s", pn_status_name(status));
        bytes = pn_palette_utility_workspace(&shape, N);
        workspace = workspace_of(bytes);
        CALL(status, pn_palette_utility_f32(&shape, &texts, use, parameters, NULL, utility[run], NULL, NULL,
                                            workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        if (C == 0) continue;
        bytes = pn_palette_multi_workspace(&shape, N);
        workspace = workspace_of(bytes);
        CALL(status, pn_palette_multi_f32(&shape, &texts, use, parameters, all[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(utility[0], utility[1], N), "utilities of %zu texts", N);
    if (C) EXPECT(same_floats(all[0], all[1], N * C), "%zu texts under %zu communities", N, C);
    if (!broken) EXPECT(same_floats(gradient[0], gradient[1], count) && same_doubles(loss, loss + 1, 1), "pairs %zu", P);
    return fuzz_end();
}
