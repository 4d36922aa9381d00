#include "core/requantisation.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kReadAhead = 64;

}  // namespace

Requantisation make_requantisation(const Tensor& in, const Tensor& out, Format format,
                                   const float* weight_scales, const std::int32_t* bias,
                                   const std::vector<std::int32_t>& weight_sums,
                                   std::size_t repeats) {
  const std::size_t channels = weight_sums.size();
  const std::int32_t offset = in.zero_point + storage_offset(format);
  Requantisation made;
  made.multiplier.assign(channels * repeats + kReadAhead, 0.0F);
  made.bias.assign(channels * repeats + kReadAhead, 0);
  for (std::size_t i = 0; i < channels * repeats; ++i) {
    const std::size_t channel = i % channels;
    made.multiplier[i] = in.scale * weight_scales[channel] / out.scale;
    made.bias[i] = (bias == nullptr ? 0 : bias[channel]) - offset * weight_sums[channel];
  }
  return made;
}

}  // namespace edge_dnq
