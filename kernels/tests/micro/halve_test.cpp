// Halving rows: every instruction set that this machine runs, against the formula.
#include "micro/halve.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace edge_dnq {
namespace {

constexpr std::uint8_t kSentinel = 0xA7;

class HalveTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!is_supported(GetParam())) GTEST_SKIP() << name(GetParam()) << " does not run here";
  }
};

/// Vectors of exactly the bytes that may be read, so that the sanitiser sees any other.
TEST_P(HalveTest, EqualsTheFormulaAndStaysInItsRows) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 255);
  for (std::size_t pixels = 0; pixels < 70; ++pixels) {
    for (const bool extreme : {false, true}) {
      std::vector<std::uint8_t> upper(6 * pixels), lower(6 * pixels), out(3 * pixels + 1);
      for (auto* row : {&upper, &lower}) {
        for (std::uint8_t& value : *row) {
          value = static_cast<std::uint8_t>(extreme ? 255 * (byte(random) & 1) : byte(random));
        }
      }
      out.back() = kSentinel;
      halve_rows(GetParam())(upper.data(), lower.data(), pixels, out.data());
      for (std::size_t p = 0; p < pixels; ++p) {
        for (std::size_t c = 0; c < 3; ++c) {
          const std::size_t at = 6 * p + c;
          const int sum = upper[at] + upper[at + 3] + lower[at] + lower[at + 3];
          ASSERT_EQ(int{out[3 * p + c]}, (sum + 2) / 4) << pixels << " pixels, " << p << ", " << c;
        }
      }
      ASSERT_EQ(out.back(), kSentinel) << pixels << " pixels";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllIsas, HalveTest,
                         testing::Values(Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon,
                                         Isa::kNeonDot),
                         [](const auto& info) { return name(info.param); });

/// Rows are `kStride` bytes apart; the last one ends with its last pixel that may be read.
TEST(HalveRgb, RepeatsHalvingPartOfAWiderPicture) {
  constexpr std::size_t kWidth = 37, kHeight = 5;
  std::mt19937 random(8);
  for (unsigned times = 1; times <= 4; ++times) {
    std::size_t width = kWidth << times, height = kHeight << times;
    const std::size_t stride = 3 * width + 11;
    std::vector<std::uint8_t> picture((height - 1) * stride + 3 * width);
    for (std::uint8_t& value : picture) value = static_cast<std::uint8_t>(random());
    std::vector<std::uint8_t> found(3 * kWidth * kHeight);
    halve_rgb(picture.data(), stride, kHeight, kWidth, times, found.data());

    std::size_t distance = stride;
    for (unsigned time = 0; time < times; ++time) {
      width /= 2, height /= 2;
      std::vector<std::uint8_t> half(3 * width * height);
      for (std::size_t y = 0; y < height; ++y) {
        const std::uint8_t* upper = picture.data() + 2 * y * distance;
        scalar_halve(upper, upper + distance, width, half.data() + 3 * y * width);
      }
      picture = half;
      distance = 3 * width;
    }
    ASSERT_EQ(found, picture) << times << " times";
  }
}

}  // namespace
}  // namespace edge_dnq
