/* Gather, scatter, distinct ids and their sums, against loops in order of position. */
#include "../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    const size_t n = flip() ? a_size(200) : a_size(5000), rows = 1 + a_size(300), d = a_size(20);
    float *table = floats(rows * d, wild), *d_out = floats(n * d, wild);
    uint32_t *ids = ids_below(n, flip() ? rows : 1 + rows / 8);
    for (size_t i = 0; i < n; ++i)
        if ((mixed() & 15) == 0) ids[i] = PN_EMBEDDING_NONE;
    const bool broken = n && d && pick(8) == 0;
    if (broken) ids[mixed() % n] = (uint32_t)rows + pick(2);

    float *out[2], *sums[2], *table_grad[2], *before = floats(rows * d, false);
    size_t count[2] = { 0, 0 };
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        pn_status status;
        out[run] = room_for(n * d);
        CALL(status, pn_embedding_gather_f32(n, rows, d, table, ids, out[run]));
        EXPECT(status == (broken ? PN_EINDEX : PN_OK), "%s", pn_status_name(status));
        size_t bytes = pn_embedding_scatter_workspace(n, rows);
        void *workspace = workspace_of(bytes);
        table_grad[run] = copy_of(before, rows * d);
        CALL(status, pn_embedding_scatter_f32(n, rows, d, ids, d_out, table_grad[run], workspace, bytes));
        EXPECT(status == (broken ? PN_EINDEX : PN_OK), "%s", pn_status_name(status));
        if (broken) continue;
        bytes = pn_embedding_unique_workspace(n, rows);
        workspace = workspace_of(bytes);
        uint32_t *order = block_of(n * 4, 4), *unique = block_of(n * 4, 4), *starts = block_of((n + 1) * 4, 4);
        CALL(status, pn_embedding_unique(n, rows, ids, order, unique, starts, &count[run], workspace, bytes));
        EXPECT(status == PN_OK && count[run] <= n, "%s, %zu of %zu", pn_status_name(status), count[run], n);
        sums[run] = room_for(count[run] * d);
        CALL(status, pn_embedding_sum_f32(n, count[run], d, order, starts, d_out, sums[run]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        for (size_t u = 0; u < count[run]; ++u) {
            EXPECT(u == 0 || unique[u - 1] < unique[u], "ids do not ascend at %zu", u);
            for (size_t p = starts[u]; p < starts[u + 1]; ++p) EXPECT(ids[order[p]] == unique[u], "position %zu", p);
        }
    }
    if (broken) {
        EXPECT(same_floats(table_grad[0], before, rows * d), "a refused scatter wrote");
        return fuzz_end();
    }
    EXPECT(count[0] == count[1] && same_floats(sums[0], sums[1], count[0] * d), "n %zu", n);
    EXPECT(same_floats(out[0], out[1], n * d) && same_floats(table_grad[0], table_grad[1], rows * d), "n %zu", n);
    for (size_t i = 0; i < n; ++i)
        for (size_t c = 0; c < d; ++c) {
            const float expected = ids[i] == PN_EMBEDDING_NONE ? 0 : table[ids[i] * d + c];
            EXPECT(same_floats(&out[0][i * d + c], &expected, 1) || (expected == 0 && out[0][i * d + c] == 0), "row %zu", i);
        }
    float *expected = copy_of(before, rows * d);
    for (size_t i = 0; i < n; ++i)
        for (size_t c = 0; c < d && ids[i] != PN_EMBEDDING_NONE; ++c) expected[ids[i] * d + c] += d_out[i * d + c];
    EXPECT(same_floats(table_grad[0], expected, rows * d), "the scatter does not add in order of position");
    return fuzz_end();
}
