// Convolution of 8-bit weights with 8-bit activations: products of 16-bit operands, summed in pairs
// into int32 by vpmaddwd.
//
// The weights are widened per block of output channels by `expand`, the activations once per tile
// into a scratch that all blocks of the tile read, so that the inner loop is one multiply and one
// add per 16 products, and broadcasts that cost a load only.
#include <immintrin.h>

#include "micro/avx2_conv.h"

namespace edge_dnq::avx2 {
namespace {

constexpr std::size_t kMaxRows = 6;
constexpr std::size_t kNr = 16;
constexpr std::size_t kKr = 4;
/// Steps whose widened activations are kept at a time: 12 KiB for six rows, a quarter of L1.
constexpr std::size_t kChunkSteps = 256;
/// int16 weights of one step of one block: [2 pairs of k][16 output channels][2 k].
constexpr std::size_t kStepWeights = kNr * kKr;

struct Scratch {
  alignas(32) std::int16_t rows[kMaxRows][kChunkSteps * kKr];
};

/// `steps` steps of one window row.
void widen(const std::uint8_t* from, std::size_t steps, std::int16_t* to) {
  std::size_t step = 0;
  for (; step + 4 <= steps; step += 4) {
    const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + step * kKr));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + step * kKr), _mm256_cvtepu8_epi16(packed));
  }
  for (; step < steps; ++step) {
    const __m128i packed = _mm_loadu_si32(from + step * kKr);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + step * kKr), _mm_cvtepu8_epi16(packed));
  }
}

__m256i load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

/// Pair `pair` of widened activations in every 32-bit lane.
__m256i broadcast(const std::int16_t* pair) {
  std::int32_t bits;
  __builtin_memcpy(&bits, pair, sizeof(bits));
  return _mm256_set1_epi32(bits);
}

/// sum += addend. In assembly, as GCC 12 otherwise collects the broadcasts and products of all rows
/// first, runs out of registers and keeps the sums in memory.
void add_in_place(__m256i& sum, __m256i addend) {
  asm volatile("vpaddd %1, %0, %0" : "+x"(sum) : "x"(addend));
}

/// Adds `steps` steps of kRows rows to `acc`, or starts them there.
template <std::size_t kRows>
void accumulate_chunk(const Scratch& scratch, std::size_t steps, const std::int16_t* weights,
                      bool first, std::int32_t* acc, std::size_t acc_stride) {
  __m256i sums[kRows][2];
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t half = 0; half < 2; ++half) {
      sums[row][half] = first ? _mm256_setzero_si256() : load(acc + row * acc_stride + 8 * half);
    }
  }
  for (std::size_t pair = 0; pair < 2 * steps; ++pair, weights += 2 * kNr) {
    const __m256i low = load(weights);
    const __m256i high = load(weights + kNr);
#pragma GCC unroll 6
    for (std::size_t row = 0; row < kRows; ++row) {
      const __m256i activations = broadcast(scratch.rows[row] + 2 * pair);
      add_in_place(sums[row][0], _mm256_madd_epi16(activations, low));
      add_in_place(sums[row][1], _mm256_madd_epi16(activations, high));
    }
  }
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t half = 0; half < 2; ++half) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + row * acc_stride + 8 * half),
                          sums[row][half]);
    }
  }
}

/// Widens `count` steps of each pixel, counted over all window rows, from step `first` on.
template <std::size_t kRows>
void fill(const Tile& tile, std::size_t first, std::size_t count, Scratch& scratch) {
  std::size_t y = first / tile.steps;
  std::size_t step = first % tile.steps;
  for (std::size_t done = 0; done < count; ++y, step = 0) {
    const std::size_t left = count - done;
    const std::size_t run = left < tile.steps - step ? left : tile.steps - step;
    for (std::size_t row = 0; row < kRows; ++row) {
      widen(tile.pixels[row] + y * tile.row_stride + step * kKr, run,
            scratch.rows[row] + done * kKr);
    }
    done += run;
  }
}

template <std::size_t kRows>
void accumulate_rows(const Tile& tile) {
  Scratch scratch;
  const std::size_t total = tile.window_rows * tile.steps;
  for (std::size_t done = 0; done < total; done += kChunkSteps) {
    const std::size_t left = total - done;
    const std::size_t steps = left < kChunkSteps ? left : kChunkSteps;
    fill<kRows>(tile, done, steps, scratch);
    for (std::size_t block = 0; block < tile.blocks; ++block) {
      const auto* panel = reinterpret_cast<const std::int16_t*>(
          static_cast<const std::uint8_t*>(tile.panel) + block * tile.block_stride);
      accumulate_chunk<kRows>(scratch, steps, panel + done * kStepWeights, done == 0,
                              tile.acc + block * kNr, tile.acc_stride);
    }
  }
}

}  // namespace

void accumulate_w8u8(const Tile& tile) {
  switch (tile.rows) {
    case 1:
      return accumulate_rows<1>(tile);
    case 2:
      return accumulate_rows<2>(tile);
    case 3:
      return accumulate_rows<3>(tile);
    case 4:
      return accumulate_rows<4>(tile);
    case 5:
      return accumulate_rows<5>(tile);
    default:
      return accumulate_rows<6>(tile);
  }
}

void expand_w8u8(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded) {
  auto* out = static_cast<std::uint8_t*>(expanded);
  const __m256i one = _mm256_set1_epi16(1);
  for (std::size_t i = 0; i < bytes; i += kStepWeights, out += 2 * kStepWeights) {
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
      // Four output channels of four k; 64-bit lanes [k0 k1 | k2 k3] of each.
      __m256i wide = _mm256_cvtepi8_epi16(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(panel + i + 16 * quarter)));
      if (nested4) {
        wide = _mm256_srai_epi16(wide, 4);
        wide = _mm256_add_epi16(_mm256_add_epi16(wide, wide), one);
      }
      const __m256i split =
          _mm256_permutevar8x32_epi32(wide, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16 * quarter),
                       _mm256_castsi256_si128(split));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + kStepWeights + 16 * quarter),
                       _mm256_extracti128_si256(split, 1));
    }
  }
}

}  // namespace edge_dnq::avx2
