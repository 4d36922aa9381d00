// Renumbering of rectified tensors, so that every code 0 is where kernels look for it.
#pragma once

#include "core/graph.h"
#include "core/plan.h"

namespace edge_dnq {

/// Gives rectified inner tensors the zero point -128. A program may bound a low-bit tensor by the
/// end of int8 instead of by RELU6: its zero point is then 127 - (2^bits - 1), and its q are the
/// codes shifted. Operations take zero points off, so shifting q, zero point and range together
/// changes no real value and no bit of any output. Tensors that a mean reads stay: its float offset
/// rounds by the zero point's size.
void rebase_codes(Plan& plan, const Graph& graph);

}  // namespace edge_dnq
