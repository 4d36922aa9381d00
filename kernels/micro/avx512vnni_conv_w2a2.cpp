// Convolution of 2-bit weights with 2-bit activations: vpermb looks the sum of three products up in
// a table that the activation byte selects and the weight codes index, 64 output channels at a
// time. Sums stay in unsigned bytes until the flush.
//
// Measured on Zen 5: vpermb and vpaddb alone reach 335 MACs per cycle, this loop 270 without
// flushes and 235 with them, or 70 %. Six 512-bit loads for sixteen such instructions hold it: a
// row of the table serves 128 output channels, no more (with 64 channels it serves one block, and
// 170 are reached). A flush is due every 9 steps whatever the weights are, about every 20 with
// bell-shaped ones.
#include <immintrin.h>

#include <utility>

#include "micro/avx512vnni_conv.h"

namespace edge_dnq::avx512vnni {
namespace {

constexpr std::size_t kMaxRows = 4;
constexpr std::size_t kMaxBlocks = 2;
constexpr std::size_t kNr = 64;
constexpr std::size_t kUnroll = 4;

/// entry[c0 | c1 << 2 | c2 << 4][u0 | u1 << 2 | u2 << 4] = c0 * v0 + c1 * v1 + c2 * v2 with
/// v = u - kCodeZero, modulo 256.
struct ProductTable {
  alignas(64) std::uint8_t entry[64][64];
};

constexpr ProductTable make_table() {
  ProductTable table{};
  for (int c = 0; c < 64; ++c) {
    for (int u = 0; u < 64; ++u) {
      int sum = 0;
      for (int k = 0; k < 6; k += 2) sum += (c >> k & 3) * ((u >> k & 3) - kCodeZero);
      table.entry[c][u] = static_cast<std::uint8_t>(sum);
    }
  }
  return table;
}

constexpr ProductTable kTable = make_table();

/// Added to every sum of a window, so that it lies in 0 .. 65535 wherever window_bound() allows it.
constexpr int kShift = 43690;

/// 16-bit sums of 64 bytes, modulo 2^16: of the whole 16-bit lanes and of their high bytes. The sum
/// of the low bytes is the first less 256 times the second; keeping these two instead of low and
/// high saves an instruction per flush.
struct WideSums {
  __m512i lanes;
  __m512i high;

  void add(__m512i narrow) {
    lanes = _mm512_add_epi16(lanes, narrow);
    high = _mm512_add_epi16(high, _mm512_srli_epi16(narrow, 8));
  }

  /// acc = sum of c * (2 * v + 1) for the 64 channels.
  void store(int flushes, std::int32_t code_sum, std::int32_t* acc) const {
    const __m512i shift = _mm512_set1_epi16(static_cast<short>(kShift - flushes * kStart));
    const __m512i even = _mm512_sub_epi16(lanes, _mm512_slli_epi16(high, 8));
    const __m512i low = _mm512_add_epi16(even, shift);
    const __m512i odd = _mm512_add_epi16(high, shift);
    const __m512i rest = _mm512_set1_epi32(code_sum - 2 * kShift);
    // Lane i of `first` holds channels 16 i .. 16 i + 7, of `second` the eight after those.
    const __m512i first = _mm512_unpacklo_epi16(low, odd);
    const __m512i second = _mm512_unpackhi_epi16(low, odd);
    const __m512i halves[2] = {
        _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), second),
        _mm512_permutex2var_epi64(first, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), second)};
    for (std::size_t i = 0; i < 4; ++i) {
      const __m512i half = halves[i / 2];
      const __m256i sixteen =
          i % 2 == 0 ? _mm512_castsi512_si256(half) : _mm512_extracti64x4_epi64(half, 1);
      const __m512i wide = _mm512_cvtepu16_epi32(sixteen);
      _mm512_storeu_si512(acc + 16 * i, _mm512_add_epi32(_mm512_add_epi32(wide, wide), rest));
    }
  }
};

template <std::size_t kRows, std::size_t kBlocks>
using Sums = __m512i[kRows][kBlocks];

/// Adds kSteps (<= 4) steps of one row: one load brings the activations of all of them.
template <std::size_t kSteps, std::size_t kBlocks>
void add_steps(const std::uint8_t* pixel, const __m512i (&codes)[kSteps][kBlocks],
               __m512i (&sums)[kBlocks]) {
  std::uint32_t activations = 0;
  __builtin_memcpy(&activations, pixel, kSteps);
#pragma GCC unroll 4
  for (std::size_t step = 0; step < kSteps; ++step) {
    const __m512i products = _mm512_load_si512(kTable.entry[activations >> (8 * step) & 0xFF]);
#pragma GCC unroll 2
    for (std::size_t block = 0; block < kBlocks; ++block) {
      sums[block] =
          _mm512_add_epi8(sums[block], _mm512_permutexvar_epi8(codes[step][block], products));
    }
  }
}

template <std::size_t kSteps, std::size_t kRows, std::size_t kBlocks>
void add_steps(const std::uint8_t* const (&pixels)[kRows], std::size_t step,
               const std::uint8_t* panel, std::size_t block_stride, Sums<kRows, kBlocks>& sums) {
  __m512i codes[kSteps][kBlocks];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kSteps; ++i) {
#pragma GCC unroll 2
    for (std::size_t block = 0; block < kBlocks; ++block) {
      codes[i][block] = _mm512_loadu_si512(panel + i * kNr + block * block_stride);
    }
  }
#pragma GCC unroll 4
  for (std::size_t row = 0; row < kRows; ++row) {
    add_steps<kSteps, kBlocks>(pixels[row] + step, codes, sums[row]);
  }
}

template <std::size_t kRows, std::size_t kBlocks>
void accumulate_tile(const Tile& tile) {
  const __m512i start = _mm512_set1_epi8(static_cast<char>(kStart));
  Sums<kRows, kBlocks> narrow;
  WideSums wide[kRows][kBlocks];
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      narrow[row][block] = start;
      wide[row][block].lanes = wide[row][block].high = _mm512_setzero_si512();
    }
  }
  int flushes = 0;
  const auto flush = [&] {
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t block = 0; block < kBlocks; ++block) {
        wide[row][block].add(narrow[row][block]);
        narrow[row][block] = start;
      }
    }
    ++flushes;
  };
  const auto* panel = static_cast<const std::uint8_t*>(tile.panel);
  // Whole unrolled steps, at the price of flushing a little more often.
  const std::size_t period =
      tile.flush_steps > kUnroll ? tile.flush_steps / kUnroll * kUnroll : tile.flush_steps;
  std::size_t until_flush = period;
  for (std::size_t y = 0; y < tile.window_rows; ++y) {
    const std::uint8_t* pixels[kRows];
    for (std::size_t row = 0; row < kRows; ++row) {
      pixels[row] = tile.pixels[row] + y * tile.row_stride;
    }
    for (std::size_t step = 0; step < tile.steps;) {
      const std::size_t left = tile.steps - step;
      const std::size_t run = left < until_flush ? left : until_flush;
      const std::size_t end = step + run;
      for (; step + kUnroll <= end; step += kUnroll, panel += kUnroll * kNr) {
        add_steps<kUnroll>(pixels, step, panel, tile.block_stride, narrow);
      }
      for (; step < end; ++step, panel += kNr) {
        add_steps<1>(pixels, step, panel, tile.block_stride, narrow);
      }
      until_flush -= run;
      if (until_flush == 0) {
        flush();
        until_flush = period;
      }
    }
  }
  flush();
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t block = 0; block < kBlocks; ++block) {
      wide[row][block].store(flushes, tile.sums[row],
                             tile.acc + row * tile.acc_stride + block * kNr);
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
