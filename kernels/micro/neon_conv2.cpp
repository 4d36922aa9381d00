// 2-bit codes with 2-bit weight codes on ARMv8.0: the byte of two activation codes selects one of
// sixteen tables, TBL looks the sum of two products up for sixteen output channels, and uint8
// accumulators are flushed to uint16. 32 MACs take two instructions.
//
// Modelled (benchmarks/modelled, 3x3 window of 128 channels, flushed every 14 steps as if weights
// were all extreme; real ones allow about twice that): on Cortex-A72 14.6 MACs per cycle, 1.84 of
// the 8-bit kernel; TBL and ADD fill its two vector pipes at 16, starts and flushes take the rest.
// On Cortex-A53 6.9 of 10.7 (a cycle for TBL, two for ADD), 2.3 of the 8-bit kernel: loads take a
// fifth, starts and flushes 16 %. On Cortex-A76 28 of 32, where SDOT does as much.
//
// The loop is written in assembly for the reasons given in neon_conv8.cpp.
#include <arm_neon.h>

#include "micro/neon_accumulate.h"
#include "micro/neon_rows.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kNr = 16;

/// of[c0 | c1 << 2][u0 | u1 << 2] = c0 * v0 + c1 * v1 with v = u - kNeonCodeZero, modulo 256.
struct ProductTables {
  std::uint8_t of[16][16];

  constexpr ProductTables() : of() {
    for (int codes = 0; codes < 16; ++codes) {
      for (int weights = 0; weights < 16; ++weights) {
        const int sum = (codes & 3) * ((weights & 3) - kNeonCodeZero) +
                        (codes >> 2) * ((weights >> 2) - kNeonCodeZero);
        of[codes][weights] = static_cast<std::uint8_t>(sum);
      }
    }
  }
};

alignas(64) constexpr ProductTables kProducts;

// Registers: v0-v3 tables of the four pixels; v4, v5 weights of the two blocks; v6, v7 (and the
// tables, once used) products; v8 + 2 * row + block accumulators; v16 + 4 * row + 2 * block + half
// flushed sums.
//
// Cortex-A72 dispatches three micro-operations a cycle and a TBL is three: the rest is placed in
// groups of three between them, which leaves no slot empty. The same order gives an in-order core
// its loads early.
// clang-format off
#define LOOK_UP(OUT, TABLE, WEIGHTS) "tbl " OUT ".16b, {" TABLE ".16b}, " WEIGHTS ".16b\n"
#define ADD(ACC, PRODUCT) "add " ACC ".16b, " ACC ".16b, " PRODUCT ".16b\n"
#define STEP(CODE0, CODE1, CODE2, CODE3, TABLE0, TABLE1, TABLE2, TABLE3, WEIGHTS, POINTERS) \
  CODE0 CODE1 CODE2 \
  LOOK_UP("v6", "v0", "v4") LOOK_UP("v0", "v0", "v5") \
  LOOK_UP("v7", "v1", "v4") LOOK_UP("v1", "v1", "v5") \
  ADD("v8", "v6") ADD("v9", "v0") CODE3 \
  LOOK_UP("v6", "v2", "v4") LOOK_UP("v2", "v2", "v5") \
  ADD("v10", "v7") TABLE0 \
  LOOK_UP("v7", "v3", "v4") LOOK_UP("v3", "v3", "v5") \
  ADD("v11", "v1") TABLE1 \
  WEIGHTS ADD("v12", "v6") \
  ADD("v13", "v2") TABLE2 \
  ADD("v14", "v7") POINTERS \
  ADD("v15", "v3") TABLE3
#define LOAD_CODE(I, OFFSET) "ldrb %w[t" I "], [%[a" I "], #" OFFSET "]\n"
#define LOAD_TABLE(I) "ldr q" I ", [%[tables], %[t" I "]]\n"
#define LOAD_WEIGHTS(OFFSET) "ldr q4, [%[w0], #" OFFSET "]\n ldr q5, [%[w1], #" OFFSET "]\n"
// Computes a step and loads the next, at these offsets.
#define STEP_AND_LOAD(OFFSET01, OFFSET23, WEIGHTS_OFFSET, POINTERS) \
  STEP(LOAD_CODE("0", OFFSET01), LOAD_CODE("1", OFFSET01), LOAD_CODE("2", OFFSET23), \
       LOAD_CODE("3", OFFSET23), LOAD_TABLE("0"), LOAD_TABLE("1"), LOAD_TABLE("2"), \
       LOAD_TABLE("3"), LOAD_WEIGHTS(WEIGHTS_OFFSET), POINTERS)
#define LAST_STEP STEP("", "", "", "", "", "", "", "", "", "")
#define ADVANCE(POINTER, BYTES) "add %[" POINTER "], %[" POINTER "], #" BYTES "\n"
#define ADVANCE_STEP \
  ADVANCE("a0", "1") ADVANCE("a1", "1") ADVANCE("a2", "1") ADVANCE("a3", "1") \
  ADVANCE("w0", "16") ADVANCE("w1", "16")
#define FLUSH(ACC, LOW, HIGH) \
  "uaddw " LOW ".8h, " LOW ".8h, " ACC ".8b\n" \
  "uaddw2 " HIGH ".8h, " HIGH ".8h, " ACC ".16b\n"
// clang-format on

static_assert(kNeonStart == 170, "the loop's bytes start there");

/// Four pixels against two blocks; sums[row][channel] = sum of c * v, plus kNeonStart for every
/// flush, modulo 2^16.
void group(RowPointers a, const std::uint8_t* w0, const std::uint8_t* w1, const Tile& tile,
           std::uint16_t (&sums)[4][2 * kNr]) {
  std::size_t rows = tile.window_rows;
  std::size_t left;
  std::size_t n;
  std::size_t t0, t1, t2, t3;
  const std::size_t skip = tile.row_stride - tile.steps;
  // clang-format off
  asm volatile(
      "movi v16.4s, #0\n movi v17.4s, #0\n movi v18.4s, #0\n movi v19.4s, #0\n"
      "movi v20.4s, #0\n movi v21.4s, #0\n movi v22.4s, #0\n movi v23.4s, #0\n"
      "movi v24.4s, #0\n movi v25.4s, #0\n movi v26.4s, #0\n movi v27.4s, #0\n"
      "movi v28.4s, #0\n movi v29.4s, #0\n movi v30.4s, #0\n movi v31.4s, #0\n"
      "1:\n"
      "mov %[left], %[steps]\n"
      "2:  // as many steps as the window row has and the accumulators hold\n"
      "cmp %[left], %[flush]\n"
      "csel %[n], %[left], %[flush], lo\n"
      "sub %[left], %[left], %[n]\n"
      "ldrb %w[t0], [%[a0]]\n ldrb %w[t1], [%[a1]]\n ldrb %w[t2], [%[a2]]\n ldrb %w[t3], [%[a3]]\n"
      "ldr q4, [%[w0]]\n ldr q5, [%[w1]]\n"
      LOAD_TABLE("0") LOAD_TABLE("1") LOAD_TABLE("2") LOAD_TABLE("3")
      "movi v8.16b, #170\n movi v9.16b, #170\n movi v10.16b, #170\n movi v11.16b, #170\n"
      "movi v12.16b, #170\n movi v13.16b, #170\n movi v14.16b, #170\n movi v15.16b, #170\n"
      "subs %[n], %[n], #5\n"
      "b.lo 4f\n"
      "3:  // hot loop\n"
      STEP_AND_LOAD("1", "1", "16", ADVANCE("a0", "4") ADVANCE("a1", "4"))
      STEP_AND_LOAD("-2", "2", "32", ADVANCE("a2", "4") ADVANCE("a3", "4"))
      STEP_AND_LOAD("-1", "-1", "48", ADVANCE("w0", "64") ADVANCE("w1", "64"))
      STEP_AND_LOAD("0", "0", "0", "subs %[n], %[n], #4\n")
      "b.hs 3b\n"
      "4:\n"
      "adds %[n], %[n], #4\n"
      "b.eq 6f\n"
      "5:\n"
      STEP_AND_LOAD("1", "1", "16", "subs %[n], %[n], #1\n")
      ADVANCE_STEP
      "b.ne 5b\n"
      "6:\n"
      LAST_STEP
      ADVANCE_STEP
      "// flush\n"
      FLUSH("v8", "v16", "v17") FLUSH("v9", "v18", "v19")
      FLUSH("v10", "v20", "v21") FLUSH("v11", "v22", "v23")
      FLUSH("v12", "v24", "v25") FLUSH("v13", "v26", "v27")
      FLUSH("v14", "v28", "v29") FLUSH("v15", "v30", "v31")
      "cbnz %[left], 2b\n"
      "add %[a0], %[a0], %[skip]\n add %[a1], %[a1], %[skip]\n"
      "add %[a2], %[a2], %[skip]\n add %[a3], %[a3], %[skip]\n"
      "subs %[rows], %[rows], #1\n"
      "b.ne 1b\n"
      "stp q16, q17, [%[sums]]\n stp q18, q19, [%[sums], #32]\n"
      "stp q20, q21, [%[sums], #64]\n stp q22, q23, [%[sums], #96]\n"
      "stp q24, q25, [%[sums], #128]\n stp q26, q27, [%[sums], #160]\n"
      "stp q28, q29, [%[sums], #192]\n stp q30, q31, [%[sums], #224]\n"
      : [a0] "+&r"(a.row[0]), [a1] "+&r"(a.row[1]), [a2] "+&r"(a.row[2]), [a3] "+&r"(a.row[3]),
        [w0] "+&r"(w0), [w1] "+&r"(w1), [rows] "+&r"(rows), [left] "=&r"(left), [n] "=&r"(n),
        [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3)
      : [steps] "r"(tile.steps), [flush] "r"(tile.flush_steps), [skip] "r"(skip),
        [tables] "r"(&kProducts.of[0][0]), [sums] "r"(&sums[0][0])
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
        "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
        "v27", "v28", "v29", "v30", "v31", "cc", "memory");
  // clang-format on
}

/// acc = 2 * sum(c * u) - 3 * sum(c), for w = 2 * u - 3. `correction` makes sum(c * u), which
/// window_bound() keeps within 16 bits, of the loop's sums.
void store(const std::uint16_t* sums, std::uint16_t correction, std::size_t n,
           std::int32_t code_sum, std::int32_t* acc) {
  const int32x4_t offset = vdupq_n_s32(3 * code_sum);
  for (std::size_t i = 0; i < n; i += 4) {
    const uint16x4_t products = vadd_u16(vld1_u16(sums + i), vdup_n_u16(correction));
    const int32x4_t twice = vreinterpretq_s32_u32(vshll_n_u16(products, 1));
    vst1q_s32(acc + i, vsubq_s32(twice, offset));
  }
}

/// How often group() flushes: whenever a byte is full and at the end of each window row.
std::size_t flushes(const Tile& tile) {
  return tile.window_rows * ((tile.steps - 1) / tile.flush_steps + 1);
}

}  // namespace

void neon_accumulate_w2a2(const Tile& tile) {
  const RowPointers pixels(tile);
  const auto* panel = static_cast<const std::uint8_t*>(tile.panel);
  const auto started = static_cast<std::int32_t>(kNeonStart * flushes(tile));
  for (std::size_t b = 0; b < tile.blocks; b += 2) {
    const std::size_t count = tile.blocks - b < 2 ? 1 : 2;
    const std::uint8_t* first = panel + b * tile.block_stride;
    std::uint16_t sums[4][2 * kNr];
    group(pixels, first, first + (count - 1) * tile.block_stride, tile, sums);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      const auto correction = static_cast<std::uint16_t>(kNeonCodeZero * tile.sums[row] - started);
      store(sums[row], correction, count * kNr, tile.sums[row],
            tile.acc + row * tile.acc_stride + b * kNr);
    }
  }
}

}  // namespace edge_dnq
