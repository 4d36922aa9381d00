// 4-bit activation codes with 4-bit weights (or 8-bit ones, flushed more often) on ARMv8.0: SMLAL
// accumulates products in int16 lanes; a flush adds pairs of lanes to int32 sums (SADALP).
//
// The panel is that of the 8-bit kernel. The multiplication is signed, so stored activations end
// at 127; -128 as a weight would be harmless here.
#include <arm_neon.h>

#include <algorithm>

#include "micro/neon_accumulate.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kNr = 4;
constexpr std::size_t kKr = 16;

template <std::size_t Rows>
struct Accumulators {
  int16x8_t narrow[Rows][kNr];
  int32x4_t wide[Rows][kNr];

  void clear() {
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
      for (std::size_t n = 0; n < kNr; ++n) {
        narrow[row][n] = vdupq_n_s16(0);
        wide[row][n] = vdupq_n_s32(0);
      }
    }
  }

  void flush() {
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
      for (std::size_t n = 0; n < kNr; ++n) {
        wide[row][n] = vpadalq_s16(wide[row][n], narrow[row][n]);
        narrow[row][n] = vdupq_n_s16(0);
      }
    }
  }

  /// Steps of eight channels, twice per kKr: loads of half a register pair with the multiplications
  /// on an in-order core.
  void run(const std::int8_t* const (&pixels)[Rows], const std::int8_t* panel, std::size_t begin,
           std::size_t end) {
    for (std::size_t k = begin; k < end; k += kKr, panel += kNr * kKr) {
#pragma GCC unroll 2
      for (std::size_t half = 0; half < kKr; half += 8) {
        int8x8_t codes[Rows];
#pragma GCC unroll 8
        for (std::size_t row = 0; row < Rows; ++row) codes[row] = vld1_s8(pixels[row] + k + half);
#pragma GCC unroll 8
        for (std::size_t n = 0; n < kNr; ++n) {
          const int8x8_t weights = vld1_s8(panel + n * kKr + half);
#pragma GCC unroll 8
          for (std::size_t row = 0; row < Rows; ++row) {
            narrow[row][n] = vmlal_s8(narrow[row][n], codes[row], weights);
          }
        }
      }
    }
  }
};

/// One block of four output channels; the lanes of an accumulator are partial sums.
template <std::size_t Rows>
void block(const Tile& tile, const std::int8_t* panel, std::int32_t* out) {
  Accumulators<Rows> acc;
  acc.clear();
  std::size_t left = tile.flush_steps;
  for (std::size_t y = 0; y < tile.window_rows; ++y) {
    const std::int8_t* pixels[Rows];
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
      pixels[row] = reinterpret_cast<const std::int8_t*>(tile.pixels[row] + y * tile.row_stride);
    }
    for (std::size_t step = 0; step < tile.steps;) {
      const std::size_t count = std::min(tile.steps - step, left);
      acc.run(pixels, panel, step * kKr, (step + count) * kKr);
      panel += count * kNr * kKr;
      step += count;
      left -= count;
      if (left == 0) {
        acc.flush();
        left = tile.flush_steps;
      }
    }
  }
  acc.flush();
#pragma GCC unroll 8
  for (std::size_t row = 0; row < Rows; ++row) {
    const int32x4_t low = vpaddq_s32(acc.wide[row][0], acc.wide[row][1]);
    const int32x4_t high = vpaddq_s32(acc.wide[row][2], acc.wide[row][3]);
    vst1q_s32(out + row * tile.acc_stride, vpaddq_s32(low, high));
  }
}

template <std::size_t Rows>
void blocks(const Tile& tile) {
  const auto* panel = static_cast<const std::int8_t*>(tile.panel);
  for (std::size_t i = 0; i < tile.blocks; ++i) {
    block<Rows>(tile, panel + i * tile.block_stride, tile.acc + i * kNr);
  }
}

}  // namespace

void neon_accumulate_w4u8(const Tile& tile) {
  switch (tile.rows) {
    case 1:
      return blocks<1>(tile);
    case 2:
      return blocks<2>(tile);
    case 3:
      return blocks<3>(tile);
    default:
      return blocks<4>(tile);
  }
}

}  // namespace edge_dnq
