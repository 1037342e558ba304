/* Creating, describing and running programs. */
#include "program.h"

#include <stdlib.h>

/* ---- acceptance ---- */

static pn_status refuse(pn_fault *fault, uint32_t op, uint32_t tensor, const char *reason)
{
    if (fault) *fault = (pn_fault){ op, tensor, reason };
    return PN_EPROGRAM;
}

static pn_status check_tensors(const pn_program_description *d, pn_fault *fault)
{
    for (size_t i = 0; i < d->tensors; ++i) {
        const pn_tensor *t = &d->tensor[i];
        const uint32_t id = (uint32_t)i;
        if (t->element > PN_MASK) return refuse(fault, PN_NONE, id, "unknown element type");
        if (t->role > PN_ROLE_GRADIENT) return refuse(fault, PN_NONE, id, "unknown role");
        if (t->count == 0) return refuse(fault, PN_NONE, id, "the tensor is empty");
        if (t->count > SIZE_MAX / 64) return refuse(fault, PN_NONE, id, "the tensor is larger than memory");
        if (t->element != PN_FLOAT && t->role != PN_ROLE_INPUT)
            return refuse(fault, PN_NONE, id, "ids and masks are inputs");
        if (t->role == PN_ROLE_PARAMETER || t->role == PN_ROLE_GRADIENT) {
            if (t->offset % 16) return refuse(fault, PN_NONE, id, "the offset is not a multiple of 16");
            if (t->offset > d->parameters || t->count > d->parameters - t->offset)
                return refuse(fault, PN_NONE, id, "the tensor leaves the parameter buffer");
        }
    }
    return PN_OK;
}

/* written[t]: 1 once tensor t has a value. */
static pn_status check_ops(const pn_program_description *d, uint32_t *written, pn_fault *fault)
{
    for (size_t i = 0; i < d->tensors; ++i)
        written[i] = d->tensor[i].role == PN_ROLE_INPUT || d->tensor[i].role == PN_ROLE_PARAMETER;
    for (size_t i = 0; i < d->ops; ++i) {
        const pn_op *op = &d->op[i];
        const uint32_t at = (uint32_t)i;
        const struct op_class *class = pn_op_class(op->kind);
        if (!class) return refuse(fault, at, PN_NONE, "unknown kind of operation");
        for (unsigned j = 0; j < PN_OP_IN; ++j) {
            const uint32_t t = op->in[j];
            if (t == PN_NONE) continue;
            if (t >= d->tensors) return refuse(fault, at, t, "the operand does not exist");
            if (!written[t]) return refuse(fault, at, t, "the operand is read before it is written");
        }
        for (unsigned j = 0; j < PN_OP_OUT; ++j) {
            const uint32_t t = op->out[j];
            if (t == PN_NONE) continue;
            if (t >= d->tensors) return refuse(fault, at, t, "the result does not exist");
            if (written[t]) return refuse(fault, at, t, "the result is written twice or is an input");
            written[t] = 1;
        }
        struct check c = { d, op, 0, 0, PN_NONE, NULL };
        class->check(&c);
        for (unsigned j = 0; j < PN_OP_IN; ++j)
            if (pn_has_in(op, j) && !(c.seen_in >> j & 1)) pn_check_that(&c, false, "too many operands");
        for (unsigned j = 0; j < PN_OP_OUT; ++j)
            if (pn_has_out(op, j) && !(c.seen_out >> j & 1)) pn_check_that(&c, false, "too many results");
        if (c.reason) return refuse(fault, at, c.tensor, c.reason);
    }
    for (size_t i = 0; i < d->tensors; ++i)
        if (!written[i] && d->tensor[i].role != PN_ROLE_TEMPORARY)
            return refuse(fault, PN_NONE, (uint32_t)i, "no operation writes the tensor");
    return PN_OK;
}

/* Two operations that write the same gradient would undo each other. Slots are sorted by offset. */
static int by_offset(const void *a, const void *b)
{
    const size_t x = (*(const pn_tensor *const *)a)->offset, y = (*(const pn_tensor *const *)b)->offset;
    return (x > y) - (x < y);
}

static pn_status check_gradients(const pn_program_description *d, const pn_tensor **slots, pn_fault *fault)
{
    size_t n = 0;
    for (size_t i = 0; i < d->tensors; ++i)
        if (d->tensor[i].role == PN_ROLE_GRADIENT) slots[n++] = &d->tensor[i];
    if (n > 1) qsort(slots, n, sizeof *slots, by_offset);
    for (size_t i = 1; i < n; ++i)
        if (slots[i]->offset - slots[i - 1]->offset < slots[i - 1]->count)
            return refuse(fault, PN_NONE, (uint32_t)(slots[i] - d->tensor), "two gradients share a place");
    return PN_OK;
}

static bool fraction(double x) { return x >= 0 && x < 1; }

static pn_status check_optimizer(const pn_program_description *d, pn_fault *fault)
{
    const pn_optimizer *o = &d->optimizer;
    if (o->kind > PN_OPTIMIZER_SGD) return refuse(fault, PN_NONE, PN_NONE, "unknown optimiser");
    if (o->kind == PN_OPTIMIZER_NONE) return PN_OK;
    if (!fraction(o->beta1) || !fraction(o->beta2) || !(o->epsilon >= 0) || !fraction(o->momentum) ||
        !(o->clip >= 0) || !fraction(o->average))
        return refuse(fault, PN_NONE, PN_NONE, "a setting of the optimiser is outside its range");
    size_t end = 0;
    for (size_t i = 0; i < o->ranges; ++i) {
        const pn_parameter_range *r = &o->range[i];
        if (r->first < end || r->first > d->parameters || r->count > d->parameters - r->first ||
            !(r->decay >= 0) || !(r->rate >= 0))
            return refuse(fault, PN_NONE, PN_NONE, "a range of the optimiser does not fit the parameters");
        end = r->first + r->count;
    }
    return PN_OK;
}

static pn_status check(const pn_program_description *d, pn_fault *fault)
{
    if (d->tensors > PN_PROGRAM_TENSORS || d->ops > PN_PROGRAM_TENSORS || d->parameters > SIZE_MAX / 64)
        return refuse(fault, PN_NONE, PN_NONE, "the program is too large");
    if ((d->tensors && !d->tensor) || (d->ops && !d->op) || (d->optimizer.ranges && !d->optimizer.range))
        return PN_ENULL;
    pn_status status = check_tensors(d, fault);
    if (status) return status;
    if (d->loss != PN_NONE &&
        (d->loss >= d->tensors || d->tensor[d->loss].role != PN_ROLE_KEPT || d->tensor[d->loss].count != 1))
        return refuse(fault, PN_NONE, d->loss, "the loss must be a kept tensor of one element");
    status = check_optimizer(d, fault);
    if (status) return status;
    void *scratch = pn_alloc(pn_times(d->tensors, sizeof(void *)));
    if (!scratch) return PN_ENOMEM;
    status = check_ops(d, scratch, fault);
    if (!status) status = check_gradients(d, scratch, fault);
    pn_free(scratch);
    return status;
}

/* ---- creation ---- */

static void *take(size_t count, size_t size)
{
    const size_t bytes = pn_times(pn_max(count, 1), size);
    void *block = bytes == SIZE_MAX ? NULL : pn_alloc(bytes);
    if (block) memset(block, 0, bytes);
    return block;
}

static pn_status copy(pn_program *p, const pn_program_description *d)
{
    p->tensor = take(d->tensors, sizeof *p->tensor);
    p->place = take(d->tensors, sizeof *p->place);
    p->instruction = take(d->ops, sizeof *p->instruction);
    p->range = take(d->optimizer.ranges, sizeof *p->range);
    if (!p->tensor || !p->place || !p->instruction || !p->range) return PN_ENOMEM;
    if (d->tensors) memcpy(p->tensor, d->tensor, d->tensors * sizeof *p->tensor);
    if (d->optimizer.ranges) memcpy(p->range, d->optimizer.range, d->optimizer.ranges * sizeof *p->range);
    for (size_t i = 0; i < d->ops; ++i)
        p->instruction[i] = (struct instruction){ d->op[i], pn_op_class(d->op[i].kind), (uint32_t)i };
    for (size_t i = 0; i < d->tensors; ++i) p->has_gradients |= d->tensor[i].role == PN_ROLE_GRADIENT;
    p->tensors = d->tensors;
    p->ops = d->ops;
    p->parameters = d->parameters;
    p->loss = d->loss;
    p->optimizer = d->optimizer;
    p->optimizer.range = p->range;
    return PN_OK;
}

static pn_status size_workspace(pn_program *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->ops; ++i)
        if (p->instruction[i].class->workspace)
            most = pn_max(most, p->instruction[i].class->workspace(&p->instruction[i].op));
    p->workspace_bytes = most;
    return most == SIZE_MAX ? PN_EPROGRAM : PN_OK;
}

static pn_status build(pn_program *p, const pn_program_description *d)
{
    pn_status status = copy(p, d);
    if (!status && !d->without_fusing) status = pn_fuse(p);
    if (!status) status = size_workspace(p);
    if (!status) status = pn_plan(p, d->without_reuse);
    if (status) return status;
    /* Cleared once: inputs that are never set are zeros, and so are the gaps between gradients. */
    p->arena = take(p->arena_bytes, 1);
    if (!p->arena) return PN_ENOMEM;
    if (!p->has_gradients) return PN_OK;
    p->gradients = take(p->parameters, sizeof *p->gradients);
    return p->gradients ? PN_OK : PN_ENOMEM;
}

pn_status pn_program_create(const pn_program_description *d, pn_program **program, pn_fault *fault)
{
    if (fault) *fault = (pn_fault){ PN_NONE, PN_NONE, NULL };
    if (!program) return PN_ENULL;
    *program = NULL;
    if (!d) return PN_ENULL;
    pn_status status = check(d, fault);
    if (status) return status;
    pn_program *p = take(1, sizeof *p);
    if (!p) return PN_ENOMEM;
    status = build(p, d);
    if (status == PN_EPROGRAM) refuse(fault, PN_NONE, PN_NONE, "the program is larger than memory");
    if (status)
        pn_program_destroy(p);
    else
        *program = p;
    return status;
}

void pn_program_destroy(pn_program *p)
{
    if (!p) return;
    pn_free(p->tensor);
    pn_free(p->place);
    pn_free(p->instruction);
    pn_free(p->range);
    pn_free(p->arena);
    pn_free(p->gradients);
    pn_free(p);
}

void *pn_program_data(pn_program *p, uint32_t tensor)
{
    if (!p || tensor >= p->tensors) return NULL;
    const uint32_t role = p->tensor[tensor].role;
    return role == PN_ROLE_INPUT || role == PN_ROLE_KEPT ? p->arena + p->place[tensor].offset : NULL;
}

const float *pn_program_gradients(const pn_program *p) { return p ? p->gradients : NULL; }

pn_program_facts pn_program_describe(const pn_program *p)
{
    if (!p) return (pn_program_facts){ 0 };
    return (pn_program_facts){ p->ops, p->arena_bytes - p->workspace_bytes, p->temporary_bytes, p->workspace_bytes };
}

/* ---- running ---- */

pn_status pn_program_run(pn_program *p, const pn_step *step, pn_step_report *report)
{
    pn_step_report local;
    if (!report) report = &local;
    *report = (pn_step_report){ 0, 0, { PN_NONE, PN_NONE, NULL } };
    if (!p || !step || (p->parameters && !step->parameters)) return PN_ENULL;
    char *const base[BASE_COUNT] = { p->arena, (char *)step->parameters, (char *)p->gradients };
    void *workspace = p->arena + p->workspace_at;
    for (size_t i = 0; i < p->ops; ++i) {
        const struct instruction *in = &p->instruction[i];
        struct call c = { &in->op, { NULL }, { NULL }, workspace, p->workspace_bytes, step };
        for (unsigned j = 0; j < PN_OP_IN; ++j)
            if (pn_has_in(&in->op, j)) {
                const struct place at = p->place[in->op.in[j]];
                c.in[j] = base[at.base] + at.offset;
            }
        for (unsigned j = 0; j < PN_OP_OUT; ++j)
            if (pn_has_out(&in->op, j)) {
                const struct place at = p->place[in->op.out[j]];
                c.out[j] = base[at.base] + at.offset;
            }
        const pn_status status = in->class->run(&c);
        if (status) {
            report->fault = (pn_fault){ in->recorded, PN_NONE, pn_status_sentence(status) };
            return status;
        }
    }
    if (p->loss != PN_NONE) {
        report->loss = *(const float *)pn_program_data(p, p->loss);
        if (!isfinite(report->loss)) {
            report->fault = (pn_fault){ PN_NONE, p->loss, "the loss is not finite" };
            return PN_ENONFINITE;
        }
    }
    if (!step->training || p->optimizer.kind == PN_OPTIMIZER_NONE) return PN_OK;
    return pn_optimize(p, step, report);
}
