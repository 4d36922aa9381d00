// An inference allocates nothing: this binary counts what operator new is asked for.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/engine.h"

namespace {
std::atomic<long> allocations{0};
}

// Not inlined: with one of the pair in sight and the other not, GCC warns of a mismatch.
__attribute__((noinline)) void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
// AddressSanitizer has an own one, whose memory std::free may not have.
__attribute__((noinline)) void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
__attribute__((noinline)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace edge_dnq {
namespace {

TEST(Allocation, NoneWhileRunning) {
  // A convolution at every precision, pooling, an addition, a mean.
  std::vector<std::int8_t> weights(static_cast<std::size_t>(64 * 64 * 9), 1);
  std::vector<float> scales(64, 0.01F);
  Graph graph;
  graph.tensors = {{16, 16, 64, 0.02F, -128}, {16, 16, 64, 0.4F, -128}, {16, 16, 64, 2.0F, -128},
                   {16, 16, 64, 0.1F, 0},     {16, 16, 64, 2.0F, -128}, {8, 8, 64, 2.0F, -128},
                   {1, 1, 64, 0.1F, -128}};
  const auto conv = [&](int input, int output, Range range) {
    return Conv{input,          output,        3,      3, 1, 1, {1, 1, 1, 1}, range,
                weights.data(), scales.data(), nullptr};
  };
  graph.ops = {conv(0, 1, {-128, -113}),          conv(1, 2, {-128, -125}),
               conv(2, 3, {-128, 127}),           Add{3, 2, 4, {-128, -125}},
               MaxPool{4, 5, 2, 2, 2, 2, {}, {}}, Mean{5, 6}};
  graph.inputs = {0};
  graph.outputs = {6};
  std::vector<std::int8_t> input(16 * 16 * 64, 3);
  std::vector<std::int8_t> output(64);
  const std::int8_t* in = input.data();
  std::int8_t* out = output.data();
  for (const int threads : {1, 2}) {
    EngineOptions options;
    options.threads = threads;
    const auto engine = Engine::build(graph, options);
    const long before = allocations;
    engine->run(&in, &out);
    EXPECT_EQ(allocations - before, 0) << threads << " threads";
    EXPECT_GT(before, 0) << "nothing is counted";
  }
}

}  // namespace
}  // namespace edge_dnq
