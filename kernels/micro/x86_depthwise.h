// Depthwise convolution on x86: the bytes of two taps are widened and interleaved, so that one
// instruction multiplies both for eight channels. For inclusion by one file per instruction set,
// which says before how products are added:
//   __m256i multiply_add(__m256i sums, __m256i activations, __m256i weights)
// Everything is local to the including file, as each is compiled for other instructions.
#pragma once

#include <immintrin.h>

#include "micro/row_ops.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kBlock = kDepthwiseBlock;

template <bool kSigned>
__m256i widened(const std::uint8_t* from) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return kSigned ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

__m256i load(const std::int16_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

void store(std::int32_t* acc, __m256i even, __m256i odd) {
  auto* out = reinterpret_cast<__m256i*>(acc);
  _mm256_storeu_si256(out, _mm256_permute2x128_si256(even, odd, 0x20));
  _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(even, odd, 0x31));
}

/// One block of channels of all pixels. kPairs is known where the weights fit the registers.
template <bool kSigned, std::size_t kPairs>
void accumulate_block(const DepthwiseRun& run, std::size_t channel, const std::int16_t* weights,
                      std::int32_t* acc) {
  const std::size_t pairs = kPairs > 0 ? kPairs : run.pairs;
  const std::uint8_t* window = run.window + channel;
  for (std::size_t pixel = 0; pixel < run.pixels; ++pixel, window += run.step) {
    __m256i even = _mm256_setzero_si256();  // channels 0-3 and 8-11
    __m256i odd = _mm256_setzero_si256();
#pragma GCC unroll 16
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const __m256i a = widened<kSigned>(window + run.taps[2 * pair]);
      const __m256i b = widened<kSigned>(window + run.taps[2 * pair + 1]);
      const std::int16_t* w = weights + pair * 2 * kBlock;
      even = multiply_add(even, _mm256_unpacklo_epi16(a, b), load(w));
      odd = multiply_add(odd, _mm256_unpackhi_epi16(a, b), load(w + kBlock));
    }
    store(acc + pixel * run.acc_stride + channel, even, odd);
  }
}

template <bool kSigned>
void accumulate(const DepthwiseRun& run, std::int32_t* acc) {
  const std::int16_t* weights = run.weights;
  for (std::size_t c = 0; c < run.channels; c += kBlock, weights += run.pairs * 2 * kBlock) {
    switch (run.pairs) {
      case 5:  // 3x3
        accumulate_block<kSigned, 5>(run, c, weights, acc);
        break;
      case 13:  // 5x5
        accumulate_block<kSigned, 13>(run, c, weights, acc);
        break;
      default:
        accumulate_block<kSigned, 0>(run, c, weights, acc);
    }
  }
}

void depthwise(const DepthwiseRun& run, std::int32_t* acc) {
  if (run.is_signed) {
    accumulate<true>(run, acc);
  } else {
    accumulate<false>(run, acc);
  }
}

}  // namespace
}  // namespace edge_dnq
