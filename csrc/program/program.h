/* Inside of a program. Not public. */
#ifndef PN_PROGRAM_INTERNAL_H
#define PN_PROGRAM_INTERNAL_H

#include "base.h"
#include "penchant/program.h"

/* ---- checking an operation ---- */

struct check {
    const pn_program_description *program;
    const pn_op *op;
    uint32_t seen_in, seen_out; /* operands that the class has asked about */
    uint32_t tensor;            /* the first that does not fit */
    const char *reason;         /* NULL while all is well */
};

/* An operand of `count` elements; `need` says whether it may be left out. SIZE_MAX never fits. */
enum need { MUST, MAY };
void pn_check_in(struct check *c, unsigned operand, pn_element element, size_t count, enum need need);
void pn_check_out(struct check *c, unsigned operand, size_t count, enum need need);
void pn_check_that(struct check *c, bool fits, const char *reason);
bool pn_has_in(const pn_op *op, unsigned operand);
bool pn_has_out(const pn_op *op, unsigned operand);
size_t pn_times(size_t a, size_t b); /* SIZE_MAX on overflow */

/* ---- running an operation ---- */

struct call {
    const pn_op *op;
    void *in[PN_OP_IN];   /* NULL where left out */
    void *out[PN_OP_OUT];
    void *workspace;
    size_t workspace_bytes;
    const pn_step *step;
};

/* Operations of one kind. */
struct op_class {
    void (*check)(struct check *c);
    size_t (*workspace)(const pn_op *op); /* NULL: none */
    pn_status (*run)(const struct call *c);
    uint8_t reuse[2]; /* bit j of reuse[o]: output o may take the bytes of input j, when the sizes agree */
};

/* The class of a kind, or NULL. */
const struct op_class *pn_op_class(uint32_t kind);

/* Puts what an operation adds to into its output: a copy, or nothing when both are the same bytes. */
void pn_start_from(float *out, const float *base, size_t count);
void pn_clear(float *out, size_t count);

/* Tables of the families. */
extern const struct op_class pn_ops_elementwise[], pn_ops_layout[], pn_ops_matrix[], pn_ops_norm[], pn_ops_sequence[],
    pn_ops_loss[], pn_ops_history[], pn_ops_picture[], pn_ops_diffusion[], pn_ops_policy[];

/* ---- the program ---- */

enum base { BASE_ARENA, BASE_PARAMETERS, BASE_GRADIENTS, BASE_COUNT };

struct place {
    enum base base;
    size_t offset; /* bytes */
};

struct instruction {
    pn_op op;
    const struct op_class *class;
    uint32_t recorded; /* number in the description, for faults */
};

struct pn_program {
    size_t tensors, ops, parameters;
    pn_tensor *tensor;
    struct place *place;
    struct instruction *instruction;
    uint32_t loss;
    bool has_gradients;
    pn_optimizer optimizer;
    pn_parameter_range *range;
    char *arena;
    size_t arena_bytes, temporary_bytes, workspace_at, workspace_bytes;
    float *gradients;
};

size_t pn_element_bytes(uint32_t element);

/* Merges neighbours and drops what nobody reads; `ops` shrinks. PN_ENOMEM. */
pn_status pn_fuse(struct pn_program *program);

/* Gives every tensor a place and fills the sizes. PN_ENOMEM, PN_EPROGRAM on overflow. */
pn_status pn_plan(struct pn_program *program, bool without_reuse);

/* Norm, clip, update. */
pn_status pn_optimize(const struct pn_program *program, const pn_step *step, pn_step_report *report);

#endif
