/* Operations that become one:
 *
 *   linear, activation                linear with the activation in the product's epilogue; what stands before the
 *                                     activation is kept only when the gradient reads it
 *   linear_grad_input, unary_grad     the product is multiplied by the derivative on its way out
 *   add, layer_norm or rms_norm       the norm adds, and hands on the sum
 *
 * Each writes the same tensors as before, except those nobody reads. */
#include "program.h"

#include "penchant/activation.h"

struct fuser {
    pn_program *program;
    uint32_t *uses;   /* readers of a tensor; a kept tensor or gradient has one more */
    uint32_t *writer; /* instruction that writes it, PN_NONE for inputs and parameters */
};

#define DEAD 0 /* kind of an instruction that is gone */

static pn_op *at(const struct fuser *f, size_t i) { return &f->program->instruction[i].op; }

static void count(struct fuser *f)
{
    const pn_program *p = f->program;
    for (size_t t = 0; t < p->tensors; ++t) {
        f->uses[t] = p->tensor[t].role == PN_ROLE_KEPT || p->tensor[t].role == PN_ROLE_GRADIENT;
        f->writer[t] = PN_NONE;
    }
    for (size_t i = 0; i < p->ops; ++i) {
        for (unsigned j = 0; j < PN_OP_IN; ++j)
            if (pn_has_in(at(f, i), j)) ++f->uses[at(f, i)->in[j]];
        for (unsigned j = 0; j < PN_OP_OUT; ++j)
            if (pn_has_out(at(f, i), j)) f->writer[at(f, i)->out[j]] = (uint32_t)i;
    }
}

/* Backwards, so that a chain of unread results goes at once. */
static void drop_unread(struct fuser *f)
{
    for (size_t i = f->program->ops; i-- > 0;) {
        pn_op *op = at(f, i);
        bool read = false;
        for (unsigned j = 0; j < PN_OP_OUT; ++j) read |= pn_has_out(op, j) && f->uses[op->out[j]];
        if (read) continue;
        for (unsigned j = 0; j < PN_OP_IN; ++j)
            if (pn_has_in(op, j)) --f->uses[op->in[j]];
        op->kind = DEAD;
    }
}

static pn_op *written_by(const struct fuser *f, uint32_t tensor, uint32_t kind)
{
    const uint32_t i = f->writer[tensor];
    return i != PN_NONE && at(f, i)->kind == kind ? at(f, i) : NULL;
}

static void linear_activation(struct fuser *f, pn_op *act)
{
    const uint32_t z = act->in[0], y = act->out[0];
    pn_op *linear = written_by(f, z, PN_OP_LINEAR);
    if (!linear || act->size[1] > PN_ACT_SIGMOID || linear->size[3] != PN_ACT_NONE || linear->out[0] != z) return;
    if (pn_has_out(linear, 1)) return; /* it took an identity before, and keeps what stands before that */
    linear->size[3] = act->size[1];
    linear->out[0] = y;
    if (--f->uses[z]) linear->out[1] = z;
    f->writer[y] = f->writer[z];
    act->kind = DEAD;
}

static void gradient_activation(struct fuser *f, pn_op *grad)
{
    const uint32_t saved = grad->in[0], dy = grad->in[1];
    pn_op *product = written_by(f, dy, PN_OP_LINEAR_GRAD_INPUT);
    if (!product || grad->size[1] > PN_ACT_SIGMOID || product->size[3] != PN_ACT_NONE || f->uses[dy] != 1) return;
    if (f->writer[saved] != PN_NONE && f->writer[saved] >= f->writer[dy]) return;
    product->size[3] = grad->size[1];
    product->in[3] = saved;
    product->out[0] = grad->out[0];
    f->writer[grad->out[0]] = f->writer[dy];
    f->uses[dy] = 0;
    grad->kind = DEAD;
}

/* Between the sum's old place and its new one nobody may read it. */
static bool read_between(const struct fuser *f, uint32_t tensor, size_t first, size_t last)
{
    for (size_t i = first; i < last; ++i)
        for (unsigned j = 0; j < PN_OP_IN; ++j)
            if (at(f, i)->kind != DEAD && at(f, i)->in[j] == tensor) return true;
    return false;
}

static void sum_norm(struct fuser *f, size_t i, unsigned residual, unsigned sum)
{
    pn_op *norm = at(f, i);
    const uint32_t x = norm->in[0];
    pn_op *add = written_by(f, x, PN_OP_BINARY);
    if (!add || add->size[2] != PN_BINARY_ADD || add->size[3] != PN_SPREAD_NONE || pn_has_in(norm, residual)) return;
    if (f->program->tensor[x].role == PN_ROLE_GRADIENT || read_between(f, x, f->writer[x] + 1, i)) return;
    norm->in[0] = add->in[0];
    norm->in[residual] = add->in[1];
    norm->out[sum] = x;
    --f->uses[x];
    f->writer[x] = (uint32_t)i;
    add->kind = DEAD;
}

static void fuse(struct fuser *f)
{
    for (size_t i = 0; i < f->program->ops; ++i) {
        pn_op *op = at(f, i);
        switch (op->kind) {
        case PN_OP_UNARY: linear_activation(f, op); break;
        case PN_OP_UNARY_GRAD: gradient_activation(f, op); break;
        case PN_OP_LAYER_NORM: sum_norm(f, i, 3, 3); break;
        case PN_OP_RMS_NORM: sum_norm(f, i, 2, 2); break;
        default: break;
        }
    }
}

static void close_ranks(pn_program *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->ops; ++i)
        if (p->instruction[i].op.kind != DEAD) p->instruction[kept++] = p->instruction[i];
    p->ops = kept;
}

pn_status pn_fuse(pn_program *p)
{
    const size_t n = pn_max(p->tensors, 1);
    struct fuser f = { p, pn_alloc(n * sizeof *f.uses), pn_alloc(n * sizeof *f.writer) };
    if (f.uses && f.writer) {
        count(&f);
        drop_unread(&f);
        fuse(&f);
        close_ranks(p);
    }
    const pn_status status = f.uses && f.writer ? PN_OK : PN_ENOMEM;
    pn_free(f.writer);
    pn_free(f.uses);
    return status;
}
