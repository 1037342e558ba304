/* What the classes ask about an operation before it is accepted. */
#include "program.h"

size_t pn_times(size_t a, size_t b)
{
    size_t product;
    (void)pn_mul_size(a, b, &product);
    return product;
}

size_t pn_element_bytes(uint32_t element) { return element == PN_MASK ? 1 : 4; }

bool pn_has_in(const pn_op *op, unsigned operand) { return op->in[operand] != PN_NONE; }

bool pn_has_out(const pn_op *op, unsigned operand) { return op->out[operand] != PN_NONE; }

static void refuse(struct check *c, uint32_t tensor, const char *reason)
{
    if (c->reason) return;
    c->tensor = tensor;
    c->reason = reason;
}

static void operand(struct check *c, uint32_t tensor, pn_element element, size_t count, enum need need)
{
    if (tensor == PN_NONE) {
        if (need == MUST) refuse(c, tensor, "a required operand is left out");
        return;
    }
    const pn_tensor *t = &c->program->tensor[tensor];
    if (t->element != (uint32_t)element) refuse(c, tensor, "the tensor has the wrong element type");
    if (t->count != count) refuse(c, tensor, "the tensor has the wrong number of elements");
}

void pn_check_in(struct check *c, unsigned i, pn_element element, size_t count, enum need need)
{
    c->seen_in |= 1u << i;
    operand(c, c->op->in[i], element, count, need);
}

void pn_check_out(struct check *c, unsigned i, size_t count, enum need need)
{
    c->seen_out |= 1u << i;
    operand(c, c->op->out[i], PN_FLOAT, count, need);
}

void pn_check_that(struct check *c, bool fits, const char *reason)
{
    if (!fits) refuse(c, PN_NONE, reason);
}

/* Bytes a task copies or clears: enough to pay for waking a thread. */
#define MOVE ((size_t)1 << 16)

struct move {
    char *to;
    const char *from; /* NULL: clear */
    size_t bytes;
};

static void move_block(void *context, size_t block)
{
    const struct move *m = context;
    const size_t first = block * MOVE, bytes = pn_min(MOVE, m->bytes - first);
    if (m->from)
        memcpy(m->to + first, m->from + first, bytes);
    else
        memset(m->to + first, 0, bytes);
}

static void move(float *to, const float *from, size_t count)
{
    struct move m = { (char *)to, (const char *)from, count * sizeof *to };
    (void)pn_team_for(pn_ceil_div(m.bytes, MOVE), move_block, &m);
}

void pn_start_from(float *out, const float *base, size_t count)
{
    if (base && base != out) move(out, base, count);
}

void pn_clear(float *out, size_t count) { move(out, NULL, count); }

const struct op_class *pn_op_class(uint32_t kind)
{
    if (kind >= PN_OP_UNARY && kind <= PN_OP_SUM_COLUMNS) return &pn_ops_elementwise[kind - PN_OP_UNARY];
    if (kind >= PN_OP_SPREAD && kind <= PN_OP_MASKED_MEAN_GRAD) return &pn_ops_layout[kind - PN_OP_SPREAD];
    if (kind >= PN_OP_DROPOUT && kind <= PN_OP_MATMUL) return &pn_ops_matrix[kind - PN_OP_DROPOUT];
    if (kind >= PN_OP_SOFTMAX && kind <= PN_OP_RMS_NORM_GRAD) return &pn_ops_norm[kind - PN_OP_SOFTMAX];
    if (kind >= PN_OP_EMBEDDING && kind <= PN_OP_ATTRIBUTE_ATTENTION_GRAD)
        return &pn_ops_sequence[kind - PN_OP_EMBEDDING];
    if (kind >= PN_OP_BCE && kind <= PN_OP_PLACKETT_LUCE) return &pn_ops_loss[kind - PN_OP_BCE];
    if (kind >= PN_OP_PREFIX_ATTENTION && kind <= PN_OP_CATALOGUE_DIVERGENCE)
        return &pn_ops_history[kind - PN_OP_PREFIX_ATTENTION];
    if (kind >= PN_OP_CONV2D && kind <= PN_OP_DOWNSAMPLE) return &pn_ops_picture[kind - PN_OP_CONV2D];
    if (kind == PN_OP_DIFFUSION_PREFERENCE) return &pn_ops_diffusion[0];
    if (kind == PN_OP_POLICY_LOSS || kind == PN_OP_VALUE_LOSS) return &pn_ops_policy[kind - PN_OP_POLICY_LOSS];
    return NULL;
}

const char *pn_op_name(uint32_t kind)
{
    switch (kind) {
#define PN_OP_TEXT(name, value, text) case name: return text;
        PN_OP_TABLE(PN_OP_TEXT)
#undef PN_OP_TEXT
    }
    return "?";
}
