// Convolution of 8-bit weights with 8-bit activations: products of 16-bit operands, summed in pairs
// into int32 by vpmaddwd.
//
// The weights are widened per block of output channels by `expand`, the activations once per tile
// into a scratch that all blocks of the tile read, so that the inner loop is one multiply and one
// add per 16 products, and broadcasts that cost a load only. Expanded panels hold, for every two
// channels k, [16 output channels][2 k].
//
// Measured on Zen 5: vpmaddwd and vpaddd alone reach 29 MACs per cycle (the two multipliers allow
// 32), this loop 26, or 90 %. The rest: broadcasts and loads compete for issue; at 512 channels the
// expanded panel comes from L2 (24); a stem's rows pad 21 bytes to 22, and its widening serves only
// 64 output channels (23).
#include <immintrin.h>

#include "micro/avx2_conv.h"

namespace edge_dnq::avx2 {
namespace {

constexpr std::size_t kMaxRows = 6;
constexpr std::size_t kNr = 16;
/// Bytes whose widened activations are kept at a time: 12 KiB for six rows, a quarter of L1.
constexpr std::size_t kChunkBytes = 1024;

struct Scratch {
  alignas(32) std::int16_t rows[kMaxRows][kChunkBytes];
};

void widen_sixteen(const std::uint8_t* from, std::int16_t* to) {
  const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_cvtepu8_epi16(packed));
}

void widen(const std::uint8_t* from, std::size_t bytes, std::int16_t* to) {
  std::size_t i = 0;
  for (; i + 16 <= bytes; i += 16) widen_sixteen(from + i, to + i);
  if (i < bytes && i > 0) {
    // Once more up to the end: not a byte past it may be read.
    widen_sixteen(from + bytes - 16, to + bytes - 16);
    return;
  }
  for (; i < bytes; ++i) to[i] = from[i];
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

/// Adds `pairs` pairs of activations of kRows rows to `acc`, or starts them there.
template <std::size_t kRows>
void accumulate_chunk(const Scratch& scratch, std::size_t pairs, const std::int16_t* weights,
                      bool first, std::int32_t* acc, std::size_t acc_stride) {
  __m256i sums[kRows][2];
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t half = 0; half < 2; ++half) {
      sums[row][half] = first ? _mm256_setzero_si256() : load(acc + row * acc_stride + 8 * half);
    }
  }
  for (std::size_t pair = 0; pair < pairs; ++pair, weights += 2 * kNr) {
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

/// Widens `count` bytes of each pixel's window, from byte `first` of it on, its rows one after the
/// other.
template <std::size_t kRows>
void fill(const Tile& tile, std::size_t row_bytes, std::size_t first, std::size_t count,
          Scratch& scratch) {
  std::size_t y = first / row_bytes;
  std::size_t x = first % row_bytes;
  for (std::size_t done = 0; done < count; ++y, x = 0) {
    const std::size_t left = count - done;
    const std::size_t run = left < row_bytes - x ? left : row_bytes - x;
    for (std::size_t row = 0; row < kRows; ++row) {
      widen(tile.pixels[row] + y * tile.row_stride + x, run, scratch.rows[row] + done);
    }
    done += run;
  }
}

template <std::size_t kRows>
void accumulate_rows(const Tile& tile, std::size_t row_bytes) {
  Scratch scratch;
  const std::size_t total = tile.window_rows * row_bytes;
  for (std::size_t done = 0; done < total; done += kChunkBytes) {
    const std::size_t left = total - done;
    const std::size_t bytes = left < kChunkBytes ? left : kChunkBytes;
    fill<kRows>(tile, row_bytes, done, bytes, scratch);
    for (std::size_t block = 0; block < tile.blocks; ++block) {
      const auto* panel = reinterpret_cast<const std::int16_t*>(
          static_cast<const std::uint8_t*>(tile.panel) + block * tile.block_stride);
      accumulate_chunk<kRows>(scratch, bytes / 2, panel + done * kNr, done == 0,
                              tile.acc + block * kNr, tile.acc_stride);
    }
  }
}

void accumulate(const Tile& tile, std::size_t row_bytes) {
  switch (tile.rows) {
    case 1:
      return accumulate_rows<1>(tile, row_bytes);
    case 2:
      return accumulate_rows<2>(tile, row_bytes);
    case 3:
      return accumulate_rows<3>(tile, row_bytes);
    case 4:
      return accumulate_rows<4>(tile, row_bytes);
    case 5:
      return accumulate_rows<5>(tile, row_bytes);
    default:
      return accumulate_rows<kMaxRows>(tile, row_bytes);
  }
}

/// Sixteen weights as int16, or the 4-bit ones nested in them.
__m256i widened(const std::int8_t* weights, bool nested4) {
  const __m256i wide =
      _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights)));
  if (!nested4) return wide;
  const __m256i high = _mm256_srai_epi16(wide, 4);
  return _mm256_add_epi16(_mm256_add_epi16(high, high), _mm256_set1_epi16(1));
}

}  // namespace

void accumulate_w8u8(const Tile& tile) { accumulate(tile, 4 * tile.steps); }

void accumulate_w8u8_pairs(const Tile& tile) { accumulate(tile, 2 * tile.steps); }

void expand_w8u8(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded) {
  constexpr std::size_t kStepWeights = kNr * 4;
  auto* out = static_cast<std::int16_t*>(expanded);
  const __m256i split = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  for (std::size_t i = 0; i < bytes; i += kStepWeights, out += kStepWeights) {
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
      // Four output channels of four k each: the first two k and the last two go apart.
      const __m256i pairs =
          _mm256_permutevar8x32_epi32(widened(panel + i + 16 * quarter, nested4), split);
      auto* first = reinterpret_cast<__m128i*>(out + 8 * quarter);
      _mm_storeu_si128(first, _mm256_castsi256_si128(pairs));
      _mm_storeu_si128(first + kStepWeights / 16, _mm256_extracti128_si256(pairs, 1));
    }
  }
}

void expand_w8u8_pairs(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded) {
  auto* out = static_cast<std::int16_t*>(expanded);
  for (std::size_t i = 0; i < bytes; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), widened(panel + i, nested4));
  }
}

}  // namespace edge_dnq::avx2
