// Halving rows of RGB pixels: how frames are shrunk before any network sees them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/isa.h"

namespace edge_dnq {

/// Writes `pixels` RGB pixels, each channel the mean of the 2x2 pixels above it, half rounded up:
/// out[3 p + c] = (upper[6 p + c] + upper[6 p + 3 + c] + lower[6 p + c] + lower[6 p + 3 + c] + 2)
///                >> 2. Nothing past the 6 * `pixels` bytes of either row is read, nothing past the
/// 3 * `pixels` bytes of `out` is written.
using HalveRows = void (*)(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixels,
                           std::uint8_t* out);

/// The fastest of them that `isa` allows.
HalveRows halve_rows(Isa isa);

void scalar_halve(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixels,
                  std::uint8_t* out);
void avx2_halve(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixels,
                std::uint8_t* out);
void neon_halve(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixels,
                std::uint8_t* out);

/// Halves a picture `times` times, at least once, with the best instructions of this processor.
///
/// `stride` is the distance of its rows in bytes; `height` and `width` are those of the result,
/// which has no gaps between its rows. Halves in between are kept a pair of rows at a time: the
/// picture is read once, and nothing else leaves the nearest cache.
void halve_rgb(const std::uint8_t* picture, std::size_t stride, std::size_t height,
               std::size_t width, unsigned times, std::uint8_t* result);

}  // namespace edge_dnq
