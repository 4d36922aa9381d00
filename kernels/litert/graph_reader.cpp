#include "litert/graph_reader.h"

#include <algorithm>
#include <cmath>

#include "litert/tensors.h"

namespace edge_dnq {
namespace {

/// The runtime's kernels that round by the engine's rule take no larger ratio of scales, and for an
/// addition no smaller one; the kernels it has for the rest round by another.
constexpr float kMaxRescale = 256.0F;
constexpr float kMinAddRescale = 0x1p-10F;

template <typename Params>
const Params& params_of(const tfl::Node& node) {
  if (node.builtin_data == nullptr) throw Unsupported("missing parameters");
  return *static_cast<const Params*>(node.builtin_data);
}

void expect_counts(const tfl::Node& node, int least_inputs, int most_inputs) {
  const int inputs = node.inputs == nullptr ? 0 : node.inputs->size;
  const int outputs = node.outputs == nullptr ? 0 : node.outputs->size;
  if (inputs < least_inputs || inputs > most_inputs || outputs != 1) {
    throw Unsupported("an unexpected number of inputs or outputs");
  }
}

void expect_axes(const tfl::Tensor& tensor, std::size_t axes) {
  if (shape_of(tensor).size() != axes) {
    throw Unsupported("a tensor without " + std::to_string(axes) + " axes");
  }
}

/// Padding along one axis before and after, as the kind says for these sizes.
void pad_axis(int kind, int in, int out, int window, int stride, int& before, int& after) {
  if (kind == tfl::kValid) return;
  if (kind != tfl::kSame) throw Unsupported("an unknown kind of padding");
  // In 64 bits: nothing is known about these sizes yet.
  const std::int64_t covered = (std::int64_t{out} - 1) * stride + window;
  const std::int64_t total = std::max<std::int64_t>(0, covered - in);
  if (total >= 2 * std::int64_t{window}) throw Unsupported("a shape that does not follow");
  before = static_cast<int>(total / 2);
  after = static_cast<int>(total - total / 2);
}

template <typename Window>
void set_padding(int kind, const Tensor& in, const Tensor& out, Window& op) {
  pad_axis(kind, in.height, out.height, op.kernel_height, op.stride_height, op.padding.top,
           op.padding.bottom);
  pad_axis(kind, in.width, out.width, op.kernel_width, op.stride_width, op.padding.left,
           op.padding.right);
}

}  // namespace

void GraphReader::add(const tfl::Node& node, std::int32_t code) {
  switch (code) {
    case tfl::kAdd:
      return add_addition(node);
    case tfl::kConv2d:
      return add_conv(node);
    case tfl::kDepthwiseConv2d:
      return add_depthwise(node);
    case tfl::kFullyConnected:
      return add_fully_connected(node);
    case tfl::kMaxPool2d:
      return add_max_pool(node);
    case tfl::kPad:
      return add_pad(node, false);
    case tfl::kMean:
      return add_mean(node);
    case tfl::kPadV2:
      return add_pad(node, true);
    default:
      throw Unsupported("not an operator of the engine");
  }
}

Graph GraphReader::finish(const std::vector<int>& outputs) {
  graph_.outputs.clear();
  outputs_.clear();
  for (const int tensor : outputs) {
    const auto found = known_.find(tensor);
    if (found == known_.end()) continue;  // of no operation that was added
    graph_.outputs.push_back(found->second);
    outputs_.push_back(tensor);
  }
  return graph_;
}

int GraphReader::define(int tensor) {
  const int index = static_cast<int>(graph_.tensors.size());
  graph_.tensors.push_back(read_activation(context_.tensors[tensor]));
  known_[tensor] = index;
  return index;
}

int GraphReader::input(const tfl::Node& node, int position) {
  tensor_at(context_, node.inputs, position);
  const int tensor = node.inputs->data()[position];
  const auto found = known_.find(tensor);
  if (found != known_.end()) return found->second;
  const int index = define(tensor);
  inputs_.push_back(tensor);
  graph_.inputs.push_back(index);
  return index;
}

int GraphReader::output(const tfl::Node& node) {
  tensor_at(context_, node.outputs, 0);
  const int tensor = node.outputs->data()[0];
  if (known_.count(tensor) != 0) throw Unsupported("an output that was there before");
  return define(tensor);
}

template <typename Convolution>
void GraphReader::read_scales(const tfl::Tensor& weights, int channel_axis, Convolution& conv) {
  const auto channels = static_cast<std::size_t>(at(conv.output).channels);
  const tfl::Affine& affine = affine_of(weights);
  const auto count = static_cast<std::size_t>(affine.scale->size);
  if (count != 1 && (count != channels || affine.quantized_dimension != channel_axis)) {
    throw Unsupported("another number of weight scales than output channels");
  }
  const float* scales = affine.scale->data();
  for (std::size_t i = 0; i < count; ++i) {
    if (affine.zero_point->data()[i] != 0) throw Unsupported("weights with a zero point");
    const float rescale = at(conv.input).scale * scales[i] / at(conv.output).scale;
    if (!(scales[i] > 0.0F) || !(rescale < kMaxRescale)) {
      throw Unsupported("scales too far apart");
    }
  }
  if (count == 1) {
    scales_.emplace_back(channels, scales[0]);
    scales = scales_.back().data();
  }
  conv.weight_scales = scales;
}

template <typename Convolution>
void GraphReader::read_bias(const tfl::Node& node, Convolution& conv) const {
  if (!has_tensor(node.inputs, 2)) return;
  const tfl::Tensor& bias = tensor_at(context_, node.inputs, 2);
  const std::vector<int> shape = shape_of(bias);
  if (shape.size() != 1 || shape[0] != at(conv.output).channels) {
    throw Unsupported("a bias of another size than the output channels");
  }
  conv.bias = static_cast<const std::int32_t*>(constant_of(bias, tfl::kInt32));
}

/// Everything but the weights; of those the sizes of the window.
template <typename Params, typename Convolution>
void GraphReader::read_window(const tfl::Node& node, const Params& params, Convolution& conv) {
  if (params.dilation_width != 1 || params.dilation_height != 1) throw Unsupported("dilation");
  if (params.stride_width < 1 || params.stride_height < 1) throw Unsupported("an empty stride");
  expect_axes(tensor_at(context_, node.inputs, 0), 4);
  expect_axes(tensor_at(context_, node.outputs, 0), 4);
  conv.input = input(node, 0);
  conv.output = output(node);
  const tfl::Tensor& weights = tensor_at(context_, node.inputs, 1);
  conv.weights = static_cast<const std::int8_t*>(constant_of(weights, tfl::kInt8));
  expect_axes(weights, 4);
  conv.kernel_height = weights.dims->data()[1];
  conv.kernel_width = weights.dims->data()[2];
  conv.stride_height = params.stride_height;
  conv.stride_width = params.stride_width;
  set_padding(params.padding, at(conv.input), at(conv.output), conv);
  conv.range = read_range(params.activation, at(conv.output));
  read_bias(node, conv);
}

void GraphReader::add_conv(const tfl::Node& node) {
  expect_counts(node, 2, 3);
  Conv conv;
  read_window(node, params_of<tfl::ConvParams>(node), conv);
  const tfl::Tensor& weights = tensor_at(context_, node.inputs, 1);
  const std::vector<int> shape = shape_of(weights);
  if (shape[0] != at(conv.output).channels) {
    throw Unsupported("weights of another shape than the output");
  }
  if (shape[3] != at(conv.input).channels) throw Unsupported("grouped weights");
  read_scales(weights, 0, conv);
  graph_.ops.emplace_back(conv);
}

void GraphReader::add_depthwise(const tfl::Node& node) {
  expect_counts(node, 2, 3);
  DepthwiseConv conv;
  read_window(node, params_of<tfl::DepthwiseConvParams>(node), conv);
  const tfl::Tensor& weights = tensor_at(context_, node.inputs, 1);
  const std::vector<int> shape = shape_of(weights);
  // The stored multiplier is ignored by the runtime as well: the shapes say it.
  if (at(conv.input).channels != at(conv.output).channels) throw Unsupported("a depth multiplier");
  if (shape[0] != 1 || shape[3] != at(conv.output).channels) {
    throw Unsupported("weights of another shape than the output");
  }
  read_scales(weights, 3, conv);
  graph_.ops.emplace_back(conv);
}

void GraphReader::add_fully_connected(const tfl::Node& node) {
  expect_counts(node, 2, 3);
  const auto& params = params_of<tfl::FullyConnectedParams>(node);
  if (params.weights_format != 0) throw Unsupported("shuffled weights");
  Conv conv;
  conv.input = input(node, 0);
  conv.output = output(node);
  const Tensor& in = at(conv.input);
  const Tensor& out = at(conv.output);
  const tfl::Tensor& weights = tensor_at(context_, node.inputs, 1);
  conv.weights = static_cast<const std::int8_t*>(constant_of(weights, tfl::kInt8));
  const std::vector<int> shape = shape_of(weights);
  const std::int64_t elements = std::int64_t{in.height} * in.width * in.channels;
  if (shape.size() != 2 || shape[1] != elements || shape[0] != out.channels || out.height != 1 ||
      out.width != 1) {
    throw Unsupported("weights of another shape than input and output");
  }
  // One window over the whole input: the weights of a pixel follow each other.
  conv.kernel_height = in.height;
  conv.kernel_width = in.width;
  conv.range = read_range(params.activation, out);
  read_scales(weights, 0, conv);
  read_bias(node, conv);
  graph_.ops.emplace_back(conv);
}

void GraphReader::add_addition(const tfl::Node& node) {
  expect_counts(node, 2, 2);
  const auto& params = params_of<tfl::AddParams>(node);
  Add op;
  op.a = input(node, 0);
  op.b = input(node, 1);
  op.output = output(node);
  op.range = read_range(params.activation, at(op.output));
  for (const int addend : {op.a, op.b}) {
    const float rescale = at(addend).scale / at(op.output).scale;
    if (!(rescale >= kMinAddRescale && rescale < kMaxRescale)) {
      throw Unsupported("scales too far apart");
    }
  }
  graph_.ops.emplace_back(op);
}

void GraphReader::add_pad(const tfl::Node& node, bool with_value) {
  expect_counts(node, with_value ? 3 : 2, with_value ? 3 : 2);
  expect_axes(tensor_at(context_, node.inputs, 0), 4);
  Pad op;
  op.input = input(node, 0);
  op.output = output(node);
  const tfl::Tensor& amounts = tensor_at(context_, node.inputs, 1);
  if (shape_of(amounts) != std::vector<int>{4, 2}) throw Unsupported("padding of other axes");
  const std::vector<int> values = read_integers(amounts);
  if (values[0] != 0 || values[1] != 0 || values[6] != 0 || values[7] != 0) {
    throw Unsupported("padding of the batch or the channels");
  }
  op.padding.top = values[2];
  op.padding.bottom = values[3];
  op.padding.left = values[4];
  op.padding.right = values[5];
  op.value = at(op.output).zero_point;
  if (with_value) {
    const tfl::Tensor& value = tensor_at(context_, node.inputs, 2);
    const auto* code = static_cast<const std::int8_t*>(constant_of(value, tfl::kInt8));
    const tfl::Affine& affine = affine_of(value);
    if (value.bytes != 1 || affine.scale->size != 1 ||
        affine.scale->data()[0] != at(op.output).scale ||
        affine.zero_point->data()[0] != at(op.output).zero_point) {
      throw Unsupported("a padding value on another grid");
    }
    op.value = *code;
  }
  graph_.ops.emplace_back(op);
}

void GraphReader::add_max_pool(const tfl::Node& node) {
  expect_counts(node, 1, 1);
  const auto& params = params_of<tfl::PoolParams>(node);
  if (params.stride_width < 1 || params.stride_height < 1 || params.filter_width < 1 ||
      params.filter_height < 1) {
    throw Unsupported("an empty window or stride");
  }
  expect_axes(tensor_at(context_, node.inputs, 0), 4);
  MaxPool op;
  op.input = input(node, 0);
  op.output = output(node);
  op.kernel_height = params.filter_height;
  op.kernel_width = params.filter_width;
  op.stride_height = params.stride_height;
  op.stride_width = params.stride_width;
  set_padding(params.padding, at(op.input), at(op.output), op);
  op.range = read_range(params.activation, at(op.output));
  graph_.ops.emplace_back(op);
}

void GraphReader::add_mean(const tfl::Node& node) {
  expect_counts(node, 2, 2);
  expect_axes(tensor_at(context_, node.inputs, 0), 4);
  std::vector<int> axes = read_integers(tensor_at(context_, node.inputs, 1));
  for (int& axis : axes) axis += axis < 0 ? 4 : 0;
  std::sort(axes.begin(), axes.end());
  if (axes != std::vector<int>{1, 2}) throw Unsupported("a mean over other axes than the pixels");
  Mean op;
  op.input = input(node, 0);
  op.output = output(node);
  graph_.ops.emplace_back(op);
}

std::string find_obstacle(const tfl::Context& context, const tfl::Node& node, std::int32_t code) {
  try {
    GraphReader reader(context);
    reader.add(node, code);
    const std::string error = find_error(reader.finish({node.outputs->data()[0]}));
    // It is about the only operation there is: where in the graph says nothing.
    return error.substr(0, std::min(error.find(" in operation"), error.find(" in tensor")));
  } catch (const Unsupported& reason) {
    return reason.what();
  }
}

}  // namespace edge_dnq
