#include <cmath>
#include <cstdlib>
#include <string>

#include "core/add_factors.h"
#include "core/graph.h"

namespace edge_dnq {
namespace {

constexpr int kMaxSide = 1 << 14;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
/// Longest window: 32,768 products of 255 * 127 and the largest bias still fit int32.
constexpr std::int64_t kMaxWindow = 1 << 15;
constexpr std::int32_t kMaxBias = 1 << 30;

class Checker {
 public:
  explicit Checker(const Graph& graph) : graph_(graph), known_(graph.tensors.size(), false) {}

  std::string run() {
    for (std::size_t i = 0; i < graph_.tensors.size(); ++i) {
      if (!check_tensor(graph_.tensors[i])) return error_ + " in tensor " + std::to_string(i);
    }
    if (graph_.inputs.empty() || graph_.outputs.empty() || graph_.ops.empty()) {
      return "a graph needs inputs, operations and outputs";
    }
    for (const int input : graph_.inputs) {
      if (!define(input)) return error_ + " among the inputs";
    }
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      if (!std::visit([this](const auto& op) { return check(op); }, graph_.ops[i])) {
        return error_ + " in operation " + std::to_string(i);
      }
    }
    for (const int output : graph_.outputs) {
      if (!is_known(output)) return "an output that nothing computes";
    }
    return "";
  }

 private:
  bool fail(const char* what) {
    error_ = what;
    return false;
  }

  bool check_tensor(const Tensor& t) {
    if (t.height < 1 || t.width < 1 || t.channels < 1) return fail("an empty shape");
    if (t.height > kMaxSide || t.width > kMaxSide || t.channels > kMaxSide ||
        std::int64_t{t.height} * t.width * t.channels > kMaxElements) {
      return fail("a shape larger than the engine takes");
    }
    if (!(t.scale > 0.0F) || !std::isfinite(t.scale)) return fail("a scale that is not positive");
    return t.zero_point >= -128 && t.zero_point <= 127 ? true : fail("a zero point outside int8");
  }

  bool is_known(int tensor) const {
    return tensor >= 0 && static_cast<std::size_t>(tensor) < known_.size() &&
           known_[static_cast<std::size_t>(tensor)];
  }

  bool define(int tensor) {
    if (tensor < 0 || static_cast<std::size_t>(tensor) >= known_.size()) {
      return fail("a tensor that does not exist");
    }
    if (known_[static_cast<std::size_t>(tensor)]) return fail("a tensor computed twice");
    known_[static_cast<std::size_t>(tensor)] = true;
    return true;
  }

  const Tensor& at(int tensor) const { return graph_.tensors[static_cast<std::size_t>(tensor)]; }

  bool check_range(const Range& range) {
    return range.low >= -128 && range.high <= 127 && range.low <= range.high
               ? true
               : fail("an output range outside int8");
  }

  bool check_window(const Tensor& in, const Tensor& out, int height, int width, int stride_height,
                    int stride_width, const Padding& padding) {
    if (height < 1 || width < 1 || stride_height < 1 || stride_width < 1 || height > kMaxSide ||
        width > kMaxSide || stride_height > kMaxSide || stride_width > kMaxSide) {
      return fail("a window or stride out of range");
    }
    if (padding.top < 0 || padding.left < 0 || padding.bottom < 0 || padding.right < 0 ||
        padding.top >= height || padding.bottom >= height || padding.left >= width ||
        padding.right >= width) {
      return fail("padding that is not smaller than the window");
    }
    const int rows = in.height + padding.top + padding.bottom - height;
    const int columns = in.width + padding.left + padding.right - width;
    return rows >= 0 && columns >= 0 && rows / stride_height + 1 == out.height &&
                   columns / stride_width + 1 == out.width
               ? true
               : fail("an output shape that does not follow from the input's");
  }

  bool check(const Conv& op) { return check_ends(op) && check_conv(op, at(op.input).channels); }

  bool check(const DepthwiseConv& op) {
    if (!check_ends(op)) return false;
    if (at(op.input).channels != at(op.output).channels) {
      return fail("a depthwise convolution that changes the channels");
    }
    return check_conv(op, 1);
  }

  /// Of an operation with one input.
  template <typename Operation>
  bool check_ends(const Operation& op) {
    return is_known(op.input) ? define(op.output) : fail("an input that is not computed yet");
  }

  /// `depth`: input channels that one output channel sums over.
  template <typename Convolution>
  bool check_conv(const Convolution& op, std::int64_t depth) {
    const Tensor& in = at(op.input);
    const Tensor& out = at(op.output);
    if (op.weights == nullptr || op.weight_scales == nullptr) return fail("missing weights");
    if (!check_window(in, out, op.kernel_height, op.kernel_width, op.stride_height, op.stride_width,
                      op.padding)) {
      return false;
    }
    if (std::int64_t{op.kernel_height} * op.kernel_width * depth > kMaxWindow) {
      return fail("a window too large for int32 sums");
    }
    for (int i = 0; i < out.channels; ++i) {
      const float scale = op.weight_scales[i];
      if (!(scale > 0.0F) || !std::isfinite(in.scale * scale / out.scale)) {
        return fail("a weight scale that is not positive");
      }
      if (op.bias != nullptr && (op.bias[i] > kMaxBias || op.bias[i] < -kMaxBias)) {
        return fail("a bias too large for int32 sums");
      }
    }
    return check_range(op.range);
  }

  bool check(const Add& op) {
    if (!is_known(op.a) || !is_known(op.b)) return fail("an input that is not computed yet");
    if (!define(op.output)) return false;
    const Tensor& a = at(op.a);
    const Tensor& b = at(op.b);
    const Tensor& out = at(op.output);
    for (const Tensor* t : {&a, &b}) {
      if (t->height != out.height || t->width != out.width || t->channels != out.channels) {
        return fail("an addition of different shapes");
      }
    }
    if (!can_add(a, b, out)) return fail("an addition of scales too far apart");
    return check_range(op.range);
  }

  bool check(const Pad& op) {
    if (!check_ends(op)) return false;
    const Tensor& in = at(op.input);
    const Tensor& out = at(op.output);
    const Padding& p = op.padding;
    if (p.top < 0 || p.left < 0 || p.bottom < 0 || p.right < 0 || p.top > kMaxSide ||
        p.left > kMaxSide || p.bottom > kMaxSide || p.right > kMaxSide) {
      return fail("padding out of range");
    }
    if (in.height + p.top + p.bottom != out.height || in.width + p.left + p.right != out.width ||
        in.channels != out.channels) {
      return fail("an output shape that does not follow from the input's");
    }
    if (!same_grid(in, out)) return fail("padding that changes the scale");
    return op.value >= -128 && op.value <= 127 ? true : fail("a padding value outside int8");
  }

  bool check(const MaxPool& op) {
    if (!check_ends(op)) return false;
    const Tensor& in = at(op.input);
    const Tensor& out = at(op.output);
    if (in.channels != out.channels) return fail("pooling that changes the channels");
    if (!same_grid(in, out)) return fail("pooling that changes the scale");
    return check_window(in, out, op.kernel_height, op.kernel_width, op.stride_height,
                        op.stride_width, op.padding) &&
           check_range(op.range);
  }

  bool check(const Mean& op) {
    if (!check_ends(op)) return false;
    const Tensor& in = at(op.input);
    const Tensor& out = at(op.output);
    // Sums of at most 2^16 int8 values are exact in float32.
    if (in.height * in.width > 1 << 16) return fail("a mean over too many pixels");
    return out.height == 1 && out.width == 1 && in.channels == out.channels
               ? true
               : fail("an output shape that does not follow from the input's");
  }

  static bool same_grid(const Tensor& a, const Tensor& b) {
    return a.scale == b.scale && a.zero_point == b.zero_point;
  }

  const Graph& graph_;
  std::vector<bool> known_;
  std::string error_;
};

}  // namespace

std::string find_error(const Graph& graph) { return Checker(graph).run(); }

}  // namespace edge_dnq
