// The bounds are safe and tight: one step more overflows a model of the narrow accumulator.
#include "core/flush_bound.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

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
