// The contract in plain C++: what every other kernel must equal, and what runs where none fits.
#include <cmath>
#include <cstring>

#include "micro/expand_nibbles.h"
#include "micro/registry.h"

namespace edge_dnq {
namespace {

/// kU8 and kS8: int8 weights, four channels a step.
template <typename Stored>
void accumulate_int8(const Tile& tile) {
  constexpr std::size_t kNr = 4;
  constexpr std::size_t kKr = 4;
  for (std::size_t row = 0; row < tile.rows; ++row) {
    for (std::size_t n = 0; n < tile.blocks * kNr; ++n) {
      const auto* panel = static_cast<const std::int8_t*>(tile.panel) + n / kNr * tile.block_stride;
      std::int32_t sum = 0;
      for (std::size_t y = 0; y < tile.window_rows; ++y) {
        const std::uint8_t* pixel = tile.pixels[row] + y * tile.row_stride;
        for (std::size_t k = 0; k < tile.steps * kKr; ++k) {
          const std::size_t step = y * tile.steps + k / kKr;
          sum += static_cast<Stored>(pixel[k]) * panel[(step * kNr + n % kNr) * kKr + k % kKr];
        }
      }
      tile.acc[row * tile.acc_stride + n] = sum;
    }
  }
}

/// kPair2: codes c of two channels against codes u of two weights. With w = 2 * u - 3 the sum of
/// c * w is twice the sum of c * u, less three times the sum of the codes.
void accumulate_pair2(const Tile& tile) {
  constexpr std::size_t kNr = 4;
  for (std::size_t row = 0; row < tile.rows; ++row) {
    for (std::size_t n = 0; n < tile.blocks * kNr; ++n) {
      const auto* panel =
          static_cast<const std::uint8_t*>(tile.panel) + n / kNr * tile.block_stride;
      std::int32_t sum = 0;
      for (std::size_t y = 0; y < tile.window_rows; ++y) {
        const std::uint8_t* pixel = tile.pixels[row] + y * tile.row_stride;
        for (std::size_t k = 0; k < tile.steps; ++k) {
          const int u = panel[(y * tile.steps + k) * kNr + n % kNr];
          sum += (pixel[k] >> 4 & 3) * (u & 3) + (pixel[k] >> 6) * (u >> 2);
        }
      }
      tile.acc[row * tile.acc_stride + n] = 2 * sum - 3 * tile.sums[row];
    }
  }
}

void expand_int8(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded) {
  auto* out = static_cast<std::int8_t*>(expanded);
  for (std::size_t i = 0; i < bytes; ++i) {
    out[i] = nested4 ? static_cast<std::int8_t>(2 * (panel[i] >> 4) + 1) : panel[i];
  }
}

constexpr MicroKernel kKernels[] = {
    {"conv_w8u8_scalar_1x4", Isa::kScalar, Format::kU8, Element::kInt8, Accumulator::kInt32, 4, 1,
     4, 4, 4, 4, 0.5F, accumulate_int8<std::uint8_t>, expand_int8, 1, false},
    {"conv_w8s8_scalar_1x4", Isa::kScalar, Format::kS8, Element::kInt8, Accumulator::kInt32, 4, 1,
     4, 4, 4, 4, 0.4F, accumulate_int8<std::int8_t>, expand_int8, 1, false},
    {"conv_w2a2_scalar_1x4", Isa::kScalar, Format::kPair2, Element::kNibble2, Accumulator::kInt32,
     2, 1, 4, 4, 2, 1, 0.6F, accumulate_pair2, expand_nibbles<4>, 2, true},
};

std::int8_t clamped(std::int32_t value, const Clamp& clamp) {
  const std::int32_t shifted = value + clamp.zero_point;
  return static_cast<std::int8_t>(shifted < clamp.low    ? clamp.low
                                  : shifted > clamp.high ? clamp.high
                                                         : shifted);
}

void requantise(const std::int32_t* acc, const std::int32_t* bias, const float* multiplier,
                std::size_t n, const Clamp& clamp, std::int8_t* q) {
  // Beyond this any value is clamped, and the conversion to int stays defined.
  constexpr float kLimit = 1024.0F;
  for (std::size_t i = 0; i < n; ++i) {
    const float scaled = std::nearbyintf(static_cast<float>(acc[i] + bias[i]) * multiplier[i]);
    q[i] = clamped(static_cast<std::int32_t>(std::fmin(std::fmax(scaled, -kLimit), kLimit)), clamp);
  }
}

void add(const std::int8_t* a, const std::int8_t* b, std::size_t n, const AddFactors& f,
         const Clamp& clamp, std::int8_t* q) {
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t sum = (a[i] - f.a_zero) * f.a_factor + (b[i] - f.b_zero) * f.b_factor;
    q[i] = clamped((sum + (1 << (f.shift - 1))) >> f.shift, clamp);
  }
}

void pack(Format format, const std::int8_t* q, std::size_t n, std::uint8_t* out) {
  const std::size_t bytes = pixel_bytes(format, n);
  const std::size_t slots = channels_per_byte(format);
  for (std::size_t byte = 0; byte < bytes; ++byte) {
    unsigned value = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const std::ptrdiff_t channel = channel_at(format, n, byte, slot);
      if (channel >= 0) {
        value |= static_cast<unsigned>(q[channel] + storage_offset(format)) << (2 * slot);
      }
    }
    out[byte] = static_cast<std::uint8_t>(format == Format::kPair2 ? value << 4 : value);
  }
}

void unpack(Format format, const std::uint8_t* in, std::size_t n, std::int8_t* q) {
  const std::size_t bytes = pixel_bytes(format, n);
  const std::size_t slots = channels_per_byte(format);
  for (std::size_t byte = 0; byte < bytes; ++byte) {
    const unsigned value = format == Format::kPair2 ? in[byte] >> 4U : in[byte];
    for (std::size_t slot = 0; slot < slots; ++slot) {
      const std::ptrdiff_t channel = channel_at(format, n, byte, slot);
      const unsigned code = slots > 1 ? value >> (2 * slot) & 3U : value;
      if (channel >= 0) {
        q[channel] = static_cast<std::int8_t>(static_cast<int>(code) - storage_offset(format));
      }
    }
  }
}

void maximum(const std::int8_t* a, std::size_t n, std::int8_t* q) {
  for (std::size_t i = 0; i < n; ++i) q[i] = a[i] > q[i] ? a[i] : q[i];
}

void accumulate(const std::int8_t* a, std::size_t n, std::int32_t* sums) {
  for (std::size_t i = 0; i < n; ++i) sums[i] += a[i];
}

std::int32_t code_sum(Format format, const std::uint8_t* in, std::size_t bytes) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    const unsigned value = format == Format::kPair2 ? in[i] >> 4U : in[i];
    sum += static_cast<std::int32_t>((value & 3U) + (value >> 2U & 3U) + (value >> 4U & 3U));
  }
  return sum;
}

void depthwise_pixel(const DepthwiseRun& run, const std::uint8_t* window, std::int32_t* acc) {
  constexpr std::size_t kBlock = kDepthwiseBlock;
  for (std::size_t c = 0; c < run.channels; ++c) {
    const std::int16_t* weights =
        run.weights + (c / kBlock * run.pairs * kBlock + depthwise_place(c % kBlock)) * 2;
    std::int32_t sum = 0;
    for (std::size_t tap = 0; tap < 2 * run.pairs; ++tap) {
      const std::uint8_t stored = window[run.taps[tap] + static_cast<std::ptrdiff_t>(c)];
      sum += (run.is_signed ? static_cast<std::int8_t>(stored) : std::int32_t{stored}) *
             weights[tap / 2 * kBlock * 2 + tap % 2];
    }
    acc[c] = sum;
  }
}

void depthwise(const DepthwiseRun& run, std::int32_t* acc) {
  for (std::size_t pixel = 0; pixel < run.pixels; ++pixel) {
    depthwise_pixel(run, run.window + pixel * run.step, acc + pixel * run.acc_stride);
  }
}

constexpr RowOps kRowOps = {requantise, add,        pack,     unpack,
                            maximum,    accumulate, code_sum, depthwise};

}  // namespace

const MicroKernel* scalar_kernels(std::size_t& count) {
  count = sizeof(kKernels) / sizeof(kKernels[0]);
  return kKernels;
}

const RowOps& scalar_row_ops() { return kRowOps; }

}  // namespace edge_dnq
