// Resizing RGB rows with AVX2: sixteen bytes of two rows, then four pixels of a row at a time.
#include <immintrin.h>

#include "micro/resize.h"

namespace edge_dnq {
namespace {

constexpr int kWhole = 1 << kWeightBits;

__m256i mixed_bytes(const std::uint8_t* upper, const std::uint8_t* lower, __m256i of_upper,
                    __m256i of_lower) {
  const __m256i above =
      _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(upper)));
  const __m256i below =
      _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(lower)));
  return _mm256_add_epi16(_mm256_mullo_epi16(above, of_upper), _mm256_mullo_epi16(below, of_lower));
}

/// The three channels of a pixel, and one more, as 32-bit values 0..255.
///
/// A multiply-add takes signed words: the unsigned ones lose 2^15 before it, and as the weights
/// add up to 2^8 the sum gets 2^23 back, together with the half that rounds it.
__m128i mixed_pixel(const std::uint16_t* mixed, const Tap& tap) {
  const std::uint16_t* pixel = mixed + 3 * tap.before;
  const __m128i pairs =
      _mm_unpacklo_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixel)),
                         _mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixel + 3)));
  const __m128i weights = _mm_set1_epi32((kWhole - tap.weight) | (tap.weight << 16));
  const __m128i lowered = _mm_xor_si128(pairs, _mm_set1_epi16(static_cast<short>(0x8000)));
  const __m128i sum = _mm_madd_epi16(lowered, weights);
  constexpr int kBack = (1 << (15 + kWeightBits)) + (1 << (2 * kWeightBits - 1));
  return _mm_srli_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kBack)), 2 * kWeightBits);
}

}  // namespace

void avx2_mix_rows(const std::uint8_t* upper, const std::uint8_t* lower, std::uint16_t weight,
                   std::size_t count, std::uint16_t* mixed) {
  const __m256i of_upper = _mm256_set1_epi16(static_cast<short>(kWhole - weight));
  const __m256i of_lower = _mm256_set1_epi16(static_cast<short>(weight));
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(mixed + i),
                        mixed_bytes(upper + i, lower + i, of_upper, of_lower));
  }
  scalar_mix_rows(upper + i, lower + i, weight, count - i, mixed + i);
}

void avx2_mix_columns(const std::uint16_t* mixed, const Tap* taps, std::size_t size,
                      std::uint8_t* out) {
  constexpr std::size_t kStep = 4;
  // A store goes 4 bytes past its four pixels: two more pixels must follow.
  constexpr std::size_t kRoom = 2;
  const __m128i together = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  std::size_t x = 0;
  for (; x + kStep + kRoom <= size; x += kStep) {
    const __m128i first =
        _mm_packus_epi32(mixed_pixel(mixed, taps[x]), mixed_pixel(mixed, taps[x + 1]));
    const __m128i second =
        _mm_packus_epi32(mixed_pixel(mixed, taps[x + 2]), mixed_pixel(mixed, taps[x + 3]));
    const __m128i bytes = _mm_shuffle_epi8(_mm_packus_epi16(first, second), together);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * x), bytes);
  }
  scalar_mix_columns(mixed, taps + x, size - x, out + 3 * x);
}

}  // namespace edge_dnq
