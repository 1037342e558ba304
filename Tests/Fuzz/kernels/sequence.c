/* Attention inside sequences: fixed and ragged lengths, masks, causal, fused projections, gradient. */
#include "../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip(), ragged = flip(), fused = flip();
    const size_t B = a_size(9), length = a_size(70), H = 1 + pick(3), D = 1 + a_size(40);
    uint32_t *offsets = NULL;
    size_t rows = B * length;
    if (ragged) {
        offsets = block_of((B + 1) * sizeof *offsets, sizeof *offsets);
        offsets[0] = 0;
        for (size_t s = 0; s < B; ++s) offsets[s + 1] = offsets[s] + (uint32_t)pick(length + 1);
        rows = offsets[B];
    }
    const size_t parts = fused ? 3 : 1, gap = fused ? 0 : pick(3);
    const pn_sequence_shape shape = {
        .sequences = B, .length = length, .heads = H, .head_dim = D, .qkv_row = parts * H * D + gap, .out_row = H * D + gap,
        .scale = 1 / sqrtf((float)D), .causal = flip(),
    };
    /* The last row ends where its last value ends: the contract does not promise the gap behind it. */
    const size_t in_size = rows ? (rows - 1) * shape.qkv_row + parts * H * D : 0;
    const size_t out_size = rows ? (rows - 1) * shape.out_row + H * D : 0;
    float *query = floats(in_size, wild);
    float *key = fused ? (rows ? query + H * D : query) : floats(in_size, wild);
    float *value = fused ? (rows ? query + 2 * H * D : query) : floats(in_size, wild);
    uint8_t *mask = maybe_mask(rows);
    float *d_output = floats(out_size, wild);

    float *output[2], *log_sum[2], *grad[2][3];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        size_t bytes = pn_sequence_attention_workspace(&shape);
        void *workspace = workspace_of(bytes);
        output[run] = room_for(out_size);
        log_sum[run] = room_for(H * rows);
        pn_status status;
        CALL(status, pn_sequence_attention_f32(&shape, offsets, mask, query, key, value, output[run], log_sum[run],
                                               workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        bytes = pn_sequence_attention_grad_workspace(&shape);
        workspace = workspace_of(bytes);
        grad[run][0] = room_for(in_size);
        for (size_t k = 1; k < 3; ++k) grad[run][k] = fused ? (rows ? grad[run][0] + k * H * D : grad[run][0]) : room_for(in_size);
        CALL(status, pn_sequence_attention_grad_f32(&shape, offsets, mask, query, key, value, output[run], log_sum[run],
                                                    d_output, grad[run][0], grad[run][1], grad[run][2], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    EXPECT(same_floats(output[0], output[1], out_size) && same_floats(log_sum[0], log_sum[1], H * rows), "rows %zu", rows);
    EXPECT(same_floats(grad[0][0], grad[1][0], in_size), "rows %zu", rows);
    EXPECT(fused || (same_floats(grad[0][1], grad[1][1], in_size) && same_floats(grad[0][2], grad[1][2], in_size)), "rows %zu",
           rows);
    if (wild) return fuzz_end();

    for (size_t s = 0; s < B; ++s) {
        const size_t first = ragged ? offsets[s] : s * length, count = ragged ? offsets[s + 1] - first : length;
        for (size_t h = 0; h < H; ++h)
            for (size_t i = first; i < first + count; ++i) {
                double score[80], top = -INFINITY, total = 0, largest = 0;
                const size_t last = shape.causal ? i + 1 : first + count;
                const bool dropped = mask && !mask[i];
                for (size_t j = first; j < last; ++j) {
                    score[j - first] = 0;
                    for (size_t c = 0; c < D; ++c)
                        score[j - first] += (double)shape.scale * query[i * shape.qkv_row + h * D + c] * key[j * shape.qkv_row + h * D + c];
                    if (!mask || mask[j]) top = fmax(top, score[j - first]);
                }
                for (size_t j = first; j < last; ++j)
                    if (!mask || mask[j]) total += exp(score[j - first] - top);
                for (size_t c = 0; c < D; ++c) {
                    double expected = 0;
                    for (size_t j = first; !dropped && j < last; ++j) {
                        if (mask && !mask[j]) continue;
                        const double v = value[j * shape.qkv_row + h * D + c];
                        expected += exp(score[j - first] - top) / total * v;
                        largest = fmax(largest, fabs(v));
                    }
                    const float got = output[0][i * shape.out_row + h * D + c];
                    EXPECT(near(got, expected, 2e-5 * (1 + fabs(top)) * (1 + largest)), "row %zu: %g, expected %g", i, got, expected);
                }
            }
    }
    return fuzz_end();
}
