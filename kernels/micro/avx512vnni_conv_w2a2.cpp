// Convolution of 2-bit weights with 2-bit activations: vpermb looks the sum of three products up in
// a table that the activation byte selects and the weight codes index, 64 output channels at a
// time. Sums stay in unsigned bytes until the flush.
#include <immintrin.h>

#include <utility>

#include "micro/avx512vnni_conv.h"

namespace edge_dnq::avx512vnni {
namespace {

constexpr std::size_t kMaxRows = 4;
constexpr std::size_t kMaxBlocks = 2;
constexpr std::size_t kNr = 64;

/// entry[c0 | c1 << 2 | c2 << 4][u0 | u1 << 2 | u2 << 4] = c0 * u0 + c1 * u1 + c2 * u2.
struct ProductTable {
  alignas(64) std::uint8_t entry[64][64];
};

constexpr ProductTable make_table() {
  ProductTable table{};
  for (int c = 0; c < 64; ++c) {
    for (int u = 0; u < 64; ++u) {
      table.entry[c][u] = static_cast<std::uint8_t>(
          (c & 3) * (u & 3) + (c >> 2 & 3) * (u >> 2 & 3) + (c >> 4) * (u >> 4));
    }
  }
  return table;
}

constexpr ProductTable kTable = make_table();

/// 16-bit sums of 64 bytes: of the whole 16-bit lanes (modulo 2^16) and of their high bytes. The
/// sum of the low bytes is the first less 256 times the second; keeping these two instead of low
/// and high saves an instruction per flush.
struct WideSums {
  __m512i lanes;
  __m512i high;

  void add(__m512i narrow) {
    lanes = _mm512_add_epi16(lanes, narrow);
    high = _mm512_add_epi16(high, _mm512_srli_epi16(narrow, 8));
  }

  /// acc = 2 * sum - 3 * code_sum for the 64 channels.
  void store(std::int32_t code_sum, std::int32_t* acc) const {
    const __m512i low = _mm512_sub_epi16(lanes, _mm512_slli_epi16(high, 8));
    const __m512i correction = _mm512_set1_epi32(3 * code_sum);
    // Zero-extended even (low) and odd (high) bytes, put in turn again as int32 pairs.
    const __m512i first = _mm512_unpacklo_epi16(low, high);
    const __m512i second = _mm512_unpackhi_epi16(low, high);
    // Lane i of `first` holds channels 16 i .. 16 i + 7, of `second` the eight after those.
    const __m512i halves[2] = {
        _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), second),
        _mm512_permutex2var_epi64(first, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), second)};
    for (std::size_t i = 0; i < 4; ++i) {
      const __m512i half = halves[i / 2];
      const __m256i sixteen =
          i % 2 == 0 ? _mm512_castsi512_si256(half) : _mm512_extracti64x4_epi64(half, 1);
      const __m512i wide = _mm512_cvtepu16_epi32(sixteen);
      _mm512_storeu_si512(acc + 16 * i, _mm512_sub_epi32(_mm512_add_epi32(wide, wide), correction));
    }
  }
};

template <std::size_t kRows, std::size_t kBlocks>
void accumulate_tile(const Tile& tile) {
  __m512i narrow[kRows][kBlocks];
  WideSums wide[kRows][kBlocks];
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      narrow[row][block] = wide[row][block].lanes = wide[row][block].high = _mm512_setzero_si512();
    }
  }
  const auto flush = [&] {
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t block = 0; block < kBlocks; ++block) {
        wide[row][block].add(narrow[row][block]);
        narrow[row][block] = _mm512_setzero_si512();
      }
    }
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
        __m512i codes[kBlocks];
        for (std::size_t block = 0; block < kBlocks; ++block) {
          codes[block] = _mm512_loadu_si512(panel + block * tile.block_stride);
        }
#pragma GCC unroll 4
        for (std::size_t row = 0; row < kRows; ++row) {
          const __m512i products = _mm512_load_si512(kTable.entry[pixels[row][step]]);
#pragma GCC unroll 2
          for (std::size_t block = 0; block < kBlocks; ++block) {
            narrow[row][block] = _mm512_add_epi8(narrow[row][block],
                                                 _mm512_permutexvar_epi8(codes[block], products));
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
  flush();
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      wide[row][block].store(tile.sums[row], tile.acc + row * tile.acc_stride + block * kNr);
    }
  }
}

using TileFunction = void (*)(const Tile&);

template <std::size_t... kIndex>
TileFunction tile_function(const Tile& tile, std::index_sequence<kIndex...>) {
  static constexpr TileFunction kFunctions[] = {
      accumulate_tile<kIndex / kMaxBlocks + 1, kIndex % kMaxBlocks + 1>...};
  return kFunctions[(tile.rows - 1) * kMaxBlocks + tile.blocks - 1];
}

}  // namespace

void accumulate_w2a2(const Tile& tile) {
  tile_function(tile, std::make_index_sequence<kMaxRows * kMaxBlocks>{})(tile);
}

}  // namespace edge_dnq::avx512vnni
