#include "core/panel_store.h"

#include <gtest/gtest.h>

#include <random>

namespace edge_dnq {
namespace {

const MicroKernel& byte_kernel() {
  std::size_t count = 0;
  const MicroKernel* kernels = kernels_of(Isa::kScalar, count);
  for (std::size_t i = 0; i < count; ++i) {
    if (kernels[i].element == Element::kInt8 && kernels[i].format == Format::kU8) return kernels[i];
  }
  throw std::logic_error("no 8-bit kernel");
}

std::vector<std::int8_t> random_weights(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int8_t> weights(count);
  for (auto& w : weights) {
    w = static_cast<std::int8_t>(std::uniform_int_distribution<int>(-127, 127)(random));
  }
  return weights;
}

std::vector<std::int8_t> nested(std::vector<std::int8_t> weights) {
  for (auto& w : weights) w = nested4(w);
  return weights;
}

PanelUse acquire(const std::vector<std::int8_t>& weights, const Window& window) {
  const std::size_t out = weights.size() / (window.height * window.width * window.channels);
  return acquire_panel(byte_kernel(), weights.data(), out, window,
                       weight_facts(weights.data(), weights.size()));
}

TEST(PanelStore, NestedWeightsReadTheMaster) {
  const Window window{3, 3, 8};
  const auto master = random_weights(6 * 9 * 8, 1);
  const PanelUse eight = acquire(master, window);
  const PanelUse four = acquire(nested(master), window);
  EXPECT_TRUE(eight.made);
  EXPECT_FALSE(eight.nested4);
  EXPECT_FALSE(four.made);
  EXPECT_TRUE(four.nested4);
  EXPECT_EQ(four.panel, eight.panel);
}

TEST(PanelStore, OneOtherWeightMakesAnotherPanel) {
  const Window window{1, 1, 16};
  const auto master = random_weights(4 * 16, 2);
  const PanelUse eight = acquire(master, window);
  auto low = nested(master);
  low[17] = static_cast<std::int8_t>(low[17] > 0 ? low[17] - 2 : low[17] + 2);
  const PanelUse four = acquire(low, window);
  EXPECT_TRUE(four.made);
  EXPECT_FALSE(four.nested4);
  EXPECT_NE(four.panel, eight.panel);
}

TEST(PanelStore, RowsThatEndInsideAStepAreNotShared) {
  // Zero padding in the master would become weight 1.
  const Window window{3, 3, 5};
  const auto master = random_weights(4 * 9 * 5, 3);
  const PanelUse eight = acquire(master, window);
  EXPECT_TRUE(acquire(nested(master), window).made);
}

TEST(PanelStore, EqualWeightsOfEqualShapeAreOnePanel) {
  const Window window{1, 1, 32};
  const auto weights = random_weights(8 * 32, 4);
  const PanelUse first = acquire(weights, window);
  const PanelUse second = acquire(weights, window);
  EXPECT_EQ(first.panel, second.panel);
  EXPECT_FALSE(second.made);
  EXPECT_NE(acquire(weights, {1, 2, 16}).panel, first.panel);  // another shape of as many weights
}

TEST(PanelStore, ForgetsPanelsThatNobodyUses) {
  const Window window{1, 1, 16};
  const auto master = random_weights(4 * 16, 5);
  acquire(master, window);
  EXPECT_TRUE(acquire(nested(master), window).made);
}

TEST(PanelStore, FactsOfWeights) {
  const std::int8_t two[] = {-3, -1, 1, 3};
  const std::int8_t four[] = {-15, 5, 1};
  const std::int8_t even[] = {1, 2};
  EXPECT_TRUE(weight_facts(two, 4).two_bit);
  EXPECT_TRUE(weight_facts(two, 4).four_bit);
  EXPECT_FALSE(weight_facts(four, 3).two_bit);
  EXPECT_TRUE(weight_facts(four, 3).four_bit);
  EXPECT_EQ(weight_facts(four, 3).max_magnitude, 15);
  EXPECT_FALSE(weight_facts(even, 2).four_bit);
}

}  // namespace
}  // namespace edge_dnq
