#include "core/rebase.h"

#include <algorithm>
#include <cstddef>
#include <variant>
#include <vector>

namespace edge_dnq {
namespace {

constexpr int kLowest = -128;

class Rebaser {
 public:
  Rebaser(Plan& plan, const Graph& graph) : plan_(plan), shifts_(plan.tensors.size(), 0) {
    for (std::size_t i = 0; i < shifts_.size(); ++i) {
      const PlannedTensor& tensor = plan.tensors[i];
      if (tensor.range.low == tensor.shape.zero_point) {
        shifts_[i] = kLowest - tensor.shape.zero_point;
      }
    }
    for (const int outside : graph.inputs) shift(outside) = 0;
    for (const int outside : graph.outputs) shift(outside) = 0;
  }

  void run() {
    while (settle()) {
    }
    for (PlannedOp& op : plan_.ops) {
      std::visit([this](auto& own) { move(own); }, op.op);
      if (op.add.other >= 0) move(op.add.range, op.add.output);
    }
    for (std::size_t i = 0; i < shifts_.size(); ++i) {
      plan_.tensors[i].shape.zero_point += shifts_[i];
      moved(plan_.tensors[i].range, shifts_[i]);
    }
  }

 private:
  int& shift(int tensor) { return shifts_[static_cast<std::size_t>(tensor)]; }

  /// Takes back shifts that an operation cannot follow; true when it took one back.
  bool settle() {
    bool changed = false;
    const auto drop = [&](int tensor) {
      changed = changed || shift(tensor) != 0;
      shift(tensor) = 0;
    };
    for (const PlannedOp& op : plan_.ops) {
      if (const auto* mean = std::get_if<Mean>(&op.op)) drop(mean->input);
      if (const auto* pool = std::get_if<MaxPool>(&op.op)) {
        if (shift(pool->input) != shift(pool->output)) drop(pool->input), drop(pool->output);
      }
      if (const auto* pad = std::get_if<Pad>(&op.op)) {
        if (shift(pad->input) != shift(pad->output)) drop(pad->input), drop(pad->output);
      }
    }
    return changed;
  }

  static void moved(Range& range, int by) {
    range = {std::max(kLowest, range.low + by), range.high + by};
  }

  void move(Range& range, int output) { moved(range, shift(output)); }
  void move(Conv& op) { move(op.range, op.output); }
  void move(DepthwiseConv& op) { move(op.range, op.output); }
  void move(Add& op) { move(op.range, op.output); }
  void move(MaxPool& op) { move(op.range, op.output); }
  void move(Pad& op) { op.value += shift(op.output); }
  void move(Mean&) {}

  Plan& plan_;
  std::vector<int> shifts_;
};

}  // namespace

void rebase_codes(Plan& plan, const Graph& graph) { Rebaser(plan, graph).run(); }

}  // namespace edge_dnq
