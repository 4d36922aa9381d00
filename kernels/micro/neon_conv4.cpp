// 4-bit activation codes with 4-bit weights (or 8-bit ones, flushed more often) on ARMv8.0: SMLAL
// accumulates products in int16 lanes, 8 MACs an instruction; a flush adds pairs of lanes to int32
// sums (SADALP).
//
// The panel is that of the 8-bit kernel. The multiplication is signed, so stored activations end at
// 127; -128 as a weight does no harm here.
//
// Modelled (benchmarks/modelled, 3x3 window of 128 channels): on Cortex-A53 4.0 MACs per cycle of
// 8, or 1.35 of the 8-bit kernel: sixteen loads a step take a cycle each in the model, which leaves
// 5.3, and starting window rows and the last flush 13 %. On Cortex-A72 7.7 of the 8 that its one
// multiplier allows, level with 8 bits: that core saves only memory by four bits.
//
// The loop is written in assembly for the reasons given in neon_conv8.cpp.
#include <arm_neon.h>

#include "micro/neon_accumulate.h"
#include "micro/neon_rows.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kNr = 4;

// Registers: v0-v3 (v4-v7) eight channels of the four pixels; v8-v11 (v12-v15) those of the four
// output channels; v16 + 4 * row + channel accumulators. While one half of a step is computed, the
// other is loaded.
// clang-format off
#define ROW(PIXEL, ACC0, ACC1, ACC2, ACC3, W0, W1, W2, W3, LOAD0, LOAD1) \
  LOAD0 "smlal " ACC0 ".8h, " PIXEL ".8b, " W0 ".8b\n" \
  "smlal " ACC1 ".8h, " PIXEL ".8b, " W1 ".8b\n" \
  LOAD1 "smlal " ACC2 ".8h, " PIXEL ".8b, " W2 ".8b\n" \
  "smlal " ACC3 ".8h, " PIXEL ".8b, " W3 ".8b\n"
#define LOW_HALF \
  ROW("v0", "v16", "v17", "v18", "v19", "v8", "v9", "v10", "v11", \
      "ldr d4, [%[a0], %[high]]\n", "ldr d12, [%[w], #8]\n") \
  ROW("v1", "v20", "v21", "v22", "v23", "v8", "v9", "v10", "v11", \
      "ldr d13, [%[w], #24]\n", "ldr d14, [%[w], #40]\n") \
  ROW("v2", "v24", "v25", "v26", "v27", "v8", "v9", "v10", "v11", \
      "ldr d15, [%[w], #56]\n", "ldr d5, [%[a1], %[high]]\n") \
  ROW("v3", "v28", "v29", "v30", "v31", "v8", "v9", "v10", "v11", \
      "ldr d6, [%[a2], %[high]]\n", "ldr d7, [%[a3], %[high]]\n")
#define HIGH_HALF(LOAD0, LOAD1, LOAD2, LOAD3, LOAD4, LOAD5, LOAD6, LOAD7) \
  "add %[low], %[low], #16\n add %[high], %[high], #16\n" \
  "add %[w], %[w], #64\n subs %[n], %[n], #1\n" \
  ROW("v4", "v16", "v17", "v18", "v19", "v12", "v13", "v14", "v15", LOAD0, LOAD1) \
  ROW("v5", "v20", "v21", "v22", "v23", "v12", "v13", "v14", "v15", LOAD2, LOAD3) \
  ROW("v6", "v24", "v25", "v26", "v27", "v12", "v13", "v14", "v15", LOAD4, LOAD5) \
  ROW("v7", "v28", "v29", "v30", "v31", "v12", "v13", "v14", "v15", LOAD6, LOAD7)
#define FLUSH_PAIR(ACC0, ACC1, OFFSET) \
  "ldp q0, q1, [%[wide], #" OFFSET "]\n" \
  "sadalp v0.4s, " ACC0 ".8h\n movi " ACC0 ".4s, #0\n" \
  "sadalp v1.4s, " ACC1 ".8h\n movi " ACC1 ".4s, #0\n" \
  "stp q0, q1, [%[wide], #" OFFSET "]\n"
#define FLUSH \
  FLUSH_PAIR("v16", "v17", "0") FLUSH_PAIR("v18", "v19", "32") \
  FLUSH_PAIR("v20", "v21", "64") FLUSH_PAIR("v22", "v23", "96") \
  FLUSH_PAIR("v24", "v25", "128") FLUSH_PAIR("v26", "v27", "160") \
  FLUSH_PAIR("v28", "v29", "192") FLUSH_PAIR("v30", "v31", "224")
// clang-format on

/// Four pixels against one block of four output channels; wide[row][channel] are added to.
void block(RowPointers a, const std::int8_t* w, const Tile& tile, std::int32_t (&wide)[4][kNr][4]) {
  std::size_t rows = tile.window_rows;
  std::size_t left = tile.flush_steps;
  std::size_t row_left;
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
      "mov %[row_left], %[steps]\n"
      "mov %[low], #0\n mov %[high], #8\n"
      "2:  // as many steps as the window row has and the accumulators hold\n"
      "cmp %[row_left], %[left]\n"
      "csel %[n], %[row_left], %[left], lo\n"
      "sub %[row_left], %[row_left], %[n]\n"
      "sub %[left], %[left], %[n]\n"
      "ldr d0, [%[a0], %[low]]\n ldr d8, [%[w]]\n ldr d9, [%[w], #16]\n ldr d10, [%[w], #32]\n"
      "ldr d11, [%[w], #48]\n"
      "ldr d1, [%[a1], %[low]]\n ldr d2, [%[a2], %[low]]\n ldr d3, [%[a3], %[low]]\n"
      "subs %[n], %[n], #1\n"
      "b.eq 4f\n"
      "3:  // hot loop\n"
      LOW_HALF
      HIGH_HALF("ldr d0, [%[a0], %[low]]\n", "ldr d8, [%[w]]\n", "ldr d9, [%[w], #16]\n",
                "ldr d10, [%[w], #32]\n", "ldr d11, [%[w], #48]\n", "ldr d1, [%[a1], %[low]]\n",
                "ldr d2, [%[a2], %[low]]\n", "ldr d3, [%[a3], %[low]]\n")
      "b.ne 3b\n"
      "4:\n"
      LOW_HALF
      HIGH_HALF("", "", "", "", "", "", "", "")
      "cbnz %[left], 5f\n"
      FLUSH
      "mov %[left], %[flush]\n"
      "5:\n"
      "cbnz %[row_left], 2b\n"
      "add %[a0], %[a0], %[stride]\n add %[a1], %[a1], %[stride]\n"
      "add %[a2], %[a2], %[stride]\n add %[a3], %[a3], %[stride]\n"
      "subs %[rows], %[rows], #1\n"
      "b.ne 1b\n"
      FLUSH
      : [a0] "+&r"(a.row[0]), [a1] "+&r"(a.row[1]), [a2] "+&r"(a.row[2]), [a3] "+&r"(a.row[3]),
        [w] "+&r"(w), [rows] "+&r"(rows), [left] "+&r"(left), [row_left] "=&r"(row_left),
        [n] "=&r"(n), [low] "=&r"(low), [high] "=&r"(high)
      : [steps] "r"(tile.steps), [flush] "r"(tile.flush_steps), [stride] "r"(tile.row_stride), [wide] "r"(&wide[0][0][0])
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  // clang-format on
}

/// Totals of the lanes of four accumulators.
int32x4_t totals(const std::int32_t (&wide)[kNr][4]) {
  return vpaddq_s32(vpaddq_s32(vld1q_s32(wide[0]), vld1q_s32(wide[1])),
                    vpaddq_s32(vld1q_s32(wide[2]), vld1q_s32(wide[3])));
}

}  // namespace

void neon_accumulate_w4u8(const Tile& tile) {
  const RowPointers pixels(tile);
  const auto* panel = static_cast<const std::int8_t*>(tile.panel);
  for (std::size_t i = 0; i < tile.blocks; ++i) {
    std::int32_t wide[4][kNr][4] = {};
    block(pixels, panel + i * tile.block_stride, tile, wide);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      vst1q_s32(tile.acc + row * tile.acc_stride + i * kNr, totals(wide[row]));
    }
  }
}

}  // namespace edge_dnq
