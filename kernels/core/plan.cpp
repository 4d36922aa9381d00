#include "core/plan.h"

#include <algorithm>

#include "core/rebase.h"
#include "core/select.h"

namespace edge_dnq {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

class Planner {
 public:
  Planner(const Graph& graph, Isa isa) : graph_(graph), isa_(isa) {
    for (const Tensor& tensor : graph.tensors)
      plan_.tensors.push_back({tensor, {}, true, Format::kS8, {}});
    for (const Op& op : graph.ops) plan_.ops.push_back({op, {}, nullptr, {}});
  }

  Plan run() {
    fold_padding();
    fuse_additions();
    set_ranges();
    rebase_codes(plan_, graph_);
    for (PlannedOp& op : plan_.ops) {
      if (const auto* conv = std::get_if<Conv>(&op.op)) {
        const Window window = window_of(*conv, tensor(conv->input).shape);
        op.facts = weight_facts(conv->weights,
                                static_cast<std::size_t>(tensor(conv->output).shape.channels) *
                                    window.height * window.width * window.channels);
      }
    }
    choose_kernels(plan_, isa_);
    set_halos();
    return std::move(plan_);
  }

 private:
  PlannedTensor& tensor(int index) { return plan_.tensors[static_cast<std::size_t>(index)]; }

  bool is_output(int index) const {
    return std::find(graph_.outputs.begin(), graph_.outputs.end(), index) != graph_.outputs.end();
  }

  /// The only operation that reads `index`, or the end.
  std::vector<PlannedOp>::iterator only_reader(int index) {
    auto reader = plan_.ops.end();
    int uses = 0;
    for (auto op = plan_.ops.begin(); op != plan_.ops.end(); ++op) {
      const std::vector<int> inputs = op->inputs();
      uses += static_cast<int>(std::count(inputs.begin(), inputs.end(), index));
      if (std::count(inputs.begin(), inputs.end(), index) > 0) reader = op;
    }
    return uses == 1 && !is_output(index) ? reader : plan_.ops.end();
  }

  template <typename Windowed>
  static bool absorb(Windowed& op, const Pad& pad) {
    const Padding sum{op.padding.top + pad.padding.top, op.padding.left + pad.padding.left,
                      op.padding.bottom + pad.padding.bottom, op.padding.right + pad.padding.right};
    if (sum.top >= op.kernel_height || sum.bottom >= op.kernel_height ||
        sum.left >= op.kernel_width || sum.right >= op.kernel_width) {
      return false;
    }
    op.padding = sum;
    op.input = pad.input;
    return true;
  }

  /// A PAD with the value that the next window operation pads with becomes part of it.
  void fold_padding() {
    for (std::size_t i = 0; i < plan_.ops.size();) {
      const auto* pad = std::get_if<Pad>(&plan_.ops[i].op);
      bool folded = false;
      if (pad != nullptr) {
        const auto reader = only_reader(pad->output);
        if (reader != plan_.ops.end()) {
          folded = std::visit(
              Overloaded{
                  [&](Conv& op) {
                    return pad->value == tensor(pad->input).shape.zero_point && absorb(op, *pad);
                  },
                  [&](DepthwiseConv& op) {
                    return pad->value == tensor(pad->input).shape.zero_point && absorb(op, *pad);
                  },
                  [&](MaxPool& op) { return pad->value == -128 && absorb(op, *pad); },
                  [](auto&) { return false; }},
              reader->op);
        }
      }
      if (folded) {
        tensor(pad->output).stored = false;
        plan_.ops.erase(plan_.ops.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }

  /// An addition moves into the later of the convolutions that only it reads.
  void fuse_additions() {
    for (std::size_t i = 0; i < plan_.ops.size();) {
      const auto* add = std::get_if<Add>(&plan_.ops[i].op);
      const std::ptrdiff_t conv = add == nullptr ? -1 : producer_to_fuse(*add, i);
      if (conv < 0) {
        ++i;
        continue;
      }
      PlannedOp& op = plan_.ops[static_cast<std::size_t>(conv)];
      const int own = std::get<Conv>(op.op).output;
      op.add = {add->a == own ? add->b : add->a, add->output, add->range};
      tensor(own).stored = false;
      plan_.ops.erase(plan_.ops.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  std::ptrdiff_t producer_to_fuse(const Add& add, std::size_t position) {
    if (add.a == add.b) return -1;
    for (std::size_t i = position; i-- > 0;) {
      const int output = plan_.ops[i].output();
      if (output != add.a && output != add.b) continue;
      // The later producer: the other term exists by now.
      const bool alone = only_reader(output) != plan_.ops.end();
      const bool is_conv = std::holds_alternative<Conv>(plan_.ops[i].op);
      return is_conv && alone && plan_.ops[i].add.other < 0 ? static_cast<std::ptrdiff_t>(i) : -1;
    }
    return -1;
  }

  void set_ranges() {
    for (PlannedOp& op : plan_.ops) {
      std::visit(
          Overloaded{
              [&](const Conv& c) { tensor(c.output).range = c.range; },
              [&](const DepthwiseConv& c) { tensor(c.output).range = c.range; },
              [&](const Add& a) { tensor(a.output).range = a.range; },
              [&](const Pad& p) {
                const Range in = tensor(p.input).range;
                tensor(p.output).range = {std::min(in.low, p.value), std::max(in.high, p.value)};
              },
              [&](const MaxPool& p) {
                const Range in = tensor(p.input).range;
                tensor(p.output).range = {std::clamp(in.low, p.range.low, p.range.high),
                                          std::clamp(in.high, p.range.low, p.range.high)};
              },
              [](const Mean&) {}},
          op.op);
      if (op.add.other >= 0) tensor(op.add.output).range = op.add.range;
    }
  }

  void widen_halo(int index, const Padding& need) {
    Padding& halo = tensor(index).halo;
    halo = {std::max(halo.top, need.top), std::max(halo.left, need.left),
            std::max(halo.bottom, need.bottom), std::max(halo.right, need.right)};
  }

  void set_halos() {
    for (const PlannedOp& op : plan_.ops) {
      if (const auto* conv = std::get_if<Conv>(&op.op)) widen_halo(conv->input, conv->padding);
      if (const auto* conv = std::get_if<DepthwiseConv>(&op.op)) {
        widen_halo(conv->input, conv->padding);
      }
    }
  }

  const Graph& graph_;
  Isa isa_;
  Plan plan_;
};

}  // namespace

std::vector<int> PlannedOp::inputs() const {
  std::vector<int> all =
      std::visit(Overloaded{[](const Add& add) {
                              return std::vector<int>{add.a, add.b};
                            },
                            [](const auto& other) { return std::vector<int>{other.input}; }},
                 op);
  if (add.other >= 0) all.push_back(add.other);
  return all;
}

int PlannedOp::output() const {
  return add.other >= 0 ? add.output : std::visit([](const auto& op) { return op.output; }, op);
}

Window window_of(const Conv& conv, const Tensor& input) {
  return {static_cast<std::size_t>(conv.kernel_height), static_cast<std::size_t>(conv.kernel_width),
          static_cast<std::size_t>(input.channels)};
}

Plan make_plan(const Graph& graph, Isa isa) { return Planner(graph, isa).run(); }

}  // namespace edge_dnq
