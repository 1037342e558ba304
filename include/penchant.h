/* Penchant: compute kernels for learning preferences.
 *
 * Every header below opens with its contract: shapes, accumulator, accuracy, edge cases, determinism.
 * Rules that hold everywhere:
 *   - a call returns pn_status; PN_OK is 0, and outputs of a call that failed are unspecified but owned by the caller;
 *   - sizes come first, then scalars, inputs, outputs, workspace; sizes are size_t and products are overflow-checked;
 *   - kernels do not allocate: one that needs memory has a sibling pn_<op>_workspace that says how many bytes;
 *   - results have the same bits for every number of threads (on one instruction set);
 *   - matrices are row-major and dense unless a leading dimension is an argument.
 */
#ifndef PENCHANT_H
#define PENCHANT_H

#include "penchant/status.h"
#include "penchant/memory.h"
#include "penchant/team.h"
#include "penchant/cpu.h"
#include "penchant/probe.h"
#include "penchant/activation.h"
#include "penchant/gemm.h"
#include "penchant/conv.h"
#include "penchant/solve.h"
#include "penchant/sparse.h"
#include "penchant/comparison.h"
#include "penchant/preference.h"
#include "penchant/shaping.h"
#include "penchant/policy.h"
#include "penchant/em.h"
#include "penchant/diffusion.h"
#include "penchant/attribute.h"
#include "penchant/palette.h"
#include "penchant/sequence.h"
#include "penchant/prefix.h"
#include "penchant/gru.h"
#include "penchant/catalogue.h"
#include "penchant/rank.h"
#include "penchant/embedding.h"
#include "penchant/optimizer.h"
#include "penchant/reduce.h"
#include "penchant/elementwise.h"
#include "penchant/random.h"
#include "penchant/norm.h"
#include "penchant/encoder.h"
#include "penchant/layout.h"
#include "penchant/loss.h"
#include "penchant/program.h"

#endif
