// RowOps::depthwise of every instruction set against int32 arithmetic.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "micro/row_ops.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kReadAhead = 64;

struct Case {
  std::size_t channels;
  std::size_t taps;
  bool is_signed;
  bool extreme;
};

void check(Isa isa, const Case& c) {
  std::mt19937 random(static_cast<unsigned>(c.channels * 100 + c.taps));
  const std::size_t pairs = (c.taps + 1) / 2;
  const std::size_t blocks = (c.channels + kDepthwiseBlock - 1) / kDepthwiseBlock;
  // Two pixels where rows of sums leave no gap, the second one channel pair further.
  const std::size_t pixels = c.channels % kDepthwiseBlock == 0 ? 2 : 1;
  constexpr std::size_t kStep = 2;
  std::vector<std::uint8_t> image(c.taps * c.channels + kReadAhead + kStep);
  for (auto& byte : image) {
    byte = c.extreme ? (c.is_signed ? 0x80 : 0xFF) : static_cast<std::uint8_t>(random());
  }
  std::vector<std::ptrdiff_t> offsets;
  for (std::size_t tap = 0; tap < 2 * pairs; ++tap) {
    offsets.push_back(static_cast<std::ptrdiff_t>(std::min(tap, c.taps - 1) * c.channels));
  }
  std::vector<std::int16_t> packed(blocks * pairs * kDepthwiseBlock * 2);
  std::vector<std::int32_t> expected(pixels * c.channels);
  for (std::size_t tap = 0; tap < c.taps; ++tap) {
    for (std::size_t n = 0; n < c.channels; ++n) {
      const int weight = c.extreme ? -128 : static_cast<int>(random() % 256) - 128;
      const std::size_t pair = n / kDepthwiseBlock * pairs + tap / 2;
      packed[(pair * kDepthwiseBlock + depthwise_place(n % kDepthwiseBlock)) * 2 + tap % 2] =
          static_cast<std::int16_t>(weight);
      for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
        const std::uint8_t byte = image[tap * c.channels + n + pixel * kStep];
        expected[pixel * c.channels + n] +=
            (c.is_signed ? static_cast<std::int8_t>(byte) : int{byte}) * weight;
      }
    }
  }
  std::vector<std::int32_t> acc(pixels * blocks * kDepthwiseBlock + 1, 77);
  row_ops(isa).depthwise({image.data(), pixels, kStep, offsets.data(), pairs, packed.data(),
                          c.channels, c.is_signed, c.channels},
                         acc.data());
  const std::string what = std::string(name(isa)) + ", " + std::to_string(c.channels) +
                           " channels, " + std::to_string(c.taps) + " taps, signed " +
                           std::to_string(c.is_signed) + ", extreme " + std::to_string(c.extreme);
  for (std::size_t n = 0; n < expected.size(); ++n) {
    ASSERT_EQ(acc[n], expected[n]) << what << ", channel " << n;
  }
  ASSERT_EQ(acc.back(), 77) << what << ": wrote past the last block";
}

TEST(Depthwise, EqualsIntegerArithmetic) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon, Isa::kNeonDot}) {
    if (!is_supported(isa)) continue;
    for (const std::size_t channels : {1, 8, 16, 24, 33, 96}) {
      for (const std::size_t taps : {1, 4, 9, 25}) {
        for (const bool is_signed : {false, true}) {
          for (const bool extreme : {false, true}) check(isa, {channels, taps, is_signed, extreme});
        }
      }
    }
  }
}

}  // namespace
}  // namespace edge_dnq
