// Convolution of 2-bit weights with 2-bit activations: vpshufb looks the sum of two products up in
// a table that the activation byte selects and the weight codes index, 32 output channels at a
// time. Sums stay in unsigned bytes until the flush.
//
// Measured on Zen 5: vpshufb and vpaddb alone reach 118 to 128 MACs per cycle (the two shuffle
// units allow 128), this loop 109 without flushes and 99 with them, or 80 %. A flush costs three
// additions and shifts and two stores for each of twelve sums; it is due every 14 steps whatever
// the weights are, every 34 or so with bell-shaped ones. Small windows pay for starting and ending
// a tile (63 for 1x1 with 64 channels), fewer than 64 output channels for look-ups that nobody
// needs.
#include <immintrin.h>

#include <utility>

#include "micro/avx2_conv.h"

namespace edge_dnq::avx2 {
namespace {

constexpr std::size_t kMaxRows = 6;
constexpr std::size_t kNr = 32;

/// entry[c0 | c1 << 2][u0 | u1 << 2] = c0 * v0 + c1 * v1 with v = u - kCodeZero, modulo 256.
/// Sixteen bytes a row, so that a kPair2 activation byte is the offset of its row.
struct ProductTable {
  alignas(64) std::uint8_t entry[16][16];
};

constexpr ProductTable make_table() {
  ProductTable table{};
  for (int c = 0; c < 16; ++c) {
    for (int u = 0; u < 16; ++u) {
      const int sum = (c & 3) * ((u & 3) - kCodeZero) + (c >> 2) * ((u >> 2) - kCodeZero);
      table.entry[c][u] = static_cast<std::uint8_t>(sum);
    }
  }
  return table;
}

constexpr ProductTable kTable = make_table();

__m256i load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

__m256i table_row(std::uint8_t activations) {
  const auto* table = reinterpret_cast<const std::uint8_t*>(&kTable);
  return _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(table + activations)));
}

/// Added to every sum of a window, so that it lies in 0 .. 65535 wherever window_bound() allows it.
constexpr int kShift = 43690;

/// 16-bit sums of 32 bytes, modulo 2^16: of the whole 16-bit lanes and of their high bytes. The sum
/// of the low bytes is the first less 256 times the second; keeping these two instead of low and
/// high saves an instruction per flush.
struct WideSums {
  __m256i lanes;
  __m256i high;

  void set(__m256i narrow) {
    lanes = narrow;
    high = _mm256_srli_epi16(narrow, 8);
  }

  void add(__m256i narrow) {
    lanes = _mm256_add_epi16(lanes, narrow);
    high = _mm256_add_epi16(high, _mm256_srli_epi16(narrow, 8));
  }

  /// acc = sum of c * (2 * v + 1) for the 32 channels.
  void store(int flushes, std::int32_t code_sum, std::int32_t* acc) const {
    const __m256i shift = _mm256_set1_epi16(static_cast<short>(kShift - flushes * kStart));
    const __m256i even = _mm256_sub_epi16(lanes, _mm256_slli_epi16(high, 8));
    const __m256i low = _mm256_add_epi16(even, shift);
    const __m256i odd = _mm256_add_epi16(high, shift);
    const __m256i rest = _mm256_set1_epi32(code_sum - 2 * kShift);
    const __m256i first = _mm256_unpacklo_epi16(low, odd);   // channels 0-7, 16-23
    const __m256i second = _mm256_unpackhi_epi16(low, odd);  // channels 8-15, 24-31
    const __m128i eights[4] = {_mm256_castsi256_si128(first), _mm256_castsi256_si128(second),
                               _mm256_extracti128_si256(first, 1),
                               _mm256_extracti128_si256(second, 1)};
    for (std::size_t i = 0; i < 4; ++i) {
      const __m256i wide = _mm256_cvtepu16_epi32(eights[i]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(acc + 8 * i),
                          _mm256_add_epi32(_mm256_add_epi32(wide, wide), rest));
    }
  }
};

template <std::size_t kRows, std::size_t kBlocks>
void accumulate_tile(const Tile& tile) {
  const __m256i start = _mm256_set1_epi8(static_cast<char>(kStart));
  __m256i narrow[kRows][kBlocks];
  WideSums wide[kRows][kBlocks];
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      narrow[row][block] = start;
    }
  }
  int flushes = 0;
  const auto flush = [&] {
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t block = 0; block < kBlocks; ++block) {
        if (flushes == 0) {
          wide[row][block].set(narrow[row][block]);
        } else {
          wide[row][block].add(narrow[row][block]);
        }
        narrow[row][block] = start;
      }
    }
    ++flushes;
  };
  const auto* panel = static_cast<const std::uint8_t*>(tile.panel);
  std::size_t until_flush = tile.flush_steps;
  for (std::size_t y = 0; y < tile.window_rows; ++y) {
    const std::uint8_t* pixels[kRows];
    for (std::size_t row = 0; row < kRows; ++row) {
      pixels[row] = tile.pixels[row] + y * tile.row_stride;
    }
    for (std::size_t step = 0; step < tile.steps;) {
      const std::size_t left = tile.steps - step;
      const std::size_t run = left < until_flush ? left : until_flush;
      for (const std::size_t end = step + run; step < end; ++step, panel += kNr) {
        __m256i codes[kBlocks];
        for (std::size_t block = 0; block < kBlocks; ++block) {
          codes[block] = load(panel + block * tile.block_stride);
        }
#pragma GCC unroll 6
        for (std::size_t row = 0; row < kRows; ++row) {
          const __m256i products = table_row(pixels[row][step]);
#pragma GCC unroll 2
          for (std::size_t block = 0; block < kBlocks; ++block) {
            narrow[row][block] =
                _mm256_add_epi8(narrow[row][block], _mm256_shuffle_epi8(products, codes[block]));
          }
        }
      }
      until_flush -= run;
      if (until_flush == 0) {
        flush();
        until_flush = tile.flush_steps;
      }
    }
  }
  // The last sums need not pass through memory; of a small window they are the only ones.
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      WideSums sums;
      sums.set(narrow[row][block]);
      if (flushes > 0) {
        sums.lanes = _mm256_add_epi16(sums.lanes, wide[row][block].lanes);
        sums.high = _mm256_add_epi16(sums.high, wide[row][block].high);
      }
      sums.store(flushes + 1, tile.sums[row], tile.acc + row * tile.acc_stride + block * kNr);
    }
  }
}

using TileFunction = void (*)(const Tile&);

template <std::size_t kBlocks, std::size_t... kIndex>
TileFunction by_rows(std::size_t rows, std::index_sequence<kIndex...>) {
  static constexpr TileFunction kFunctions[] = {accumulate_tile<kIndex + 1, kBlocks>...};
  return kFunctions[rows - 1];
}

}  // namespace

void accumulate_w2a2(const Tile& tile) {
  const auto rows = std::make_index_sequence<kMaxRows>{};
  (tile.blocks == 1 ? by_rows<1>(tile.rows, rows) : by_rows<2>(tile.rows, rows))(tile);
}

}  // namespace edge_dnq::avx2
