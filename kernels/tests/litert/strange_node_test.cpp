// Whatever is wrong with a node, it is refused with a reason.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "node_cases.h"

namespace edge_dnq {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

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
     "bias"},
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
    {"OutputChannelsWithoutBias", make_conv,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 5, 4, 2});
       c.runtime.node(c.node).inputs = c.runtime.ints({c.input, c.weights});
     },
     "another shape"},
    {"DepthMultiplier", make_depthwise,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 3, 4, 6});
     },
     "bias"},
    {"DepthMultiplierWithoutBias", make_depthwise,
     [](Case& c) {
       c.runtime.reshape(c.output, {1, 3, 4, 6});
       c.runtime.node(c.node).inputs = c.runtime.ints({c.input, c.weights});
     },
     "depth multiplier"},
    {"DepthwiseScaleAxis", make_depthwise,
     [](Case& c) {
       c.runtime.quantise(c.weights, {0.1F, 0.1F, 0.1F}, {0, 0, 0}, 0);
     },
     "another number of weight scales"},
    {"DepthwiseWeights", make_depthwise,
     [](Case& c) {
       c.runtime.reshape(c.weights, {3, 3, 2, 1});
     },
     "another shape"},
    {"DepthwiseDilation", make_depthwise,
     [](Case& c) { c.params<tfl::DepthwiseConvParams>().dilation_height = 2; }, "dilation"},
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
    {"SmallAddendScale", make_addition,
     [](Case& c) { c.runtime.quantise(c.weights, {0.4F * 0x1.ffp-11F}, {0}, 0); }, "too far apart"},
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
