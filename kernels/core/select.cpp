#include "core/select.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "core/flush_bound.h"

namespace edge_dnq {
namespace {

constexpr double kImpossible = std::numeric_limits<double>::infinity();
constexpr Format kFormats[] = {Format::kS8, Format::kU8, Format::kPair2, Format::kTriple2};
/// Flushing costs about this many steps' worth of work.
constexpr double kFlushCost = 2.0;
/// A two-bit weight's largest code.
constexpr int kMaxCode = 3;

struct Choice {
  const MicroKernel* kernel = nullptr;
  double cost = kImpossible;
};

class Selector {
 public:
  Selector(Plan& plan, Isa isa) : plan_(plan) {
    for (const Isa candidate : {isa, Isa::kScalar}) {
      std::size_t count = 0;
      const MicroKernel* kernels = kernels_of(candidate, count);
      for (std::size_t i = 0; i < count; ++i) kernels_.push_back(&kernels[i]);
    }
  }

  void run() {
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      if (plan_.tensors[i].stored) choose_format(static_cast<int>(i));
    }
    for (PlannedOp& op : plan_.ops) {
      const auto* conv = std::get_if<Conv>(&op.op);
      if (conv == nullptr) continue;
      op.kernel = best(op, *conv, tensor(conv->input).format).kernel;
      if (op.kernel == nullptr) throw std::invalid_argument("no micro-kernel fits a convolution");
    }
  }

 private:
  const PlannedTensor& tensor(int index) const {
    return plan_.tensors[static_cast<std::size_t>(index)];
  }

  void choose_format(int index) {
    double least = kImpossible;
    bool read_by_conv = false;
    for (const Format format : kFormats) {
      double total = 0.0;
      for (const PlannedOp& op : plan_.ops) {
        const auto* depthwise = std::get_if<DepthwiseConv>(&op.op);
        if (depthwise != nullptr && depthwise->input == index && channels_per_byte(format) > 1) {
          total = kImpossible;
        }
        const auto* conv = std::get_if<Conv>(&op.op);
        if (conv == nullptr || conv->input != index) continue;
        read_by_conv = true;
        total += best(op, *conv, format).cost;
      }
      if (read_by_conv && total < least) {
        least = total;
        plan_.tensors[static_cast<std::size_t>(index)].format = format;
      }
    }
  }

  Choice best(const PlannedOp& op, const Conv& conv, Format format) const {
    Choice choice;
    for (const MicroKernel* kernel : kernels_) {
      if (kernel->format != format) continue;
      const double cost = cost_of(*kernel, op, conv);
      if (cost < choice.cost) choice = {kernel, cost};
    }
    return choice;
  }

  /// Cycles that the kernel needs by its nominal rate, padding included.
  double cost_of(const MicroKernel& kernel, const PlannedOp& op, const Conv& conv) const {
    const PlannedTensor& in = tensor(conv.input);
    const Tensor& out = tensor(conv.output).shape;
    const int zero_point = in.shape.zero_point;
    const int largest = std::max(in.range.high, zero_point) + storage_offset(kernel.format);
    int weight_max = op.facts.max_magnitude;
    if (holds_codes(kernel.element)) {
      if (!op.facts.two_bit || zero_point != -128 || largest > kMaxCode) return kImpossible;
      weight_max = kMaxCode;
    }
    if (kernel.format == Format::kU8 && largest > kernel.activation_limit) return kImpossible;
    if (weight_max > kernel.weight_limit) return kImpossible;
    const Window window = window_of(conv, in.shape);
    const std::size_t steps = window.height * window.steps(kernel);
    const std::size_t flush = flush_bound(kernel, largest, weight_max);
    if (flush < 1 || steps > window_bound(kernel, largest, weight_max)) return kImpossible;
    const double macs =
        static_cast<double>(steps) * kernel.kr *
        static_cast<double>(block_count(kernel, static_cast<std::size_t>(out.channels))) *
        kernel.nr * out.height * out.width;
    if (kernel.accumulator == Accumulator::kInt32) return macs / kernel.rate;
    return macs / kernel.rate * (1.0 + kFlushCost / static_cast<double>(std::min(flush, steps)));
  }

  Plan& plan_;
  std::vector<const MicroKernel*> kernels_;
};

}  // namespace

void choose_kernels(Plan& plan, Isa isa) { Selector(plan, isa).run(); }

}  // namespace edge_dnq
