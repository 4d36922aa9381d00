// Resizing RGB rows with Advanced SIMD: eight bytes of two rows, then two pixels at a time.
#include <arm_neon.h>

#include "micro/resize.h"

namespace edge_dnq {
namespace {

constexpr std::uint16_t kWhole = 1U << kWeightBits;

/// The three channels of a pixel, and one more, as words 0..255.
uint16x4_t mixed_pixel(const std::uint16_t* mixed, const Tap& tap) {
  const std::uint16_t* pixel = mixed + 3 * tap.before;
  const auto of_first = static_cast<std::uint16_t>(kWhole - tap.weight);
  const uint32x4_t sum =
      vmlal_n_u16(vmull_n_u16(vld1_u16(pixel), of_first), vld1_u16(pixel + 3), tap.weight);
  return vrshrn_n_u32(sum, 2 * kWeightBits);
}

}  // namespace

void neon_mix_rows(const std::uint8_t* upper, const std::uint8_t* lower, std::uint16_t weight,
                   std::size_t count, std::uint16_t* mixed) {
  const uint16x8_t of_upper = vdupq_n_u16(static_cast<std::uint16_t>(kWhole - weight));
  const uint16x8_t of_lower = vdupq_n_u16(weight);
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const uint16x8_t above = vmulq_u16(vmovl_u8(vld1_u8(upper + i)), of_upper);
    vst1q_u16(mixed + i, vmlaq_u16(above, vmovl_u8(vld1_u8(lower + i)), of_lower));
  }
  scalar_mix_rows(upper + i, lower + i, weight, count - i, mixed + i);
}

void neon_mix_columns(const std::uint16_t* mixed, const Tap* taps, std::size_t size,
                      std::uint8_t* out) {
  constexpr std::size_t kStep = 2;
  // A store goes 2 bytes past its two pixels: another pixel must follow.
  constexpr std::size_t kRoom = 1;
  const std::uint8_t places[8] = {0, 1, 2, 4, 5, 6, 255, 255};
  const uint8x8_t together = vld1_u8(places);
  std::size_t x = 0;
  for (; x + kStep + kRoom <= size; x += kStep) {
    const uint16x8_t pair =
        vcombine_u16(mixed_pixel(mixed, taps[x]), mixed_pixel(mixed, taps[x + 1]));
    vst1_u8(out + 3 * x, vtbl1_u8(vmovn_u16(pair), together));
  }
  scalar_mix_columns(mixed, taps + x, size - x, out + 3 * x);
}

}  // namespace edge_dnq
