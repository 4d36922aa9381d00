#include "micro/resize.h"

#include <vector>

namespace edge_dnq {
namespace {

constexpr std::uint32_t kWhole = 1U << kWeightBits;
constexpr std::uint32_t kHalf = 1U << (2 * kWeightBits - 1);

std::vector<Tap> taps_of(std::size_t side, std::size_t size) {
  std::vector<Tap> taps(size);
  const std::size_t unit = 2 * size;
  for (std::size_t i = 0; i < size; ++i) {
    // The place (2 i + 1) side / (2 size) - 1/2, in units of 1 / (2 size).
    const std::size_t centre = (2 * i + 1) * side;
    const std::size_t at = centre < size ? 0 : centre - size;
    const std::size_t before = at / unit;
    if (centre < size || before >= side - 1) {
      taps[i] = {static_cast<std::uint32_t>(before), 0};
      continue;
    }
    const std::size_t scaled = (at % unit) * kWhole;
    std::size_t weight = scaled / unit;
    const std::size_t rest = 2 * (scaled % unit);
    // Halves go to the even neighbour, as OpenCV has it.
    if (rest > unit || (rest == unit && weight % 2 == 1)) ++weight;
    taps[i] = {static_cast<std::uint32_t>(before), static_cast<std::uint16_t>(weight)};
  }
  return taps;
}

}  // namespace

void scalar_mix_rows(const std::uint8_t* upper, const std::uint8_t* lower, std::uint16_t weight,
                     std::size_t count, std::uint16_t* mixed) {
  for (std::size_t i = 0; i < count; ++i) {
    mixed[i] = static_cast<std::uint16_t>(upper[i] * (kWhole - weight) + lower[i] * weight);
  }
}

void scalar_mix_columns(const std::uint16_t* mixed, const Tap* taps, std::size_t size,
                        std::uint8_t* out) {
  for (std::size_t x = 0; x < size; ++x) {
    const std::uint16_t* pixel = mixed + 3 * taps[x].before;
    const std::uint32_t weight = taps[x].weight;
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint32_t sum = pixel[c] * (kWhole - weight) + pixel[c + 3] * weight;
      out[3 * x + c] = static_cast<std::uint8_t>((sum + kHalf) >> (2 * kWeightBits));
    }
  }
}

ResizeRows resize_rows(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
    case Isa::kAvx512Vnni:
      return {avx2_mix_rows, avx2_mix_columns};
#elif defined(__aarch64__)
    case Isa::kNeon:
    case Isa::kNeonDot:
      return {neon_mix_rows, neon_mix_columns};
#endif
    default:
      return {scalar_mix_rows, scalar_mix_columns};
  }
}

void resize_rgb(const std::uint8_t* picture, std::size_t stride, std::size_t side, std::size_t size,
                std::uint8_t* result) {
  const ResizeRows rows = resize_rows(best_isa());
  const std::vector<Tap> taps = taps_of(side, size);
  std::vector<std::uint16_t> mixed(3 * side + kMixedRoom);
  for (std::size_t y = 0; y < size; ++y) {
    const std::uint8_t* upper = picture + taps[y].before * stride;
    // Without weight the row below may lie past the picture.
    const std::uint8_t* lower = taps[y].weight == 0 ? upper : upper + stride;
    rows.mix_rows(upper, lower, taps[y].weight, 3 * side, mixed.data());
    rows.mix_columns(mixed.data(), taps.data(), size, result + 3 * y * size);
  }
}

}  // namespace edge_dnq
