#include "core/plan.h"

#include <gtest/gtest.h>

namespace edge_dnq {
namespace {

/// input -> conv -> (conv -> add with the first) -> output, 4-bit, 16 channels, 8x8.
class PlanTest : public testing::Test {
 protected:
  PlanTest() : weights_(16 * 16 * 9, 1), scales_(16, 0.01F) {
    for (int i = 0; i < 4; ++i) graph.tensors.push_back({8, 8, 16, 0.4F, -128});
    graph.tensors[2] = {8, 8, 16, 0.05F, 0};
    graph.ops = {conv(0, 1, {-128, -113}), conv(1, 2, {-128, 127}), Add{2, 1, 3, {-128, -113}}};
    graph.inputs = {0};
    graph.outputs = {3};
  }

  Conv conv(int input, int output, Range range) {
    return {input,           output,         3,      3, 1, 1, {1, 1, 1, 1}, range,
            weights_.data(), scales_.data(), nullptr};
  }

  Graph graph;

 private:
  std::vector<std::int8_t> weights_;
  std::vector<float> scales_;
};

TEST_F(PlanTest, AdditionMovesIntoTheConvolution) {
  const Plan plan = make_plan(graph, Isa::kScalar);
  ASSERT_EQ(plan.ops.size(), 2U);
  EXPECT_EQ(plan.ops[1].add.other, 1);
  EXPECT_EQ(plan.ops[1].output(), 3);
  EXPECT_FALSE(plan.tensors[2].stored);
}

TEST_F(PlanTest, AdditionStaysWhenItsTermIsAnOutputToo) {
  graph.outputs = {3, 2};
  const Plan plan = make_plan(graph, Isa::kScalar);
  EXPECT_EQ(plan.ops.size(), 3U);
  EXPECT_TRUE(plan.tensors[2].stored);
}

TEST_F(PlanTest, AdditionOfATensorToItselfStays) {
  graph.ops[2] = Add{2, 2, 3, {-128, -113}};
  EXPECT_EQ(make_plan(graph, Isa::kScalar).ops.size(), 3U);
}

TEST_F(PlanTest, HaloIsWhatReadersNeed) {
  const Plan plan = make_plan(graph, Isa::kScalar);
  EXPECT_EQ(plan.tensors[1].halo.top, 1);
  EXPECT_EQ(plan.tensors[1].halo.right, 1);
  EXPECT_EQ(plan.tensors[3].halo.top, 0);
}

TEST_F(PlanTest, PaddingWithAnotherValueIsNotFolded) {
  graph.tensors.push_back({10, 10, 16, 0.4F, -128});
  graph.ops[1] = conv(4, 2, {-128, 127});
  std::get<Conv>(graph.ops[1]).padding = {};
  for (const int value : {-128, -120}) {
    Graph padded = graph;
    padded.ops.insert(padded.ops.begin() + 1, Pad{1, 4, {1, 1, 1, 1}, value});
    ASSERT_EQ(find_error(padded), "");
    const Plan plan = make_plan(padded, Isa::kScalar);
    EXPECT_EQ(plan.ops.size(), value == -128 ? 2U : 3U) << value;
  }
}

TEST_F(PlanTest, TwoBitTensorsArePackedForTwoBitWeights) {
  for (Op& op : graph.ops) {
    if (auto* c = std::get_if<Conv>(&op); c != nullptr && c->output == 1) c->range = {-128, -125};
  }
  const Plan plan = make_plan(graph, Isa::kScalar);
  EXPECT_EQ(plan.tensors[1].format, Format::kPair2);
  EXPECT_EQ(plan.ops[1].kernel->element, Element::kNibble2);
  EXPECT_EQ(plan.ops[0].kernel->element, Element::kInt8);  // its input has 256 levels
}

/// Zero point 124 and no more than four codes up to the end of int8: the same tensor, shifted.
TEST_F(PlanTest, RectifiedTensorsAreRenumbered) {
  graph.tensors[1].zero_point = 124;
  graph.tensors[3].zero_point = 112;
  std::get<Conv>(graph.ops[0]).range = {124, 127};
  std::get<Add>(graph.ops[2]).range = {112, 127};
  ASSERT_EQ(find_error(graph), "");
  const Plan plan = make_plan(graph, Isa::kScalar);
  EXPECT_EQ(plan.tensors[1].shape.zero_point, -128);
  EXPECT_EQ(plan.tensors[1].range.high, -125);
  EXPECT_EQ(plan.ops[1].kernel->element, Element::kNibble2);
  EXPECT_EQ(std::get<Conv>(plan.ops[0].op).range.high, -125);
  // The caller reads the output, and the addend is not rectified.
  EXPECT_EQ(plan.tensors[3].shape.zero_point, 112);
  EXPECT_EQ(plan.tensors[2].shape.zero_point, 0);
}

TEST_F(PlanTest, WhatAMeanReadsKeepsItsNumbers) {
  graph.tensors[3].zero_point = 112;
  std::get<Add>(graph.ops[2]).range = {112, 127};
  graph.tensors.push_back({1, 1, 16, 0.1F, -128});
  graph.ops.push_back(Mean{3, 4});
  graph.outputs = {4};
  ASSERT_EQ(find_error(graph), "");
  EXPECT_EQ(make_plan(graph, Isa::kScalar).tensors[3].shape.zero_point, 112);
}

}  // namespace
}  // namespace edge_dnq
