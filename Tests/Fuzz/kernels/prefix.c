/* Attention over prefixes of ragged sequences: forward against double, same bits for any team, broken offsets. */
#include "../fuzz.h"

static uint32_t *ascending(size_t count, size_t most, size_t *end)
{
    uint32_t *offsets = block_of((count + 1) * sizeof *offsets, sizeof *offsets);
    offsets[0] = 0;
    for (size_t s = 0; s < count; ++s) offsets[s + 1] = offsets[s] + pick(most + 1);
    *end = offsets[count];
    return offsets;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    const size_t S = 1 + a_size(6), H = 1 + pick(3), D = 1 + a_size(36), k = 1 + pick(5), width = H * D;
    size_t R, M;
    uint32_t *offsets = ascending(S, 20, &R), *first = ascending(S, 9, &M);
    uint32_t *seen = block_of(M * sizeof *seen, sizeof *seen);
    for (size_t s = 0; s < S; ++s)
        for (size_t m = first[s]; m < first[s + 1]; ++m) seen[m] = pick(offsets[s + 1] - offsets[s] + 1);
    const bool broken = M > 0 && pick(8) == 0;
    if (broken) seen[mixed() % M] = (uint32_t)R + 1;
    const pn_prefix_shape shape = { S, R, M, H, D, k, 1 / sqrtf((float)D) };
    float *items = floats(R * 3 * width, wild), *own = floats(k * M * 3 * width, wild), *d_output = floats(M * width, wild);

    float *output[2], *log_sum[2], *d_items[2], *d_own[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        const size_t bytes = pn_prefix_attention_workspace(&shape);
        void *workspace = workspace_of(bytes);
        output[run] = room_for(M * width), log_sum[run] = room_for(M * H);
        d_items[run] = room_for(R * 3 * width), d_own[run] = room_for(k * M * 3 * width);
        pn_status status;
        CALL(status, pn_prefix_attention_f32(&shape, offsets, first, seen, items, own, output[run], log_sum[run],
                                             workspace, bytes));
        EXPECT(status == (broken ? PN_EDIM : PN_OK), "%s", pn_status_name(status));
        if (broken) return fuzz_end();
        CALL(status, pn_prefix_attention_grad_f32(&shape, offsets, first, seen, items, own, output[run], log_sum[run],
                                                  d_output, d_items[run], d_own[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(output[0], output[1], M * width) && same_floats(log_sum[0], log_sum[1], M * H), "M %zu", M);
    EXPECT(same_floats(d_items[0], d_items[1], R * 3 * width), "R %zu", R);
    EXPECT(same_floats(d_own[0], d_own[1], k * M * 3 * width), "M %zu", M);
    if (wild) return fuzz_end();

    for (size_t s = 0; s < S; ++s)
        for (size_t m = first[s]; m < first[s + 1]; ++m)
            for (size_t h = 0; h < H; ++h) {
                const float *keys[32], *query = own + ((k - 1) * M + m) * 3 * width + h * D;
                const size_t count = seen[m] + k;
                for (size_t j = 0; j < seen[m]; ++j) keys[j] = items + (offsets[s] + j) * 3 * width + width + h * D;
                for (size_t i = 0; i < k; ++i) keys[seen[m] + i] = own + (i * M + m) * 3 * width + width + h * D;
                double score[32], top = -INFINITY, total = 0, largest = 0;
                for (size_t j = 0; j < count; ++j) {
                    score[j] = 0;
                    for (size_t c = 0; c < D; ++c) score[j] += (double)shape.scale * query[c] * keys[j][c];
                    top = fmax(top, score[j]);
                }
                for (size_t j = 0; j < count; ++j) total += exp(score[j] - top);
                for (size_t c = 0; c < D; ++c) {
                    double expected = 0;
                    for (size_t j = 0; j < count; ++j) {
                        const double v = keys[j][width + c];
                        expected += exp(score[j] - top) / total * v;
                        largest = fmax(largest, fabs(v));
                    }
                    const float got = output[0][m * width + h * D + c];
                    EXPECT(near(got, expected, 2e-5 * (1 + fabs(top)) * (1 + largest)), "query %zu: %g, expected %g", m, got,
                           expected);
                }
            }
    return fuzz_end();
}
