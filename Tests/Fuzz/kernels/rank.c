/* The best k, and the rank of a target, against a plain sort of the same scores. */
#include "../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip();
    const size_t n = a_size(20), V = a_size(600), d = a_size(24), k = a_size(40);
    float *queries = floats(n * d, wild), *items = floats(V * d, wild), *bias = maybe_floats(V, wild);
    uint8_t *mask = maybe_mask(V);
    uint32_t *offsets = NULL, *excluded = NULL;
    if (flip()) {
        offsets = block_of((n + 1) * sizeof *offsets, sizeof *offsets);
        offsets[0] = 0;
        for (size_t i = 0; i < n; ++i) offsets[i + 1] = offsets[i] + (V ? (uint32_t)pick(6) : 0);
        excluded = ids_below(offsets[n], V);
        for (size_t i = 0; i < n; ++i)
            for (size_t a = offsets[i] + 1; a < offsets[i + 1]; ++a)
                for (size_t b = a; b > offsets[i] && excluded[b] < excluded[b - 1]; --b) {
                    const uint32_t swap = excluded[b];
                    excluded[b] = excluded[b - 1];
                    excluded[b - 1] = swap;
                }
    }
    size_t bytes = pn_rank_screen_floats(V, d);
    float *screen = room_for(bytes);
    pn_status status;
    CALL(status, pn_rank_screen_f32(V, d, items, screen));
    EXPECT(status == PN_OK, "%s", pn_status_name(status));
    uint32_t *targets = ids_below(n, V);
    uint32_t *ids[2], *above[2], *tied[2];
    float *scores[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        bytes = pn_rank_top_workspace(n, V, d, k);
        void *workspace = workspace_of(bytes);
        ids[run] = block_of(n * k * sizeof(uint32_t), sizeof(uint32_t));
        scores[run] = room_for(n * k);
        /* Screened once and once not: the same answer. */
        CALL(status, pn_rank_top_f32(n, V, d, k, queries, items, run ? screen : NULL, bias, mask, offsets, excluded,
                                     ids[run], scores[run], workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        if (!V) continue;
        bytes = pn_rank_of_target_workspace(n, V, d);
        workspace = workspace_of(bytes);
        above[run] = block_of(n * sizeof(uint32_t), sizeof(uint32_t));
        tied[run] = block_of(n * sizeof(uint32_t), sizeof(uint32_t));
        CALL(status, pn_rank_of_target_f32(n, V, d, queries, items, bias, mask, offsets, excluded, targets, above[run],
                                           tied[run], NULL, workspace, bytes));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    if (V) {
        float *table = floats(n * V, wild);
        uint32_t *counted[3];
        for (int c = 0; c < 3; ++c) counted[c] = block_of(n * sizeof(uint32_t), sizeof(uint32_t));
        pn_status status;
        CALL(status, pn_rank_of_target_scores_f32(n, V, table, offsets, excluded, targets, counted[0], counted[1],
                                                  counted[2]));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        for (size_t i = 0; i < n; ++i) {
            const float own = table[i * V + targets[i]];
            uint32_t want[3] = { 0, 0, 0 };
            for (size_t v = 0; v < V; ++v) {
                const float s = table[i * V + v];
                want[2] += isnan(s) != 0;
                bool out = v == targets[i];
                for (size_t e = offsets ? offsets[i] : 0; offsets && e < offsets[i + 1]; ++e) out |= excluded[e] == v;
                if (out) continue;
                want[0] += s > own || (isnan(own) && !isnan(s));
                want[1] += s == own;
            }
            for (int c = 0; c < 3; ++c)
                EXPECT(counted[c][i] == want[c], "row %zu count %d: %u, expected %u", i, c, counted[c][i], want[c]);
        }
    }
    EXPECT(same_floats(scores[0], scores[1], n * k), "n %zu V %zu d %zu k %zu", n, V, d, k);
    for (size_t i = 0; i < n * k; ++i) EXPECT(ids[0][i] == ids[1][i], "%u and %u", ids[0][i], ids[1][i]);
    for (size_t i = 0; V && i < n; ++i)
        EXPECT(above[0][i] == above[1][i] && tied[0][i] == tied[1][i], "row %zu of %zu", i, n);

    for (size_t i = 0; i < n; ++i) {
        for (size_t j = 0; j < k; ++j) {
            const uint32_t id = ids[0][i * k + j];
            const float score = scores[0][i * k + j];
            if (id == PN_RANK_NONE) {
                EXPECT(score == -INFINITY, "an empty place has score %g", score);
                continue;
            }
            EXPECT(id < V && (!mask || mask[id]) && !isnan(score), "id %u of %zu, score %g", id, V, score);
            for (size_t e = offsets ? offsets[i] : 0; offsets && e < offsets[i + 1]; ++e)
                EXPECT(excluded[e] != id, "id %u was excluded", id);
            if (j) {
                const float before = scores[0][i * k + j - 1];
                const bool ordered = before > score || (before == score && ids[0][i * k + j - 1] < id);
                EXPECT(ordered, "places %zu and %zu: %g, %g", j - 1, j, before, score);
            }
            double expected = bias ? bias[id] : 0, scale = fabs(expected);
            for (size_t c = 0; c < d; ++c) {
                const double term = (double)queries[i * d + c] * items[id * d + c];
                expected += term;
                scale += fabs(term);
            }
            if (!wild) EXPECT(near(score, expected, 1e-5 * scale), "%g, expected %g", score, expected);
        }
        if (wild || !k) continue;
        /* Nobody better was left out. */
        const float worst = scores[0][i * k + k - 1];
        for (size_t v = 0; v < V; ++v) {
            bool out = mask && !mask[v];
            for (size_t e = offsets ? offsets[i] : 0; offsets && e < offsets[i + 1]; ++e) out |= excluded[e] == v;
            for (size_t j = 0; j < k; ++j) out |= ids[0][i * k + j] == v;
            if (out) continue;
            double score = bias ? bias[v] : 0, scale = fabs(score);
            for (size_t c = 0; c < d; ++c) {
                score += (double)queries[i * d + c] * items[v * d + c];
                scale += fabs((double)queries[i * d + c] * items[v * d + c]);
            }
            EXPECT(score <= worst + 1e-5 * (scale + 1), "item %zu with %g was left out, the last is %g", v, score, worst);
        }
    }
    return fuzz_end();
}
