// Whole graphs on every instruction set against plain integer arithmetic.
#include "core/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>

#include "core/panels.h"
#include "tests/core/plain_arithmetic.h"

namespace edge_dnq {
namespace {

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon, Isa::kNeonDot}) {
    if (is_supported(isa)) isas.push_back(isa);
  }
  return isas;
}

/// A residual network in little: stem, PADV2 + max-pool, a plain block, a strided block with a
/// projection whose convolution reads a PAD, mean, classifier. Hidden tensors start at the bottom
/// of int8 or end at its top.
class Network {
 public:
  Network(int bits, int side, int width, std::uint32_t seed, bool at_top = false)
      : bits_(bits), at_top_(at_top), random_(seed) {
    const int input = tensor(side, 3, 1.0F / 128, 0);
    graph.inputs = {input};
    int x = conv(input, width, 7, 2, 3, 8, hidden());
    x = pool(x);
    const int inner = conv(x, width, 3, 1, 1, bits, hidden());
    x = add(conv(inner, width, 3, 1, 1, bits, signed_grid()), x);
    const int shortcut = conv(x, 2 * width, 1, 2, 0, bits, signed_grid());
    const int reduced = conv(pad(x, at(x).zero_point), 2 * width, 3, 2, 0, bits, hidden());
    x = add(conv(reduced, 2 * width, 3, 1, 1, bits, signed_grid()), shortcut);
    x = bottleneck(x, 3 * width, 3, 2);
    x = bottleneck(x, 2 * width, 5, 1);
    x = mean(x);
    x = conv(x, 11, 1, 1, 0, 8, {0.1F, 0, -128, 127});
    graph.outputs = {x};
  }

  Values random_input() {
    const Tensor& in = at(graph.inputs[0]);
    Values values(static_cast<std::size_t>(in.height * in.width * in.channels));
    for (auto& v : values) v = static_cast<std::int8_t>(uniform(-128, 127));
    return values;
  }
  std::size_t output_size() { return static_cast<std::size_t>(at(graph.outputs[0]).channels); }

  Graph graph;

 private:
  struct Grid {
    float scale;
    int zero_point;
    int low;
    int high;
  };
  int uniform(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  Tensor& at(int t) { return graph.tensors[static_cast<std::size_t>(t)]; }
  Grid hidden() const {
    const int top = (1 << bits_) - 1;
    const int zero_point = at_top_ ? 127 - top : -128;
    return {6.0F / static_cast<float>(top), zero_point, zero_point, zero_point + top};
  }
  Grid signed_grid() const { return {0.07F, 0, -128, 127}; }

  int tensor(int side, int channels, float scale, int zero_point) {
    graph.tensors.push_back({side, side, channels, scale, zero_point});
    return static_cast<int>(graph.tensors.size()) - 1;
  }
  int conv(int input, int out_channels, int size, int stride, int padding, int bits, Grid grid) {
    const Tensor in = at(input);
    const int side = (in.height + 2 * padding - size) / stride + 1;
    const int output = tensor(side, out_channels, grid.scale, grid.zero_point);
    weights_.emplace_back();
    for (int i = 0; i < out_channels * size * size * in.channels; ++i) {
      const auto master = static_cast<std::int8_t>(uniform(-127, 127));
      weights_.back().push_back(bits == 8 ? master : bits == 4 ? nested4(master) : nested2(master));
    }
    // Sums spread over about a third of the output's range.
    const float weight = bits == 8 ? 73.0F : bits == 4 ? 9.2F : 2.2F;
    const float activation = in.zero_point == 0 ? 74.0F : std::min(6.0F / in.scale, 255.0F) / 2.0F;
    const float sums =
        weight * activation * std::sqrt(static_cast<float>(size * size * in.channels));
    const float scale =
        static_cast<float>(grid.high - grid.low + 1) / 3.0F * grid.scale / (in.scale * sums);
    scales_.push_back({});
    biases_.push_back({});
    for (int i = 0; i < out_channels; ++i) {
      scales_.back().push_back(scale * static_cast<float>(uniform(70, 130)) / 100.0F);
      biases_.back().push_back(uniform(-static_cast<int>(sums) / 2, static_cast<int>(sums)));
    }
    graph.ops.push_back(Conv{input,
                             output,
                             size,
                             size,
                             stride,
                             stride,
                             {padding, padding, padding, padding},
                             {grid.low, grid.high},
                             weights_.back().data(),
                             scales_.back().data(),
                             biases_.back().data()});
    return output;
  }
  /// Expansion to an 8-bit tensor, depthwise, and a linear projection, as mobile networks have.
  int bottleneck(int input, int width, int size, int stride) {
    const Grid eight{6.0F / 255, -128, -128, 127};
    const int expanded = conv(input, width, 1, 1, 0, bits_, eight);
    const int filtered = depthwise(expanded, size, stride, hidden());
    return conv(filtered, at(input).channels, 1, 1, 0, bits_, {0.05F, 0, -128, 127});
  }
  int depthwise(int input, int size, int stride, Grid grid) {
    const Tensor in = at(input);
    const int side = (in.height + size / 2 * 2 - size) / stride + 1;
    const int output = tensor(side, in.channels, grid.scale, grid.zero_point);
    weights_.emplace_back();
    scales_.emplace_back();
    biases_.emplace_back();
    for (int i = 0; i < size * size * in.channels; ++i) {
      weights_.back().push_back(static_cast<std::int8_t>(uniform(-127, 127)));
    }
    for (int i = 0; i < in.channels; ++i) {
      scales_.back().push_back(static_cast<float>(uniform(70, 130)) / 9000.0F);
      biases_.back().push_back(uniform(-3000, 9000));
    }
    const int padding = size / 2;
    graph.ops.push_back(DepthwiseConv{input,
                                      output,
                                      size,
                                      size,
                                      stride,
                                      stride,
                                      {padding, padding, padding, padding},
                                      {grid.low, grid.high},
                                      weights_.back().data(),
                                      scales_.back().data(),
                                      biases_.back().data()});
    return output;
  }
  int pad(int input, int value) {
    const Tensor in = at(input);
    const int output = tensor(in.height + 2, in.channels, in.scale, in.zero_point);
    graph.ops.push_back(Pad{input, output, {1, 1, 1, 1}, value});
    return output;
  }
  int pool(int input) {
    const int padded = pad(input, -128);
    const Tensor in = at(padded);
    const int output = tensor((in.height - 3) / 2 + 1, in.channels, in.scale, in.zero_point);
    graph.ops.push_back(MaxPool{padded, output, 3, 3, 2, 2, {}, {}});
    return output;
  }
  int add(int a, int b) {
    const Tensor in = at(a);
    const Grid grid = hidden();
    const int output = tensor(in.height, in.channels, grid.scale, grid.zero_point);
    graph.ops.push_back(Add{a, b, output, {grid.low, grid.high}});
    return output;
  }
  int mean(int input) {
    const Tensor in = at(input);
    const int output = tensor(1, in.channels, 0.02F, -128);
    graph.ops.push_back(Mean{input, output});
    return output;
  }

  int bits_;
  bool at_top_;
  std::mt19937 random_;
  // Lists of vectors whose data the graph points into: the inner buffers never move.
  std::vector<Values> weights_;
  std::vector<std::vector<float>> scales_;
  std::vector<std::vector<std::int32_t>> biases_;
};

Values run_engine(const Network& network, const Values& input, std::size_t outputs, Isa isa,
                  int threads) {
  EngineOptions options;
  options.isa = isa;
  options.threads = threads;
  const auto engine = Engine::build(network.graph, options);
  Values output(outputs);
  const std::int8_t* in = input.data();
  std::int8_t* out = output.data();
  for (int i = 0; i < 2; ++i) {  // the second run meets what the first left in the arena
    std::fill(output.begin(), output.end(), std::int8_t{99});
    engine->run(&in, &out);
  }
  return output;
}

struct Case {
  int bits;
  int width;
  int side;
  bool at_top = false;
};

class EngineArithmetic : public testing::TestWithParam<Case> {};

TEST_P(EngineArithmetic, IsPlainOnEveryInstructionSet) {
  const Case c = GetParam();
  const auto seed = static_cast<std::uint32_t>(c.bits * 1000 + c.width);
  Network network(c.bits, c.side, c.width, seed, c.at_top);
  const Values input = network.random_input();
  const Values expected = Reference(network.graph).run(input);
  ASSERT_GT(
      std::count_if(expected.begin(), expected.end(), [](int v) { return v > -128 && v < 127; }), 3)
      << "the network answers nothing but clamped values: the test would see little";
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 2, 3}) {
      ASSERT_EQ(run_engine(network, input, network.output_size(), isa, threads), expected)
          << name(isa) << ", threads " << threads;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, EngineArithmetic,
                         testing::Values(Case{8, 16, 32}, Case{8, 33, 45}, Case{8, 64, 32},
                                         Case{4, 5, 45}, Case{4, 16, 32}, Case{4, 64, 45},
                                         Case{2, 5, 32}, Case{2, 16, 45}, Case{2, 33, 32},
                                         Case{2, 64, 45}, Case{2, 96, 32}, Case{2, 128, 32},
                                         Case{4, 16, 45, true}, Case{2, 33, 32, true},
                                         Case{2, 64, 45, true}),
                         [](const auto& test) {
                           return "bits" + std::to_string(test.param.bits) + "_width" +
                                  std::to_string(test.param.width) + "_side" +
                                  std::to_string(test.param.side) +
                                  (test.param.at_top ? "_at_top" : "");
                         });

TEST(Engine, ExposesEveryTensorWhenItIsAnOutput) {
  // Outputs keep fusions away; every tensor of the network must still be right.
  for (const bool at_top : {false, true}) {
    Network whole(4, 32, 16, 7, at_top);
    const Values input = whole.random_input();
    for (std::size_t op = 0; op < whole.graph.ops.size(); ++op) {
      Graph graph = whole.graph;
      const int output = std::visit([](const auto& o) { return o.output; }, graph.ops[op]);
      graph.outputs = {output};
      const Values expected = Reference(graph).run(input);
      for (const Isa isa : supported_isas()) {
        EngineOptions options;
        options.isa = isa;
        const auto engine = Engine::build(graph, options);
        Values got(expected.size());
        const std::int8_t* in = input.data();
        std::int8_t* out = got.data();
        engine->run(&in, &out);
        ASSERT_EQ(got, expected) << name(isa) << ", operation " << op << ", at top " << at_top;
      }
    }
  }
}

TEST(Engine, ProgramsShareTheEightBitPanels) {
  Network eight(8, 32, 32, 3);
  Network four(4, 32, 32, 3);
  for (const Isa isa : supported_isas()) {
    EngineOptions options;
    options.isa = isa;
    const auto first = Engine::build(eight.graph, options);
    const auto second = Engine::build(four.graph, options);
    EXPECT_GT(second->memory().shared_panel_bytes, 0U) << name(isa);
    EXPECT_LT(second->memory().panel_bytes, first->memory().panel_bytes / 4) << name(isa);
    const Values input = four.random_input();
    Values got(four.output_size());
    const std::int8_t* in = input.data();
    std::int8_t* out = got.data();
    second->run(&in, &out);
    ASSERT_EQ(got, Reference(four.graph).run(input)) << name(isa);
  }
}

TEST(Engine, RefusesWhatItCannotRun) {
  const auto refused = [](auto change) {
    Network network(8, 32, 16, 1);
    change(network.graph);
    EXPECT_FALSE(find_error(network.graph).empty());
    EXPECT_THROW(Engine::build(network.graph, {}), std::invalid_argument);
  };
  refused([](Graph& g) { g.tensors[0].height = 0; });
  refused([](Graph& g) { g.tensors[1].scale = 0.0F; });
  refused([](Graph& g) { g.tensors[1].scale = NAN; });
  refused([](Graph& g) { g.tensors[1].channels += 1 << 20; });
  refused([](Graph& g) { g.tensors[2].height += 1; });
  refused([](Graph& g) { std::get<Conv>(g.ops[0]).input = 99; });
  refused([](Graph& g) { std::get<Conv>(g.ops[0]).input = -1; });
  refused([](Graph& g) { std::get<Conv>(g.ops[0]).stride_width = 0; });
  refused([](Graph& g) { std::get<Conv>(g.ops[0]).weights = nullptr; });
  refused([](Graph& g) { std::get<Conv>(g.ops[0]).padding.top = 7; });
  refused([](Graph& g) { std::get<Conv>(g.ops[0]).range = {5, 4}; });
  refused([](Graph& g) { std::swap(g.ops[0], g.ops[1]); });
  refused([](Graph& g) { g.outputs = {static_cast<int>(g.tensors.size())}; });
  refused([](Graph& g) { g.ops.clear(); });
  refused([](Graph& g) {
    for (Op& op : g.ops) {
      if (auto* conv = std::get_if<DepthwiseConv>(&op)) conv->weights = nullptr;
    }
  });
}

}  // namespace
}  // namespace edge_dnq
