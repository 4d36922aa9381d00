// 8-bit weights and activations on ARMv8.0: SMULL and SMLAL put two products into an int16 lane,
// SADALP adds pairs of lanes to int32 accumulators.
//
// Two products fit int16 because weights are never -128: 2 * 128 * 127 = 32512.
#include <arm_neon.h>

#include "micro/neon_accumulate.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kNr = 4;
constexpr std::size_t kKr = 16;

/// One block of four output channels; the lanes of acc[row][n] are partial sums.
template <std::size_t Rows>
void block(const Tile& tile, const std::int8_t* panel, std::int32_t* out) {
  int32x4_t acc[Rows][kNr];
#pragma GCC unroll 8
  for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
    for (std::size_t n = 0; n < kNr; ++n) acc[row][n] = vdupq_n_s32(0);
  }
  for (std::size_t y = 0; y < tile.window_rows; ++y) {
    const std::int8_t* pixels[Rows];
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
      pixels[row] = reinterpret_cast<const std::int8_t*>(tile.pixels[row] + y * tile.row_stride);
    }
    for (std::size_t k = 0; k < tile.steps * kKr; k += kKr, panel += kNr * kKr) {
      int8x8_t low[Rows];
      int8x8_t high[Rows];
#pragma GCC unroll 8
      for (std::size_t row = 0; row < Rows; ++row) {
        low[row] = vld1_s8(pixels[row] + k);
        high[row] = vld1_s8(pixels[row] + k + 8);
      }
#pragma GCC unroll 8
      for (std::size_t n = 0; n < kNr; ++n) {
        const int8x8_t weights_low = vld1_s8(panel + n * kKr);
        const int8x8_t weights_high = vld1_s8(panel + n * kKr + 8);
#pragma GCC unroll 8
        for (std::size_t row = 0; row < Rows; ++row) {
          const int16x8_t products = vmull_s8(low[row], weights_low);
          acc[row][n] = vpadalq_s16(acc[row][n], vmlal_s8(products, high[row], weights_high));
        }
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t row = 0; row < Rows; ++row) {
    const int32x4_t low = vpaddq_s32(acc[row][0], acc[row][1]);
    const int32x4_t high = vpaddq_s32(acc[row][2], acc[row][3]);
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

void neon_accumulate_w8s8(const Tile& tile) {
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

void neon_expand(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded) {
  auto* out = static_cast<std::int8_t*>(expanded);
  for (std::size_t i = 0; i < bytes; i += 16) {
    int8x16_t weights = vld1q_s8(panel + i);
    if (nested4) {
      // 2 * (w >> 4) + 1: bits 7 .. 4 shifted down by three, with the lowest bit set.
      weights = vorrq_s8(vshrq_n_s8(weights, 3), vdupq_n_s8(1));
    }
    vst1q_s8(out + i, weights);
  }
}

}  // namespace edge_dnq
