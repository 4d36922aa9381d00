// Row operations on ARMv8.0 Advanced SIMD, equal to the scalar ones element by element.
#include <arm_neon.h>

#include "micro/registry.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kLanes = 16;

/// Values far outside int8 saturate on the way, as they would be clamped anyway.
class Clamper {
 public:
  explicit Clamper(const Clamp& clamp)
      : zero_point_(vdupq_n_s16(static_cast<std::int16_t>(clamp.zero_point))),
        low_(vdupq_n_s8(static_cast<std::int8_t>(clamp.low))),
        high_(vdupq_n_s8(static_cast<std::int8_t>(clamp.high))) {}

  /// q of four vectors of rounded values.
  int8x16_t operator()(const int32x4_t (&values)[4]) const {
    return vminq_s8(
        vmaxq_s8(vcombine_s8(half(values[0], values[1]), half(values[2], values[3])), low_), high_);
  }

 private:
  int8x8_t half(int32x4_t low, int32x4_t high) const {
    const int16x8_t narrow = vqmovn_high_s32(vqmovn_s32(low), high);
    return vqmovn_s16(vqaddq_s16(narrow, zero_point_));
  }

  int16x8_t zero_point_;
  int8x16_t low_;
  int8x16_t high_;
};

void requantise(const std::int32_t* acc, const std::int32_t* bias, const float* multiplier,
                std::size_t n, const Clamp& clamp, std::int8_t* q) {
  const Clamper clamper(clamp);
  for (std::size_t i = 0; i < n; i += kLanes) {
    int32x4_t rounded[4];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < 4; ++v) {
      const std::size_t at = i + 4 * v;
      const int32x4_t sum = vaddq_s32(vld1q_s32(acc + at), vld1q_s32(bias + at));
      rounded[v] = vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sum), vld1q_f32(multiplier + at)));
    }
    vst1q_s8(q + i, clamper(rounded));
  }
}

class Adder {
 public:
  explicit Adder(const AddFactors& factors)
      : a_factor_(vdupq_n_s32(factors.a_factor)),
        b_factor_(vdupq_n_s32(factors.b_factor)),
        a_zero_(vdupq_n_s16(static_cast<std::int16_t>(factors.a_zero))),
        b_zero_(vdupq_n_s16(static_cast<std::int16_t>(factors.b_zero))),
        shift_(vdupq_n_s32(-factors.shift)) {}

  /// Two vectors of rounded sums, from eight elements of each operand.
  void operator()(int8x8_t a, int8x8_t b, int32x4_t& low, int32x4_t& high) const {
    const int16x8_t x = vsubq_s16(vmovl_s8(a), a_zero_);
    const int16x8_t y = vsubq_s16(vmovl_s8(b), b_zero_);
    low = rounded(vmovl_s16(vget_low_s16(x)), vmovl_s16(vget_low_s16(y)));
    high = rounded(vmovl_high_s16(x), vmovl_high_s16(y));
  }

 private:
  /// A rounding shift to the right by a register is one to the left by its negative.
  int32x4_t rounded(int32x4_t x, int32x4_t y) const {
    return vrshlq_s32(vmlaq_s32(vmulq_s32(x, a_factor_), y, b_factor_), shift_);
  }

  int32x4_t a_factor_;
  int32x4_t b_factor_;
  int16x8_t a_zero_;
  int16x8_t b_zero_;
  int32x4_t shift_;
};

void add(const std::int8_t* a, const std::int8_t* b, std::size_t n, const AddFactors& factors,
         const Clamp& clamp, std::int8_t* q) {
  const Clamper clamper(clamp);
  const Adder adder(factors);
  for (std::size_t i = 0; i < n; i += kLanes) {
    const int8x16_t x = vld1q_s8(a + i);
    const int8x16_t y = vld1q_s8(b + i);
    int32x4_t sums[4];
    adder(vget_low_s8(x), vget_low_s8(y), sums[0], sums[1]);
    adder(vget_high_s8(x), vget_high_s8(y), sums[2], sums[3]);
    vst1q_s8(q + i, clamper(sums));
  }
}

/// The codes of an int8 row, and back.
uint8x16_t flip(uint8x16_t values) { return veorq_u8(values, vdupq_n_u8(0x80)); }

/// Bytes of whole vectors; the caller finishes the row.
std::size_t pack_pairs(const std::int8_t* q, std::size_t bytes, std::uint8_t* out) {
  std::size_t i = 0;
  for (; i + kLanes <= bytes; i += kLanes) {
    const uint8x16x2_t pair = vld2q_u8(reinterpret_cast<const std::uint8_t*>(q) + 2 * i);
    // Shifting to the top four bits drops the sign bits: -128 + c and c agree below bit 7.
    vst1q_u8(out + i, vsliq_n_u8(vshlq_n_u8(flip(pair.val[0]), 4), flip(pair.val[1]), 6));
  }
  return i;
}

std::size_t unpack_pairs(const std::uint8_t* in, std::size_t bytes, std::int8_t* q) {
  std::size_t i = 0;
  for (; i + kLanes <= bytes; i += kLanes) {
    const uint8x16_t packed = vld1q_u8(in + i);
    uint8x16x2_t pair;
    pair.val[0] = flip(vandq_u8(vshrq_n_u8(packed, 4), vdupq_n_u8(3)));
    pair.val[1] = flip(vshrq_n_u8(packed, 6));
    vst2q_u8(reinterpret_cast<std::uint8_t*>(q) + 2 * i, pair);
  }
  return i;
}

/// Copies whole vectors, with the top bit flipped for kU8.
std::size_t copy_bytes(Format format, const std::uint8_t* in, std::size_t n, std::uint8_t* out) {
  const uint8x16_t offset = vdupq_n_u8(format == Format::kU8 ? 0x80 : 0);
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) vst1q_u8(out + i, veorq_u8(vld1q_u8(in + i), offset));
  return i;
}

void pack(Format format, const std::int8_t* q, std::size_t n, std::uint8_t* out) {
  // No kernel of these instruction sets reads triples.
  std::size_t done = 0;
  if (format == Format::kPair2) {
    done = pack_pairs(q, n / 2, out);
  } else if (format != Format::kTriple2) {
    done = copy_bytes(format, reinterpret_cast<const std::uint8_t*>(q), n, out);
  }
  const std::size_t channels = done * channels_per_byte(format);
  scalar_row_ops().pack(format, q + channels, n - channels, out + done);
}

void unpack(Format format, const std::uint8_t* in, std::size_t n, std::int8_t* q) {
  std::size_t done = 0;
  if (format == Format::kPair2) {
    done = unpack_pairs(in, n / 2, q);
  } else if (format != Format::kTriple2) {
    done = copy_bytes(format, in, n, reinterpret_cast<std::uint8_t*>(q));
  }
  const std::size_t channels = done * channels_per_byte(format);
  scalar_row_ops().unpack(format, in + done, n - channels, q + channels);
}

void maximum(const std::int8_t* a, std::size_t n, std::int8_t* q) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    vst1q_s8(q + i, vmaxq_s8(vld1q_s8(q + i), vld1q_s8(a + i)));
  }
}

void accumulate(const std::int8_t* a, std::size_t n, std::int32_t* sums) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const int16x8_t values = vmovl_s8(vld1_s8(a + i));
    vst1q_s32(sums + i, vaddw_s16(vld1q_s32(sums + i), vget_low_s16(values)));
    vst1q_s32(sums + i + 4, vaddw_high_s16(vld1q_s32(sums + i + 4), values));
  }
  for (; i < n; ++i) sums[i] += a[i];
}

std::int32_t code_sum(Format format, const std::uint8_t* in, std::size_t bytes) {
  // A packed byte's codes lie at bits 0, 2 and 4, or at 4 and 6; the others are zero.
  const uint8x16_t code = vdupq_n_u8(3);
  uint32x4_t total = vdupq_n_u32(0);
  std::size_t i = 0;
  for (; i + kLanes <= bytes; i += kLanes) {
    const uint8x16_t packed = vld1q_u8(in + i);
    const uint8x16_t low = vaddq_u8(vandq_u8(packed, code), vandq_u8(vshrq_n_u8(packed, 2), code));
    const uint8x16_t high = vaddq_u8(vandq_u8(vshrq_n_u8(packed, 4), code), vshrq_n_u8(packed, 6));
    total = vpadalq_u16(total, vpaddlq_u8(vaddq_u8(low, high)));
  }
  return static_cast<std::int32_t>(vaddvq_u32(total)) +
         scalar_row_ops().code_sum(format, in + i, bytes - i);
}

constexpr RowOps kRowOps = {requantise, add,        pack,     unpack,
                            maximum,    accumulate, code_sum, neon_depthwise};

}  // namespace

const RowOps& neon_row_ops() { return kRowOps; }

}  // namespace edge_dnq
