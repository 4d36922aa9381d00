// Resizing rows and pictures: every instruction set that this machine runs, against the formula.
#include "micro/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace edge_dnq {
namespace {

constexpr std::uint8_t kSentinel = 0xA7;
constexpr int kWhole = 1 << kWeightBits;

class ResizeTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!is_supported(GetParam())) GTEST_SKIP() << name(GetParam()) << " does not run here";
  }
};

/// Vectors of exactly the bytes that may be read, so that the sanitiser sees any other.
TEST_P(ResizeTest, MixesRowsByTheFormula) {
  std::mt19937 random(7);
  for (std::size_t count = 0; count < 70; ++count) {
    for (const int weight : {0, 1, 128, 255, 256}) {
      std::vector<std::uint8_t> upper(count), lower(count);
      for (auto* row : {&upper, &lower}) {
        for (std::uint8_t& value : *row) value = static_cast<std::uint8_t>(random());
      }
      if (count > 0) upper[0] = lower[0] = 255;  // the largest sum
      std::vector<std::uint16_t> mixed(count + 1, kSentinel);
      resize_rows(GetParam())
          .mix_rows(upper.data(), lower.data(), static_cast<std::uint16_t>(weight), count,
                    mixed.data());
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(int{mixed[i]}, upper[i] * (kWhole - weight) + lower[i] * weight);
      }
      ASSERT_EQ(mixed.back(), kSentinel) << count << " bytes";
    }
  }
}

TEST_P(ResizeTest, MixesColumnsByTheFormulaAndStaysInItsRow) {
  constexpr std::size_t kPixels = 9;
  std::mt19937 random(8);
  for (std::size_t size = 0; size < 40; ++size) {
    std::vector<std::uint16_t> mixed(3 * kPixels + kMixedRoom);
    for (std::uint16_t& word : mixed) {
      // What rows of bytes mix to, its ends more often than by chance.
      const std::uint32_t kind = random() % 4;
      word = static_cast<std::uint16_t>(kind == 0 ? 0 : kind == 1 ? 65280 : random() % 65281);
    }
    std::vector<Tap> taps(size);
    for (Tap& tap : taps) {
      tap.before = random() % kPixels;
      tap.weight = static_cast<std::uint16_t>(tap.before + 1 == kPixels ? 0 : random() % 257);
    }
    std::vector<std::uint8_t> out(3 * size + 1, kSentinel);
    resize_rows(GetParam()).mix_columns(mixed.data(), taps.data(), size, out.data());
    for (std::size_t x = 0; x < size; ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        const std::uint16_t* at = mixed.data() + 3 * taps[x].before + c;
        const double sum =
            double{1} * at[0] * (kWhole - taps[x].weight) + double{1} * at[3] * taps[x].weight;
        ASSERT_EQ(int{out[3 * x + c]}, std::floor(sum / 65536 + 0.5)) << size << ": " << x;
      }
    }
    ASSERT_EQ(out.back(), kSentinel) << size << " pixels";
  }
}

INSTANTIATE_TEST_SUITE_P(AllIsas, ResizeTest,
                         testing::Values(Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon,
                                         Isa::kNeonDot),
                         [](const auto& info) { return name(info.param); });

/// Rows are `stride` bytes apart; the last one ends with its last pixel that may be read.
TEST(ResizeRgb, MixesTheFourNeighboursOfEveryPixel) {
  std::mt19937 random(9);
  for (const auto& [side, size] : {std::pair<int, int>{1, 5}, {5, 1}, {7, 7}, {31, 20}, {20, 31}}) {
    const int stride = 3 * side + 11;
    std::vector<std::uint8_t> picture(static_cast<std::size_t>((side - 1) * stride + 3 * side));
    for (std::uint8_t& value : picture) value = static_cast<std::uint8_t>(random());
    std::vector<std::uint8_t> found(static_cast<std::size_t>(3 * size * size));
    resize_rgb(picture.data(), static_cast<std::size_t>(stride), static_cast<std::size_t>(side),
               static_cast<std::size_t>(size), found.data());

    const auto tap = [side = side, size = size](int i) {
      double at = (i + 0.5) * side / size - 0.5;
      at = std::min(std::max(at, 0.0), side - 1.0);
      const int before = std::min(static_cast<int>(at), std::max(side - 2, 0));
      return std::pair<int, double>{before, std::nearbyint((at - before) * kWhole) / kWhole};
    };
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const auto [row, down] = tap(y);
        const auto [column, right] = tap(x);
        for (int c = 0; c < 3; ++c) {
          const auto at = [&, row = row, column = column](int v, int u) -> double {
            const int below = std::min(row + v, side - 1), beside = std::min(column + u, side - 1);
            return picture[static_cast<std::size_t>(below * stride + 3 * beside + c)];
          };
          const double mean = (1 - down) * ((1 - right) * at(0, 0) + right * at(0, 1)) +
                              down * ((1 - right) * at(1, 0) + right * at(1, 1));
          ASSERT_EQ(int{found[static_cast<std::size_t>(3 * (y * size + x) + c)]},
                    static_cast<int>(mean + 0.5))
              << side << " to " << size << ": " << y << ", " << x << ", " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace edge_dnq
