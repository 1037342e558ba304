/* Where tensors live. Lives are counted in operations: [written, last read]. Tensors that an operation may turn
 * into each other in place form one group with one life; groups are placed largest first, each at the lowest
 * offset that no group alive at the same time covers. */
#include "program.h"

#include <stdlib.h>

#define ALIGN ((size_t)64)

struct life {
    size_t first, last;
    uint32_t group; /* the tensor whose place this one takes; itself when it has its own */
};

struct slot {
    size_t bytes, offset, first, last;
    uint32_t tensor;
};

struct plan {
    pn_program *program;
    struct life *life;
    struct slot *slot;          /* groups to place, largest first */
    const struct slot **placed; /* those that have a place, by offset */
};

static size_t bytes_of(const pn_program *p, uint32_t t)
{
    return p->tensor[t].count * pn_element_bytes(p->tensor[t].element);
}

static void find_lives(struct plan *plan)
{
    const pn_program *p = plan->program;
    for (size_t t = 0; t < p->tensors; ++t) plan->life[t] = (struct life){ SIZE_MAX, 0, (uint32_t)t };
    for (size_t i = 0; i < p->ops; ++i) {
        const pn_op *op = &p->instruction[i].op;
        for (unsigned j = 0; j < PN_OP_OUT; ++j)
            if (pn_has_out(op, j)) plan->life[op->out[j]].first = plan->life[op->out[j]].last = i;
        for (unsigned j = 0; j < PN_OP_IN; ++j)
            if (pn_has_in(op, j)) plan->life[op->in[j]].last = i;
    }
    for (size_t t = 0; t < p->tensors; ++t)
        if (p->tensor[t].role != PN_ROLE_TEMPORARY) {
            plan->life[t].first = 0;
            plan->life[t].last = p->ops;
        }
}

/* Backwards, so that a chain of operations that work in place ends up in the place of its last result. */
static void find_groups(struct plan *plan)
{
    const pn_program *p = plan->program;
    for (size_t i = p->ops; i-- > 0;) {
        const struct instruction *in = &p->instruction[i];
        uint32_t taken = 0; /* inputs whose bytes an output has */
        for (unsigned o = 0; o < 2; ++o) {
            if (!pn_has_out(&in->op, o)) continue;
            const uint32_t out = in->op.out[o];
            for (unsigned j = 0; j < PN_OP_IN; ++j) {
                if (!(in->class->reuse[o] >> j & 1) || !pn_has_in(&in->op, j) || taken >> j & 1) continue;
                const uint32_t t = in->op.in[j];
                if (p->tensor[t].role != PN_ROLE_TEMPORARY || plan->life[t].last != i) continue;
                if (plan->life[t].group != t || bytes_of(p, t) != bytes_of(p, out)) continue;
                /* Another operand in the same bytes may only be read element by element. */
                bool twice = false;
                for (unsigned k = 0; k < PN_OP_IN; ++k)
                    twice |= k != j && in->op.in[k] == t && !(in->class->reuse[o] >> k & 1);
                if (twice) continue;
                const uint32_t group = plan->life[out].group;
                plan->life[t].group = group;
                if (p->tensor[group].role == PN_ROLE_TEMPORARY)
                    plan->life[group].first = pn_min(plan->life[group].first, plan->life[t].first);
                taken |= 1u << j;
                break;
            }
        }
    }
}

static int larger_first(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return x->tensor < y->tensor ? -1 : 1;
}

/* The lowest offset at which the slot meets no placed slot of its time. `placed` is sorted by offset. */
static bool find_offset(const struct slot *slot, const struct slot *const *placed, size_t count, size_t *offset)
{
    size_t at = 0;
    for (size_t i = 0; i < count; ++i) {
        const struct slot *other = placed[i];
        if (other->last < slot->first || slot->last < other->first) continue;
        if (other->offset >= at && other->offset - at >= slot->bytes) break;
        at = pn_max(at, other->offset + other->bytes);
    }
    *offset = at;
    return at <= SIZE_MAX / 4 - slot->bytes;
}

static bool place_slots(struct plan *plan, size_t count, size_t *arena)
{
    qsort(plan->slot, count, sizeof *plan->slot, larger_first);
    for (size_t i = 0; i < count; ++i) {
        struct slot *slot = &plan->slot[i];
        if (slot->bytes > SIZE_MAX / 8 || !find_offset(slot, plan->placed, i, &slot->offset)) return false;
        size_t at = i;
        for (; at > 0 && plan->placed[at - 1]->offset > slot->offset; --at) plan->placed[at] = plan->placed[at - 1];
        plan->placed[at] = slot;
        *arena = pn_max(*arena, slot->offset + slot->bytes);
        plan->program->place[slot->tensor] = (struct place){ BASE_ARENA, slot->offset };
    }
    return true;
}

static size_t padded(size_t bytes)
{
    size_t sum;
    return pn_add_size(bytes, ALIGN - 1, &sum) ? sum & ~(ALIGN - 1) : SIZE_MAX;
}

static bool place_all(struct plan *plan, bool without_reuse)
{
    pn_program *p = plan->program;
    size_t slots = 0, arena = 0;
    for (size_t t = 0; t < p->tensors; ++t) {
        const pn_tensor *tensor = &p->tensor[t];
        const struct life *life = &plan->life[t];
        if (tensor->role == PN_ROLE_PARAMETER)
            p->place[t] = (struct place){ BASE_PARAMETERS, tensor->offset * sizeof(float) };
        else if (tensor->role == PN_ROLE_GRADIENT)
            p->place[t] = (struct place){ BASE_GRADIENTS, tensor->offset * sizeof(float) };
        else if (life->group == t && life->first != SIZE_MAX) {
            const size_t bytes = padded(bytes_of(p, (uint32_t)t));
            plan->slot[slots++] = (struct slot){ bytes, 0, without_reuse ? 0 : life->first,
                                                 without_reuse ? p->ops : life->last, (uint32_t)t };
        }
        if (tensor->role == PN_ROLE_TEMPORARY && life->first != SIZE_MAX)
            p->temporary_bytes += padded(bytes_of(p, (uint32_t)t));
    }
    if (!place_slots(plan, slots, &arena)) return false;
    for (size_t t = 0; t < p->tensors; ++t)
        if (plan->life[t].group != t) p->place[t] = p->place[plan->life[t].group];
    p->workspace_at = arena;
    return pn_add_size(arena, p->workspace_bytes, &p->arena_bytes);
}

pn_status pn_plan(pn_program *p, bool without_reuse)
{
    const size_t n = pn_max(p->tensors, 1);
    struct plan plan = { p, pn_alloc(n * sizeof *plan.life), pn_alloc(n * sizeof *plan.slot),
                         pn_alloc(n * sizeof *plan.placed) };
    pn_status status = PN_ENOMEM;
    if (plan.life && plan.slot && plan.placed) {
        find_lives(&plan);
        if (!without_reuse) find_groups(&plan);
        status = place_all(&plan, without_reuse) ? PN_OK : PN_EPROGRAM;
    }
    pn_free(plan.placed);
    pn_free(plan.slot);
    pn_free(plan.life);
    return status;
}
