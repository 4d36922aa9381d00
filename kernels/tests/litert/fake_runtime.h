// A TensorFlow Lite runtime of a few functions: tensors and nodes in memory, in the real layouts.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "litert/abi.h"

namespace edge_dnq {

/// One subgraph and a runtime that replaces all chosen nodes by a single kernel.
class FakeRuntime {
 public:
  FakeRuntime() {
    context_.impl = this;
    context_.GetExecutionPlan = [](tfl::Context* context, tfl::IntArray** plan) {
      *plan = self(context).plan();
      return tfl::kOk;
    };
    context_.GetNodeAndRegistration = [](tfl::Context* context, int index, tfl::Node** node,
                                         tfl::Registration** registration) {
      return self(context).node(index, node, registration);
    };
    context_.ReplaceNodeSubsetsWithDelegateKernels =
        [](tfl::Context* context, tfl::Registration registration, const tfl::IntArray* nodes,
           tfl::Delegate* delegate) {
          return self(context).replace(registration, nodes, delegate);
        };
    context_.ReportError = report_error;
    context_.recommended_num_threads = -1;
  }
  FakeRuntime(const FakeRuntime&) = delete;
  FakeRuntime& operator=(const FakeRuntime&) = delete;
  ~FakeRuntime() {
    if (kernel.user_data != nullptr) registration_.free(&context_, kernel.user_data);
  }

  /// An int8 activation with memory of its own.
  int activation(std::vector<int> shape, float scale, int zero_point) {
    const int index = tensor(tfl::kInt8, std::move(shape), tfl::kArena);
    quantise(index, {scale}, {zero_point}, 0);
    return index;
  }

  template <typename Value>
  int constant(tfl::Type type, std::vector<int> shape, const std::vector<Value>& values) {
    const int index = tensor(type, std::move(shape), tfl::kReadOnly);
    auto& bytes = memory_.emplace_back(values.size() * sizeof(Value));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    at(index).data = bytes.data();
    at(index).bytes = bytes.size();
    return index;
  }

  void quantise(int index, std::vector<float> scales, std::vector<int> zero_points, int axis) {
    auto& affine = affines_.emplace_back();
    affine.scale = reinterpret_cast<tfl::FloatArray*>(array(scales));
    affine.zero_point = reinterpret_cast<tfl::IntArray*>(array(zero_points));
    affine.quantized_dimension = axis;
    at(index).quantization = {tfl::kAffine, &affine};
  }

  template <typename Params>
  int add(tfl::Builtin code, const std::vector<int>& inputs, int output, const Params& params) {
    auto& bytes = memory_.emplace_back(sizeof(Params));
    std::memcpy(bytes.data(), &params, sizeof(Params));
    nodes_.push_back({});
    tfl::Node& made = nodes_.back();
    made.inputs = reinterpret_cast<tfl::IntArray*>(array(inputs));
    made.outputs = reinterpret_cast<tfl::IntArray*>(array(std::vector<int>{output}));
    made.builtin_data = bytes.data();
    registrations_.push_back({});
    registrations_.back().builtin_code = code;
    return static_cast<int>(nodes_.size()) - 1;
  }

  void reshape(int index, const std::vector<int>& shape) {
    at(index).dims = reinterpret_cast<tfl::IntArray*>(array(shape));
  }

  tfl::IntArray* ints(const std::vector<int>& values) {
    return reinterpret_cast<tfl::IntArray*>(array(values));
  }

  tfl::Tensor& at(int index) { return tensors_[static_cast<std::size_t>(index)]; }
  std::int8_t* data(int index) { return static_cast<std::int8_t*>(at(index).data); }
  tfl::Node& node(int index) { return nodes_[static_cast<std::size_t>(index)]; }
  tfl::Registration& registration(int index) {
    return registrations_[static_cast<std::size_t>(index)];
  }
  tfl::Context& context() {
    context_.tensors = tensors_.data();
    context_.tensors_size = tensors_.size();
    return context_;
  }

  tfl::Status prepare() { return registration_.prepare(&context(), &kernel); }
  tfl::Status invoke() { return registration_.invoke(&context(), &kernel); }

  std::vector<int> graph_outputs;  // what the region has to give
  std::vector<int> claimed;
  std::vector<std::string> errors;
  bool nodes_may_be_asked = true;
  bool initialising_may_ask = true;
  tfl::Node kernel{};

 private:
  static FakeRuntime& self(tfl::Context* context) {
    return *static_cast<FakeRuntime*>(context->impl);
  }

  static void report_error(tfl::Context* context, const char* format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    self(context).errors.emplace_back(line);
  }

  int tensor(tfl::Type type, std::vector<int> shape, tfl::Allocation allocation) {
    std::size_t count = 1;
    for (const int size : shape) count *= static_cast<std::size_t>(size > 0 ? size : 0);
    tfl::Tensor made{};
    made.type = type;
    made.dims = ints(shape);
    made.allocation_type = allocation;
    made.bytes = count;
    made.data = memory_.emplace_back(count).data();
    tensors_.push_back(made);
    return static_cast<int>(tensors_.size()) - 1;
  }

  /// A counted array in memory.
  template <typename Value>
  void* array(const std::vector<Value>& values) {
    static_assert(sizeof(Value) == sizeof(int));
    auto& bytes = memory_.emplace_back((values.size() + 1) * sizeof(int));
    const int size = static_cast<int>(values.size());
    std::memcpy(bytes.data(), &size, sizeof(size));
    if (size > 0)
      std::memcpy(bytes.data() + sizeof(int), values.data(), bytes.size() - sizeof(int));
    return bytes.data();
  }

  tfl::IntArray* plan() {
    std::vector<int> all;
    for (std::size_t i = 0; i < nodes_.size(); ++i) all.push_back(static_cast<int>(i));
    return ints(all);
  }

  tfl::Status node(int index, tfl::Node** node, tfl::Registration** registration) {
    if (!nodes_may_be_asked) return tfl::kError;
    *node = &nodes_[static_cast<std::size_t>(index)];
    *registration = &registrations_[static_cast<std::size_t>(index)];
    return tfl::kOk;
  }

  tfl::Status replace(const tfl::Registration& registration, const tfl::IntArray* nodes,
                      tfl::Delegate* delegate) {
    claimed.assign(nodes->data(), nodes->data() + nodes->size);
    registration_ = registration;
    nodes_may_be_asked = initialising_may_ask;
    tfl::DelegateParams params{delegate, ints(claimed), ints({}), ints(graph_outputs)};
    kernel.user_data =
        registration_.init(&context(), reinterpret_cast<const char*>(&params), sizeof(params));
    return tfl::kOk;
  }

  std::deque<std::vector<char>> memory_;
  std::deque<tfl::Affine> affines_;
  std::vector<tfl::Tensor> tensors_;
  std::deque<tfl::Node> nodes_;
  std::deque<tfl::Registration> registrations_;
  tfl::Registration registration_{};
  tfl::Context context_{};
};

}  // namespace edge_dnq
