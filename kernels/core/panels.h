// Packing weights for a micro-kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "micro/micro_kernel.h"

namespace edge_dnq {

/// Memory aligned to cache lines, with `kReadAhead` readable bytes after the end.
class AlignedBytes {
 public:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kReadAhead = 64;

  AlignedBytes() = default;
  /// Zero-filled. Throws std::bad_alloc.
  explicit AlignedBytes(std::size_t size);
  AlignedBytes(AlignedBytes&& other) noexcept;
  AlignedBytes& operator=(AlignedBytes&& other) noexcept;
  ~AlignedBytes();

  std::uint8_t* data() { return data_; }
  const std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The window of a convolution as a micro-kernel walks over it.
struct Window {
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t channels = 1;

  /// Bytes of one window row.
  std::size_t row_bytes(Format format) const { return width * pixel_bytes(format, channels); }
  /// Steps of one window row; the last may reach past its end.
  std::size_t steps(const MicroKernel& kernel) const {
    return (row_bytes(kernel.format) + kernel.step_bytes - 1) / kernel.step_bytes;
  }
};

std::size_t block_count(const MicroKernel& kernel, std::size_t out_channels);

/// Bytes of the panel of one block of kernel.nr output channels.
std::size_t block_bytes(const MicroKernel& kernel, const Window& window);

/// Packs weights [out][height][width][channels] as micro_kernel.h lays out a panel. Output channels
/// past the last are zero weights (code 0 for kCode2). Throws std::invalid_argument when the panel
/// is of codes and a weight is not one of -3, -1, 1, 3.
AlignedBytes pack_panel(const MicroKernel& kernel, const std::int8_t* weights,
                        std::size_t out_channels, const Window& window);

/// The 4-bit weight nested in an 8-bit one: drop four bits, take the bin's centre; -15 .. 15, odd.
constexpr std::int8_t nested4(std::int8_t weight) {
  return static_cast<std::int8_t>(2 * (weight >> 4) + 1);
}

/// The 2-bit weight nested in an 8-bit one: -3, -1, 1 or 3.
constexpr std::int8_t nested2(std::int8_t weight) {
  return static_cast<std::int8_t>(2 * (weight >> 6) + 1);
}

}  // namespace edge_dnq
