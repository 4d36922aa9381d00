// The graph's arithmetic in plain integers, without any of the engine's parts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/graph.h"
#include "core/stock_rounding.h"

namespace edge_dnq {

using Values = std::vector<std::int8_t>;

inline int clamped(double value, const Range& range) {
  return static_cast<int>(std::clamp<double>(value, range.low, range.high));
}

/// The graph's arithmetic, one operation after the other, without any of the engine's parts.
class Reference {
 public:
  explicit Reference(const Graph& graph) : graph_(graph), values_(graph.tensors.size()) {}

  const Values& run(const Values& input) {
    values_[static_cast<std::size_t>(graph_.inputs[0])] = input;
    for (const Op& op : graph_.ops) std::visit([this](const auto& o) { compute(o); }, op);
    return values_[static_cast<std::size_t>(graph_.outputs[0])];
  }

 private:
  const Tensor& shape(int t) const { return graph_.tensors[static_cast<std::size_t>(t)]; }
  Values& of(int t) { return values_[static_cast<std::size_t>(t)]; }
  int value(int t, int y, int x, int c, int outside) {
    const Tensor& s = shape(t);
    if (y < 0 || x < 0 || y >= s.height || x >= s.width) return outside;
    return of(t)[static_cast<std::size_t>((y * s.width + x) * s.channels + c)];
  }

  template <typename Compute>
  void fill(int t, Compute compute) {
    const Tensor& s = shape(t);
    Values out;
    for (int y = 0; y < s.height; ++y)
      for (int x = 0; x < s.width; ++x)
        for (int c = 0; c < s.channels; ++c)
          out.push_back(static_cast<std::int8_t>(compute(y, x, c)));
    of(t) = out;
  }

  void compute(const Conv& op) {
    const Tensor& in = shape(op.input);
    const Tensor& out = shape(op.output);
    fill(op.output, [&](int y, int x, int c) {
      std::int32_t acc = op.bias == nullptr ? 0 : op.bias[c];
      for (int ky = 0; ky < op.kernel_height; ++ky)
        for (int kx = 0; kx < op.kernel_width; ++kx)
          for (int i = 0; i < in.channels; ++i) {
            const int q = value(op.input, y * op.stride_height + ky - op.padding.top,
                                x * op.stride_width + kx - op.padding.left, i, in.zero_point);
            acc +=
                (q - in.zero_point) *
                op.weights[((c * op.kernel_height + ky) * op.kernel_width + kx) * in.channels + i];
          }
      const float factor = in.scale * op.weight_scales[c] / out.scale;
      return clamped(std::nearbyint(static_cast<float>(acc) * factor) + out.zero_point, op.range);
    });
  }
  void compute(const DepthwiseConv& op) {
    const Tensor& in = shape(op.input);
    const Tensor& out = shape(op.output);
    fill(op.output, [&](int y, int x, int c) {
      std::int32_t acc = op.bias == nullptr ? 0 : op.bias[c];
      for (int ky = 0; ky < op.kernel_height; ++ky)
        for (int kx = 0; kx < op.kernel_width; ++kx) {
          const int q = value(op.input, y * op.stride_height + ky - op.padding.top,
                              x * op.stride_width + kx - op.padding.left, c, in.zero_point);
          acc += (q - in.zero_point) * op.weights[(ky * op.kernel_width + kx) * in.channels + c];
        }
      const float factor = in.scale * op.weight_scales[c] / out.scale;
      return clamped(std::nearbyint(static_cast<float>(acc) * factor) + out.zero_point, op.range);
    });
  }
  void compute(const Add& op) {
    const Tensor& a = shape(op.a);
    const Tensor& b = shape(op.b);
    const Tensor& out = shape(op.output);
    const float ratio = std::max(a.scale / out.scale, b.scale / out.scale);
    const int shift = 20 - static_cast<int>(std::floor(std::log2(ratio)));
    const auto factor = [&](const Tensor& t) {
      return static_cast<std::int64_t>(std::rint(std::ldexp(t.scale / out.scale, shift)));
    };
    fill(op.output, [&](int y, int x, int c) {
      const std::int64_t sum = (value(op.a, y, x, c, 0) - a.zero_point) * factor(a) +
                               (value(op.b, y, x, c, 0) - b.zero_point) * factor(b);
      const std::int64_t rounded = (sum + (std::int64_t{1} << (shift - 1))) >> shift;
      return clamped(static_cast<double>(rounded + out.zero_point), op.range);
    });
  }
  void compute(const Pad& op) {
    fill(op.output, [&](int y, int x, int c) {
      return value(op.input, y - op.padding.top, x - op.padding.left, c, op.value);
    });
  }
  void compute(const MaxPool& op) {
    fill(op.output, [&](int y, int x, int c) {
      int largest = -128;
      for (int ky = 0; ky < op.kernel_height; ++ky)
        for (int kx = 0; kx < op.kernel_width; ++kx)
          largest = std::max(largest, value(op.input, y * op.stride_height + ky - op.padding.top,
                                            x * op.stride_width + kx - op.padding.left, c, -128));
      return clamped(largest, op.range);
    });
  }
  void compute(const Mean& op) {
    const Tensor& in = shape(op.input);
    const Tensor& out = shape(op.output);
    const float count = static_cast<float>(in.height * in.width);
    const float factor = (in.scale / out.scale) * (1.0F / count);
    const float offset = stock_multiply_add(static_cast<float>(-in.zero_point) * count, factor,
                                            static_cast<float>(out.zero_point));
    fill(op.output, [&](int, int, int c) {
      int sum = 0;
      for (int y = 0; y < in.height; ++y)
        for (int x = 0; x < in.width; ++x) sum += value(op.input, y, x, c, 0);
      return clamped(std::nearbyint(stock_multiply_add(static_cast<float>(sum), factor, offset)),
                     {});
    });
  }

  const Graph& graph_;
  std::vector<Values> values_;
};

}  // namespace edge_dnq
