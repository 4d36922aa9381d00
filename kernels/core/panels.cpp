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

/// For every (step, k) of one window row: the weight's place within [width][channels], or -1.
std::vector<std::ptrdiff_t> places_of_row(const MicroKernel& kernel, const Window& window) {
  const std::size_t slots = channels_per_byte(kernel.format);
  const std::size_t pixel = pixel_bytes(kernel.format, window.channels);
  std::vector<std::ptrdiff_t> places;
  for (std::size_t step = 0; step < window.steps(kernel); ++step) {
    for (std::size_t k = 0; k < kernel.kr; ++k) {
      const std::size_t byte = step * kernel.step_bytes + k / slots;
      const std::ptrdiff_t channel =
          byte / pixel < window.width
              ? channel_at(kernel.format, window.channels, byte % pixel, k % slots)
              : -1;
      places.push_back(
          channel < 0 ? -1 : static_cast<std::ptrdiff_t>(byte / pixel * window.channels) + channel);
    }
  }
  return places;
}

/// Panel bytes of one step of one block.
std::size_t step_size(const MicroKernel& kernel) {
  const std::size_t nr = kernel.nr;
  if (kernel.element == Element::kInt8) return nr * kernel.kr;
  return kernel.element == Element::kCode2 ? nr : nr / 2;
}

/// Where output channel `n` of a block lies within a step.
struct Lane {
  std::size_t byte;
  unsigned shift;
};

Lane lane_of(const MicroKernel& kernel, std::size_t n) {
  if (kernel.element == Element::kInt8) return {n * kernel.kr, 0};
  if (kernel.element == Element::kCode2) return {n, 0};
  const std::size_t half = kernel.nr / 2U;
  return {n % half, n < half ? 0U : 4U};
}

/// Packs one window row of one output channel; `weights` is [width][channels], `out` the row's
/// first step.
void pack_row(const MicroKernel& kernel, const std::vector<std::ptrdiff_t>& places,
              const std::int8_t* weights, Lane lane, std::uint8_t* out) {
  const std::size_t kr = kernel.kr;
  const std::size_t size = step_size(kernel);
  for (std::size_t step = 0; step * kr < places.size(); ++step) {
    std::uint8_t codes = 0;
    for (std::size_t k = 0; k < kr; ++k) {
      const std::ptrdiff_t place = places[step * kr + k];
      if (place < 0) continue;
      if (kernel.element == Element::kInt8) {
        out[step * size + lane.byte + k] = static_cast<std::uint8_t>(weights[place]);
      } else {
        codes = static_cast<std::uint8_t>(codes | code_of(weights[place]) << (2 * k));
      }
    }
    if (holds_codes(kernel.element)) {
      std::uint8_t& stored = out[step * size + lane.byte];
      stored = static_cast<std::uint8_t>(stored | codes << lane.shift);
    }
  }
}

}  // namespace

AlignedBytes::AlignedBytes(std::size_t size) : size_(size) {
  const std::size_t rounded = (size + kReadAhead + kAlignment - 1) / kAlignment * kAlignment;
  // Not std::aligned_alloc, which Android lacks before level 28.
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, rounded) != 0) throw std::bad_alloc();
  data_ = static_cast<std::uint8_t*>(memory);
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
  return window.height * window.steps(kernel) * step_size(kernel);
}

AlignedBytes pack_panel(const MicroKernel& kernel, const std::int8_t* weights,
                        std::size_t out_channels, const Window& window) {
  const std::size_t block = block_bytes(kernel, window);
  AlignedBytes panel(block_count(kernel, out_channels) * block);
  const std::vector<std::ptrdiff_t> places = places_of_row(kernel, window);
  const std::size_t weights_of_row = window.width * window.channels;
  for (std::size_t channel = 0; channel < out_channels; ++channel) {
    const Lane lane = lane_of(kernel, channel % kernel.nr);
    std::uint8_t* first = panel.data() + channel / kernel.nr * block;
    for (std::size_t row = 0; row < window.height; ++row) {
      pack_row(kernel, places, weights + (channel * window.height + row) * weights_of_row, lane,
               first + row * (block / window.height));
    }
  }
  return panel;
}

}  // namespace edge_dnq
