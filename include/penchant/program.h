/* Programs: one training step or one inference, recorded once and run many times.
 *
 * A program is a list of operations over numbered tensors, in the order they run. Creating one checks every
 * operation, fuses neighbours, gives every tensor a place and takes all memory; running one allocates nothing.
 *
 * Tensors      an element type, a count and a role. A tensor is written by at most one operation, before its uses
 * Operations   a kind of the table below with tensor numbers, sizes and reals; PN_NONE where an operand is left out
 * Memory       one arena (tensors whose lives do not overlap share bytes, and an operation that may works in place),
 *              one gradient buffer laid out as the parameters, one workspace as large as the hungriest operation's
 * Step         forward and backward operations, then, when the program has an optimiser: finite check, gradient
 *              norm, clip, update. A loss or gradient that is not finite stops the step before the update, so
 *              parameters, moments and averages stay as they were
 * Errors       PN_EPROGRAM with a fault that names the operation, the tensor and the reason; PN_ENOMEM
 * Determinism  same bits for any number of threads, and with reuse and in-place on or off. Fusing may change
 *              the rounding of a chain, never its value beyond the bounds of the kernels
 * Threads      a program is used by one thread at a time; several programs may run at once over one set of
 *              parameters when none of them updates it
 */
#ifndef PENCHANT_PROGRAM_H
#define PENCHANT_PROGRAM_H

#include "penchant/layout.h"
#include "penchant/optimizer.h"
#include "penchant/status.h"

PN_BEGIN_C

#define PN_NONE UINT32_MAX
#define PN_OP_IN 10
#define PN_OP_OUT 5
#define PN_OP_SIZES 10
#define PN_OP_REALS 6
#define PN_PROGRAM_TENSORS ((size_t)1 << 20)

typedef enum pn_element {
    PN_FLOAT = 0, /* float, 4 bytes */
    PN_ID = 1,    /* uint32_t, 4 bytes */
    PN_MASK = 2,  /* uint8_t, 1 byte; 1 = keep */
} pn_element;

typedef enum pn_role {
    PN_ROLE_TEMPORARY = 0, /* written by an operation; its bytes are reused after its last use */
    PN_ROLE_INPUT = 1,     /* written by the caller between runs, keeps its value */
    PN_ROLE_KEPT = 2,      /* written by an operation and readable by the caller after a run */
    PN_ROLE_PARAMETER = 3, /* `offset` elements into the caller's parameter buffer */
    PN_ROLE_GRADIENT = 4,  /* written by an operation, `offset` elements into the gradient buffer */
} pn_role;

typedef struct pn_tensor {
    uint32_t element; /* pn_element */
    uint32_t role;    /* pn_role */
    size_t count;
    size_t offset; /* parameters and gradients: elements from the start, a multiple of 16 (64 bytes) */
} pn_tensor;

/* Functions of one variable: the activations of activation.h (0 ... 6) and these. */
typedef enum pn_unary {
    PN_UNARY_EXP = 16,
    PN_UNARY_LOG = 17,
    PN_UNARY_SOFTPLUS = 18,
    PN_UNARY_LOG_SIGMOID = 19,
    PN_UNARY_SQUARE = 20,
    PN_UNARY_SQRT = 21,
} pn_unary;


/* Operations. `?` marks an operand that may be left out, `=` one that is added to the result (in place when nobody
 * needs it afterwards), f a pn_unary or activation, r0 ... the reals. Sizes count elements.
 *
 *   unary                    x -> f(x)                                                           n, f
 *   unary_grad               saved, dy -> dx                                                     n, f
 *                            saved is f(x) for relu, tanh, sigmoid, exp and sqrt, x for the others
 *   binary                   a, b -> a o b                                                       rows, cols, o, spread
 *   affine                   x -> r0 x + r1                                                      n
 *   sum_rows                 x -> r0 * sum over rows [cols]                                      rows, cols
 *   sum_columns              x -> r0 * sum over columns [rows]                                   rows, cols
 *   spread                   x -> r0 * x over rows x cols                                        rows, cols, spread
 *   slice                    x[outer, width] -> y[outer, length]                                 outer, width, first, length
 *   slice_grad               dy, =base? -> dx                                                    outer, width, first, length
 *   concat                   x0 ... x7 -> y[outer, sum of widths]                                outer, number, width of each
 *   transpose                x[batch, rows, cols, inner] -> y[batch, cols, rows, inner]          batch, rows, cols, inner
 *   masked_mean              x[batch, length, width], mask -> y[batch, width]                    batch, length, width
 *   masked_mean_grad         dy, mask -> dx                                                      batch, length, width
 *   dropout                  x -> y; zero with probability r0, else x / (1 - r0)                 n, stream
 *   linear                   x[rows, in], w[out, in], bias[out]?, =base? -> y[rows, out], z?     rows, in, out, f
 *                            z = x w^T + bias + base, y = f(z)
 *   linear_grad_input        dy[rows, out], w, =base?, saved[rows, in]? -> dx                    rows, in, out, f
 *                            dx = (dy w + base) f'(saved), saved as in unary_grad
 *   linear_grad_weight       dy, x, =base?, =base? -> dw[out, in], dbias[out]?                   rows, in, out
 *   matmul                   a, b, =base? -> r0 op(a) op(b) + base                               batch, m, n, k, ta, tb
 *   softmax                  x, mask? -> y                                                       rows, cols, log
 *   softmax_grad             y, dy -> dx                                                         rows, cols, log
 *   layer_norm               x, scale, shift, residual? -> y, mean, rstd, x + residual?          rows, cols; r0 = epsilon
 *   layer_norm_grad          dy, x, scale, mean, rstd, =base? -> dx, dscale, dshift              rows, cols
 *   rms_norm                 x, scale, residual? -> y, rstd, x + residual?                       rows, cols; r0 = epsilon
 *   rms_norm_grad            dy, x, scale, rstd, =base? -> dx, dscale                            rows, cols
 *   embedding                table[rows, width], ids[n] -> y[n, width]                           n, rows, width
 *   embedding_grad           dy, ids, =base? -> dtable                                           n, rows, width
 *   attention                qkv[R, 3, heads, width], mask[R]?, offsets[batch + 1]? ->           batch, length, heads, width,
 *                            y[R, heads, width], log_sum[heads, R]                               causal, rows; r0 = scale
 *                            rows = 0 and no offsets: R = batch * length; else R = rows, sequence s owns rows
 *                            offsets[s] ..< offsets[s + 1], at most `length` of them, and offsets[batch] = rows
 *   attention_grad           dy, qkv, mask?, y, log_sum, offsets? -> dqkv                        as attention
 *   attribute_attention      E, mask?, id?, query, key?, bias?, score? -> pooled, weights?       texts, attributes, width,
 *                                                                                                queries, rank, kind; r0 = scale
 *   attribute_attention_grad dpooled?, dweights?, E, mask?, id?, query, key?, bias?, score? ->   as attribute_attention
 *                            dE?, dquery?, dkey?, dbias?, dscore?
 *   prefix_attention         items[rows, 3, heads, width], own[own, queries, 3, heads, width],   sequences, rows, queries,
 *                            offsets[sequences + 1], first[sequences + 1], seen[queries] ->      heads, width, own;
 *                            y[queries, heads, width], log_sum[heads, queries]                   r0 = scale
 *   prefix_attention_grad    dy, y, log_sum, items, own, offsets, first, seen -> ditems, down    as prefix_attention
 *   conv2d                   x[B, H, W, in], w[out, k, k, in], bias[out]?, =base? ->              B, H, W, in, out, k, stride,
 *                            y[B, H', W', out]                                                   padding
 *   conv2d_grad_input        dy, w, =base? -> dx                                                 as conv2d
 *   conv2d_grad_weight       dy, x -> dw, dbias?                                                 as conv2d
 *   group_norm               x[B, P, C], scale?, shift?, film[B, 2, C]? -> y, mean[B, groups],   B, P, C, groups, silu;
 *                            rstd[B, groups]                                                     r0 = epsilon
 *   group_norm_grad          dy, x, scale?, shift?, film?, mean, rstd, base? ->                  B, P, C, groups, silu
 *                            dx, dscale?, dshift?, dfilm?
 *   upsample                 x[B, H, W, C] -> r0 * x over squares [B, 2 H, 2 W, C]               B, H, W, C
 *   downsample               x[B, 2 H, 2 W, C] -> r0 * sums of squares [B, H, W, C]              B, H, W, C
 *   gru                      x[rows, 3, width], weight[3, width, width], bias[3, width],         sequences, rows, width
 *                            offsets[sequences + 1] -> y[rows, width], gates[rows, 4, width]
 *   gru_grad                 dy, weight, y, gates, offsets -> dx, dweight, dbias                 as gru
 *
 * Losses write loss[1]; further results are gradients times r0, made in the same pass.
 *   bce                      logits, targets, weights? -> loss, dlogits?                         n
 *   mse                      x, target, weights? -> loss, dx?                                    n
 *                            both: sum of weight * loss / n
 *   cross_entropy            logits[rows, classes], ids -> loss, dlogits?                        rows, classes
 *   catalogue_cross_entropy  hidden[n, width], table[items, width], ids, bias[items]?,           n, items, width
 *                            weights? -> loss, dhidden?, dtable?, dbias?
 *                            both: rows whose id is PN_NONE do not count
 *   catalogue_divergence     hidden[states, n, width], table[items, width], ids, bias[items]? -> states, n, items, width
 *                            loss, dhidden?, dtable?; ids as above
 *   preference               chosen, rejected, reference chosen?, reference rejected?,           n, pn_preference_loss;
 *                            length chosen?, length rejected?, target?, label?, weight? ->       r1 ... beta, gamma, smoothing,
 *                            loss, dchosen?, drejected?                                          shape, likelihood
 *   plackett_luce            scores[rows, items], place?, weight? -> loss, dscores?              rows, items, top
 *   diffusion_preference     eps[2, pairs, cols], reference, tau, weight[pairs]? -> loss, deps?  pairs, cols; r1 = beta
 *   policy_loss              logits[rows, classes], ids, advantage, old logp?, reference logp?,  rows, classes, pn_kl_estimator;
 *                            weight? -> loss, dlogits?; rows of id PN_NONE do not count          r1 penalty, r2 r3 clip
 *   value_loss               value, target, old?, weight? -> loss, dvalue?                       n; r1 clip
 *                            both: r0 multiplies the gradient, the loss is a weighted sum
 */
#define PN_OP_TABLE(X)                                                                                       \
    X(PN_OP_UNARY, 1, "unary")                                                                               \
    X(PN_OP_UNARY_GRAD, 2, "unary_grad")                                                                     \
    X(PN_OP_BINARY, 3, "binary")                                                                             \
    X(PN_OP_AFFINE, 4, "affine")                                                                             \
    X(PN_OP_SUM_ROWS, 5, "sum_rows")                                                                         \
    X(PN_OP_SUM_COLUMNS, 6, "sum_columns")                                                                   \
    X(PN_OP_SPREAD, 7, "spread")                                                                             \
    X(PN_OP_SLICE, 8, "slice")                                                                               \
    X(PN_OP_SLICE_GRAD, 9, "slice_grad")                                                                     \
    X(PN_OP_CONCAT, 10, "concat")                                                                            \
    X(PN_OP_TRANSPOSE, 11, "transpose")                                                                      \
    X(PN_OP_MASKED_MEAN, 12, "masked_mean")                                                                  \
    X(PN_OP_MASKED_MEAN_GRAD, 13, "masked_mean_grad")                                                        \
    X(PN_OP_DROPOUT, 14, "dropout")                                                                          \
    X(PN_OP_LINEAR, 15, "linear")                                                                            \
    X(PN_OP_LINEAR_GRAD_INPUT, 16, "linear_grad_input")                                                      \
    X(PN_OP_LINEAR_GRAD_WEIGHT, 17, "linear_grad_weight")                                                    \
    X(PN_OP_MATMUL, 18, "matmul")                                                                            \
    X(PN_OP_SOFTMAX, 19, "softmax")                                                                          \
    X(PN_OP_SOFTMAX_GRAD, 20, "softmax_grad")                                                                \
    X(PN_OP_LAYER_NORM, 21, "layer_norm")                                                                    \
    X(PN_OP_LAYER_NORM_GRAD, 22, "layer_norm_grad")                                                          \
    X(PN_OP_RMS_NORM, 23, "rms_norm")                                                                        \
    X(PN_OP_RMS_NORM_GRAD, 24, "rms_norm_grad")                                                              \
    X(PN_OP_EMBEDDING, 25, "embedding")                                                                      \
    X(PN_OP_EMBEDDING_GRAD, 26, "embedding_grad")                                                            \
    X(PN_OP_ATTENTION, 27, "attention")                                                                      \
    X(PN_OP_ATTENTION_GRAD, 28, "attention_grad")                                                            \
    X(PN_OP_ATTRIBUTE_ATTENTION, 29, "attribute_attention")                                                  \
    X(PN_OP_ATTRIBUTE_ATTENTION_GRAD, 30, "attribute_attention_grad")                                        \
    X(PN_OP_BCE, 31, "bce")                                                                                  \
    X(PN_OP_MSE, 32, "mse")                                                                                  \
    X(PN_OP_CROSS_ENTROPY, 33, "cross_entropy")                                                              \
    X(PN_OP_CATALOGUE_CROSS_ENTROPY, 34, "catalogue_cross_entropy")                                          \
    X(PN_OP_PREFERENCE, 35, "preference")                                                                    \
    X(PN_OP_PLACKETT_LUCE, 36, "plackett_luce")                                                              \
    X(PN_OP_PREFIX_ATTENTION, 37, "prefix_attention")                                                        \
    X(PN_OP_PREFIX_ATTENTION_GRAD, 38, "prefix_attention_grad")                                              \
    X(PN_OP_GRU, 39, "gru")                                                                                  \
    X(PN_OP_GRU_GRAD, 40, "gru_grad")                                                                        \
    X(PN_OP_CATALOGUE_DIVERGENCE, 41, "catalogue_divergence")                                                \
    X(PN_OP_CONV2D, 42, "conv2d")                                                                            \
    X(PN_OP_CONV2D_GRAD_INPUT, 43, "conv2d_grad_input")                                                      \
    X(PN_OP_CONV2D_GRAD_WEIGHT, 44, "conv2d_grad_weight")                                                    \
    X(PN_OP_GROUP_NORM, 45, "group_norm")                                                                    \
    X(PN_OP_GROUP_NORM_GRAD, 46, "group_norm_grad")                                                          \
    X(PN_OP_UPSAMPLE, 47, "upsample")                                                                        \
    X(PN_OP_DOWNSAMPLE, 48, "downsample")                                                                \
    X(PN_OP_DIFFUSION_PREFERENCE, 49, "diffusion_preference")                                            \
    X(PN_OP_POLICY_LOSS, 50, "policy_loss")                                                                  \
    X(PN_OP_VALUE_LOSS, 51, "value_loss")

typedef enum pn_op_kind {
#define PN_OP_ENUM(name, value, text) name = value,
    PN_OP_TABLE(PN_OP_ENUM)
#undef PN_OP_ENUM
} pn_op_kind;

/* The name of a kind, or "?" for a number that is none. */
const char *pn_op_name(uint32_t kind);

typedef struct pn_op {
    uint32_t kind;
    uint32_t in[PN_OP_IN];
    uint32_t out[PN_OP_OUT];
    size_t size[PN_OP_SIZES];
    float real[PN_OP_REALS];
} pn_op;

typedef enum pn_optimizer_kind {
    PN_OPTIMIZER_NONE = 0, /* gradients only, or no gradients at all */
    PN_OPTIMIZER_ADAM = 1, /* decay is added to the gradient */
    PN_OPTIMIZER_ADAMW = 2, /* decay is decoupled */
    PN_OPTIMIZER_SGD = 3,  /* momentum in `first`; decay is added to the gradient */
} pn_optimizer_kind;

typedef struct pn_optimizer {
    uint32_t kind; /* pn_optimizer_kind */
    double beta1, beta2, epsilon; /* Adam */
    double momentum;              /* SGD */
    bool nesterov;                /* SGD */
    double clip;                  /* largest norm of the whole gradient; 0 = no clipping */
    double average;               /* decay of the moving average of parameters, 0 = none */
    size_t ranges;                /* parameters that are updated, with their decay; others are frozen */
    const pn_parameter_range *range;
} pn_optimizer;

typedef struct pn_program_description {
    size_t tensors;
    const pn_tensor *tensor;
    size_t ops;
    const pn_op *op;
    size_t parameters; /* floats in the parameter buffer */
    uint32_t loss;     /* tensor that must be finite, or PN_NONE */
    pn_optimizer optimizer;
    bool without_reuse;  /* every tensor in bytes of its own: for tests */
    bool without_fusing; /* operations as recorded: for tests */
} pn_program_description;

/* Where and why a program was refused or stopped; PN_NONE where it does not apply. */
typedef struct pn_fault {
    uint32_t op;
    uint32_t tensor;
    const char *reason; /* static text, or NULL */
} pn_fault;

typedef struct pn_program pn_program;

/* Checks, fuses, plans and allocates. `fault` may be NULL. *program is NULL unless PN_OK is returned. */
pn_status pn_program_create(const pn_program_description *description, pn_program **program, pn_fault *fault);
void pn_program_destroy(pn_program *program); /* NULL is fine */

/* Memory of an input or a kept tensor, NULL for any other; valid until the program is destroyed. */
void *pn_program_data(pn_program *program, uint32_t tensor);

/* The gradient buffer of the last run, as many floats as parameters; NULL when the program has no gradients. */
const float *pn_program_gradients(const pn_program *program);

typedef struct pn_program_facts {
    size_t ops;             /* after fusing */
    size_t arena_bytes;     /* inputs, kept tensors and temporaries */
    size_t temporary_bytes; /* sum over temporaries as if none were reused */
    size_t workspace_bytes;
} pn_program_facts;
pn_program_facts pn_program_describe(const pn_program *program);

/* Memory and numbers of one step. Buffers hold `parameters` floats, 64-byte aligned. */
typedef struct pn_step {
    float *parameters; /* written only by an optimiser */
    float *first;      /* Adam's first moment or SGD's momentum; NULL without either */
    float *second;     /* Adam's second moment */
    float *average;    /* NULL unless the optimiser keeps one */
    uint64_t seed;     /* of dropout */
    uint64_t step;     /* counts from 1: bias correction, and the dropout of this step */
    double learning_rate;
    bool training; /* false: dropout passes its input on and the optimiser rests */
} pn_step;

typedef struct pn_step_report {
    float loss;           /* 0 without a loss tensor */
    double gradient_norm; /* before clipping; 0 without an optimiser */
    pn_fault fault;       /* PN_ENONFINITE: tensor of the loss or of the first parameter with a bad gradient */
} pn_step_report;

/* Runs all operations and, in training, the optimiser. `report` may be NULL. */
pn_status pn_program_run(pn_program *program, const pn_step *step, pn_step_report *report);

PN_END_C

#endif
