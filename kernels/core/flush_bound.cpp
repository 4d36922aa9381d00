#include "core/flush_bound.h"

#include <limits>

namespace edge_dnq {
namespace {

std::size_t steps_below(std::int64_t limit, const MicroKernel& kernel, std::int32_t activation_max,
                        std::int32_t weight_max) {
  const std::int64_t step = std::int64_t{kernel.products} * activation_max * weight_max;
  return step > 0 ? static_cast<std::size_t>(limit / step)
                  : std::numeric_limits<std::size_t>::max();
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

}  // namespace edge_dnq
