#include "core/format.h"

#include <gtest/gtest.h>

#include <vector>

namespace edge_dnq {
namespace {

constexpr Format kFormats[] = {Format::kU8, Format::kS8, Format::kPair2, Format::kTriple2};

TEST(FormatTest, EveryChannelHasExactlyOneSlot) {
  for (const Format format : kFormats) {
    for (std::size_t channels = 1; channels <= 200; ++channels) {
      std::vector<int> seen(channels, 0);
      for (std::size_t byte = 0; byte < pixel_bytes(format, channels); ++byte) {
        for (std::size_t slot = 0; slot < channels_per_byte(format); ++slot) {
          const std::ptrdiff_t channel = channel_at(format, channels, byte, slot);
          if (channel >= 0) ++seen.at(static_cast<std::size_t>(channel));
        }
      }
      for (std::size_t channel = 0; channel < channels; ++channel) {
        ASSERT_EQ(seen[channel], 1) << "format " << static_cast<int>(format) << ", channel "
                                    << channel << " of " << channels;
      }
    }
  }
}

TEST(FormatTest, PixelBytes) {
  EXPECT_EQ(pixel_bytes(Format::kU8, 65), 65U);
  EXPECT_EQ(pixel_bytes(Format::kS8, 65), 65U);
  EXPECT_EQ(pixel_bytes(Format::kPair2, 64), 32U);
  EXPECT_EQ(pixel_bytes(Format::kPair2, 65), 33U);
  EXPECT_EQ(pixel_bytes(Format::kTriple2, 64), 22U);
  EXPECT_EQ(pixel_bytes(Format::kTriple2, 65), 23U);
  EXPECT_EQ(pixel_bytes(Format::kTriple2, 128), 44U);
  EXPECT_EQ(pixel_bytes(Format::kTriple2, 16), 6U);
}

TEST(FormatTest, TripleHoldsThirdsOfABlock) {
  // 16 channels make 6 bytes: byte j holds j, 6 + j and 12 + j.
  EXPECT_EQ(channel_at(Format::kTriple2, 16, 3, 0), 3);
  EXPECT_EQ(channel_at(Format::kTriple2, 16, 3, 1), 9);
  EXPECT_EQ(channel_at(Format::kTriple2, 16, 3, 2), 15);
  EXPECT_EQ(channel_at(Format::kTriple2, 16, 4, 2), -1);
  // The second block starts after 22 bytes.
  EXPECT_EQ(channel_at(Format::kTriple2, 80, 22, 0), 64);
  EXPECT_EQ(channel_at(Format::kTriple2, 80, 22, 1), 70);
}

}  // namespace
}  // namespace edge_dnq
