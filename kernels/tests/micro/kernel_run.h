// One run of a micro-kernel, compared with int32 arithmetic on the unpacked activations and
// weights.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/flush_bound.h"
#include "core/panels.h"
#include "micro/micro_kernel.h"

namespace edge_dnq {

constexpr std::int32_t kSentinel = 0x5AA5C33C;
constexpr std::size_t kGuard = 16;

/// Largest stored activation and largest weight magnitude.
struct Range {
  std::int32_t activation;
  std::int32_t weight;
};

enum class Fill {
  kRandom,
  kMax,
  kMin,
  kAlternating,
  kMaxActivationsRandomSigns,
  /// Random weights; activations that take the first output channel as far down as it goes.
  kAgainstFirstChannel,
};

/// Flush as seldom as the bound for the panel's real codes allows.
constexpr std::size_t kCodeBound = 0;

struct Problem {
  Window window;
  std::size_t rows = 1;
  std::size_t blocks = 1;
  Range range{};
  bool nested4 = false;
  std::size_t flush_steps = 1;
  Fill fill = Fill::kRandom;
  unsigned seed = 0;
};

inline std::string describe(const MicroKernel& kernel, const Problem& p) {
  std::ostringstream out;
  out << kernel.name << ": window " << p.window.height << "x" << p.window.width << "x"
      << p.window.channels << ", rows " << p.rows << ", blocks " << p.blocks << ", activations to "
      << p.range.activation << ", weights to " << p.range.weight << ", nested4 " << p.nested4
      << ", flush every " << p.flush_steps << ", fill " << static_cast<int>(p.fill) << ", seed "
      << p.seed;
  return out.str();
}

/// Operands, the packed buffers made from them, and a run of the kernel on those.
class Run {
 public:
  Run(const MicroKernel& kernel, const Problem& problem)
      : kernel_(kernel), p_(problem), random_(problem.seed), steps_(p_.window.steps(kernel)) {
    make_weights();
    make_activations();
  }

  void check() {
    accumulate();
    const std::size_t width = p_.blocks * kernel_.nr;
    // The bound of real codes does not ask what padding channels add up to.
    const std::size_t checked = p_.flush_steps == kCodeBound ? out_channels_ : width;
    for (std::size_t row = 0; row < p_.rows; ++row) {
      for (std::size_t n = 0; n < checked; ++n) {
        ASSERT_EQ(acc_[kGuard + row * acc_stride_ + n], expected(row, n))
            << describe(kernel_, p_) << ": row " << row << ", channel " << n;
      }
    }
    for (std::size_t i = 0; i < acc_.size(); ++i) {
      const bool inside =
          i >= kGuard && i < kGuard + p_.rows * acc_stride_ && (i - kGuard) % acc_stride_ < width;
      if (!inside) {
        ASSERT_EQ(acc_[i], kSentinel) << describe(kernel_, p_) << ": wrote outside its tile at "
                                      << static_cast<std::ptrdiff_t>(i) - std::ptrdiff_t{kGuard};
      }
    }
  }

 private:
  std::int32_t lowest_activation() const {
    return kernel_.format == Format::kS8 ? -p_.range.activation : 0;
  }

  std::int32_t highest_activation() const {
    return kernel_.format == Format::kS8 ? std::min(p_.range.activation, 127) : p_.range.activation;
  }

  std::int32_t activation(std::size_t index) {
    std::uniform_int_distribution<std::int32_t> any(lowest_activation(), highest_activation());
    switch (p_.fill) {
      case Fill::kAlternating:
        return index % 2 == 0 ? highest_activation() : lowest_activation();
      case Fill::kRandom:
        return any(random_);
      case Fill::kAgainstFirstChannel:
        return weights_[index % taps()] < 0 ? highest_activation() : lowest_activation();
      default:
        return highest_activation();
    }
  }

  std::int8_t weight(std::size_t index) {
    const std::int32_t magnitude = p_.range.weight;
    const auto low = static_cast<std::int8_t>(-magnitude);
    const auto high = static_cast<std::int8_t>(std::min(magnitude, 127));
    std::uniform_int_distribution<std::int32_t> any(low, high);
    switch (p_.fill) {
      case Fill::kMax:
        return high;
      case Fill::kMin:
        return low;
      case Fill::kAlternating:
        return index % 4 < 2 ? high : low;
      case Fill::kMaxActivationsRandomSigns:
        return random_() % 2 == 0 ? high : low;
      case Fill::kAgainstFirstChannel:
      case Fill::kRandom:
        break;
    }
    if (holds_codes(kernel_.element)) {
      return static_cast<std::int8_t>(2 * static_cast<std::int32_t>(random_() % 4) - 3);
    }
    return static_cast<std::int8_t>(any(random_));
  }

  std::size_t taps() const { return p_.window.height * p_.window.width * p_.window.channels; }

  void make_activations() {
    const std::size_t row_bytes = p_.window.row_bytes(kernel_.format);
    const std::size_t pixel = pixel_bytes(kernel_.format, p_.window.channels);
    row_stride_ = row_bytes + random_() % 7;
    values_.resize(p_.rows * taps());
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = activation(i);
    for (std::size_t row = 0; row < p_.rows; ++row) {
      // Exactly as long as a kernel may read, so that the sanitizer sees a byte too many.
      const std::size_t size =
          (p_.window.height - 1) * row_stride_ + std::max(row_bytes, steps_ * kernel_.step_bytes);
      auto& buffer = buffers_.emplace_back(size);
      if (channels_per_byte(kernel_.format) == 1) {
        for (std::uint8_t& byte : buffer) byte = static_cast<std::uint8_t>(random_());
      }
      for (std::size_t y = 0; y < p_.window.height; ++y) {
        for (std::size_t x = 0; x < p_.window.width; ++x) {
          store_pixel(row, y, x, buffer.data() + y * row_stride_ + x * pixel);
        }
      }
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < taps(); ++i) sum += values_[row * taps() + i];
      sums_.push_back(sum);
    }
    for (const auto& buffer : buffers_) pixels_.push_back(buffer.data());
  }

  void store_pixel(std::size_t row, std::size_t y, std::size_t x, std::uint8_t* out) const {
    const std::size_t channels = p_.window.channels;
    const std::size_t slots = channels_per_byte(kernel_.format);
    const std::int32_t* values =
        values_.data() + ((row * p_.window.height + y) * p_.window.width + x) * channels;
    for (std::size_t byte = 0; byte < pixel_bytes(kernel_.format, channels); ++byte) {
      unsigned stored = 0;
      for (std::size_t slot = 0; slot < slots; ++slot) {
        const std::ptrdiff_t channel = channel_at(kernel_.format, channels, byte, slot);
        if (channel >= 0) stored |= static_cast<unsigned>(values[channel]) << (2 * slot);
      }
      out[byte] =
          static_cast<std::uint8_t>(kernel_.format == Format::kPair2 ? stored << 4 : stored);
    }
  }

  void make_weights() {
    // The last block is not full, so that the padding channels are read too.
    out_channels_ = p_.blocks * kernel_.nr - random_() % kernel_.nr;
    weights_.resize(out_channels_ * taps());
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = weight(i);
    panel_ = pack_panel(kernel_, weights_.data(), out_channels_, p_.window);
    block_stride_ = block_bytes(kernel_, p_.window);
    flush_steps_ = p_.flush_steps;
    if (flush_steps_ == kCodeBound) {
      flush_steps_ = code_flush_bound(kernel_, p_.range.activation, panel_.data(), block_stride_,
                                      out_channels_);
    }
    if ((p_.nested4 && !kernel_.reads_nested4) || kernel_.always_expand) {
      AlignedBytes expanded(panel_.size() * kernel_.expansion);
      kernel_.expand(reinterpret_cast<const std::int8_t*>(panel_.data()), panel_.size(), p_.nested4,
                     expanded.data());
      panel_ = std::move(expanded);
      block_stride_ *= kernel_.expansion;
    }
  }

  void accumulate() {
    acc_stride_ = p_.blocks * kernel_.nr + random_() % 5;
    acc_.assign(p_.rows * acc_stride_ + 2 * kGuard, kSentinel);
    Tile tile{};
    tile.pixels = pixels_.data();
    tile.rows = p_.rows;
    tile.row_stride = row_stride_;
    tile.window_rows = p_.window.height;
    tile.steps = steps_;
    tile.panel = panel_.data();
    tile.block_stride = block_stride_;
    tile.blocks = p_.blocks;
    tile.flush_steps = flush_steps_;
    tile.sums = sums_.data();
    tile.acc = acc_.data() + kGuard;
    tile.acc_stride = acc_stride_;
    tile.nested4 = p_.nested4 && kernel_.reads_nested4;
    kernel_.accumulate(tile);
  }

  std::int32_t expected(std::size_t row, std::size_t n) const {
    const std::int32_t* values = values_.data() + row * taps();
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < taps(); ++i) {
      // A padding channel's weight is zero, its code 0 stands for -3.
      const std::int8_t padding = holds_codes(kernel_.element) ? -3 : 0;
      const std::int8_t stored = n < out_channels_ ? weights_[n * taps() + i] : padding;
      sum += values[i] * (p_.nested4 ? nested4(stored) : stored);
    }
    return sum;
  }

  const MicroKernel& kernel_;
  const Problem p_;
  std::mt19937 random_;
  std::size_t steps_;
  std::size_t row_stride_ = 0;
  std::size_t out_channels_ = 0;
  std::size_t block_stride_ = 0;
  std::size_t acc_stride_ = 0;
  std::size_t flush_steps_ = 0;
  std::vector<std::int32_t> values_;
  std::vector<std::vector<std::uint8_t>> buffers_;
  std::vector<const std::uint8_t*> pixels_;
  std::vector<std::int32_t> sums_;
  std::vector<std::int8_t> weights_;
  AlignedBytes panel_;
  std::vector<std::int32_t> acc_;
};

}  // namespace edge_dnq
