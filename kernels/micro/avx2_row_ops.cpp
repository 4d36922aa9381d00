// Row operations for AVX2. Rows of q may be touched up to the next multiple of 64 elements, so the
// loops over them have no tails; packed rows end in the scalar ones.
#include <immintrin.h>

#include "micro/registry.h"

namespace edge_dnq {
namespace {

__m256i load(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

__m128i load_half(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

void store(void* to, __m256i value) { _mm256_storeu_si256(static_cast<__m256i*>(to), value); }

void store_half(void* to, __m128i value) { _mm_storeu_si128(static_cast<__m128i*>(to), value); }

/// q of sixteen or thirty-two int32 values v: clamp(v + zero_point). Saturation on the way down
/// never passes a limit that the clamp would not have passed.
class Narrower {
 public:
  explicit Narrower(const Clamp& clamp)
      : zero_point_(_mm256_set1_epi16(static_cast<short>(clamp.zero_point))),
        low_(_mm256_set1_epi8(static_cast<char>(clamp.low))),
        high_(_mm256_set1_epi8(static_cast<char>(clamp.high))) {}

  __m256i operator()(__m256i a, __m256i b, __m256i c, __m256i d) const {
    // Packing works within 128-bit halves; the permutation puts the fours of channels in turn.
    const __m256i bytes = _mm256_packs_epi16(words(a, b), words(c, d));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return clamped(_mm256_permutevar8x32_epi32(bytes, order));
  }

  __m128i operator()(__m256i a, __m256i b) const {
    const __m256i sixteen = _mm256_permute4x64_epi64(words(a, b), 0xD8);
    return _mm256_castsi256_si128(clamped(_mm256_castsi128_si256(
        _mm_packs_epi16(_mm256_castsi256_si128(sixteen), _mm256_extracti128_si256(sixteen, 1)))));
  }

 private:
  __m256i words(__m256i a, __m256i b) const {
    return _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero_point_);
  }
  __m256i clamped(__m256i bytes) const {
    return _mm256_min_epi8(_mm256_max_epi8(bytes, low_), high_);
  }

  __m256i zero_point_;
  __m256i low_;
  __m256i high_;
};

/// Rounded to int32, half to even. Too large a value becomes one that is clamped; too small a one
/// becomes the smallest int32 by itself.
__m256i scaled(const std::int32_t* acc, const std::int32_t* bias, const float* multiplier) {
  const __m256 sum = _mm256_cvtepi32_ps(_mm256_add_epi32(load(acc), load(bias)));
  const __m256 product = _mm256_mul_ps(sum, _mm256_loadu_ps(multiplier));
  return _mm256_cvtps_epi32(_mm256_min_ps(product, _mm256_set1_ps(65536.0F)));
}

void requantise(const std::int32_t* acc, const std::int32_t* bias, const float* multiplier,
                std::size_t n, const Clamp& clamp, std::int8_t* q) {
  const Narrower narrow(clamp);
  const auto eight = [&](std::size_t i) { return scaled(acc + i, bias + i, multiplier + i); };
  std::size_t i = 0;
  for (; i + 16 < n; i += 32) {
    store(q + i, narrow(eight(i), eight(i + 8), eight(i + 16), eight(i + 24)));
  }
  // Accumulators are readable up to the next multiple of sixteen only.
  if (i < n) store_half(q + i, narrow(eight(i), eight(i + 8)));
}

void add(const std::int8_t* a, const std::int8_t* b, std::size_t n, const AddFactors& f,
         const Clamp& clamp, std::int8_t* q) {
  const Narrower narrow(clamp);
  const __m256i a_factor = _mm256_set1_epi32(f.a_factor);
  const __m256i b_factor = _mm256_set1_epi32(f.b_factor);
  // Zero points and rounding in one term; unsigned, as its parts may pass int32 on the way.
  const std::uint32_t rest = (1U << (f.shift - 1)) -
                             static_cast<std::uint32_t>(f.a_zero) * f.a_factor -
                             static_cast<std::uint32_t>(f.b_zero) * f.b_factor;
  const __m256i constant = _mm256_set1_epi32(static_cast<int>(rest));
  const __m128i shift = _mm_cvtsi32_si128(f.shift);
  const auto eight = [&](std::size_t i) {
    const __m256i wide_a =
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(a + i)));
    const __m256i wide_b =
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(b + i)));
    const __m256i sum = _mm256_add_epi32(_mm256_mullo_epi32(wide_a, a_factor),
                                         _mm256_mullo_epi32(wide_b, b_factor));
    return _mm256_sra_epi32(_mm256_add_epi32(sum, constant), shift);
  };
  for (std::size_t i = 0; i < n; i += 32) {
    store(q + i, narrow(eight(i), eight(i + 8), eight(i + 16), eight(i + 24)));
  }
}

/// Codes of 32 channels: (c0 | c1 << 2) << 4 of each pair, in order.
__m128i pairs(__m256i q) {
  // q + 128 is 0..3, so only its low two bits count.
  const __m256i codes = _mm256_and_si256(q, _mm256_set1_epi8(3));
  const __m256i words = _mm256_maddubs_epi16(codes, _mm256_set1_epi16(0x4010));
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0x08);
  return _mm256_castsi256_si128(bytes);
}

void pack_pairs(const std::int8_t* q, std::size_t n, std::uint8_t* out) {
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) store_half(out + i / 2, pairs(load(q + i)));
  if (i == n) return;
  alignas(16) std::uint8_t rest[16];
  store_half(rest, pairs(load(q + i)));
  const std::size_t bytes = (n - i + 1) / 2;
  if (n % 2 != 0) rest[bytes - 1] &= 0x3F;
  __builtin_memcpy(out + i / 2, rest, bytes);
}

/// One block: its three thirds side by side.
void pack_triples(const std::int8_t* q, std::size_t n, std::uint8_t* out) {
  const std::size_t third = (n + 2) / 3;
  const std::size_t last = n > 2 * third ? n - 2 * third : 0;
  for (std::size_t i = 0; i < third; ++i) {
    unsigned byte = (q[i] & 3U);
    if (third + i < n) byte |= (q[third + i] & 3U) << 2;
    if (i < last) byte |= (q[2 * third + i] & 3U) << 4;
    out[i] = static_cast<std::uint8_t>(byte);
  }
}

/// out = in with each byte's top bit flipped when `flip`.
void copy(const void* in, std::size_t n, bool flip, void* out) {
  const auto* from = static_cast<const std::uint8_t*>(in);
  auto* to = static_cast<std::uint8_t*>(out);
  const __m256i top = _mm256_set1_epi8(flip ? -128 : 0);
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) store(to + i, _mm256_xor_si256(load(from + i), top));
  for (; i < n; ++i) to[i] = static_cast<std::uint8_t>(from[i] ^ (flip ? 0x80U : 0U));
}

void pack(Format format, const std::int8_t* q, std::size_t n, std::uint8_t* out) {
  switch (format) {
    case Format::kPair2:
      return pack_pairs(q, n, out);
    case Format::kTriple2:
      return pack_triples(q, n, out);
    default:
      return copy(q, n, format == Format::kU8, out);
  }
}

void unpack_pairs(const std::uint8_t* in, std::size_t n, std::int8_t* q) {
  const __m128i three = _mm_set1_epi8(3);
  const __m128i top = _mm_set1_epi8(-128);
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m128i bytes = load_half(in + i / 2);
    const __m128i even = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(bytes, 4), three), top);
    const __m128i odd = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(bytes, 6), three), top);
    store_half(q + i, _mm_unpacklo_epi8(even, odd));
    store_half(q + i + 16, _mm_unpackhi_epi8(even, odd));
  }
  for (; i < n; ++i) {
    q[i] = static_cast<std::int8_t>((in[i / 2] >> (i % 2 == 0 ? 4 : 6) & 3) - 128);
  }
}

void unpack_triples(const std::uint8_t* in, std::size_t n, std::int8_t* q) {
  const std::size_t third = (n + 2) / 3;
  for (std::size_t i = 0; i < n; ++i) {
    q[i] = static_cast<std::int8_t>((in[i % third] >> (2 * (i / third)) & 3) - 128);
  }
}

void unpack(Format format, const std::uint8_t* in, std::size_t n, std::int8_t* q) {
  switch (format) {
    case Format::kPair2:
      return unpack_pairs(in, n, q);
    case Format::kTriple2:
      return unpack_triples(in, n, q);
    default:
      return copy(in, n, format == Format::kU8, q);
  }
}

void maximum(const std::int8_t* a, std::size_t n, std::int8_t* q) {
  for (std::size_t i = 0; i < n; i += 32) store(q + i, _mm256_max_epi8(load(q + i), load(a + i)));
}

void accumulate(const std::int8_t* a, std::size_t n, std::int32_t* sums) {
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(a + i));
    store(sums + i, _mm256_add_epi32(load(sums + i), _mm256_cvtepi8_epi32(eight)));
  }
  for (; i < n; ++i) sums[i] += a[i];
}

std::int32_t code_sum(Format format, const std::uint8_t* in, std::size_t bytes) {
  const int first = format == Format::kPair2 ? 4 : 0;
  // Sums of the codes in a 4-bit half: low half, high half.
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6));
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i total = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 32 <= bytes; i += 32) {
    // Unused bits are zero in both formats and add nothing.
    const __m256i packed = load(in + i);
    const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(packed, nibble));
    const __m256i high =
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(packed, 4), nibble));
    total = _mm256_add_epi64(total,
                             _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256()));
  }
  alignas(32) std::int64_t lanes[4];
  store(lanes, total);
  std::int64_t sum = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  for (; i < bytes; ++i) {
    const unsigned codes = static_cast<unsigned>(in[i]) >> first;
    sum += (codes & 3U) + (codes >> 2U & 3U) + (codes >> 4U & 3U);
  }
  return static_cast<std::int32_t>(sum);
}

constexpr RowOps kRowOps = {requantise, add,        pack,     unpack,
                            maximum,    accumulate, code_sum, avx2_depthwise};

}  // namespace

const RowOps& avx2_row_ops() { return kRowOps; }

}  // namespace edge_dnq
