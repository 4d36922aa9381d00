// Nodes in the runtime's layouts become the engine's operations, or are refused with a reason.
#include "litert/graph_reader.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <variant>

#include "fake_runtime.h"

namespace edge_dnq {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A node, and the tensors of it that tests change.
struct Case {
  FakeRuntime runtime;
  int node = 0;
  int input = 0;
  int weights = 0;
  int bias = 0;
  int output = 0;

  std::string obstacle() {
    return find_obstacle(runtime.context(), runtime.node(node),
                         runtime.registration(node).builtin_code);
  }

  Graph read() {
    GraphReader reader(runtime.context());
    reader.add(runtime.node(node), runtime.registration(node).builtin_code);
    return reader.finish({output});
  }

  template <typename Params>
  Params& params() {
    return *static_cast<Params*>(runtime.node(node).builtin_data);
  }
};

constexpr tfl::ConvParams kSameConv{tfl::kSame, 2, 1, tfl::kRelu6, 1, 1};

/// 3x3 convolution, stride 1 down and 2 to the right, 5x7x2 -> 5x4x3, scales per channel.
void make_conv(Case& c) {
  c.input = c.runtime.activation({1, 5, 7, 2}, 0.5F, 3);
  c.output = c.runtime.activation({1, 5, 4, 3}, 0.4F, -128);
  c.weights =
      c.runtime.constant<std::int8_t>(tfl::kInt8, {3, 3, 3, 2}, std::vector<std::int8_t>(54, 1));
  c.runtime.quantise(c.weights, {0.1F, 0.2F, 0.3F}, {0, 0, 0}, 0);
  c.bias = c.runtime.constant<std::int32_t>(tfl::kInt32, {3}, {10, 20, 30});
  c.node = c.runtime.add(tfl::kConv2d, {c.input, c.weights, c.bias}, c.output, kSameConv);
}

void make_fully_connected(Case& c) {
  c.input = c.runtime.activation({1, 2, 2, 3}, 0.5F, 3);
  c.output = c.runtime.activation({1, 4}, 0.4F, 7);
  c.weights = c.runtime.constant<std::int8_t>(tfl::kInt8, {4, 12}, std::vector<std::int8_t>(48, 1));
  c.runtime.quantise(c.weights, {0.25F}, {0}, 0);
  c.node = c.runtime.add(tfl::kFullyConnected, {c.input, c.weights}, c.output,
                         tfl::FullyConnectedParams{tfl::kNone, 0, false});
}

void make_addition(Case& c) {
  c.input = c.runtime.activation({1, 2, 2, 3}, 0.5F, 3);
  c.weights = c.runtime.activation({1, 2, 2, 3}, 0.25F, 4);  // the other addend
  c.output = c.runtime.activation({1, 2, 2, 3}, 0.4F, -100);
  c.node = c.runtime.add(tfl::kAdd, {c.input, c.weights}, c.output, tfl::AddParams{tfl::kRelu});
}

/// PADV2 with `bias` for the amounts and `weights` for the value.
void make_pad(Case& c) {
  c.input = c.runtime.activation({1, 2, 3, 5}, 0.5F, 3);
  c.output = c.runtime.activation({1, 5, 10, 5}, 0.5F, 3);
  c.bias = c.runtime.constant<std::int32_t>(tfl::kInt32, {4, 2}, {0, 0, 1, 2, 3, 4, 0, 0});
  c.weights = c.runtime.constant<std::int8_t>(tfl::kInt8, {1}, {-77});
  c.runtime.quantise(c.weights, {0.5F}, {3}, 0);
  c.node = c.runtime.add(tfl::kPadV2, {c.input, c.bias, c.weights}, c.output, 0);
}

void make_pool(Case& c) {
  c.input = c.runtime.activation({1, 5, 7, 2}, 0.5F, 3);
  c.output = c.runtime.activation({1, 3, 3, 2}, 0.5F, 3);
  c.node = c.runtime.add(tfl::kMaxPool2d, {c.input}, c.output,
                         tfl::PoolParams{tfl::kValid, 2, 2, 3, 1, tfl::kNone});
}

void make_mean(Case& c) {
  c.input = c.runtime.activation({1, 5, 7, 2}, 0.5F, 3);
  c.output = c.runtime.activation({1, 2}, 0.25F, 1);
  c.bias = c.runtime.constant<std::int64_t>(tfl::kInt64, {2}, {-2, 1});
  c.node = c.runtime.add(tfl::kMean, {c.input, c.bias}, c.output, false);
}

TEST(GraphReader, ReadsAConvolution) {
  Case c;
  make_conv(c);
  ASSERT_EQ(c.obstacle(), "");
  const Graph graph = c.read();
  EXPECT_EQ(find_error(graph), "");
  ASSERT_EQ(graph.tensors.size(), 2U);
  EXPECT_EQ(graph.tensors[0].height, 5);
  EXPECT_EQ(graph.tensors[0].width, 7);
  EXPECT_EQ(graph.tensors[0].channels, 2);
  EXPECT_EQ(graph.tensors[0].scale, 0.5F);
  EXPECT_EQ(graph.tensors[0].zero_point, 3);
  const auto& conv = std::get<Conv>(graph.ops.at(0));
  EXPECT_EQ(conv.stride_height, 1);
  EXPECT_EQ(conv.stride_width, 2);
  EXPECT_EQ(conv.padding.top, 1);
  EXPECT_EQ(conv.padding.bottom, 1);
  EXPECT_EQ(conv.padding.left, 1);  // (4 - 1) * 2 + 3 - 7 = 2 columns
  EXPECT_EQ(conv.padding.right, 1);
  EXPECT_EQ(conv.weights, c.runtime.data(c.weights)) << "weights are copied";
  EXPECT_EQ(conv.weight_scales[2], 0.3F);
  EXPECT_EQ(conv.bias[1], 20);
  EXPECT_EQ(conv.range.low, -128);
  EXPECT_EQ(conv.range.high, -113);  // 6 / 0.4 = 15
}

TEST(GraphReader, PadsOddTotalsAtTheEnd) {
  Case c;
  make_conv(c);
  c.params<tfl::ConvParams>().stride_height = 2;
  c.runtime.reshape(c.input, {1, 6, 7, 2});
  c.runtime.reshape(c.output, {1, 3, 4, 3});
  ASSERT_EQ(c.obstacle(), "");
  const Graph graph = c.read();
  EXPECT_EQ(std::get<Conv>(graph.ops.at(0)).padding.top, 0);
  EXPECT_EQ(std::get<Conv>(graph.ops.at(0)).padding.bottom, 1);
}

TEST(GraphReader, SpreadsAScaleOfAllChannels) {
  Case c;
  make_conv(c);
  c.runtime.quantise(c.weights, {0.125F}, {0}, 0);
  ASSERT_EQ(c.obstacle(), "");
  GraphReader reader(c.runtime.context());
  reader.add(c.runtime.node(c.node), tfl::kConv2d);
  const Graph graph = reader.finish({c.output});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(std::get<Conv>(graph.ops.at(0)).weight_scales[i], 0.125F) << "channel " << i;
  }
}

TEST(GraphReader, ABiasMayBeMissing) {
  Case c;
  make_conv(c);
  c.runtime.node(c.node).inputs = c.runtime.ints({c.input, c.weights, -1});
  EXPECT_EQ(c.obstacle(), "");
  EXPECT_EQ(std::get<Conv>(c.read().ops.at(0)).bias, nullptr);
}

TEST(GraphReader, AFullyConnectedLayerIsOneWindow) {
  Case c;
  make_fully_connected(c);
  ASSERT_EQ(c.obstacle(), "");
  const Graph graph = c.read();
  const auto& conv = std::get<Conv>(graph.ops.at(0));
  EXPECT_EQ(conv.kernel_height, 2);
  EXPECT_EQ(conv.kernel_width, 2);
  EXPECT_EQ(conv.range.low, -128);
  EXPECT_EQ(conv.range.high, 127);
  EXPECT_EQ(graph.tensors[1].height, 1);
  EXPECT_EQ(graph.tensors[1].channels, 4);
}

TEST(GraphReader, ReadsTheOtherOperations) {
  Case addition;
  make_addition(addition);
  ASSERT_EQ(addition.obstacle(), "");
  const auto add = std::get<Add>(addition.read().ops.at(0));
  EXPECT_EQ(add.range.low, -100);
  EXPECT_EQ(add.range.high, 127);

  Case padding;
  make_pad(padding);
  ASSERT_EQ(padding.obstacle(), "");
  auto pad = std::get<Pad>(padding.read().ops.at(0));
  EXPECT_EQ(pad.value, -77);
  EXPECT_EQ(pad.padding.top, 1);
  EXPECT_EQ(pad.padding.bottom, 2);
  EXPECT_EQ(pad.padding.left, 3);
  EXPECT_EQ(pad.padding.right, 4);
  padding.runtime.registration(padding.node).builtin_code = tfl::kPad;
  padding.runtime.node(padding.node).inputs = padding.runtime.ints({padding.input, padding.bias});
  ASSERT_EQ(padding.obstacle(), "");
  EXPECT_EQ(std::get<Pad>(padding.read().ops.at(0)).value, 3) << "PAD pads with real zero";

  Case pooling;
  make_pool(pooling);
  ASSERT_EQ(pooling.obstacle(), "");
  const auto pool = std::get<MaxPool>(pooling.read().ops.at(0));
  EXPECT_EQ(pool.kernel_height, 1);
  EXPECT_EQ(pool.kernel_width, 3);

  Case mean;
  make_mean(mean);
  ASSERT_EQ(mean.obstacle(), "");
  EXPECT_TRUE(std::holds_alternative<Mean>(mean.read().ops.at(0)));
}

TEST(GraphReader, JoinsNodesAndTellsBoundaryTensors) {
  Case c;
  make_conv(c);
  const int mean = c.runtime.activation({1, 3}, 0.4F, -128);
  const int axes = c.runtime.constant<std::int32_t>(tfl::kInt32, {2}, {1, 2});
  const int second = c.runtime.add(tfl::kMean, {c.output, axes}, mean, false);
  GraphReader reader(c.runtime.context());
  reader.add(c.runtime.node(c.node), tfl::kConv2d);
  reader.add(c.runtime.node(second), tfl::kMean);
  const Graph graph = reader.finish({mean, c.output, axes});
  EXPECT_EQ(find_error(graph), "");
  EXPECT_EQ(reader.inputs(), std::vector<int>{c.input});
  EXPECT_EQ(reader.outputs(), (std::vector<int>{mean, c.output}));
  EXPECT_EQ(graph.inputs.size(), 1U);
  EXPECT_EQ(graph.outputs.size(), 2U);
}

/// One thing that is wrong with a node, and words of the reason.
struct Strange {
  const char* name;
  void (*make)(Case&);
  std::function<void(Case&)> change;
  const char* reason;
};

class StrangeNode : public ::testing::TestWithParam<Strange> {};

TEST_P(StrangeNode, IsRefusedWithAReason) {
  Case c;
  GetParam().make(c);
  ASSERT_EQ(c.obstacle(), "") << "the node is wrong without the change";
  GetParam().change(c);
  EXPECT_NE(c.obstacle().find(GetParam().reason), std::string::npos)
      << GetParam().name << ": got '" << c.obstacle() << "'";
}

const Strange kStrange[] = {
    {"FloatInput", make_conv, [](Case& c) { c.runtime.at(c.input).type = tfl::kFloat32; },
     "float32 activations"},
    {"UnknownType", make_conv, [](Case& c) { c.runtime.at(c.output).type = 77; }, "type 77"},
    {"Int4Weights", make_conv, [](Case& c) { c.runtime.at(c.weights).type = 18; }, "type 18"},
    {"ZeroSize", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.input, {1, 0, 7, 2});
     },
     "empty"},
    {"NegativeSize", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 5, -4, 3});
     },
     "empty"},
    {"HugeSize", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.input, {1, 1 << 30, 1 << 30, 1 << 30});
     },
     "larger"},
    {"Batch", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.input, {2, 5, 7, 2});
     },
     "batch 2"},
    {"ThreeAxes", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.input, {1, 35, 2});
     },
     "4 axes"},
    {"NoShape", make_conv, [](Case& c) { c.runtime.at(c.input).dims = nullptr; }, "shape"},
    {"DynamicShape", make_conv,
     [](Case& c) {
       c.runtime.at(c.input).dims_signature = c.runtime.ints({-1, 5, 7, 2});
     },
     "dynamic shape"},
    {"DynamicTensor", make_conv,
     [](Case& c) { c.runtime.at(c.output).allocation_type = tfl::kDynamic; }, "dynamic tensor"},
    {"Variable", make_conv, [](Case& c) { c.runtime.at(c.input).is_variable = true; }, "variable"},
    {"NoQuantisation", make_conv,
     [](Case& c) {
       c.runtime.at(c.output).quantization = {tfl::kNoQuantization, nullptr};
     },
     "without quantisation"},
    {"NullScales", make_conv,
     [](Case& c) {
       static_cast<tfl::Affine*>(c.runtime.at(c.input).quantization.params)->scale = nullptr;
     },
     "malformed"},
    {"NoScales", make_conv, [](Case& c) { c.runtime.quantise(c.input, {}, {}, 0); }, "malformed"},
    {"FewerZeroPoints", make_conv,
     [](Case& c) {
       c.runtime.quantise(c.weights, {0.1F, 0.2F, 0.3F}, {0}, 0);
     },
     "malformed"},
    {"NanScale", make_conv, [](Case& c) { c.runtime.quantise(c.input, {kNan}, {0}, 0); },
     "malformed"},
    {"NegativeScale", make_conv, [](Case& c) { c.runtime.quantise(c.output, {-1.0F}, {0}, 0); },
     "malformed"},
    {"ZeroPointTooLarge", make_conv, [](Case& c) { c.runtime.quantise(c.input, {1.0F}, {200}, 0); },
     "malformed"},
    {"SeveralInputScales", make_conv,
     [](Case& c) {
       c.runtime.quantise(c.input, {1.0F, 2.0F}, {0, 0}, 3);
     },
     "several scales"},
    {"TwoScalesForThreeChannels", make_conv,
     [](Case& c) {
       c.runtime.quantise(c.weights, {1.0F, 2.0F}, {0, 0}, 0);
     },
     "another number of weight scales"},
    {"ScalesOfAnotherAxis", make_conv,
     [](Case& c) {
       c.runtime.quantise(c.weights, {1.0F, 1.0F, 1.0F}, {0, 0, 0}, 3);
     },
     "another number of weight scales"},
    {"NanWeightScale", make_conv,
     [](Case& c) {
       c.runtime.quantise(c.weights, {0.1F, kNan, 0.1F}, {0, 0, 0}, 0);
     },
     "scales"},
    {"WeightZeroPoint", make_conv,
     [](Case& c) {
       c.runtime.quantise(c.weights, {0.1F, 0.1F, 0.1F}, {0, 1, 0}, 0);
     },
     "zero point"},
    {"LargeRescale", make_conv, [](Case& c) { c.runtime.quantise(c.weights, {205.0F}, {0}, 0); },
     "too far apart"},
    {"WeightsInTheArena", make_conv,
     [](Case& c) { c.runtime.at(c.weights).allocation_type = tfl::kArena; }, "not constant"},
    {"WeightsWithoutData", make_conv, [](Case& c) { c.runtime.at(c.weights).data = nullptr; },
     "not constant"},
    {"WeightsCutShort", make_conv, [](Case& c) { c.runtime.at(c.weights).bytes = 53; },
     "another size"},
    {"SparseWeights", make_conv,
     [](Case& c) { c.runtime.at(c.weights).sparsity = c.runtime.ints({}); }, "sparse"},
    {"GroupedWeights", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.weights, {3, 3, 3, 1});
       c.runtime.at(c.weights).bytes = 27;
     },
     "grouped"},
    {"OutputChannels", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 5, 4, 2});
     },
     "another shape"},
    {"OutputHeight", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 9, 4, 3});
     },
     "does not follow"},
    {"HugeOutput", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 1 << 14, 4, 3});
     },
     "does not follow"},
    {"BiasSize", make_conv, [](Case& c) { c.runtime.reshape(c.bias, {2}); }, "bias"},
    {"Int64Bias", make_conv, [](Case& c) { c.runtime.at(c.bias).type = tfl::kInt64; }, "int64"},
    {"BiasInTheArena", make_conv,
     [](Case& c) { c.runtime.at(c.bias).allocation_type = tfl::kArena; }, "not constant"},
    {"Dilation", make_conv, [](Case& c) { c.params<tfl::ConvParams>().dilation_width = 2; },
     "dilation"},
    {"NoStride", make_conv, [](Case& c) { c.params<tfl::ConvParams>().stride_height = 0; },
     "stride"},
    {"UnknownPadding", make_conv, [](Case& c) { c.params<tfl::ConvParams>().padding = 5; },
     "padding"},
    {"Tanh", make_conv, [](Case& c) { c.params<tfl::ConvParams>().activation = 4; }, "activation"},
    {"OneValueLeft", make_conv, [](Case& c) { c.runtime.quantise(c.output, {100.0F}, {0}, 0); },
     "one value"},
    {"NoParameters", make_conv, [](Case& c) { c.runtime.node(c.node).builtin_data = nullptr; },
     "parameters"},
    {"NoInputs", make_conv, [](Case& c) { c.runtime.node(c.node).inputs = nullptr; }, "number"},
    {"NoOutputs", make_conv, [](Case& c) { c.runtime.node(c.node).outputs = c.runtime.ints({}); },
     "number"},
    {"MissingTensor", make_conv,
     [](Case& c) {
       c.runtime.node(c.node).inputs = c.runtime.ints({-1, c.weights});
     },
     "missing"},
    {"TensorBeyondTheEnd", make_conv,
     [](Case& c) {
       c.runtime.node(c.node).inputs = c.runtime.ints({c.input, 1000});
     },
     "does not exist"},
    {"OutputIsInput", make_conv,
     [](Case& c) { c.runtime.node(c.node).outputs = c.runtime.ints({c.input}); }, "there before"},
    {"FloatWeights", make_fully_connected,
     [](Case& c) { c.runtime.at(c.weights).type = tfl::kFloat32; }, "float32"},
    {"ShuffledWeights", make_fully_connected,
     [](Case& c) { c.params<tfl::FullyConnectedParams>().weights_format = 1; }, "shuffled"},
    {"WeightColumns", make_fully_connected,
     [](Case& c) {
       c.runtime.reshape(c.weights, {3, 16});
     },
     "another shape"},
    {"Broadcast", make_addition,
     [](Case& c) {
       c.runtime.reshape(c.weights, {1, 1, 1, 3});
     },
     "different shapes"},
    {"ConstantAddend", make_addition,
     [](Case& c) { c.runtime.at(c.weights).allocation_type = tfl::kReadOnly; }, "constant"},
    {"AddendScale", make_addition, [](Case& c) { c.runtime.quantise(c.weights, {4e9F}, {0}, 0); },
     "too far apart"},
    {"ChannelPadding", make_pad,
     [](Case& c) { static_cast<std::int32_t*>(c.runtime.at(c.bias).data)[7] = 1; }, "channels"},
    {"NegativePadding", make_pad,
     [](Case& c) { static_cast<std::int32_t*>(c.runtime.at(c.bias).data)[2] = -1; }, "padding"},
    {"HugePadding", make_pad,
     [](Case& c) { static_cast<std::int32_t*>(c.runtime.at(c.bias).data)[2] = 2147483647; },
     "padding"},
    {"PaddingShape", make_pad,
     [](Case& c) {
       c.runtime.reshape(c.bias, {2, 4});
     },
     "axes"},
    {"PaddingValueGrid", make_pad, [](Case& c) { c.runtime.quantise(c.weights, {0.5F}, {4}, 0); },
     "another grid"},
    {"PaddedGrid", make_pad, [](Case& c) { c.runtime.quantise(c.input, {0.25F}, {3}, 0); },
     "changes the scale"},
    {"NoWindow", make_pool, [](Case& c) { c.params<tfl::PoolParams>().filter_width = 0; },
     "window"},
    {"PooledGrid", make_pool, [](Case& c) { c.runtime.quantise(c.output, {0.5F}, {4}, 0); },
     "changes the scale"},
    {"HugeStride", make_pool,
     [](Case& c) {
       c.params<tfl::PoolParams>().padding = tfl::kSame;
       c.params<tfl::PoolParams>().stride_width = 2147483647;
     },
     "does not follow"},
    {"OtherAxes", make_mean,
     [](Case& c) { static_cast<std::int64_t*>(c.runtime.at(c.bias).data)[0] = 3; }, "other axes"},
    {"AxisOutOfRange", make_mean,
     [](Case& c) { static_cast<std::int64_t*>(c.runtime.at(c.bias).data)[0] = 1LL << 40; },
     "out of range"},
    {"MeanShape", make_mean,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 3});
     },
     "does not follow"},
    {"UnknownOperator", make_mean,
     [](Case& c) { c.runtime.registration(c.node).builtin_code = 12345; }, "not an operator"},
};

INSTANTIATE_TEST_SUITE_P(GraphReader, StrangeNode, ::testing::ValuesIn(kStrange),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace edge_dnq
