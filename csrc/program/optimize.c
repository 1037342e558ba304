/* The end of a training step: is the gradient finite, how long is it, clip, update. */
#include "program.h"

/* The gradient that covers element `at` of the buffer. */
static uint32_t gradient_at(const pn_program *p, size_t at)
{
    for (size_t t = 0; t < p->tensors; ++t)
        if (p->tensor[t].role == PN_ROLE_GRADIENT && at >= p->tensor[t].offset &&
            at - p->tensor[t].offset < p->tensor[t].count)
            return (uint32_t)t;
    return PN_NONE;
}

pn_status pn_optimize(const struct pn_program *p, const pn_step *step, pn_step_report *report)
{
    const pn_optimizer *o = &p->optimizer;
    if (!p->gradients || p->parameters == 0) return PN_OK;
    if (step->step == 0 || !(step->learning_rate >= 0)) return PN_EVALUE;
    const bool adam = o->kind != PN_OPTIMIZER_SGD;
    if ((adam && (!step->first || !step->second)) || (!adam && o->momentum > 0 && !step->first) ||
        (o->average > 0 && !step->average))
        return PN_ENULL;

    size_t bad;
    pn_status status = pn_gradient_norm_f32(p->parameters, p->gradients, &report->gradient_norm, &bad);
    if (status == PN_ENONFINITE)
        report->fault = (pn_fault){ PN_NONE, gradient_at(p, bad), "a gradient is not finite" };
    if (status) return status;
    const double scale = o->clip > 0 ? pn_clip_factor(report->gradient_norm, o->clip) : 1;

    if (adam) {
        const pn_adam adam_settings = { step->learning_rate, o->beta1, o->beta2, o->epsilon, 0, step->step,
                                        o->kind == PN_OPTIMIZER_ADAMW };
        return pn_adam_f32(p->parameters, &adam_settings, scale, o->average, o->ranges, o->range, p->gradients,
                           step->parameters, step->first, step->second, o->average > 0 ? step->average : NULL, NULL);
    }
    const pn_sgd sgd = { step->learning_rate, o->momentum, 0, 0, step->step, o->nesterov };
    status = pn_sgd_f32(p->parameters, &sgd, scale, o->ranges, o->range, p->gradients, step->parameters,
                        o->momentum > 0 ? step->first : NULL, NULL);
    if (status || o->average == 0) return status;
    return pn_average_f32(p->parameters, o->average, step->parameters, step->average);
}
