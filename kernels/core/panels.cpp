#include "core/panels.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace edge_dnq {
namespace {

std::uint8_t code_of(std::int8_t weight) {
  if (weight < -3 || weight > 3 || weight % 2 == 0) {
    throw std::invalid_argument("a 2-bit panel takes weights of -3, -1, 1 and 3 only");
  }
  return static_cast<std::uint8_t>((weight + 3) / 2);
}

/// Where the kr weights of one step of one output channel come from: window columns and channels.
class StepReader {
 public:
  StepReader(const MicroKernel& kernel, const Window& window, const std::int8_t* weights)
      : kernel_(kernel),
        window_(window),
        weights_(weights),
        pixel_bytes_(pixel_bytes(kernel.format, window.channels)),
        slots_(channels_per_byte(kernel.format)) {}

  /// Weight of slot `k` of step `step` in window row `row`, zero where there is none.
  bool find(std::size_t out, std::size_t row, std::size_t step, std::size_t k,
            std::int8_t& weight) const {
    const std::size_t byte = step * kernel_.step_bytes + k / slots_;
    const std::size_t column = byte / pixel_bytes_;
    if (column >= window_.width) return false;
    const std::ptrdiff_t channel =
        channel_at(kernel_.format, window_.channels, byte % pixel_bytes_, k % slots_);
    if (channel < 0) return false;
    weight = weights_[((out * window_.height + row) * window_.width + column) * window_.channels +
                      static_cast<std::size_t>(channel)];
    return true;
  }

 private:
  const MicroKernel& kernel_;
  const Window& window_;
  const std::int8_t* weights_;
  std::size_t pixel_bytes_;
  std::size_t slots_;
};

}  // namespace

AlignedBytes::AlignedBytes(std::size_t size) : size_(size) {
  const std::size_t rounded = (size + kReadAhead + kAlignment - 1) / kAlignment * kAlignment;
  data_ = static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, rounded));
  if (data_ == nullptr) throw std::bad_alloc();
  std::memset(data_, 0, rounded);
}

AlignedBytes::AlignedBytes(AlignedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

AlignedBytes& AlignedBytes::operator=(AlignedBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

AlignedBytes::~AlignedBytes() { std::free(data_); }

std::size_t block_count(const MicroKernel& kernel, std::size_t out_channels) {
  return (out_channels + kernel.nr - 1) / kernel.nr;
}

std::size_t block_bytes(const MicroKernel& kernel, const Window& window) {
  const std::size_t step = kernel.element == Element::kCode2 ? std::size_t{kernel.nr}
                                                             : std::size_t{kernel.nr} * kernel.kr;
  return window.height * window.steps(kernel) * step;
}

AlignedBytes pack_panel(const MicroKernel& kernel, const std::int8_t* weights,
                        std::size_t out_channels, const Window& window) {
  AlignedBytes panel(block_count(kernel, out_channels) * block_bytes(kernel, window));
  const StepReader reader(kernel, window, weights);
  const std::size_t steps = window.steps(kernel);
  std::uint8_t* out = panel.data();
  for (std::size_t block = 0; block < block_count(kernel, out_channels); ++block) {
    for (std::size_t row = 0; row < window.height; ++row) {
      for (std::size_t step = 0; step < steps; ++step) {
        for (std::size_t n = 0; n < kernel.nr; ++n) {
          const std::size_t channel = block * kernel.nr + n;
          std::uint8_t codes = 0;
          for (std::size_t k = 0; k < kernel.kr; ++k) {
            std::int8_t weight = 0;
            const bool found = channel < out_channels && reader.find(channel, row, step, k, weight);
            if (kernel.element == Element::kInt8) {
              *out++ = static_cast<std::uint8_t>(weight);
            } else if (found) {
              codes = static_cast<std::uint8_t>(codes | code_of(weight) << (2 * k));
            }
          }
          if (kernel.element == Element::kCode2) *out++ = codes;
        }
      }
    }
  }
  return panel;
}

}  // namespace edge_dnq
