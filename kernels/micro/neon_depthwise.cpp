// Depthwise convolution: bytes are widened once per tap, then SMLAL adds four channels at a time.
//
// The limit: a widening multiply-add makes four products, so with one of them a cycle (Cortex-A53,
// A72) 4 MAC/cycle less the widening and the loads, about 3.
#include <arm_neon.h>

#include "micro/registry.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kBlock = kDepthwiseBlock;

struct Sixteen {
  int16x8_t low;
  int16x8_t high;
};

template <bool kSigned>
Sixteen widened(const std::uint8_t* from) {
  const uint8x16_t bytes = vld1q_u8(from);
  if (kSigned) {
    const int8x16_t values = vreinterpretq_s8_u8(bytes);
    return {vmovl_s8(vget_low_s8(values)), vmovl_high_s8(values)};
  }
  return {vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))),
          vreinterpretq_s16_u16(vmovl_high_u8(bytes))};
}

/// Adds one tap pair; the weights of channels 0-3, 8-11, 4-7 and 12-15 follow each other.
void add_pair(const Sixteen (&taps)[2], const std::int16_t* weights, int32x4_t (&sums)[4]) {
  const int16x4x2_t w0 = vld2_s16(weights);
  const int16x4x2_t w2 = vld2_s16(weights + 8);
  const int16x4x2_t w1 = vld2_s16(weights + 16);
  const int16x4x2_t w3 = vld2_s16(weights + 24);
  for (int tap = 0; tap < 2; ++tap) {
    sums[0] = vmlal_s16(sums[0], vget_low_s16(taps[tap].low), w0.val[tap]);
    sums[1] = vmlal_s16(sums[1], vget_high_s16(taps[tap].low), w1.val[tap]);
    sums[2] = vmlal_s16(sums[2], vget_low_s16(taps[tap].high), w2.val[tap]);
    sums[3] = vmlal_s16(sums[3], vget_high_s16(taps[tap].high), w3.val[tap]);
  }
}

template <bool kSigned>
void accumulate(const DepthwiseRun& run, std::int32_t* acc) {
  const std::int16_t* weights = run.weights;
  for (std::size_t c = 0; c < run.channels; c += kBlock, weights += run.pairs * 2 * kBlock) {
    const std::uint8_t* window = run.window + c;
    for (std::size_t pixel = 0; pixel < run.pixels; ++pixel, window += run.step) {
      int32x4_t sums[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
      for (std::size_t pair = 0; pair < run.pairs; ++pair) {
        const Sixteen taps[2] = {widened<kSigned>(window + run.taps[2 * pair]),
                                 widened<kSigned>(window + run.taps[2 * pair + 1])};
        add_pair(taps, weights + pair * 2 * kBlock, sums);
      }
      for (int i = 0; i < 4; ++i) vst1q_s32(acc + pixel * run.acc_stride + c + 4 * i, sums[i]);
    }
  }
}

}  // namespace

void neon_depthwise(const DepthwiseRun& run, std::int32_t* acc) {
  if (run.is_signed) {
    accumulate<true>(run, acc);
  } else {
    accumulate<false>(run, acc);
  }
}

}  // namespace edge_dnq
