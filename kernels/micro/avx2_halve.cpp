// Halving RGB rows with AVX2: eight pixels of the half at a time.
#include <immintrin.h>

#include "micro/halve.h"

namespace edge_dnq {
namespace {

/// Two times twelve bytes, four pixels to each 128-bit half, neighbours of a channel side by side.
__m256i neighbours(const std::uint8_t* row) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 12));
  const __m256i pairs = _mm256_setr_epi8(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1,  //
                                         0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1);
  return _mm256_shuffle_epi8(_mm256_set_m128i(high, low), pairs);
}

/// Means of 24 bytes of both rows as words, six to each 128-bit half.
__m256i means(const std::uint8_t* upper, const std::uint8_t* lower) {
  const __m256i one = _mm256_set1_epi8(1);
  const __m256i sum = _mm256_add_epi16(_mm256_maddubs_epi16(neighbours(upper), one),
                                       _mm256_maddubs_epi16(neighbours(lower), one));
  return _mm256_srli_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
}

}  // namespace

void avx2_halve(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixels,
                std::uint8_t* out) {
  constexpr std::size_t kStep = 8;
  // The last store of a step goes 4 bytes past its pixels, and the last load as well.
  constexpr std::size_t kRoom = 2;
  std::size_t p = 0;
  for (; p + kStep + kRoom <= pixels; p += kStep) {
    const __m256i bytes = _mm256_packus_epi16(means(upper + 6 * p, lower + 6 * p),
                                              means(upper + 6 * p + 24, lower + 6 * p + 24));
    const __m256i together =
        _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1,  //
                         0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1);
    const __m256i done = _mm256_shuffle_epi8(_mm256_permute4x64_epi64(bytes, 0xD8), together);
    std::uint8_t* to = out + 3 * p;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 12), _mm256_extracti128_si256(done, 1));
  }
  scalar_halve(upper + 6 * p, lower + 6 * p, pixels - p, out + 3 * p);
}

}  // namespace edge_dnq
