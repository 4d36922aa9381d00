// What turns accumulators into q, per output channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/format.h"
#include "core/graph.h"

namespace edge_dnq {

/// RowOps::requantise reads these, up to 64 elements past the last channel.
struct Requantisation {
  std::vector<float> multiplier;   ///< s_in * s_w / s_out, every step rounded to float32
  std::vector<std::int32_t> bias;  ///< in accumulator units, with the activations' offset folded in
};

/// Makes them for a convolution that sums stored activations of `format`:
/// sum (q - zero) w = sum stored w - (zero + offset) sum w.
///
/// `weight_scales` and `bias` (null for zeros) are per channel, as `weight_sums`, the sums of each
/// channel's weights. The channels are repeated `repeats` times, for pixels requantised as one row.
Requantisation make_requantisation(const Tensor& in, const Tensor& out, Format format,
                                   const float* weight_scales, const std::int32_t* bias,
                                   const std::vector<std::int32_t>& weight_sums,
                                   std::size_t repeats);

}  // namespace edge_dnq
