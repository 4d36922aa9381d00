// Which storage format each tensor gets and which micro-kernel each convolution.
#pragma once

#include "core/plan.h"

namespace edge_dnq {

/// Sets `format` of every tensor and `kernel` of every convolution of `plan`, whose ranges and
/// weight facts are known. Throws std::invalid_argument when no kernel of `isa`, nor a scalar one,
/// computes a convolution exactly.
void choose_kernels(Plan& plan, Isa isa);

}  // namespace edge_dnq
