// Resizing square RGB pictures, bilinear in fixed point: the last step of shrinking a frame.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/isa.h"

namespace edge_dnq {

/// Fraction bits of an interpolation weight.
constexpr unsigned kWeightBits = 8;

/// Between which two places of a line a place of the result lies.
struct Tap {
  std::uint32_t before;
  /// Of the place after `before`, in units of 2^-kWeightBits; 0 where that is past the end.
  std::uint16_t weight;
};

/// What one instruction set offers to resize with.
struct ResizeRows {
  /// Writes upper[i] * (256 - weight) + lower[i] * weight for `count` bytes, without rounding.
  void (*mix_rows)(const std::uint8_t* upper, const std::uint8_t* lower, std::uint16_t weight,
                   std::size_t count, std::uint16_t* mixed);
  /// Writes `size` RGB pixels: each mixes two neighbours of `mixed` by its tap and rounds half up.
  /// Up to kMixedRoom words past the last pixel of `mixed` may be read.
  void (*mix_columns)(const std::uint16_t* mixed, const Tap* taps, std::size_t size,
                      std::uint8_t* out);
};

constexpr std::size_t kMixedRoom = 4;

/// The fastest of them that `isa` allows.
ResizeRows resize_rows(Isa isa);

void scalar_mix_rows(const std::uint8_t* upper, const std::uint8_t* lower, std::uint16_t weight,
                     std::size_t count, std::uint16_t* mixed);
void scalar_mix_columns(const std::uint16_t* mixed, const Tap* taps, std::size_t size,
                        std::uint8_t* out);
void avx2_mix_rows(const std::uint8_t* upper, const std::uint8_t* lower, std::uint16_t weight,
                   std::size_t count, std::uint16_t* mixed);
void avx2_mix_columns(const std::uint16_t* mixed, const Tap* taps, std::size_t size,
                      std::uint8_t* out);
void neon_mix_rows(const std::uint8_t* upper, const std::uint8_t* lower, std::uint16_t weight,
                   std::size_t count, std::uint16_t* mixed);
void neon_mix_columns(const std::uint16_t* mixed, const Tap* taps, std::size_t size,
                      std::uint8_t* out);

/// Resizes a square picture with the best instructions of this processor.
///
/// Pixel centres lie half a pixel inside; beyond the outer centres the border pixel goes on. Rows
/// and columns are mixed without rounding in between, so that a value is rounded once, half up.
///
/// `stride` is the distance of the picture's rows in bytes, `side` its side in pixels and `size`
/// that of the result, which has no gaps between its rows; both are at least 1.
void resize_rgb(const std::uint8_t* picture, std::size_t stride, std::size_t side, std::size_t size,
                std::uint8_t* result);

}  // namespace edge_dnq
