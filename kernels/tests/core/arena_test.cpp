#include "core/arena.h"

#include <gtest/gtest.h>

#include <random>

namespace edge_dnq {
namespace {

TEST(Arena, BuffersAliveTogetherNeverOverlap) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> buffers(1 + random() % 20);
    for (Lifetime& b : buffers) {
      b.first = random() % 10;
      b.last = b.first + random() % 5;
      b.bytes = random() % 1000;
    }
    const Placement placement = place(buffers);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      ASSERT_EQ(placement.offsets[i] % 64, 0U);
      ASSERT_LE(placement.offsets[i] + buffers[i].bytes, placement.bytes);
      for (std::size_t j = 0; j < i; ++j) {
        const bool together =
            buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
        const bool apart = placement.offsets[i] + buffers[i].bytes <= placement.offsets[j] ||
                           placement.offsets[j] + buffers[j].bytes <= placement.offsets[i];
        ASSERT_TRUE(!together || apart) << "round " << round << ", buffers " << i << " and " << j;
      }
    }
  }
}

TEST(Arena, ReusesMemoryOfTheDead) {
  EXPECT_EQ(place({{640, 0, 1}, {640, 1, 2}, {640, 2, 3}}).bytes, 1280U);
}

TEST(Arena, OfNothingIsEmpty) { EXPECT_EQ(place({}).bytes, 0U); }

}  // namespace
}  // namespace edge_dnq
