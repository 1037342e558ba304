/* Programs of the tape from bytes: a plausible graph, often with one field made implausible. Creating one refuses it or
 * not; one that was accepted runs within its memory, and with the same bits for any number of threads and with or without
 * sharing of memory between tensors. */
#include "../fuzz.h"

#define TENSORS 48
#define OPS 24

static void *limited_alloc(void *context, size_t bytes)
{
    return bytes > (size_t)64 << 20 ? NULL : pn_default_alloc(context, bytes);
}

struct graph {
    pn_tensor tensor[TENSORS];
    pn_op op[OPS];
    size_t tensors, ops, parameters, rows, cols;
    uint32_t known[TENSORS]; /* float tensors of rows * cols */
    size_t known_count;
};

static uint32_t add_tensor(struct graph *g, uint32_t element, uint32_t role, size_t count)
{
    if (g->tensors == TENSORS) return 0;
    pn_tensor t = { element, role, count, 0 };
    if (role == PN_ROLE_PARAMETER) {
        t.offset = g->parameters;
        g->parameters += (count + 15) / 16 * 16;
    }
    g->tensor[g->tensors] = t;
    return (uint32_t)g->tensors++;
}

static uint32_t result(struct graph *g, size_t count)
{
    return add_tensor(g, PN_FLOAT, pick(3) ? PN_ROLE_TEMPORARY : PN_ROLE_KEPT, count);
}

static pn_op blank(uint32_t kind)
{
    pn_op op = { .kind = kind };
    for (size_t i = 0; i < PN_OP_IN; ++i) op.in[i] = PN_NONE;
    for (size_t i = 0; i < PN_OP_OUT; ++i) op.out[i] = PN_NONE;
    return op;
}

static void add_op(struct graph *g)
{
    const size_t rows = g->rows, cols = g->cols, n = rows * cols;
    const uint32_t x = g->known[pick(g->known_count)], y = g->known[pick(g->known_count)];
    pn_op op = blank(0);
    op.in[0] = x;
    op.out[0] = result(g, n);
    const uint32_t choice = pick(12);
    switch (choice) {
    case 0: op.kind = PN_OP_UNARY; op.size[0] = n; op.size[1] = pick(7); break;
    case 1: op.kind = PN_OP_UNARY; op.size[0] = n; op.size[1] = 16 + pick(6); break;
    case 2:
    case 3: op.kind = PN_OP_BINARY; op.in[1] = y; op.size[0] = 1; op.size[1] = n; op.size[2] = pick(4); break;
    case 4: op.kind = PN_OP_AFFINE; op.size[0] = n; op.real[0] = 0.5f; op.real[1] = 0.25f; break;
    case 5:
    case 6:
        op.kind = PN_OP_LINEAR;
        op.in[1] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, cols * cols);
        if (flip()) op.in[2] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, cols);
        if (flip()) op.in[3] = y;
        op.size[0] = rows, op.size[1] = cols, op.size[2] = cols, op.size[3] = pick(7);
        break;
    case 7: op.kind = PN_OP_SOFTMAX; op.size[0] = rows; op.size[1] = cols; op.size[2] = pick(2); break;
    case 8:
        op.kind = PN_OP_LAYER_NORM;
        op.in[1] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, cols);
        op.in[2] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, cols);
        op.out[1] = result(g, rows);
        op.out[2] = result(g, rows);
        op.size[0] = rows, op.size[1] = cols, op.real[0] = 1e-5f;
        break;
    case 9: /* a picture of one column */
        op.kind = PN_OP_CONV2D;
        op.in[1] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, 9 * cols * cols);
        if (flip()) op.in[2] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, cols);
        if (flip()) op.in[3] = y;
        op.size[0] = 1, op.size[1] = rows, op.size[2] = 1, op.size[3] = op.size[4] = cols;
        op.size[5] = 3, op.size[6] = 1, op.size[7] = 1;
        break;
    case 10:
        op.kind = PN_OP_GROUP_NORM;
        if (flip()) op.in[1] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, cols);
        if (flip()) op.in[3] = add_tensor(g, PN_FLOAT, PN_ROLE_PARAMETER, 2 * cols);
        op.out[1] = result(g, 1);
        op.out[2] = result(g, 1);
        op.size[0] = 1, op.size[1] = rows, op.size[2] = cols, op.size[3] = 1, op.size[4] = pick(2);
        op.real[0] = 1e-5f;
        break;
    default: op.kind = PN_OP_DROPOUT; op.size[0] = n; op.size[1] = pick(3); op.real[0] = 0.25f; break;
    }
    g->known[g->known_count++] = op.out[0];
    g->op[g->ops++] = op;
}

static size_t implausible(void)
{
    static const size_t table[] = { 0, 1, 2, 3, 7, 255, 65536, (size_t)1 << 31, (size_t)1 << 32, (size_t)1 << 42,
                                    (size_t)1 << 62, SIZE_MAX / 4, SIZE_MAX - 1, SIZE_MAX };
    return table[pick(sizeof table / sizeof *table)];
}

static void damage(struct graph *g)
{
    pn_op *op = &g->op[pick(g->ops)];
    pn_tensor *t = &g->tensor[pick(g->tensors)];
    switch (pick(8)) {
    case 0: op->kind = pick(PN_OP_DOWNSAMPLE + 3); break;
    case 1: op->in[pick(PN_OP_IN)] = pick(4) ? pick(g->tensors + 2) : next_word(); break;
    case 2: op->out[pick(PN_OP_OUT)] = pick(4) ? pick(g->tensors + 2) : next_word(); break;
    case 3: op->size[pick(PN_OP_SIZES)] = implausible(); break;
    case 4: op->real[pick(PN_OP_REALS)] = special_float(); break;
    case 5: t->count = implausible(); break;
    case 6: t->role = pick(6); break;
    default: t->offset = implausible(); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const pn_allocator limited = { limited_alloc, pn_default_free, NULL };
    fuzz_begin(data, size);
    pn_set_allocator(&limited);
    struct graph g = { .rows = 1 + a_size(20), .cols = 1 + a_size(33) };
    const size_t n = g.rows * g.cols;
    const uint32_t inputs = 1 + pick(3);
    for (uint32_t i = 0; i < inputs; ++i) g.known[g.known_count++] = add_tensor(&g, PN_FLOAT, PN_ROLE_INPUT, n);
    const size_t ops = 1 + pick(OPS - 2);
    while (g.ops < ops && g.tensors + 5 < TENSORS) add_op(&g);
    const uint32_t last = g.known[g.known_count - 1];
    g.tensor[last].role = PN_ROLE_KEPT;
    for (size_t k = flip() ? pick(3) : 0; k > 0; --k) damage(&g);

    pn_program_description d = { .tensors = g.tensors, .tensor = g.tensor, .ops = g.ops, .op = g.op,
                                 .parameters = g.parameters, .loss = PN_NONE };
    d.without_fusing = flip();
    float *parameters = workspace_of((g.parameters + 16) * sizeof(float));
    for (size_t i = 0; i < g.parameters; ++i) parameters[i] = ordinary_float(0);

    float *kept[2][TENSORS] = { { NULL } };
    pn_status status[2], ran[2] = { PN_OK, PN_OK };
    for (int run = 0; run < 2; ++run) {
        pn_team_use(run ? MANY_THREADS : 1);
        d.without_reuse = run == 1;
        pn_program *program = NULL;
        pn_fault fault;
        status[run] = pn_program_create(&d, &program, &fault);
        EXPECT((program != NULL) == (status[run] == PN_OK), "%s", pn_status_name(status[run]));
        EXPECT(status[run] != PN_EPROGRAM || fault.reason, "a refusal without a reason");
        if (!program) continue;
        for (uint32_t t = 0; t < g.tensors; ++t) {
            if (g.tensor[t].role != PN_ROLE_INPUT) continue;
            uint8_t *memory = pn_program_data(program, t);
            EXPECT(memory, "input %u has no memory", t);
            /* Inputs of any type, from numbers that both runs share: floats of moderate size, or small ids. */
            const size_t bytes = g.tensor[t].element == PN_MASK ? 1 : 4;
            for (size_t i = 0; i < g.tensor[t].count; ++i) {
                const float value = (float)((i * 7919 + t) % 257) / 128 - 1;
                const uint32_t id = (uint32_t)(i % 3);
                memcpy(memory + i * bytes, g.tensor[t].element == PN_FLOAT ? (const void *)&value : &id, bytes);
            }
        }
        const pn_step step = { .parameters = parameters, .seed = 7, .step = 1, .training = true };
        pn_step_report report;
        CALL(ran[run], pn_program_run(program, &step, &report));
        for (uint32_t t = 0; t < g.tensors; ++t) {
            if (g.tensor[t].role != PN_ROLE_KEPT || g.tensor[t].element != PN_FLOAT) continue;
            const float *memory = pn_program_data(program, t);
            EXPECT(memory, "kept tensor %u has no memory", t);
            if (g.tensor[t].count <= 1 << 20) kept[run][t] = copy_of(memory, g.tensor[t].count);
        }
        pn_program_destroy(program);
    }
    /* More memory without reuse may be refused where less was granted. */
    if (status[0] == PN_OK && status[1] == PN_OK) {
        EXPECT(ran[0] == ran[1], "%s and %s", pn_status_name(ran[0]), pn_status_name(ran[1]));
        for (uint32_t t = 0; t < g.tensors && ran[0] == PN_OK; ++t)
            if (kept[0][t] && kept[1][t])
                EXPECT(same_floats(kept[0][t], kept[1][t], g.tensor[t].count), "tensor %u of %zu differs", t, g.tensors);
    }
    pn_set_allocator(NULL);
    return fuzz_end();
}
