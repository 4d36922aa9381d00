#include "core/flush_bound.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <vector>

namespace edge_dnq {
namespace {

std::size_t steps_below(std::int64_t limit, const MicroKernel& kernel, std::int32_t activation_max,
                        std::int32_t weight_max) {
  const std::int64_t step = std::int64_t{kernel.products} * activation_max * weight_max;
  return step > 0 ? static_cast<std::size_t>(limit / step)
                  : std::numeric_limits<std::size_t>::max();
}

constexpr std::int32_t kLargestCode = 3;

/// How far below and above its start one step of a lane can take a byte.
struct Reach {
  std::int32_t below = 0;
  std::int32_t above = 0;
};

Reach reach_of(const MicroKernel& kernel, std::int32_t activation_max, unsigned codes) {
  Reach reach;
  for (std::size_t k = 0; k < kernel.kr; ++k) {
    const std::int32_t weight = static_cast<std::int32_t>(codes >> (2 * k) & 3U) - kernel.code_zero;
    (weight < 0 ? reach.below : reach.above) += activation_max * std::abs(weight);
  }
  return reach;
}

/// The code bytes of one output channel, step after step.
class Lane {
 public:
  Lane(const MicroKernel& kernel, const std::uint8_t* panel, std::size_t block_bytes,
       std::size_t channel) {
    const std::size_t n = channel % kernel.nr;
    const bool nibbles = kernel.element == Element::kNibble2;
    stride_ = nibbles ? kernel.nr / 2U : kernel.nr;
    shift_ = n < stride_ ? 0 : 4;
    mask_ = nibbles ? 15U : 255U;
    first_ = panel + channel / kernel.nr * block_bytes + n % stride_;
  }
  unsigned operator[](std::size_t step) const { return first_[step * stride_] >> shift_ & mask_; }

 private:
  const std::uint8_t* first_;
  std::size_t stride_;
  unsigned shift_;
  unsigned mask_;
};

/// The longest run such that no run of that many steps of the lane can leave the byte's range, or
/// `bound` where that is less.
std::size_t lane_bound(const MicroKernel& kernel, const std::vector<Reach>& reaches,
                       const Lane& lane, std::size_t steps, std::size_t bound) {
  const std::int32_t room_above = std::numeric_limits<std::uint8_t>::max() - kernel.start;
  Reach sum;
  std::size_t first = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    sum.below += reaches[lane[step]].below;
    sum.above += reaches[lane[step]].above;
    // [first, step] becomes the longest allowed run that ends here.
    while (sum.below > kernel.start || sum.above > room_above) {
      sum.below -= reaches[lane[first]].below;
      sum.above -= reaches[lane[first]].above;
      ++first;
    }
    if (first > 0) bound = std::min(bound, step + 1 - first);
  }
  return bound;
}

}  // namespace

std::size_t flush_bound(const MicroKernel& kernel, std::int32_t activation_max,
                        std::int32_t weight_max) {
  switch (kernel.accumulator) {
    case Accumulator::kInt16:
      return steps_below(std::numeric_limits<std::int16_t>::max(), kernel, activation_max,
                         weight_max);
    case Accumulator::kUint8:
      return steps_below(std::numeric_limits<std::uint8_t>::max(), kernel, activation_max,
                         weight_max);
    case Accumulator::kInt32:
      break;
  }
  return std::numeric_limits<std::size_t>::max();
}

std::size_t window_bound(const MicroKernel& kernel, std::int32_t activation_max,
                         std::int32_t weight_max) {
  if (kernel.accumulator != Accumulator::kUint8) return std::numeric_limits<std::size_t>::max();
  return steps_below(std::numeric_limits<std::uint16_t>::max(), kernel, activation_max, weight_max);
}

std::size_t code_flush_bound(const MicroKernel& kernel, std::int32_t activation_max,
                             const std::uint8_t* panel, std::size_t block_bytes,
                             std::size_t out_channels) {
  std::vector<Reach> reaches(256);
  for (unsigned codes = 0; codes < 256; ++codes) {
    reaches[codes] = reach_of(kernel, activation_max, codes);
  }
  const std::size_t step_bytes = kernel.element == Element::kNibble2 ? kernel.nr / 2U : kernel.nr;
  const std::size_t steps = block_bytes / step_bytes;
  std::size_t bound = std::max<std::size_t>(steps, 1);
  for (std::size_t channel = 0; channel < out_channels; ++channel) {
    const Lane lane(kernel, panel, block_bytes, channel);
    bound = lane_bound(kernel, reaches, lane, steps, bound);
  }
  return std::max(bound, flush_bound(kernel, activation_max, kLargestCode));
}

}  // namespace edge_dnq
