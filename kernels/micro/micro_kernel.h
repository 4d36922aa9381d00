// The contract between the engine and its micro-kernels.
//
// A micro-kernel computes one tile of a convolution: up to `max_rows` output pixels by up to
// `max_blocks` blocks of `nr` output channels, over the whole window, and leaves int32 accumulators
//
//   acc[row][channel] = sum over the window of stored(activation) * weight
//
// equal to what int32 arithmetic gives: narrow accumulators are flushed before they can overflow.
// Zero points, bias and requantisation are the engine's business (see row_ops.h).
//
// A window is `window_rows` contiguous runs of bytes (NHWC: the taps of one window row follow each
// other), each of `steps` steps of `step_bytes` bytes. A run may end inside the last step: the
// panel has zero weights there, and the buffer may be read that far.
//
// Panel layout: [block][window row][step] and then
//   Element::kInt8   [nr][kr] int8 weights;
//   Element::kCode2  [nr] bytes, u_0 | u_1 << 2 (| u_2 << 4) of the step's kr weights,
//                    u = (weight + 3) / 2 in 0..3, for weights in {-3, -1, 1, 3};
//                    padding slots hold anything (their activations are zero);
//   Element::kNibble2 [nr / 2] bytes: the code byte of channel n, which must have four bits, in the
//                    low half and that of channel n + nr / 2 in the high half. `expand` makes the
//                    kCode2 panel of it that the kernel reads.
// Panels are 64-byte aligned.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/format.h"
#include "core/isa.h"

namespace edge_dnq {

enum class Element : std::uint8_t { kInt8, kCode2, kNibble2 };

constexpr bool holds_codes(Element element) { return element != Element::kInt8; }

/// What the accumulators of one step hold before they are flushed to a wider type.
enum class Accumulator : std::uint8_t { kInt32, kInt16, kUint8 };

struct Tile {
  const std::uint8_t* const* pixels;  ///< [rows] first byte of each output pixel's window
  std::size_t rows;                   ///< 1 .. max_rows
  std::size_t row_stride;             ///< bytes from one window row to the next
  std::size_t window_rows;
  std::size_t steps;         ///< steps of one window row
  const void* panel;         ///< first block, already expanded where the kernel asks for it
  std::size_t block_stride;  ///< bytes from one block's panel to the next
  std::size_t blocks;        ///< 1 .. max_blocks
  std::size_t flush_steps;   ///< narrow accumulators: flush at least this often (>= 1)
  const std::int32_t* sums;  ///< [rows] sum of the window's codes; only for panels of codes
  std::int32_t* acc;         ///< out: [rows][acc_stride]; blocks * nr of each row are written
  std::size_t acc_stride;
  /// The panel holds 8-bit weights w of which 2 * (w >> 4) + 1 are meant; only for kernels with
  /// reads_nested4.
  bool nested4;
};

struct MicroKernel {
  const char* name;
  Isa isa;
  Format format;    ///< of the activations it reads
  Element element;  ///< of the panel it reads
  Accumulator accumulator;
  /// Products added into one narrow accumulator per step (sets the flush bound).
  std::uint8_t products;
  std::uint8_t max_rows;
  std::uint8_t nr;
  std::uint8_t max_blocks;
  std::uint8_t kr;          ///< channels per step
  std::uint8_t step_bytes;  ///< bytes of activations per step
  /// MACs per cycle of the inner loop, for choosing among kernels that fit (not a promise).
  float rate;
  void (*accumulate)(const Tile& tile);
  /// Element::kInt8 only: makes what `accumulate` reads from `bytes` bytes of a panel, or null when
  /// the panel is read as it is. `nested4` asks for the 4-bit weight 2 * (w >> 4) + 1 of each 8-bit
  /// one (then it is never null for a kernel that can serve 4-bit programs from an 8-bit panel).
  void (*expand)(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded);
  /// Bytes of an expanded panel per byte of panel (1 where `expand` only narrows).
  std::uint8_t expansion;
  /// `expand` must run even without nested4.
  bool always_expand;
  /// Largest stored activation that the kernel multiplies right: 127 where kU8 bytes are read as
  /// signed.
  std::uint8_t activation_limit = 255;
  /// Element::kInt8 only: the largest weight magnitude that no intermediate overflows with.
  std::uint8_t weight_limit = 128;
  /// Accumulator::kUint8 only: a byte starts at `start` after every flush and each product adds
  /// c * (u - code_zero) to it. With a zero in the middle of the codes real weights cancel out, and
  /// code_flush_bound() allows more steps.
  std::uint8_t code_zero = 0;
  std::uint8_t start = 0;
  /// Takes Tile::nested4, so that a 4-bit program reads its 8-bit panel without `expand`.
  bool reads_nested4 = false;
};

/// All kernels of this build for `isa`; count in `count`.
const MicroKernel* kernels_of(Isa isa, std::size_t& count);

}  // namespace edge_dnq
