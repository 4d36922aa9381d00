// When a narrow accumulator must be flushed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "micro/micro_kernel.h"

namespace edge_dnq {

/// Largest number of steps that cannot overflow the kernel's narrow accumulator, whatever the
/// activations 0 .. `activation_max` and weights of magnitude up to `weight_max` are (for kCode2:
/// codes u up to `weight_max`). Each step adds at most products * activation_max * weight_max to
/// one accumulator. 0 when even one step could; SIZE_MAX for int32 accumulators.
std::size_t flush_bound(const MicroKernel& kernel, std::int32_t activation_max,
                        std::int32_t weight_max);

/// Largest number of (step, window row) pairs over the whole window that the kernel's second,
/// 16-bit accumulator holds (kUint8 only: unsigned 16 bit); SIZE_MAX otherwise.
std::size_t window_bound(const MicroKernel& kernel, std::int32_t activation_max,
                         std::int32_t weight_max);

/// The bound for the codes that a panel really has (Accumulator::kUint8 only): the largest number
/// of steps such that no run of so many keeps a byte outside 0 .. 255 possible, whatever the
/// activations 0 .. `activation_max` are. `panel` holds blocks of `block_bytes` bytes; lanes past
/// `out_channels` do not count. Never less than flush_bound(kernel, activation_max, 3).
std::size_t code_flush_bound(const MicroKernel& kernel, std::int32_t activation_max,
                             const std::uint8_t* panel, std::size_t block_bytes,
                             std::size_t out_channels);

}  // namespace edge_dnq
