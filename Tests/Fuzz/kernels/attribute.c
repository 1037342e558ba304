/* Attention over attribute dimensions: pooled forward, gradient, utilities under one query and under all. */
#include "../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_begin(data, size);
    const bool wild = flip(), additive = flip(), own = flip();
    const size_t texts = a_size(65), attributes = 1 + a_size(20), width = 1 + a_size(40);
    const size_t queries = own ? texts : 1 + a_size(12), rank = additive ? 1 + a_size(17) : width;
    float *E = floats(texts * attributes * width, wild);
    uint8_t *mask = maybe_mask(texts * attributes);
    uint32_t *id = own ? NULL : ids_below(texts, queries);
    const pn_attribute_model model = {
        .kind = additive ? PN_ATTRIBUTE_ADDITIVE : PN_ATTRIBUTE_DOT, .scale = 0.25f, .queries = queries, .rank = rank,
        .query = floats(queries * rank, wild), .key = additive ? floats(rank * width, false) : NULL,
        .bias = additive ? maybe_floats(rank, false) : NULL, .score = additive ? floats(rank, false) : NULL,
    };
    const bool broken = id && texts && pick(8) == 0;
    if (broken) id[mixed() % texts] = (uint32_t)queries;
    float *direction = floats(width, wild), *content = maybe_floats(texts * width, wild);
    float *grad_pooled = maybe_floats(texts * width, wild), *grad_utility = floats(texts, wild);
    const size_t bytes = pn_attribute_workspace(texts, attributes, width, &model);
    EXPECT(bytes != SIZE_MAX, "small sizes overflow");

    float *pooled[2], *alpha[2], *utility[2], *kappa[2], *again[2];
    pn_attribute_gradient gradient[2];
    double beta[2];
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        /* Asked again: the size may depend on the team. */
        const size_t now = pn_attribute_workspace(texts, attributes, width, &model);
        void *workspace = workspace_of(now);
        pooled[run] = room_for(texts * width);
        alpha[run] = room_for(texts * attributes);
        utility[run] = room_for(texts);
        kappa[run] = room_for(texts * attributes);
        again[run] = room_for(texts * width);
        beta[run] = 0;
        gradient[run] = (pn_attribute_gradient){
            .E = room_for(texts * attributes * width), .query = room_for(queries * rank),
            .key = additive ? room_for(rank * width) : NULL, .bias = additive && model.bias ? room_for(rank) : NULL,
            .score = additive ? room_for(rank) : NULL,
        };
        pn_status status;
        CALL(status, pn_attribute_pool_f32(texts, attributes, width, &model, E, mask, id, pooled[run], alpha[run], workspace,
                                           now));
        EXPECT(status == (broken ? PN_EINDEX : PN_OK), "%s", pn_status_name(status));
        if (broken) continue;
        CALL(status, pn_attribute_pool_grad_f32(texts, attributes, width, &model, E, mask, id, grad_pooled, NULL,
                                                &gradient[run], again[run], NULL, workspace, now));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        CALL(status, pn_attribute_utility_f32(texts, attributes, width, 0.5f, &model, E, mask, id, direction, content,
                                              utility[run], NULL, kappa[run], workspace, now));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
        pn_attribute_gradient more = { .direction = room_for(width), .content = content ? room_for(texts * width) : NULL,
                                       .beta = &beta[run] };
        CALL(status, pn_attribute_utility_grad_f32(texts, attributes, width, 0.5f, &model, E, mask, id, direction, content,
                                                   grad_utility, &more, NULL, workspace, now));
        EXPECT(status == PN_OK, "%s", pn_status_name(status));
    }
    if (broken) return fuzz_end();
    EXPECT(same_floats(pooled[0], pooled[1], texts * width) && same_floats(alpha[0], alpha[1], texts * attributes), "%zu",
           texts);
    EXPECT(same_floats(pooled[0], again[0], texts * width), "the gradient's forward differs");
    EXPECT(same_floats(gradient[0].E, gradient[1].E, texts * attributes * width), "texts %zu", texts);
    EXPECT(same_floats(gradient[0].query, gradient[1].query, queries * rank), "queries %zu", queries);
    EXPECT(same_floats(utility[0], utility[1], texts) && same_floats(kappa[0], kappa[1], texts * attributes), "%zu", texts);
    EXPECT(same_doubles(&beta[0], &beta[1], 1), "%g and %g", beta[0], beta[1]);
    if (wild) return fuzz_end();

    for (size_t b = 0; b < texts; ++b) {
        const float *q = model.query + (id ? id[b] : b) * rank;
        double sigma[32], top = -INFINITY, total = 0;
        for (size_t k = 0; k < attributes; ++k) {
            const float *e = E + (b * attributes + k) * width;
            sigma[k] = 0;
            if (additive) {
                for (size_t r = 0; r < rank; ++r) {
                    double inner = q[r] + (model.bias ? model.bias[r] : 0);
                    for (size_t c = 0; c < width; ++c) inner += (double)model.key[r * width + c] * e[c];
                    sigma[k] += model.score[r] * tanh(inner);
                }
            } else {
                for (size_t c = 0; c < width; ++c) sigma[k] += (double)model.scale * q[c] * e[c];
            }
            if (!mask || mask[b * attributes + k]) top = fmax(top, sigma[k]);
        }
        for (size_t k = 0; k < attributes; ++k)
            if (!mask || mask[b * attributes + k]) total += exp(sigma[k] - top);
        /* Scores of hundreds lose digits in float before the softmax sees them. */
        if (fabs(top) > 60) continue;
        for (size_t k = 0; k < attributes; ++k) {
            const bool kept = !mask || mask[b * attributes + k];
            const double expected = kept ? exp(sigma[k] - top) / total : 0;
            EXPECT(near(alpha[0][b * attributes + k], expected, 1e-4), "alpha %g, expected %g", alpha[0][b * attributes + k],
                   expected);
        }
    }
    return fuzz_end();
}
