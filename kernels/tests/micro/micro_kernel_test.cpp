// Every micro-kernel of every instruction set this machine runs, against int32 arithmetic on the
// unpacked activations and weights.
#include "micro/micro_kernel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/flush_bound.h"
#include "core/panels.h"
#include "tests/micro/kernel_run.h"

namespace edge_dnq {
namespace {

/// The ranges that programs have, as far as the kernel's accumulator holds one step of them.
std::vector<Range> ranges_of(const MicroKernel& kernel) {
  if (holds_codes(kernel.element)) return {{3, 3}};
  std::vector<Range> ranges;
  for (const Range range : {Range{255, 128}, {255, 15}, {127, 127}, {15, 128}, {15, 15}, {3, 3}}) {
    Range fitting = range;
    fitting.weight = std::min<std::int32_t>(range.weight, kernel.weight_limit);
    if (kernel.format == Format::kS8) fitting.activation = (range.activation + 1) / 2;
    if (fitting.activation > kernel.activation_limit) continue;
    if (flush_bound(kernel, fitting.activation, fitting.weight) > 0) ranges.push_back(fitting);
  }
  return ranges;
}

template <typename Filter>
std::vector<const MicroKernel*> supported_kernels(Filter wanted) {
  std::vector<const MicroKernel*> kernels;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon, Isa::kNeonDot}) {
    if (!is_supported(isa)) continue;
    std::size_t count = 0;
    const MicroKernel* table = kernels_of(isa, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (wanted(table[i])) kernels.push_back(&table[i]);
    }
  }
  return kernels;
}

class MicroKernelTest : public testing::TestWithParam<const MicroKernel*> {
 protected:
  const MicroKernel& kernel() const { return *GetParam(); }

  /// Steps the whole window may have before the kernel's second accumulator could overflow.
  bool fits(const Window& window, Range range) const {
    return window.height * window.steps(kernel()) <=
           window_bound(kernel(), range.activation, range.weight);
  }

  std::size_t flush_bound_of(Range range) const {
    return flush_bound(kernel(), range.activation, range.weight);
  }

  /// As the engine sets it.
  std::size_t engine_flush_steps(Range range) const {
    return kernel().accumulator == Accumulator::kUint8 ? kCodeBound : flush_bound_of(range);
  }

  /// A window of one row of `steps` full steps.
  Window row_of(std::size_t steps) const {
    if (kernel().step_bytes > 1) return {1, 1, steps * kernel().kr};
    return {1, steps, kernel().kr};
  }

  void check(const Problem& problem) { ::edge_dnq::Run(kernel(), problem).check(); }
};

TEST_P(MicroKernelTest, EqualsInt32OnRandomWindows) {
  unsigned seed = 1;
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{7}}) {
    for (const std::size_t channels : {1, 2, 3, 5, 8, 16, 48, 64, 65, 130}) {
      for (const Range range : ranges_of(kernel())) {
        std::mt19937 random(++seed);
        Problem problem;
        problem.window = {size, size, channels};
        if (!fits(problem.window, range)) continue;
        problem.rows = 1 + random() % kernel().max_rows;
        problem.blocks = 1 + random() % kernel().max_blocks;
        problem.range = range;
        problem.flush_steps = engine_flush_steps(range);
        problem.seed = seed;
        check(problem);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(MicroKernelTest, EqualsInt32AtEveryTileSize) {
  unsigned seed = 1000;
  for (std::size_t rows = 1; rows <= kernel().max_rows; ++rows) {
    for (std::size_t blocks = 1; blocks <= kernel().max_blocks; ++blocks) {
      Problem problem;
      problem.window = {2, 3, 20};
      problem.rows = rows;
      problem.blocks = blocks;
      problem.range = ranges_of(kernel()).front();
      problem.flush_steps = engine_flush_steps(problem.range);
      problem.seed = ++seed;
      check(problem);
      if (HasFatalFailure()) return;
    }
  }
}

// Lengths around every flush: accumulators that are one step too long wrap here.
TEST_P(MicroKernelTest, EqualsInt32AtTheExtremes) {
  for (const Range range : ranges_of(kernel())) {
    const std::size_t longest = kernel().accumulator == Accumulator::kInt32 ? 32 : 600;
    const std::size_t bound = std::min<std::size_t>(flush_bound_of(range), longest);
    for (const std::size_t steps : {bound - 1, bound, bound + 1, 2 * bound, 3 * bound + 1}) {
      for (const Fill fill : {Fill::kMax, Fill::kMin, Fill::kAlternating,
                              Fill::kMaxActivationsRandomSigns, Fill::kAgainstFirstChannel}) {
        Problem problem;
        problem.window = row_of(std::max<std::size_t>(steps, 1));
        problem.rows = kernel().max_rows;
        problem.blocks = kernel().max_blocks;
        problem.range = range;
        problem.flush_steps = flush_bound_of(range);
        problem.fill = fill;
        problem.seed = static_cast<unsigned>(steps);
        check(problem);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(MicroKernelTest, FlushesAcrossWindowRows) {
  for (const Range range : ranges_of(kernel())) {
    for (const std::size_t flush_steps : {1, 2, 5, 7}) {
      Problem problem;
      problem.window = row_of(3);
      problem.window.height = 7;
      problem.rows = kernel().max_rows;
      problem.range = range;
      problem.flush_steps = std::min(flush_bound_of(range), flush_steps);
      problem.fill = Fill::kMax;
      check(problem);
      if (HasFatalFailure()) return;
    }
  }
}

class ByteAccumulatorTest : public MicroKernelTest {};

TEST_P(ByteAccumulatorTest, HoldsTheLargestWindowItAllows) {
  const Range range = ranges_of(kernel()).front();
  const std::size_t bound = window_bound(kernel(), range.activation, range.weight);
  for (const Fill fill : {Fill::kMax, Fill::kMin, Fill::kRandom}) {
    Problem problem;
    problem.window = row_of(bound);
    problem.range = range;
    problem.flush_steps = flush_bound_of(range);
    problem.fill = fill;
    check(problem);
  }
}

TEST_P(ByteAccumulatorTest, FlushesAsSeldomAsItsCodesAllow) {
  for (unsigned seed = 3000; seed < 3008; ++seed) {
    Problem problem;
    problem.window = row_of(97);
    problem.window.height = 3;
    problem.rows = kernel().max_rows;
    problem.blocks = kernel().max_blocks;
    problem.range = ranges_of(kernel()).front();
    problem.flush_steps = kCodeBound;
    problem.fill = Fill::kAgainstFirstChannel;
    problem.seed = seed;
    check(problem);
    if (HasFatalFailure()) return;
  }
}

class SharedPanelTest : public MicroKernelTest {};

TEST_P(SharedPanelTest, ServesFourBitWeightsFromAnEightBitPanel) {
  unsigned seed = 2000;
  for (const std::size_t channels : {4, 16, 48, 100}) {
    if (channels % kernel().step_bytes != 0) continue;
    for (const std::int32_t activation : {15, 127, 255}) {
      if (activation > kernel().activation_limit) continue;
      Problem problem;
      problem.window = {3, 3, channels};
      problem.rows = kernel().max_rows;
      problem.blocks = kernel().max_blocks;
      // Weights of the 8-bit panel use the whole range, nested ones -15 .. 15.
      problem.range = {activation, 128};
      if (kernel().format == Format::kS8) problem.range.activation = (activation + 1) / 2;
      problem.nested4 = true;
      problem.flush_steps = flush_bound(kernel(), problem.range.activation, 15);
      problem.seed = ++seed;
      // A run that ends inside a step would need zero weights there; a nested one is never zero.
      ASSERT_EQ(problem.window.row_bytes(kernel().format) % kernel().step_bytes, 0U);
      ASSERT_GT(problem.flush_steps, 0U) << describe(kernel(), problem);
      check(problem);
      if (HasFatalFailure()) return;
    }
  }
}

std::string kernel_name(const testing::TestParamInfo<const MicroKernel*>& info) {
  return info.param->name;
}

INSTANTIATE_TEST_SUITE_P(
    Every, MicroKernelTest,
    testing::ValuesIn(supported_kernels([](const MicroKernel&) { return true; })), kernel_name);

INSTANTIATE_TEST_SUITE_P(Every, ByteAccumulatorTest,
                         testing::ValuesIn(supported_kernels([](const MicroKernel& kernel) {
                           return kernel.accumulator == Accumulator::kUint8;
                         })),
                         kernel_name);

INSTANTIATE_TEST_SUITE_P(Every, SharedPanelTest,
                         testing::ValuesIn(supported_kernels([](const MicroKernel& kernel) {
                           return kernel.element == Element::kInt8 &&
                                  (kernel.expand != nullptr || kernel.reads_nested4);
                         })),
                         kernel_name);

// On a machine with scalar kernels alone.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ByteAccumulatorTest);

}  // namespace
}  // namespace edge_dnq
