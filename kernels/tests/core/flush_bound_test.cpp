// The bounds are safe and tight: one step more overflows a model of the narrow accumulator.
#include "core/flush_bound.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/panels.h"

namespace edge_dnq {
namespace {

struct Operands {
  std::int32_t activation;
  std::int32_t weight;
};

constexpr Operands kOperands[] = {{15, 15},   {15, 128},  {127, 15}, {255, 15},
                                  {127, 127}, {255, 128}, {3, 3},    {1, 1}};

std::vector<const MicroKernel*> narrow_kernels() {
  std::vector<const MicroKernel*> kernels;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon, Isa::kNeonDot}) {
    std::size_t count = 0;
    const MicroKernel* table = kernels_of(isa, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (table[i].accumulator != Accumulator::kInt32) kernels.push_back(&table[i]);
    }
  }
  return kernels;
}

/// `steps` steps of the largest products in an accumulator of type T, and in one that never wraps.
template <typename T>
bool holds(const MicroKernel& kernel, Operands o, std::int32_t weight, std::size_t steps) {
  T narrow = 0;
  std::int64_t wide = 0;
  for (std::size_t i = 0; i < steps * kernel.products; ++i) {
    narrow = static_cast<T>(narrow + o.activation * weight);
    wide += std::int64_t{o.activation} * weight;
  }
  return narrow == wide;
}

TEST(FlushBoundTest, HoldsTheBoundAndNotOneStepMore) {
  for (const MicroKernel* kernel : narrow_kernels()) {
    for (const Operands o : kOperands) {
      const std::size_t bound = flush_bound(*kernel, o.activation, o.weight);
      if (kernel->accumulator == Accumulator::kInt16) {
        EXPECT_TRUE(holds<std::int16_t>(*kernel, o, o.weight, bound)) << kernel->name;
        EXPECT_TRUE(holds<std::int16_t>(*kernel, o, -o.weight, bound)) << kernel->name;
        EXPECT_FALSE(holds<std::int16_t>(*kernel, o, o.weight, bound + 1))
            << kernel->name << ", activations to " << o.activation << ", weights to " << o.weight;
      } else if (o.weight == 3 && o.activation == 3) {
        EXPECT_TRUE(holds<std::uint8_t>(*kernel, o, 3, bound)) << kernel->name;
        EXPECT_FALSE(holds<std::uint8_t>(*kernel, o, 3, bound + 1)) << kernel->name;
      }
    }
  }
}

TEST(FlushBoundTest, WindowBoundHoldsAndNotOneStepMore) {
  for (const MicroKernel* kernel : narrow_kernels()) {
    const std::size_t bound = window_bound(*kernel, 3, 3);
    if (kernel->accumulator != Accumulator::kUint8) {
      EXPECT_EQ(bound, SIZE_MAX) << kernel->name;
      continue;
    }
    EXPECT_TRUE(holds<std::uint16_t>(*kernel, {3, 3}, 3, bound)) << kernel->name;
    EXPECT_FALSE(holds<std::uint16_t>(*kernel, {3, 3}, 3, bound + 1)) << kernel->name;
  }
}

TEST(FlushBoundTest, WideAccumulatorsNeedNoFlush) {
  std::size_t count = 0;
  const MicroKernel* kernels = kernels_of(Isa::kScalar, count);
  ASSERT_GT(count, 0U);
  EXPECT_EQ(flush_bound(kernels[0], 255, 128), SIZE_MAX);
  EXPECT_EQ(window_bound(kernels[0], 255, 128), SIZE_MAX);
}

/// Whether activations of 0 .. 3 can take the byte of some channel out of its range in some run of
/// `run` steps, found by trying every run.
bool can_overflow(const MicroKernel& kernel, const std::vector<std::int8_t>& weights,
                  std::size_t channels, std::size_t run) {
  const std::size_t taps = weights.size() / channels;
  const std::size_t steps = taps / kernel.kr;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (std::size_t first = 0; first + run <= steps; ++first) {
      int lowest = kernel.start;
      int highest = kernel.start;
      for (std::size_t k = first * kernel.kr; k < (first + run) * kernel.kr; ++k) {
        const int added = 3 * ((weights[channel * taps + k] + 3) / 2 - kernel.code_zero);
        (added < 0 ? lowest : highest) += added;
      }
      if (lowest < 0 || highest > 255) return true;
    }
  }
  return false;
}

// One row of one-pixel taps of `kr` channels each, so that weights lie in the order of the steps.
TEST(FlushBoundTest, CodeBoundIsTheLongestRunThatRealCodesAllow) {
  constexpr std::size_t kSteps = 150;
  for (const MicroKernel* kernel : narrow_kernels()) {
    if (kernel->accumulator != Accumulator::kUint8) continue;
    std::mt19937 random(5);
    const Window window{1, kSteps, kernel->kr};
    // Not a whole block: its padding channels must not count.
    const std::size_t channels = 2U * kernel->nr - 3U;
    for (const unsigned rare : {2U, 4U, 40U}) {
      std::vector<std::int8_t> weights(channels * kSteps * kernel->kr);
      for (std::int8_t& weight : weights) {
        const int magnitude = random() % rare == 0 ? 3 : 1;
        weight = static_cast<std::int8_t>(random() % 2 == 0 ? magnitude : -magnitude);
      }
      const AlignedBytes panel = pack_panel(*kernel, weights.data(), channels, window);
      const std::size_t bound =
          code_flush_bound(*kernel, 3, panel.data(), block_bytes(*kernel, window), channels);
      const std::string which = std::string(kernel->name) + ", one in " + std::to_string(rare) +
                                " weights is 3, bound " + std::to_string(bound);
      EXPECT_GE(bound, flush_bound(*kernel, 3, 3)) << which;
      EXPECT_FALSE(can_overflow(*kernel, weights, channels, bound)) << which;
      EXPECT_TRUE(can_overflow(*kernel, weights, channels, bound + 1)) << which;
    }
  }
}

TEST(FlushBoundTest, CodeBoundOfExtremeCodesIsTheGeneralBound) {
  for (const MicroKernel* kernel : narrow_kernels()) {
    if (kernel->accumulator != Accumulator::kUint8) continue;
    const Window window{1, 100, kernel->kr};
    // Where codes have a zero, either end of them is as far from it as the byte's start allows.
    for (const std::int8_t weight : {std::int8_t{-3}, std::int8_t{3}}) {
      const std::vector<std::int8_t> weights(kernel->nr * 100U * kernel->kr, weight);
      const AlignedBytes panel = pack_panel(*kernel, weights.data(), kernel->nr, window);
      const std::size_t bound =
          code_flush_bound(*kernel, 3, panel.data(), block_bytes(*kernel, window), kernel->nr);
      const bool adds_nothing = weight == -3 && kernel->code_zero == 0;
      EXPECT_EQ(bound, adds_nothing ? 100U : flush_bound(*kernel, 3, 3))
          << kernel->name << ", all weights " << int{weight};
    }
  }
}

TEST(FlushBoundTest, IsZeroWhereOneStepOverflows) {
  MicroKernel kernel{};
  kernel.accumulator = Accumulator::kInt16;
  kernel.products = 2;
  EXPECT_EQ(flush_bound(kernel, 255, 128), 0U);
  EXPECT_EQ(flush_bound(kernel, 127, 127), 1U);
  EXPECT_EQ(flush_bound(kernel, 15, 15), 72U);
  kernel.accumulator = Accumulator::kUint8;
  EXPECT_EQ(flush_bound(kernel, 3, 3), 14U);
}

TEST(FlushBoundTest, AllZeroWeightsNeverOverflow) {
  MicroKernel kernel{};
  kernel.accumulator = Accumulator::kInt16;
  kernel.products = 2;
  EXPECT_EQ(flush_bound(kernel, 15, 0), SIZE_MAX);
}

}  // namespace
}  // namespace edge_dnq
