// The integer graph that the engine runs: one frame, NHWC, int8 tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace edge_dnq {

/// An int8 tensor [1, height, width, channels]; real value = scale * (q - zero_point).
struct Tensor {
  int height = 0;
  int width = 0;
  int channels = 0;
  float scale = 0.0F;
  int zero_point = 0;
};

struct Padding {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;
};

/// Output range after a fused activation, in q.
struct Range {
  int low = -128;
  int high = 127;
};

/// Convolution with groups = 1; a fully connected layer is one on a 1x1 tensor. Padding pixels have
/// the input's zero point. Weights and bias must outlive Engine::build, not the engine.
struct Conv {
  int input = 0;
  int output = 0;
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_height = 1;
  int stride_width = 1;
  Padding padding;
  Range range;
  const std::int8_t* weights = nullptr;  ///< [out][kernel_height][kernel_width][in]
  const float* weight_scales = nullptr;  ///< [out]
  const std::int32_t* bias = nullptr;    ///< [out], or null for zeros
};

/// Depthwise convolution: one output channel per input channel.
struct DepthwiseConv {
  int input = 0;
  int output = 0;
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_height = 1;
  int stride_width = 1;
  Padding padding;
  Range range;
  const std::int8_t* weights = nullptr;  ///< [kernel_height][kernel_width][channels]
  const float* weight_scales = nullptr;  ///< [channels]
  const std::int32_t* bias = nullptr;    ///< [channels], or null for zeros
};

struct Add {
  int a = 0;
  int b = 0;
  int output = 0;
  Range range;
};

/// Pads with the value `value` (q).
struct Pad {
  int input = 0;
  int output = 0;
  Padding padding;
  int value = -128;
};

/// Padding pixels never win.
struct MaxPool {
  int input = 0;
  int output = 0;
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_height = 1;
  int stride_width = 1;
  Padding padding;
  Range range;
};

/// Mean over height and width; the output is [1, 1, 1, channels].
struct Mean {
  int input = 0;
  int output = 0;
};

using Op = std::variant<Conv, DepthwiseConv, Add, Pad, MaxPool, Mean>;

/// Ops in execution order.
struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Op> ops;
  std::vector<int> inputs;
  std::vector<int> outputs;
};

/// Empty when `graph` can be run; otherwise what is wrong with it, in one line. Checks indices,
/// shapes, scales, ranges, order, and that no size overflows.
std::string find_error(const Graph& graph);

}  // namespace edge_dnq
