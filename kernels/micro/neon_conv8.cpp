// 8-bit weights and activations on ARMv8.0: SMULL and SMLAL put two products into an int16 lane,
// SADALP adds pairs of lanes to int32 accumulators. 16 MACs take three instructions.
//
// Two products fit int16 because weights are never -128: 2 * 128 * 127 = 32512.
//
// Modelled (benchmarks/modelled, 3x3 window of 128 channels): on Cortex-A72 7.9 MACs per cycle of
// the 8 that its one multiplier allows. On Cortex-A53 3.0 of 4: SADALP takes two cycles, the others
// one; in the model sixteen loads a step take a cycle each besides (hardware may pair them with
// arithmetic), and starting a window row 5 %. Searching over orders of the loop found none more
// than 5 % faster.
//
// The loop is written in assembly: 16 accumulators leave 16 registers, which compilers spill, and
// an in-order core needs every load well ahead of its use.
#include <arm_neon.h>

#include "micro/neon_accumulate.h"
#include "micro/neon_rows.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kNr = 4;

// Registers: v0-v3 and v4-v7 channels 0-7 and 8-15 of the four pixels; v8, v9 (v10, v11) those of
// one output channel; v12-v15 products; v16 + 4 * row + channel accumulators.
// clang-format off
#define MULTIPLY(WEIGHTS, LOAD) \
  "smull v12.8h, v0.8b, " WEIGHTS ".8b\n" LOAD \
  "smull v13.8h, v1.8b, " WEIGHTS ".8b\n" \
  "smull v14.8h, v2.8b, " WEIGHTS ".8b\n" \
  "smull v15.8h, v3.8b, " WEIGHTS ".8b\n"
#define MULTIPLY_ADD(WEIGHTS, LOAD0, LOAD1, LOAD2, LOAD3) \
  LOAD0 "smlal v12.8h, v4.8b, " WEIGHTS ".8b\n" \
  LOAD1 "smlal v13.8h, v5.8b, " WEIGHTS ".8b\n" \
  LOAD2 "smlal v14.8h, v6.8b, " WEIGHTS ".8b\n" \
  LOAD3 "smlal v15.8h, v7.8b, " WEIGHTS ".8b\n"
#define ACCUMULATE(ACC0, ACC1, ACC2, ACC3) \
  "sadalp " ACC0 ".4s, v12.8h\n sadalp " ACC1 ".4s, v13.8h\n" \
  "sadalp " ACC2 ".4s, v14.8h\n sadalp " ACC3 ".4s, v15.8h\n"
#define CHANNEL(WEIGHTS_LOW, WEIGHTS_HIGH, NEXT_LOW, NEXT_HIGH, ACC0, ACC1, ACC2, ACC3) \
  MULTIPLY(WEIGHTS_LOW, NEXT_LOW) \
  MULTIPLY_ADD(WEIGHTS_HIGH, NEXT_HIGH, "", "", "") \
  ACCUMULATE(ACC0, ACC1, ACC2, ACC3)
#define FIRST_CHANNELS \
  CHANNEL("v8", "v9", "ldr d10, [%[w], #16]\n", "ldr d11, [%[w], #24]\n", \
          "v16", "v20", "v24", "v28") \
  CHANNEL("v10", "v11", "ldr d8, [%[w], #32]\n", "ldr d9, [%[w], #40]\n", \
          "v17", "v21", "v25", "v29") \
  CHANNEL("v8", "v9", "ldr d10, [%[w], #48]\n", "ldr d11, [%[w], #56]\n", \
          "v18", "v22", "v26", "v30") \
  "add %[low], %[low], #16\n add %[high], %[high], #16\n" \
  "add %[w], %[w], #64\n subs %[n], %[n], #1\n"
// clang-format on

/// Four pixels against one block of four output channels. The lanes of an accumulator are partial
/// sums; their totals go to out[row][channel].
void block(RowPointers a, const std::int8_t* w, const Tile& tile, std::int32_t (&out)[4][kNr]) {
  std::size_t rows = tile.window_rows;
  std::size_t n;
  std::size_t low;   // bytes from the row pointers to the step's channels 0-7
  std::size_t high;  // and 8-15
  // clang-format off
  asm volatile(
      "movi v16.4s, #0\n movi v17.4s, #0\n movi v18.4s, #0\n movi v19.4s, #0\n"
      "movi v20.4s, #0\n movi v21.4s, #0\n movi v22.4s, #0\n movi v23.4s, #0\n"
      "movi v24.4s, #0\n movi v25.4s, #0\n movi v26.4s, #0\n movi v27.4s, #0\n"
      "movi v28.4s, #0\n movi v29.4s, #0\n movi v30.4s, #0\n movi v31.4s, #0\n"
      "1:\n"
      "mov %[low], #0\n mov %[high], #8\n"
      "ldr d8, [%[w]]\n ldr d9, [%[w], #8]\n"
      "ldr d0, [%[a0], %[low]]\n ldr d1, [%[a1], %[low]]\n"
      "ldr d2, [%[a2], %[low]]\n ldr d3, [%[a3], %[low]]\n"
      "ldr d4, [%[a0], %[high]]\n ldr d5, [%[a1], %[high]]\n"
      "ldr d6, [%[a2], %[high]]\n ldr d7, [%[a3], %[high]]\n"
      "subs %[n], %[steps], #1\n"
      "b.eq 3f\n"
      "2:  // hot loop\n"
      FIRST_CHANNELS
      MULTIPLY("v10", "")
      MULTIPLY_ADD("v11", "ldr d0, [%[a0], %[low]]\n", "ldr d1, [%[a1], %[low]]\n",
                   "ldr d2, [%[a2], %[low]]\n", "ldr d3, [%[a3], %[low]]\n")
      "ldr d4, [%[a0], %[high]]\n ldr d5, [%[a1], %[high]]\n"
      "ldr d6, [%[a2], %[high]]\n ldr d7, [%[a3], %[high]]\n"
      "ldr d8, [%[w]]\n ldr d9, [%[w], #8]\n"
      ACCUMULATE("v19", "v23", "v27", "v31")
      "b.ne 2b\n"
      "3:\n"
      FIRST_CHANNELS
      MULTIPLY("v10", "")
      MULTIPLY_ADD("v11", "", "", "", "")
      ACCUMULATE("v19", "v23", "v27", "v31")
      "add %[a0], %[a0], %[stride]\n add %[a1], %[a1], %[stride]\n"
      "add %[a2], %[a2], %[stride]\n add %[a3], %[a3], %[stride]\n"
      "subs %[rows], %[rows], #1\n"
      "b.ne 1b\n"
      "addp v16.4s, v16.4s, v17.4s\n addp v18.4s, v18.4s, v19.4s\n"
      "addp v20.4s, v20.4s, v21.4s\n addp v22.4s, v22.4s, v23.4s\n"
      "addp v24.4s, v24.4s, v25.4s\n addp v26.4s, v26.4s, v27.4s\n"
      "addp v28.4s, v28.4s, v29.4s\n addp v30.4s, v30.4s, v31.4s\n"
      "addp v16.4s, v16.4s, v18.4s\n addp v20.4s, v20.4s, v22.4s\n"
      "addp v24.4s, v24.4s, v26.4s\n addp v28.4s, v28.4s, v30.4s\n"
      "stp q16, q20, [%[out]]\n stp q24, q28, [%[out], #32]\n"
      : [a0] "+&r"(a.row[0]), [a1] "+&r"(a.row[1]), [a2] "+&r"(a.row[2]), [a3] "+&r"(a.row[3]),
        [w] "+&r"(w), [rows] "+&r"(rows), [n] "=&r"(n), [low] "=&r"(low), [high] "=&r"(high)
      : [steps] "r"(tile.steps), [stride] "r"(tile.row_stride), [out] "r"(&out[0][0])
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  // clang-format on
}

}  // namespace

void neon_accumulate_w8s8(const Tile& tile) {
  const RowPointers pixels(tile);
  const auto* panel = static_cast<const std::int8_t*>(tile.panel);
  for (std::size_t i = 0; i < tile.blocks; ++i) {
    std::int32_t sums[4][kNr];
    block(pixels, panel + i * tile.block_stride, tile, sums);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      vst1q_s32(tile.acc + row * tile.acc_stride + i * kNr, vld1q_s32(sums[row]));
    }
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
