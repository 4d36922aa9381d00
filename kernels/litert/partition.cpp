#include "litert/partition.h"

#include <algorithm>
#include <utility>

#include "litert/graph_reader.h"

namespace edge_dnq {
namespace {

constexpr int kMaxThreads = 64;

std::vector<int> copy(const tfl::IntArray* values) {
  if (values == nullptr) return {};
  return std::vector<int>(values->data(), values->data() + values->size);
}

int thread_count(const DelegateOptions& options, const tfl::Context& context) {
  const int wanted = options.threads > 0 ? options.threads : context.recommended_num_threads;
  return std::clamp(wanted, 1, kMaxThreads);
}

}  // namespace

Partition::Partition(tfl::Context& context, const tfl::DelegateParams& params,
                     const DelegateOptions& options, std::shared_ptr<AdapterReport> report)
    : options_(options), report_(std::move(report)), boundary_(copy(params.output_tensors)) {
  for (const int index : copy(params.nodes_to_replace)) {
    tfl::Node* node = nullptr;
    tfl::Registration* registration = nullptr;
    if (context.GetNodeAndRegistration(&context, index, &node, &registration) != tfl::kOk) {
      throw Unsupported("the runtime does not give node " + std::to_string(index));
    }
    nodes_.emplace_back(*node, registration->builtin_code);
  }
}

Partition::~Partition() { report_->remove_partition(this); }

void Partition::prepare(tfl::Context& context) {
  if (engine_ != nullptr && shapes(context) == shapes_) return;
  engine_.reset();
  GraphReader reader(context);
  Graph graph;
  try {
    for (const auto& [node, code] : nodes_) reader.add(node, code);
    graph = reader.finish(boundary_);
  } catch (const Unsupported& reason) {
    // Every node could be run when it was claimed.
    throw Unsupported("cannot run the program in its new shape: " + std::string(reason.what()));
  }
  EngineOptions options;
  options.isa = options_.isa;
  options.threads = thread_count(options_, context);
  engine_ = Engine::build(graph, options);
  inputs_ = reader.inputs();
  outputs_ = reader.outputs();
  input_data_.resize(inputs_.size());
  output_data_.resize(outputs_.size());
  shapes_ = shapes(context);
  engine_->set_profiling(options_.profile);
  publish(context);
}

void Partition::publish(const tfl::Context& context) {
  report_->set_partition(&context,
                         {this, static_cast<int>(nodes_.size()), thread_count(options_, context),
                          engine_->ops(), engine_->memory()});
}

std::vector<int> Partition::shapes(const tfl::Context& context) const {
  std::vector<int> sizes;
  for (const std::vector<int>* side : {&inputs_, &outputs_}) {
    for (const int tensor : *side) {
      const std::vector<int> shape = copy(context.tensors[tensor].dims);
      sizes.push_back(static_cast<int>(shape.size()));
      sizes.insert(sizes.end(), shape.begin(), shape.end());
    }
  }
  return sizes;
}

void Partition::invoke(const tfl::Context& context) {
  if (engine_ == nullptr) throw Unsupported("run before its tensors were allocated");
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    input_data_[i] = static_cast<const std::int8_t*>(context.tensors[inputs_[i]].data);
    if (input_data_[i] == nullptr) throw Unsupported("an input without memory");
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    output_data_[i] = static_cast<std::int8_t*>(context.tensors[outputs_[i]].data);
    if (output_data_[i] == nullptr) throw Unsupported("an output without memory");
  }
  engine_->run(input_data_.data(), output_data_.data());
  if (options_.profile) publish(context);
}

}  // namespace edge_dnq
