#include <algorithm>
#include <string>

#include "core/requantisation.h"
#include "core/step.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kPixelsAtOnce = 8;

std::size_t padded(std::size_t n) { return (n + 63) / 64 * 64; }

/// A depthwise convolution with 8-bit weights: pixel by pixel, all channels at once.
class DepthwiseStep final : public Step {
 public:
  DepthwiseStep(const StepContext& context, const DepthwiseConv& conv)
      : conv_(conv),
        ops_(context.ops),
        in_(context.view(conv.input)),
        out_(context.view(conv.output)),
        clamp_{out_.tensor->shape.zero_point, conv.range.low, conv.range.high} {
    set_taps();
    set_weights();
    requantisation_ =
        make_requantisation(in_.tensor->shape, out_.tensor->shape, in_.format(),
                            conv_.weight_scales, conv_.bias, weight_sums(), pixels_at_once());
  }

  std::size_t scratch_bytes() const override {
    return padded(out_.channels() * pixels_at_once()) * sizeof(std::int32_t) +
           padded(out_.width() * out_.channels()) + 64;
  }

  void run(int part, int parts, std::uint8_t* scratch) const override {
    if (part == 0) fill_halo(out_);
    auto* acc = reinterpret_cast<std::int32_t*>(scratch);
    const std::size_t channels = out_.channels();
    auto* q = reinterpret_cast<std::int8_t*>(acc + padded(channels * pixels_at_once()));
    const std::size_t step = static_cast<std::size_t>(conv_.stride_width) * in_.pixel_bytes;
    DepthwiseRun run{};
    run.step = step;
    run.taps = taps_.data();
    run.pairs = taps_.size() / 2;
    run.weights = weights_.data();
    run.channels = channels;
    run.is_signed = in_.format() == Format::kS8;
    run.acc_stride = channels;
    const Share rows = share_of(out_.height(), part, parts);
    for (std::size_t y = rows.first; y < rows.last; ++y) {
      const std::uint8_t* first = in_.at(y * static_cast<std::size_t>(conv_.stride_height), 0);
      for (std::size_t x = 0; x < out_.width(); x += run.pixels) {
        run.window = first + x * step;
        run.pixels = std::min(pixels_at_once(), out_.width() - x);
        ops_.depthwise(run, acc);
        ops_.requantise(acc, requantisation_.bias.data(), requantisation_.multiplier.data(),
                        run.pixels * channels, clamp_, q + x * channels);
      }
      write_row(y, q);
    }
  }

  std::string describe() const override {
    return "depthwise " + std::to_string(conv_.kernel_height) + "x" +
           std::to_string(conv_.kernel_width) + "/" + std::to_string(conv_.stride_height) + " " +
           std::to_string(out_.channels()) + " @" + std::to_string(out_.height());
  }
  std::string kernel() const override { return "depthwise"; }
  std::int64_t macs() const override {
    return static_cast<std::int64_t>(out_.height() * out_.width() * out_.channels()) *
           conv_.kernel_height * conv_.kernel_width;
  }

 private:
  /// Pixels whose accumulators are requantised as one row (their biases are repeated).
  std::size_t pixels_at_once() const {
    return out_.channels() % kDepthwiseBlock == 0 ? kPixelsAtOnce : 1;
  }

  void write_row(std::size_t y, const std::int8_t* q) const {
    const std::size_t pixels = is_gapless(out_) ? 1 : out_.width();
    const std::size_t channels = out_.width() / pixels * out_.channels();
    for (std::size_t x = 0; x < pixels; ++x) {
      for_blocks(out_.format(), channels, [&](std::size_t byte, std::size_t first, std::size_t n) {
        ops_.pack(out_.format(), q + x * channels + first, n, out_.at(y, x) + byte);
      });
    }
  }

  std::size_t tap_count() const {
    return static_cast<std::size_t>(conv_.kernel_height) *
           static_cast<std::size_t>(conv_.kernel_width);
  }

  /// Offsets from the pixel that the window's corner without padding falls on.
  void set_taps() {
    for (int y = 0; y < conv_.kernel_height; ++y) {
      for (int x = 0; x < conv_.kernel_width; ++x) {
        taps_.push_back((y - conv_.padding.top) * static_cast<std::ptrdiff_t>(in_.row_bytes) +
                        (x - conv_.padding.left) * static_cast<std::ptrdiff_t>(in_.pixel_bytes));
      }
    }
    if (taps_.size() % 2 == 1) taps_.push_back(taps_.back());
  }

  void set_weights() {
    const std::size_t channels = out_.channels();
    const std::size_t pairs = taps_.size() / 2;
    const std::size_t blocks = (channels + kDepthwiseBlock - 1) / kDepthwiseBlock;
    weights_.assign(blocks * pairs * kDepthwiseBlock * 2, 0);
    for (std::size_t tap = 0; tap < tap_count(); ++tap) {
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t pair = c / kDepthwiseBlock * pairs + tap / 2;
        const std::size_t place = depthwise_place(c % kDepthwiseBlock);
        weights_[(pair * kDepthwiseBlock + place) * 2 + tap % 2] =
            conv_.weights[tap * channels + c];
      }
    }
  }

  std::vector<std::int32_t> weight_sums() const {
    std::vector<std::int32_t> sums(out_.channels());
    for (std::size_t i = 0; i < tap_count() * sums.size(); ++i) {
      sums[i % sums.size()] += conv_.weights[i];
    }
    return sums;
  }

  DepthwiseConv conv_;
  const RowOps& ops_;
  View in_;
  View out_;
  Clamp clamp_;
  std::vector<std::ptrdiff_t> taps_;
  std::vector<std::int16_t> weights_;
  Requantisation requantisation_;
};

}  // namespace

std::unique_ptr<Step> make_depthwise_step(const StepContext& context, const DepthwiseConv& conv) {
  return std::make_unique<DepthwiseStep>(context, conv);
}

}  // namespace edge_dnq
