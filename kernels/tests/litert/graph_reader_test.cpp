// Nodes in the runtime's layouts become the engine's operations, or are refused with a reason.
#include "litert/graph_reader.h"

#include <gtest/gtest.h>

#include <variant>

#include "node_cases.h"

namespace edge_dnq {
namespace {

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

TEST(GraphReader, ReadsADepthwiseConvolution) {
  Case c;
  make_depthwise(c);
  ASSERT_EQ(c.obstacle(), "");
  const Graph graph = c.read();
  const auto& conv = std::get<DepthwiseConv>(graph.ops.at(0));
  EXPECT_EQ(conv.kernel_height, 3);
  EXPECT_EQ(conv.kernel_width, 2);
  EXPECT_EQ(conv.padding.top, 1);
  EXPECT_EQ(conv.padding.left, 0);
  EXPECT_EQ(conv.padding.right, 1);
  EXPECT_EQ(conv.weight_scales[2], 0.3F);
  EXPECT_EQ(conv.bias[1], 20);
  EXPECT_EQ(conv.range.high, -113);
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

}  // namespace
}  // namespace edge_dnq
