#include "core/panels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "micro/expand_nibbles.h"

namespace edge_dnq {
namespace {

MicroKernel int8_kernel() {
  MicroKernel kernel{};
  kernel.name = "test";
  kernel.format = Format::kU8;
  kernel.element = Element::kInt8;
  kernel.nr = 2;
  kernel.kr = 4;
  kernel.step_bytes = 4;
  return kernel;
}

MicroKernel code_kernel(Format format, std::uint8_t kr) {
  MicroKernel kernel{};
  kernel.name = "test";
  kernel.format = format;
  kernel.element = Element::kCode2;
  kernel.nr = 2;
  kernel.kr = kr;
  kernel.step_bytes = 1;
  return kernel;
}

TEST(PanelsTest, Int8StepsRunOverWindowColumnsAndPadWithZero) {
  const MicroKernel kernel = int8_kernel();
  const Window window{1, 2, 3};  // six bytes a row: two steps, the second half empty
  const std::vector<std::int8_t> weights = {1,  2,  3,  4,  5,  6,    // channel 0
                                            -1, -2, -3, -4, -5, -6,   // channel 1
                                            11, 12, 13, 14, 15, 16};  // channel 2: its own block
  const AlignedBytes panel = pack_panel(kernel, weights.data(), 3, window);
  const std::vector<std::int8_t> expected = {1, 2,  3,  4,  -1, -2, -3, -4, 5,  6, 0,
                                             0, -5, -6, 0,  0,  11, 12, 13, 14, 0, 0,
                                             0, 0,  15, 16, 0,  0,  0,  0,  0,  0};
  ASSERT_EQ(panel.size(), expected.size());
  EXPECT_EQ(block_bytes(kernel, window), 16U);
  EXPECT_EQ(block_count(kernel, 3), 2U);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(static_cast<std::int8_t>(panel.data()[i]), expected[i]) << "byte " << i;
  }
}

TEST(PanelsTest, NibblesHoldTwoChannelsAndExpandToCodes) {
  MicroKernel stored = code_kernel(Format::kPair2, 2);
  stored.nr = 4;
  MicroKernel read = stored;
  stored.element = Element::kNibble2;
  const Window window{2, 3, 5};  // odd channels, an odd number of steps
  std::vector<std::int8_t> weights(7 * 2 * 3 * 5);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<std::int8_t>(2 * static_cast<int>(i * i % 4) - 3);
  }
  const AlignedBytes panel = pack_panel(stored, weights.data(), 7, window);
  const AlignedBytes codes = pack_panel(read, weights.data(), 7, window);
  ASSERT_EQ(2 * panel.size(), codes.size());
  std::vector<std::uint8_t> expanded(codes.size());
  expand_nibbles<4>(reinterpret_cast<const std::int8_t*>(panel.data()), panel.size(), false,
                    expanded.data());
  EXPECT_TRUE(std::equal(expanded.begin(), expanded.end(), codes.data()));
}

TEST(PanelsTest, PairCodes) {
  const MicroKernel kernel = code_kernel(Format::kPair2, 2);
  const Window window{1, 1, 3};
  const std::vector<std::int8_t> weights = {-3, -1, 1, 3, 3, -3};
  const AlignedBytes panel = pack_panel(kernel, weights.data(), 2, window);
  ASSERT_EQ(panel.size(), 4U);
  EXPECT_EQ(panel.data()[0], 0 | 1 << 2);
  EXPECT_EQ(panel.data()[1], 3 | 3 << 2);
  EXPECT_EQ(panel.data()[2], 2);
  EXPECT_EQ(panel.data()[3], 0);
}

TEST(PanelsTest, TripleCodesFollowTheFormatsChannelOrder) {
  const MicroKernel kernel = code_kernel(Format::kTriple2, 3);
  const Window window{1, 1, 5};  // two bytes: channels 0, 2, 4 and 1, 3
  const std::vector<std::int8_t> weights = {-3, -1, 1, 3, -1};
  const AlignedBytes panel = pack_panel(kernel, weights.data(), 1, window);
  ASSERT_EQ(panel.size(), 4U);
  EXPECT_EQ(panel.data()[0], 0 | 2 << 2 | 1 << 4);
  EXPECT_EQ(panel.data()[2], 1 | 3 << 2);
}

TEST(PanelsTest, RefusesWeightsThatAreNoCodes) {
  const MicroKernel kernel = code_kernel(Format::kPair2, 2);
  for (const std::int8_t weight : {-4, -2, 0, 2, 5, 127, -128}) {
    EXPECT_THROW(pack_panel(kernel, &weight, 1, Window{1, 1, 1}), std::invalid_argument)
        << "weight " << int{weight};
  }
}

TEST(PanelsTest, NestedWeights) {
  for (int weight = -128; weight <= 127; ++weight) {
    const auto w = static_cast<std::int8_t>(weight);
    EXPECT_EQ(nested4(w), 2 * (weight >> 4) + 1);
    EXPECT_EQ(nested2(w), 2 * (weight >> 6) + 1);
    EXPECT_LE(std::abs(nested4(w)), 15) << "weight " << weight;
    EXPECT_LE(std::abs(nested2(w)), 3) << "weight " << weight;
  }
}

TEST(PanelsTest, MemoryIsAlignedAndReadablePastItsEnd) {
  for (const std::size_t size : {0, 1, 63, 64, 65, 1000}) {
    AlignedBytes bytes(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % AlignedBytes::kAlignment, 0U);
    unsigned sum = 0;
    for (std::size_t i = 0; i < size + AlignedBytes::kReadAhead; ++i) sum += bytes.data()[i];
    EXPECT_EQ(sum, 0U) << "size " << size;
  }
}

}  // namespace
}  // namespace edge_dnq
