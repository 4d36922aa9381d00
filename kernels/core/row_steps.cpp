// Addition, padding, pooling and mean, for tensors in any storage format.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/add_factors.h"
#include "core/step.h"
#include "core/stock_rounding.h"

namespace edge_dnq {
namespace {

std::size_t padded(std::size_t n) { return (n + 63) / 64 * 64; }

class AddStep final : public Step {
 public:
  AddStep(const StepContext& context, const Add& add)
      : ops_(context.ops),
        a_(context.view(add.a)),
        b_(context.view(add.b)),
        out_(context.view(add.output)),
        factors_(add_factors(a_.tensor->shape, b_.tensor->shape, out_.tensor->shape)),
        clamp_{out_.tensor->shape.zero_point, add.range.low, add.range.high} {}

  std::size_t scratch_bytes() const override { return 2 * padded(out_.channels()); }
  void run(int part, int parts, std::uint8_t* scratch) const override {
    if (part == 0) fill_halo(out_);
    auto* a = reinterpret_cast<std::int8_t*>(scratch);
    std::int8_t* b = a + padded(out_.channels());
    const PixelAccess access(ops_);
    const Share rows = share_of(out_.height(), part, parts);
    for (std::size_t y = rows.first; y < rows.last; ++y) {
      for (std::size_t x = 0; x < out_.width(); ++x) {
        access.read(a_, y, x, a);
        access.read(b_, y, x, b);
        ops_.add(a, b, out_.channels(), factors_, clamp_, a);
        access.write(out_, y, x, a);
      }
    }
  }
  std::string describe() const override { return "add @" + std::to_string(out_.height()); }
  std::string kernel() const override { return "add"; }

 private:
  const RowOps& ops_;
  View a_;
  View b_;
  View out_;
  AddFactors factors_;
  Clamp clamp_;
};

class PadStep final : public Step {
 public:
  PadStep(const StepContext& context, const Pad& pad)
      : ops_(context.ops),
        pad_(pad),
        in_(context.view(pad.input)),
        out_(context.view(pad.output)) {}

  std::size_t scratch_bytes() const override { return padded(out_.channels()); }
  void run(int part, int parts, std::uint8_t* scratch) const override {
    if (part == 0) fill_halo(out_);
    auto* q = reinterpret_cast<std::int8_t*>(scratch);
    const PixelAccess access(ops_);
    const Share rows = share_of(out_.height(), part, parts);
    for (std::size_t y = rows.first; y < rows.last; ++y) {
      for (std::size_t x = 0; x < out_.width(); ++x) {
        const std::size_t from_y = y - static_cast<std::size_t>(pad_.padding.top);
        const std::size_t from_x = x - static_cast<std::size_t>(pad_.padding.left);
        if (from_y < in_.height() && from_x < in_.width()) {
          access.read(in_, from_y, from_x, q);
        } else {
          std::memset(q, pad_.value, out_.channels());
        }
        access.write(out_, y, x, q);
      }
    }
  }
  std::string describe() const override { return "pad @" + std::to_string(out_.height()); }
  std::string kernel() const override { return "pad"; }

 private:
  const RowOps& ops_;
  Pad pad_;
  View in_;
  View out_;
};

class PoolStep final : public Step {
 public:
  PoolStep(const StepContext& context, const MaxPool& pool)
      : ops_(context.ops),
        pool_(pool),
        in_(context.view(pool.input)),
        out_(context.view(pool.output)),
        clamps_(in_.tensor->range.low < pool.range.low ||
                in_.tensor->range.high > pool.range.high) {}

  std::size_t scratch_bytes() const override {
    return padded(in_.width() * in_.channels()) + 2 * padded(in_.channels());
  }

  /// First the maximum over the window's rows, for a whole image row; then over its columns.
  void run(int part, int parts, std::uint8_t* scratch) const override {
    if (part == 0) fill_halo(out_);
    auto* columns = reinterpret_cast<std::int8_t*>(scratch);
    std::int8_t* pixel = columns + padded(in_.width() * in_.channels());
    const PixelAccess access(ops_);
    const Share rows = share_of(out_.height(), part, parts);
    for (std::size_t y = rows.first; y < rows.last; ++y) {
      reduce_rows(access, y, columns, pixel);
      for (std::size_t x = 0; x < out_.width(); ++x) {
        reduce_columns(x, columns, pixel);
        access.write(out_, y, x, pixel);
      }
    }
  }
  std::string describe() const override {
    return "max-pool " + std::to_string(pool_.kernel_height) + "x" +
           std::to_string(pool_.kernel_width) + " @" + std::to_string(out_.height());
  }
  std::string kernel() const override { return "max-pool"; }

 private:
  static Share taps(std::size_t position, int stride, int before, int size, std::size_t extent) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(position) * stride - before;
    return {static_cast<std::size_t>(std::max<std::ptrdiff_t>(first, 0)),
            static_cast<std::size_t>(
                std::min<std::ptrdiff_t>(first + size, static_cast<std::ptrdiff_t>(extent)))};
  }

  void reduce_rows(const PixelAccess& access, std::size_t y, std::int8_t* columns,
                   std::int8_t* pixel) const {
    const Share window =
        taps(y, pool_.stride_height, pool_.padding.top, pool_.kernel_height, in_.height());
    const std::size_t channels = in_.channels();
    std::memset(columns, -128, in_.width() * channels);
    for (std::size_t row = window.first; row < window.last; ++row) {
      if (in_.format() == Format::kS8) {
        ops_.maximum(reinterpret_cast<const std::int8_t*>(in_.at(row, 0)), in_.width() * channels,
                     columns);
        continue;
      }
      for (std::size_t x = 0; x < in_.width(); ++x) {
        access.read(in_, row, x, pixel);
        for (std::size_t c = 0; c < channels; ++c) {
          columns[x * channels + c] = std::max(columns[x * channels + c], pixel[c]);
        }
      }
    }
  }

  void reduce_columns(std::size_t x, const std::int8_t* columns, std::int8_t* pixel) const {
    const Share window =
        taps(x, pool_.stride_width, pool_.padding.left, pool_.kernel_width, in_.width());
    const std::size_t channels = in_.channels();
    std::memset(pixel, -128, channels);
    for (std::size_t column = window.first; column < window.last; ++column) {
      ops_.maximum(columns + column * channels, channels, pixel);
    }
    if (clamps_) {
      for (std::size_t c = 0; c < channels; ++c) {
        pixel[c] =
            static_cast<std::int8_t>(std::clamp<int>(pixel[c], pool_.range.low, pool_.range.high));
      }
    }
  }

  const RowOps& ops_;
  MaxPool pool_;
  View in_;
  View out_;
  bool clamps_;  ///< the fused activation changes something
};

/// The stock runtime's mean: the float32 sum of raw q times one factor, plus one offset, then half
/// to even.
class MeanStep final : public Step {
 public:
  MeanStep(const StepContext& context, const Mean& mean)
      : ops_(context.ops), in_(context.view(mean.input)), out_(context.view(mean.output)) {
    const Tensor& in = in_.tensor->shape;
    const Tensor& out = out_.tensor->shape;
    const float count = static_cast<float>(in.height * in.width);
    factor_ = (in.scale / out.scale) * (1.0F / count);
    offset_ = stock_multiply_add(static_cast<float>(-in.zero_point) * count, factor_,
                                 static_cast<float>(out.zero_point));
  }

  std::size_t scratch_bytes() const override {
    return padded(in_.channels()) * (1 + sizeof(std::int32_t));
  }
  void run(int part, int, std::uint8_t* scratch) const override {
    if (part != 0) return;
    fill_halo(out_);
    auto* sums = reinterpret_cast<std::int32_t*>(scratch);
    auto* q = reinterpret_cast<std::int8_t*>(sums + padded(in_.channels()));
    std::memset(sums, 0, in_.channels() * sizeof(std::int32_t));
    const PixelAccess access(ops_);
    for (std::size_t y = 0; y < in_.height(); ++y) {
      for (std::size_t x = 0; x < in_.width(); ++x) {
        access.read(in_, y, x, q);
        ops_.accumulate(q, in_.channels(), sums);
      }
    }
    for (std::size_t c = 0; c < in_.channels(); ++c) {
      const float mean =
          std::nearbyintf(stock_multiply_add(static_cast<float>(sums[c]), factor_, offset_));
      q[c] = static_cast<std::int8_t>(std::fmin(std::fmax(mean, -128.0F), 127.0F));
    }
    access.write(out_, 0, 0, q);
  }
  std::string describe() const override { return "mean @" + std::to_string(in_.height()); }
  std::string kernel() const override { return "mean"; }

 private:
  const RowOps& ops_;
  View in_;
  View out_;
  float factor_;
  float offset_;
};

}  // namespace

std::unique_ptr<Step> make_add_step(const StepContext& context, const Add& add) {
  return std::make_unique<AddStep>(context, add);
}
std::unique_ptr<Step> make_pad_step(const StepContext& context, const Pad& pad) {
  return std::make_unique<PadStep>(context, pad);
}
std::unique_ptr<Step> make_pool_step(const StepContext& context, const MaxPool& pool) {
  return std::make_unique<PoolStep>(context, pool);
}
std::unique_ptr<Step> make_mean_step(const StepContext& context, const Mean& mean) {
  return std::make_unique<MeanStep>(context, mean);
}

}  // namespace edge_dnq
