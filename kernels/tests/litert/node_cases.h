// Nodes that the engine can run, for tests that read or spoil them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fake_runtime.h"
#include "litert/graph_reader.h"

namespace edge_dnq {

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
inline void make_conv(Case& c) {
  c.input = c.runtime.activation({1, 5, 7, 2}, 0.5F, 3);
  c.output = c.runtime.activation({1, 5, 4, 3}, 0.4F, -128);
  c.weights =
      c.runtime.constant<std::int8_t>(tfl::kInt8, {3, 3, 3, 2}, std::vector<std::int8_t>(54, 1));
  c.runtime.quantise(c.weights, {0.1F, 0.2F, 0.3F}, {0, 0, 0}, 0);
  c.bias = c.runtime.constant<std::int32_t>(tfl::kInt32, {3}, {10, 20, 30});
  c.node = c.runtime.add(tfl::kConv2d, {c.input, c.weights, c.bias}, c.output, kSameConv);
}

/// 3x2 depthwise convolution, stride 2, 5x7x3 -> 3x4x3, scales per channel.
inline void make_depthwise(Case& c) {
  c.input = c.runtime.activation({1, 5, 7, 3}, 0.5F, 3);
  c.output = c.runtime.activation({1, 3, 4, 3}, 0.4F, -128);
  c.weights =
      c.runtime.constant<std::int8_t>(tfl::kInt8, {1, 3, 2, 3}, std::vector<std::int8_t>(18, 1));
  c.runtime.quantise(c.weights, {0.1F, 0.2F, 0.3F}, {0, 0, 0}, 3);
  c.bias = c.runtime.constant<std::int32_t>(tfl::kInt32, {3}, {10, 20, 30});
  c.node = c.runtime.add(tfl::kDepthwiseConv2d, {c.input, c.weights, c.bias}, c.output,
                         tfl::DepthwiseConvParams{tfl::kSame, 2, 2, 1, tfl::kRelu6, 1, 1});
}

inline void make_fully_connected(Case& c) {
  c.input = c.runtime.activation({1, 2, 2, 3}, 0.5F, 3);
  c.output = c.runtime.activation({1, 4}, 0.4F, 7);
  c.weights = c.runtime.constant<std::int8_t>(tfl::kInt8, {4, 12}, std::vector<std::int8_t>(48, 1));
  c.runtime.quantise(c.weights, {0.25F}, {0}, 0);
  c.node = c.runtime.add(tfl::kFullyConnected, {c.input, c.weights}, c.output,
                         tfl::FullyConnectedParams{tfl::kNone, 0, false});
}

inline void make_addition(Case& c) {
  c.input = c.runtime.activation({1, 2, 2, 3}, 0.5F, 3);
  c.weights = c.runtime.activation({1, 2, 2, 3}, 0.25F, 4);  // the other addend
  c.output = c.runtime.activation({1, 2, 2, 3}, 0.4F, -100);
  c.node = c.runtime.add(tfl::kAdd, {c.input, c.weights}, c.output, tfl::AddParams{tfl::kRelu});
}

/// PADV2 with `bias` for the amounts and `weights` for the value.
inline void make_pad(Case& c) {
  c.input = c.runtime.activation({1, 2, 3, 5}, 0.5F, 3);
  c.output = c.runtime.activation({1, 5, 10, 5}, 0.5F, 3);
  c.bias = c.runtime.constant<std::int32_t>(tfl::kInt32, {4, 2}, {0, 0, 1, 2, 3, 4, 0, 0});
  c.weights = c.runtime.constant<std::int8_t>(tfl::kInt8, {1}, {-77});
  c.runtime.quantise(c.weights, {0.5F}, {3}, 0);
  c.node = c.runtime.add(tfl::kPadV2, {c.input, c.bias, c.weights}, c.output, 0);
}

inline void make_pool(Case& c) {
  c.input = c.runtime.activation({1, 5, 7, 2}, 0.5F, 3);
  c.output = c.runtime.activation({1, 3, 3, 2}, 0.5F, 3);
  c.node = c.runtime.add(tfl::kMaxPool2d, {c.input}, c.output,
                         tfl::PoolParams{tfl::kValid, 2, 2, 3, 1, tfl::kNone});
}

inline void make_mean(Case& c) {
  c.input = c.runtime.activation({1, 5, 7, 2}, 0.5F, 3);
  c.output = c.runtime.activation({1, 2}, 0.25F, 1);
  c.bias = c.runtime.constant<std::int64_t>(tfl::kInt64, {2}, {-2, 1});
  c.node = c.runtime.add(tfl::kMean, {c.input, c.bias}, c.output, false);
}

}  // namespace edge_dnq
