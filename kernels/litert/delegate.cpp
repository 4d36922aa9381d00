#include "litert/delegate.h"

#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <vector>

#include "core/report.h"
#include "litert/dynamic_shapes.h"
#include "litert/graph_reader.h"
#include "litert/operator_names.h"
#include "litert/partition.h"

namespace edge_dnq {
namespace {

// Graphs may hold dynamic tensors, of which nothing is claimed; and where a tensor is resized, its
// shape must have arrived everywhere before a partition is prepared again.
constexpr std::int64_t kAllowDynamicTensors = 1;
constexpr std::int64_t kRequirePropagatedShapes = 2;

struct State {
  tfl::Delegate delegate{};
  DelegateOptions options;
  std::shared_ptr<AdapterReport> report;
};

/// Runs `body`; no exception gets past it.
template <typename Body>
tfl::Status guarded(tfl::Context* context, Body body) {
  try {
    body();
    return tfl::kOk;
  } catch (const std::exception& error) {
    // With a line break: some reporters join what they are told.
    context->ReportError(context, "edge-dnq kernels: %s\n", error.what());
  } catch (...) {
    context->ReportError(context, "edge-dnq kernels: unknown error\n");
  }
  return tfl::kError;
}

void* init(tfl::Context* context, const char* buffer, std::size_t) {
  std::unique_ptr<Partition> partition;
  guarded(context, [&] {
    const auto* params = reinterpret_cast<const tfl::DelegateParams*>(buffer);
    const auto* state = static_cast<const State*>(params->delegate->data);
    partition = std::make_unique<Partition>(*context, *params, state->options, state->report);
  });
  return partition.release();
}

void release(tfl::Context*, void* partition) { delete static_cast<Partition*>(partition); }

tfl::Status prepare(tfl::Context* context, tfl::Node* node) {
  if (node->user_data == nullptr) return tfl::kError;
  return guarded(context, [&] { static_cast<Partition*>(node->user_data)->prepare(*context); });
}

tfl::Status invoke(tfl::Context* context, tfl::Node* node) {
  if (node->user_data == nullptr) return tfl::kError;
  return guarded(context, [&] { static_cast<Partition*>(node->user_data)->invoke(*context); });
}

tfl::Registration partition_registration() {
  tfl::Registration registration{};
  registration.init = init;
  registration.free = release;
  registration.prepare = prepare;
  registration.invoke = invoke;
  registration.builtin_code = tfl::kDelegateNode;
  registration.custom_name = "EdgeDnqKernels";
  registration.version = 1;
  return registration;
}

/// Empty when the node is to be claimed.
std::string why_not(const tfl::Context& context, const tfl::Node& node, std::int32_t code,
                    const DelegateOptions& options, const DynamicShapes& dynamic) {
  if (options.off) return "switched off";
  if (node.delegate != nullptr) return "taken by another delegate";
  const std::string obstacle = find_obstacle(context, node, code);
  if (!obstacle.empty()) return obstacle;
  return dynamic.reach(node) ? "an input whose shape may change while running" : "";
}

/// Fills `report` and returns the nodes to claim behind their count, as the runtime takes them.
std::vector<int> choose_nodes(tfl::Context* context, const DelegateOptions& options,
                              GraphReport& report) {
  tfl::IntArray* plan = nullptr;
  if (context->GetExecutionPlan(context, &plan) != tfl::kOk || plan == nullptr) {
    throw Unsupported("the runtime gives no execution plan");
  }
  // A copy: asking for nodes may move the plan.
  const std::vector<int> indices(plan->data(), plan->data() + plan->size);
  std::vector<int> chosen{0};
  DynamicShapes dynamic(*context);
  report.graph = context;
  report.nodes = static_cast<int>(indices.size());
  for (const int index : indices) {
    tfl::Node* node = nullptr;
    tfl::Registration* registration = nullptr;
    if (context->GetNodeAndRegistration(context, index, &node, &registration) != tfl::kOk) {
      throw Unsupported("the runtime does not give node " + std::to_string(index));
    }
    const std::int32_t code = registration->builtin_code;
    const std::string reason = why_not(*context, *node, code, options, dynamic);
    if (reason.empty()) {
      chosen.push_back(index);
    } else {
      report.declined.push_back({index, operator_name(*registration), reason});
      dynamic.pass(*node, code);
    }
  }
  report.claimed = chosen[0] = static_cast<int>(chosen.size()) - 1;
  return chosen;
}

void tell(const GraphReport& report, const DelegateOptions& options) {
  std::fprintf(stderr, "edge-dnq kernels (%s): %d of %d operations\n",
               options.off ? "off" : name(options.isa), report.claimed, report.nodes);
  for (const DeclinedNode& node : report.declined) {
    std::fprintf(stderr, "  %d %s: %s\n", node.node, node.op.c_str(), node.reason.c_str());
  }
}

tfl::Status prepare_delegate(tfl::Context* context, tfl::Delegate* delegate) {
  tfl::Status replaced = tfl::kOk;
  const tfl::Status status = guarded(context, [&] {
    const auto* state = static_cast<const State*>(delegate->data);
    GraphReport report;
    const std::vector<int> chosen = choose_nodes(context, state->options, report);
    if (state->options.verbose) tell(report, state->options);
    state->report->set_graph(std::move(report));
    if (chosen[0] == 0) return;
    replaced = context->ReplaceNodeSubsetsWithDelegateKernels(
        context, partition_registration(), reinterpret_cast<const tfl::IntArray*>(chosen.data()),
        delegate);
  });
  return status == tfl::kOk ? replaced : status;
}

}  // namespace

tfl::Delegate* create_delegate(const DelegateOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->report =
      std::make_shared<AdapterReport>(options.off ? "off" : name(options.isa), options.off);
  if (!options.report.empty()) publish_report(options.report, state->report);
  state->delegate.data = state.get();
  state->delegate.prepare = prepare_delegate;
  state->delegate.flags = kAllowDynamicTensors | kRequirePropagatedShapes;
  return &state.release()->delegate;
}

void destroy_delegate(tfl::Delegate* delegate) {
  if (delegate != nullptr) delete static_cast<State*>(delegate->data);
}

}  // namespace edge_dnq
