// 2-bit codes with 2-bit weight codes on ARMv8.0: the byte of two activation codes selects one of
// sixteen tables, TBL looks the sum of two products up for sixteen output channels, and uint8
// accumulators are flushed to uint16.
#include <arm_neon.h>

#include <algorithm>

#include "micro/neon_accumulate.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kNr = 16;
constexpr std::size_t kBlocks = 2;

/// products.of[c0 | c1 << 2][u0 | u1 << 2] = c0 * u0 + c1 * u1
struct ProductTables {
  std::uint8_t of[16][16];

  constexpr ProductTables() : of() {
    for (unsigned codes = 0; codes < 16; ++codes) {
      for (unsigned weights = 0; weights < 16; ++weights) {
        of[codes][weights] = static_cast<std::uint8_t>((codes & 3U) * (weights & 3U) +
                                                       (codes >> 2U) * (weights >> 2U));
      }
    }
  }
};

alignas(64) constexpr ProductTables kProducts;

template <std::size_t Rows, std::size_t Blocks>
struct Accumulators {
  uint8x16_t narrow[Rows][Blocks];
  uint16x8_t wide[Rows][Blocks][2];

  void clear() {
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
      for (std::size_t b = 0; b < Blocks; ++b) {
        narrow[row][b] = vdupq_n_u8(0);
        wide[row][b][0] = wide[row][b][1] = vdupq_n_u16(0);
      }
    }
  }

  void flush() {
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
      for (std::size_t b = 0; b < Blocks; ++b) {
        wide[row][b][0] = vaddw_u8(wide[row][b][0], vget_low_u8(narrow[row][b]));
        wide[row][b][1] = vaddw_high_u8(wide[row][b][1], narrow[row][b]);
        narrow[row][b] = vdupq_n_u8(0);
      }
    }
  }

  void run(const std::uint8_t* const (&pixels)[Rows], const std::uint8_t* const (&panels)[Blocks],
           std::size_t begin, std::size_t end, std::size_t panel_step) {
    for (std::size_t k = begin; k < end; ++k, ++panel_step) {
      uint8x16_t weights[Blocks];
#pragma GCC unroll 8
      for (std::size_t b = 0; b < Blocks; ++b) weights[b] = vld1q_u8(panels[b] + panel_step * kNr);
#pragma GCC unroll 8
      for (std::size_t row = 0; row < Rows; ++row) {
        const uint8x16_t table = vld1q_u8(&kProducts.of[0][0] + pixels[row][k]);
#pragma GCC unroll 8
        for (std::size_t b = 0; b < Blocks; ++b) {
          narrow[row][b] = vaddq_u8(narrow[row][b], vqtbl1q_u8(table, weights[b]));
        }
      }
    }
  }
};

/// acc = 2 * sum(c * u) - 3 * sum(c), for w = 2 * u - 3.
void store(uint16x8_t low, uint16x8_t high, std::int32_t code_sum, std::int32_t* out) {
  const int32x4_t offset = vdupq_n_s32(3 * code_sum);
  const auto centred = [offset](uint16x4_t sums) {
    return vsubq_s32(vreinterpretq_s32_u32(vshll_n_u16(sums, 1)), offset);
  };
  vst1q_s32(out, centred(vget_low_u16(low)));
  vst1q_s32(out + 4, centred(vget_high_u16(low)));
  vst1q_s32(out + 8, centred(vget_low_u16(high)));
  vst1q_s32(out + 12, centred(vget_high_u16(high)));
}

template <std::size_t Rows, std::size_t Blocks>
void group(const Tile& tile, const std::uint8_t* panel, std::int32_t* out) {
  Accumulators<Rows, Blocks> acc;
  acc.clear();
  const std::uint8_t* panels[Blocks];
#pragma GCC unroll 8
  for (std::size_t b = 0; b < Blocks; ++b) panels[b] = panel + b * tile.block_stride;
  std::size_t left = tile.flush_steps;
  for (std::size_t y = 0; y < tile.window_rows; ++y) {
    const std::uint8_t* pixels[Rows];
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row)
      pixels[row] = tile.pixels[row] + y * tile.row_stride;
    for (std::size_t step = 0; step < tile.steps;) {
      const std::size_t count = std::min(tile.steps - step, left);
      acc.run(pixels, panels, step, step + count, y * tile.steps + step);
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
#pragma GCC unroll 8
    for (std::size_t b = 0; b < Blocks; ++b) {
      store(acc.wide[row][b][0], acc.wide[row][b][1], tile.sums[row],
            out + row * tile.acc_stride + b * kNr);
    }
  }
}

template <std::size_t Rows>
void groups(const Tile& tile) {
  const auto* panel = static_cast<const std::uint8_t*>(tile.panel);
  std::size_t b = 0;
  for (; b + kBlocks <= tile.blocks; b += kBlocks) {
    group<Rows, kBlocks>(tile, panel + b * tile.block_stride, tile.acc + b * kNr);
  }
  if (b < tile.blocks) group<Rows, 1>(tile, panel + b * tile.block_stride, tile.acc + b * kNr);
}

}  // namespace

void neon_accumulate_w2a2(const Tile& tile) {
  switch (tile.rows) {
    case 1:
      return groups<1>(tile);
    case 2:
      return groups<2>(tile);
    case 3:
      return groups<3>(tile);
    default:
      return groups<4>(tile);
  }
}

}  // namespace edge_dnq
