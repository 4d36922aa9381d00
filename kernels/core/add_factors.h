// The fixed-point factors of a quantised addition.
#pragma once

#include "core/graph.h"
#include "micro/row_ops.h"

namespace edge_dnq {

/// Whether the scales are near enough to each other for fixed point of 21 bits: s_a / s_out and
/// s_b / s_out both in [2^-10, 2^8). Outside, the stock runtime takes another kernel, which rounds
/// by another rule.
bool can_add(const Tensor& a, const Tensor& b, const Tensor& output);

/// The larger scale ratio becomes a multiplier in [2^20, 2^21), as in the stock runtime.
AddFactors add_factors(const Tensor& a, const Tensor& b, const Tensor& output);

}  // namespace edge_dnq
