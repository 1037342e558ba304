/* Status of a call: one table holds the code, the sentence and the repair. */
#ifndef PENCHANT_STATUS_H
#define PENCHANT_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define PN_BEGIN_C extern "C" {
#define PN_END_C }
#else
#define PN_BEGIN_C
#define PN_END_C
#endif

/* Says how many elements a pointer covers. Documentation for people, bounds for compilers that read it. */
#if defined(__has_feature)
#if __has_feature(bounds_safety_attributes)
#define PN_COUNT(n) __attribute__((__counted_by__(n)))
#endif
#endif
#ifndef PN_COUNT
#define PN_COUNT(n)
#endif

#define PN_STATUS_TABLE(X)                                                                                   \
    X(PN_OK, 0, "done", "")                                                                                  \
    X(PN_ENULL, 1, "a required pointer is NULL", "pass memory of the size that the header states")           \
    X(PN_EDIM, 2, "sizes do not match or overflow", "compare the shapes in the call")                        \
    X(PN_EVALUE, 3, "a parameter is outside its range", "see the range in the header of the call")           \
    X(PN_EINDEX, 4, "an index is outside its table", "check the ids against the number of rows")             \
    X(PN_ENOMEM, 5, "memory for workspace refused", "use a smaller batch")                                   \
    X(PN_EWORKSPACE, 6, "the workspace is too small", "ask pn_<op>_workspace for the size")                  \
    X(PN_ESINGULAR, 7, "the matrix is singular or not positive definite", "add a ridge or drop a column")    \
    X(PN_ECONVERGE, 8, "the iteration did not converge", "raise the limit or check for non-finite input")    \
    X(PN_ENONFINITE, 9, "a result is not finite", "look for NaN or infinite input")                          \
    X(PN_EPROGRAM, 10, "the program is not well formed", "record it again; see the message of the recorder") \
    X(PN_EUNSUPPORTED, 11, "this build or machine lacks what the call needs", "see `penchant doctor`")

PN_BEGIN_C

typedef enum pn_status {
#define PN_STATUS_ENUM(name, value, sentence, repair) name = value,
    PN_STATUS_TABLE(PN_STATUS_ENUM)
#undef PN_STATUS_ENUM
} pn_status;

/* The sentence and the repair of a status; never NULL, also for an unknown code. Static memory. */
const char *pn_status_sentence(pn_status status);
const char *pn_status_repair(pn_status status);
/* Its name, as "PN_EDIM". */
const char *pn_status_name(pn_status status);

PN_END_C

#endif
