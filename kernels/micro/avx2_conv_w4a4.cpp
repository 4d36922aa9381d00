// Convolution of operands whose pair products fit int16 (4-bit weights and activations, and what
// else the flush bound allows): vpmaddubsw, added up in int16.
//
// Measured on Zen 5: vpmaddubsw and vpaddw alone reach 58 MACs per cycle (the two multipliers allow
// 64), this loop 53, or 91 %. The rest: a flush every 72 steps costs 2 %, six broadcasts and two
// loads a step compete for issue; small windows pay for starting and ending a tile (43 for 1x1 with
// 64 channels).
#include <immintrin.h>

#include "micro/avx2_conv.h"

namespace edge_dnq::avx2 {
namespace {

constexpr std::size_t kMaxRows = 6;
constexpr std::size_t kNr = 16;
constexpr std::size_t kKr = 4;
constexpr std::size_t kStepBytes = kNr * kKr;

__m256i load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

/// Four activations in every 32-bit lane.
__m256i broadcast(const std::uint8_t* activations) {
  std::int32_t bits;
  __builtin_memcpy(&bits, activations, sizeof(bits));
  return _mm256_set1_epi32(bits);
}

/// The tile's int32 sums; the first flush stores, later ones add.
template <std::size_t kRows>
class WideSums {
 public:
  WideSums(std::int32_t* acc, std::size_t stride) : acc_(acc), stride_(stride) {}

  /// Moves the int16 pair sums here and leaves zeros.
  void flush(__m256i (&narrow)[kRows][2]) {
    const __m256i one = _mm256_set1_epi16(1);
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t half = 0; half < 2; ++half) {
        auto* out = reinterpret_cast<__m256i*>(acc_ + row * stride_ + 8 * half);
        __m256i wide = _mm256_madd_epi16(narrow[row][half], one);
        if (!empty_) wide = _mm256_add_epi32(wide, _mm256_loadu_si256(out));
        _mm256_storeu_si256(out, wide);
        narrow[row][half] = _mm256_setzero_si256();
      }
    }
    empty_ = false;
  }

 private:
  std::int32_t* acc_;
  std::size_t stride_;
  bool empty_ = true;
};

template <std::size_t kRows>
void accumulate_block(const Tile& tile, const std::uint8_t* panel, std::int32_t* acc) {
  __m256i narrow[kRows][2];
  for (std::size_t row = 0; row < kRows; ++row) {
    narrow[row][0] = narrow[row][1] = _mm256_setzero_si256();
  }
  WideSums<kRows> sums(acc, tile.acc_stride);
  std::size_t until_flush = tile.flush_steps;
  for (std::size_t y = 0; y < tile.window_rows; ++y) {
    const std::uint8_t* pixels[kRows];
    for (std::size_t row = 0; row < kRows; ++row) {
      pixels[row] = tile.pixels[row] + y * tile.row_stride;
    }
    for (std::size_t step = 0; step < tile.steps;) {
      const std::size_t left = tile.steps - step;
      const std::size_t run = left < until_flush ? left : until_flush;
      for (const std::size_t end = step + run; step < end; ++step, panel += kStepBytes) {
        const __m256i low = load(panel);
        const __m256i high = load(panel + 32);
#pragma GCC unroll 6
        for (std::size_t row = 0; row < kRows; ++row) {
          const __m256i activations = broadcast(pixels[row] + step * kKr);
          narrow[row][0] = _mm256_add_epi16(narrow[row][0], _mm256_maddubs_epi16(activations, low));
          narrow[row][1] =
              _mm256_add_epi16(narrow[row][1], _mm256_maddubs_epi16(activations, high));
        }
      }
      until_flush -= run;
      if (until_flush == 0) {
        sums.flush(narrow);
        until_flush = tile.flush_steps;
      }
    }
  }
  sums.flush(narrow);
}

template <std::size_t kRows>
void accumulate_rows(const Tile& tile) {
  for (std::size_t block = 0; block < tile.blocks; ++block) {
    const auto* panel = static_cast<const std::uint8_t*>(tile.panel) + block * tile.block_stride;
    accumulate_block<kRows>(tile, panel, tile.acc + block * kNr);
  }
}

}  // namespace

void accumulate_w4a4(const Tile& tile) {
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
      return accumulate_rows<kMaxRows>(tile);
  }
}

void expand_w4a4(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded) {
  auto* out = static_cast<std::uint8_t*>(expanded);
  if (!nested4) {
    __builtin_memcpy(out, panel, bytes);
    return;
  }
  // The low nibble of (w >> 4) of each byte; 2 * n + 1 by a table.
  const __m256i table = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(1, 3, 5, 7, 9, 11, 13, 15, -15, -13, -11, -9, -7, -5, -3, -1));
  const __m256i nibble = _mm256_set1_epi8(15);
  for (std::size_t i = 0; i < bytes; i += 32) {
    const __m256i index = _mm256_and_si256(_mm256_srli_epi16(load(panel + i), 4), nibble);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_shuffle_epi8(table, index));
  }
}

}  // namespace edge_dnq::avx2
