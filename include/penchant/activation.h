/* Activations that elementwise kernels, the epilogue of a product and the tape share. */
#ifndef PENCHANT_ACTIVATION_H
#define PENCHANT_ACTIVATION_H

typedef enum pn_activation {
    PN_ACT_NONE = 0,
    PN_ACT_RELU = 1,
    PN_ACT_GELU = 2,      /* x * Phi(x), with erf */
    PN_ACT_GELU_TANH = 3, /* the tanh form */
    PN_ACT_SILU = 4,      /* x * sigmoid(x) */
    PN_ACT_TANH = 5,
    PN_ACT_SIGMOID = 6,
} pn_activation;

#endif
