// int8 convolution with the dot-product instruction: SDOT by lane, four channels of one pixel
// against four channels of four output channels.
//
// Modelled (benchmarks/modelled, Neoverse N1 for Cortex-A76): 30.8 MACs per cycle of the 32 that
// two vector pipes allow; starting and ending a tile takes the rest.
//
// Activation codes up to 127 are valid signed bytes, so the same loop serves low-bit programs; on
// these cores low bits save memory, not time.
#include <arm_neon.h>

#include <cstring>

#include "micro/neon_accumulate.h"
#include "micro/registry.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kNr = 16;
constexpr std::size_t kKr = 4;
constexpr std::size_t kVectors = kNr / 4;

template <std::size_t Rows>
using Accumulators = int32x4_t[Rows][kVectors];

template <int Lane, std::size_t Rows>
void step(Accumulators<Rows>& acc, const int8x16_t (&codes)[Rows], const std::int8_t* panel) {
#pragma GCC unroll 8
  for (std::size_t n = 0; n < kVectors; ++n) {
    const int8x16_t weights = vld1q_s8(panel + 16 * n);
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
      acc[row][n] = vdotq_laneq_s32(acc[row][n], weights, codes[row], Lane);
    }
  }
}

/// Steps of one window row: four at a time by lane, the rest one by one.
template <std::size_t Rows>
const std::int8_t* window_row(Accumulators<Rows>& acc, const std::uint8_t* const (&pixels)[Rows],
                              std::size_t steps, const std::int8_t* panel) {
  constexpr std::size_t kStep = kNr * kKr;
  std::size_t k = 0;
  for (; k + 4 <= steps; k += 4, panel += 4 * kStep) {
    int8x16_t codes[Rows];
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
      codes[row] = vreinterpretq_s8_u8(vld1q_u8(pixels[row] + k * kKr));
    }
    step<0>(acc, codes, panel);
    step<1>(acc, codes, panel + kStep);
    step<2>(acc, codes, panel + 2 * kStep);
    step<3>(acc, codes, panel + 3 * kStep);
  }
  for (; k < steps; ++k, panel += kStep) {
    int8x16_t codes[Rows];
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row) {
      std::uint32_t four;
      std::memcpy(&four, pixels[row] + k * kKr, sizeof(four));
      codes[row] = vreinterpretq_s8_u32(vdupq_n_u32(four));
    }
    step<0>(acc, codes, panel);
  }
  return panel;
}

template <std::size_t Rows>
void block(const Tile& tile, const std::int8_t* panel, std::int32_t* out) {
  Accumulators<Rows> acc;
#pragma GCC unroll 8
  for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
    for (std::size_t n = 0; n < kVectors; ++n) acc[row][n] = vdupq_n_s32(0);
  }
  for (std::size_t y = 0; y < tile.window_rows; ++y) {
    const std::uint8_t* pixels[Rows];
#pragma GCC unroll 8
    for (std::size_t row = 0; row < Rows; ++row)
      pixels[row] = tile.pixels[row] + y * tile.row_stride;
    panel = window_row<Rows>(acc, pixels, tile.steps, panel);
  }
#pragma GCC unroll 8
  for (std::size_t row = 0; row < Rows; ++row) {
#pragma GCC unroll 8
    for (std::size_t n = 0; n < kVectors; ++n) {
      vst1q_s32(out + row * tile.acc_stride + 4 * n, acc[row][n]);
    }
  }
}

template <std::size_t Rows>
void blocks(const Tile& tile) {
  const auto* panel = static_cast<const std::int8_t*>(tile.panel);
  for (std::size_t i = 0; i < tile.blocks; ++i) {
    block<Rows>(tile, panel + i * tile.block_stride, tile.acc + i * kNr);
  }
}

void accumulate(const Tile& tile) {
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

constexpr MicroKernel kKernels[] = {
    {"conv_w8s8_neondot_4x16", Isa::kNeonDot, Format::kS8, Element::kInt8, Accumulator::kInt32, 4,
     4, 16, 4, 4, 4, 32.0F, accumulate, neon_expand, 1, false},
    {"conv_w8u7_neondot_4x16", Isa::kNeonDot, Format::kU8, Element::kInt8, Accumulator::kInt32, 4,
     4, 16, 4, 4, 4, 32.0F, accumulate, neon_expand, 1, false, 127},
    // A tenth slower than SDOT when everything is in the first-level cache, but with a quarter of
    // the weights to fetch and keep; its rate is set so that it is taken.
    neon_w2a2("conv_w2a2_neondot_4x32", Isa::kNeonDot, 40.0F),
};

}  // namespace

const MicroKernel* neondot_kernels(std::size_t& count) {
  count = sizeof(kKernels) / sizeof(kKernels[0]);
  return kKernels;
}

}  // namespace edge_dnq
