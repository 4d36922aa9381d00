// Element-wise work on rows of channels, one set of functions per instruction set.
//
// q is always the int8 value of the standard program. Rows that are read or written as q have room
// for (and may be touched up to) the next multiple of 64 elements; packed rows are written exactly.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/format.h"
#include "core/isa.h"

namespace edge_dnq {

struct Clamp {
  std::int32_t zero_point;
  std::int32_t low;   ///< smallest q
  std::int32_t high;  ///< largest q
};

/// Fixed-point addition as the stock runtime rounds it:
/// q = clamp(((a - a_zero) * a_factor + (b - b_zero) * b_factor + (1 << (shift - 1))) >> shift
///           + zero_point), all in int32.
struct AddFactors {
  std::int32_t a_factor;
  std::int32_t b_factor;
  std::int32_t a_zero;
  std::int32_t b_zero;
  std::int32_t shift;  ///< 1 .. 30
};

constexpr std::size_t kDepthwiseBlock = 16;

/// Where channel `channel` of a block lies among a tap pair's weights: channels 0-3, 8-11, 4-7 and
/// 12-15, the order in which 128-bit halves interleave.
constexpr std::size_t depthwise_place(std::size_t channel) {
  const std::size_t four = channel / 4;
  return (four == 1 ? 2 : four == 2 ? 1 : four) * 4 + channel % 4;
}

/// Neighbouring output pixels of a depthwise convolution.
struct DepthwiseRun {
  const std::uint8_t* window;   ///< stored activations (kU8 or kS8) of the first pixel's first tap
  std::size_t pixels;           ///< output pixels
  std::size_t step;             ///< bytes from one pixel's window to the next
  const std::ptrdiff_t* taps;   ///< [2 * pairs] byte offsets of the taps from a window
  std::size_t pairs;            ///< taps come in pairs; a missing last one has weight zero
  const std::int16_t* weights;  ///< [channels / 16 rounded up][pairs][16 places][2 taps]
  std::size_t channels;
  bool is_signed;          ///< bytes are kS8
  std::size_t acc_stride;  ///< elements from one pixel's sums to the next
};

struct RowOps {
  /// q = clamp(rint(float32(acc + bias) * multiplier) + zero_point): float32, half to even. `acc`,
  /// `bias` and `multiplier` may be read up to the next multiple of 16 elements.
  void (*requantise)(const std::int32_t* acc, const std::int32_t* bias, const float* multiplier,
                     std::size_t n, const Clamp& clamp, std::int8_t* q);
  void (*add)(const std::int8_t* a, const std::int8_t* b, std::size_t n, const AddFactors& factors,
              const Clamp& clamp, std::int8_t* q);
  /// Stores channels 0 .. n-1; for kTriple2 one block (n <= 64).
  void (*pack)(Format format, const std::int8_t* q, std::size_t n, std::uint8_t* out);
  void (*unpack)(Format format, const std::uint8_t* in, std::size_t n, std::int8_t* q);
  /// q = max(q, a).
  void (*maximum)(const std::int8_t* a, std::size_t n, std::int8_t* q);
  /// sums[i] += a[i].
  void (*accumulate)(const std::int8_t* a, std::size_t n, std::int32_t* sums);
  /// Sum of the codes in `bytes` bytes of a packed 2-bit row (kPair2 or kTriple2).
  std::int32_t (*code_sum)(Format format, const std::uint8_t* in, std::size_t bytes);
  /// acc[pixel][channel] = sum over the taps of stored * weight. Activations may be read, and acc
  /// written, up to the next multiple of 16 channels; pixels are written in any order, so with
  /// several of them channels are a multiple of 16.
  void (*depthwise)(const DepthwiseRun& run, std::int32_t* acc);
};

const RowOps& row_ops(Isa isa);

}  // namespace edge_dnq
