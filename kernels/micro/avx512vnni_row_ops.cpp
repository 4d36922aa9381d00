// Row operations for AVX-512 with VBMI. Loads and stores of a row's end are masked, those of whole
// vectors are not: a masked store's bytes cannot be forwarded to the load that follows.
#include <immintrin.h>

#include "micro/registry.h"

namespace edge_dnq {
namespace {

__mmask64 first_bytes(std::size_t n) { return n >= 64 ? ~__mmask64{0} : (__mmask64{1} << n) - 1; }

__mmask16 first_lanes(std::size_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xFFFFU : (1U << n) - 1U);
}

__m128i load16(const std::int8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

/// The first `n` bytes of a row, or 64 of a longer one; zeros after them.
__m512i load_bytes(const void* from, std::size_t n) {
  return n >= 64 ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(first_bytes(n), from);
}

void store_bytes(void* to, std::size_t n, __m512i bytes) {
  if (n >= 64) {
    _mm512_storeu_si512(to, bytes);
  } else {
    _mm512_mask_storeu_epi8(to, first_bytes(n), bytes);
  }
}

/// q of 64 int32 values v: clamp(v + zero_point). Saturation on the way down never passes a limit
/// that the clamp would not have passed.
class Narrower {
 public:
  explicit Narrower(const Clamp& clamp)
      : zero_point_(_mm512_set1_epi16(static_cast<short>(clamp.zero_point))),
        low_(_mm512_set1_epi8(static_cast<char>(clamp.low))),
        high_(_mm512_set1_epi8(static_cast<char>(clamp.high))) {}

  __m512i operator()(__m512i a, __m512i b, __m512i c, __m512i d) const {
    // Packing works within 128-bit lanes: four channels of each operand, lane after lane.
    const __m512i bytes = _mm512_packs_epi16(words(a, b), words(c, d));
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i sorted = _mm512_permutexvar_epi32(order, bytes);
    return _mm512_min_epi8(_mm512_max_epi8(sorted, low_), high_);
  }

 private:
  __m512i words(__m512i a, __m512i b) const {
    return _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero_point_);
  }

  __m512i zero_point_;
  __m512i low_;
  __m512i high_;
};

/// q[i] of values(i), sixteen a call. Reads up to the next multiple of sixteen only.
template <typename Values>
void narrow_row(const Clamp& clamp, std::size_t n, Values values, std::int8_t* q) {
  const Narrower narrow(clamp);
  std::size_t i = 0;
  for (; i + 48 < n; i += 64) {
    _mm512_storeu_si512(q + i, narrow(values(i), values(i + 16), values(i + 32), values(i + 48)));
  }
  for (; i < n; i += 16) {
    const __m512i sixteen = values(i);
    const __m512i bytes = narrow(sixteen, sixteen, sixteen, sixteen);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + i), _mm512_castsi512_si128(bytes));
  }
}

void requantise(const std::int32_t* acc, const std::int32_t* bias, const float* multiplier,
                std::size_t n, const Clamp& clamp, std::int8_t* q) {
  // Rounded half to even. Too large a value becomes one that is clamped; too small a one becomes
  // the smallest int32 by itself.
  const auto scaled = [&](std::size_t i) {
    const __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(acc + i), _mm512_loadu_si512(bias + i));
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(multiplier + i));
    return _mm512_cvtps_epi32(_mm512_min_ps(product, _mm512_set1_ps(65536.0F)));
  };
  narrow_row(clamp, n, scaled, q);
}

void add(const std::int8_t* a, const std::int8_t* b, std::size_t n, const AddFactors& f,
         const Clamp& clamp, std::int8_t* q) {
  const __m512i a_factor = _mm512_set1_epi32(f.a_factor);
  const __m512i b_factor = _mm512_set1_epi32(f.b_factor);
  // Zero points and rounding in one term; unsigned, as its parts may pass int32 on the way.
  const std::uint32_t rest = (1U << (f.shift - 1)) -
                             static_cast<std::uint32_t>(f.a_zero) * f.a_factor -
                             static_cast<std::uint32_t>(f.b_zero) * f.b_factor;
  const __m512i constant = _mm512_set1_epi32(static_cast<int>(rest));
  const __m128i shift = _mm_cvtsi32_si128(f.shift);
  const auto sum_of = [&](std::size_t i) {
    const __m512i sum =
        _mm512_add_epi32(_mm512_mullo_epi32(_mm512_cvtepi8_epi32(load16(a + i)), a_factor),
                         _mm512_mullo_epi32(_mm512_cvtepi8_epi32(load16(b + i)), b_factor));
    return _mm512_sra_epi32(_mm512_add_epi32(sum, constant), shift);
  };
  narrow_row(clamp, n, sum_of, q);
}

/// Codes of up to 64 channels in even bytes' pairs: (c0 | c1 << 2) << 4.
void pack_pairs(const std::int8_t* q, std::size_t n, std::uint8_t* out) {
  for (std::size_t i = 0; i < n; i += 64) {
    const __m512i row = load_bytes(q + i, n - i);
    // q + 128 is 0..3, so only its low two bits count.
    const __m512i codes = _mm512_and_si512(row, _mm512_set1_epi8(3));
    const __m512i pairs = _mm512_maddubs_epi16(codes, _mm512_set1_epi16(0x4010));
    const __mmask32 mask = static_cast<__mmask32>(first_bytes((n - i + 1) / 2));
    _mm256_mask_storeu_epi8(out + i / 2, mask, _mm512_cvtepi16_epi8(pairs));
  }
}

/// 0, 1, 2, ... plus `offset`, modulo 256.
__m512i indices_from(std::size_t offset) {
  const __m512i iota = _mm512_set_epi8(
      63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
      40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
      17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_add_epi8(iota, _mm512_set1_epi8(static_cast<char>(offset)));
}

/// The row from byte `first` on, zeros after its end.
__m512i third_of(__m512i row, std::size_t first) {
  return _mm512_maskz_permutexvar_epi8(first_bytes(64 - first), indices_from(first), row);
}

/// One block: its three thirds side by side.
void pack_triples(const std::int8_t* q, std::size_t n, std::uint8_t* out) {
  const std::size_t third = (n + 2) / 3;
  const __m512i row = _mm512_and_si512(load_bytes(q, n), _mm512_set1_epi8(3));
  // The codes take two bits, so a shift of 16-bit lanes does not carry into the next byte.
  const __m512i second = _mm512_slli_epi16(third_of(row, third), 2);
  const __m512i last = _mm512_slli_epi16(third_of(row, 2 * third), 4);
  _mm512_mask_storeu_epi8(out, first_bytes(third),
                          _mm512_or_si512(_mm512_or_si512(row, second), last));
}

/// out = in with each byte's top bit flipped when `flip`.
void copy(const void* in, std::size_t n, bool flip, void* out) {
  const auto* from = static_cast<const std::uint8_t*>(in);
  auto* to = static_cast<std::uint8_t*>(out);
  const __m512i top = _mm512_set1_epi8(static_cast<char>(flip ? -128 : 0));
  for (std::size_t i = 0; i < n; i += 64) {
    store_bytes(to + i, n - i, _mm512_xor_si512(load_bytes(from + i, n - i), top));
  }
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

/// q of the codes in each byte's low two bits.
__m512i q_of_codes(__m512i codes) {
  const __m512i masked = _mm512_and_si512(codes, _mm512_set1_epi8(3));
  return _mm512_or_si512(masked, _mm512_set1_epi8(static_cast<char>(-128)));
}

void unpack_pairs(const std::uint8_t* in, std::size_t n, std::int8_t* q) {
  for (std::size_t i = 0; i < n; i += 64) {
    const __mmask32 mask = static_cast<__mmask32>(first_bytes((n - i + 1) / 2));
    const __m512i wide = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(mask, in + i / 2));
    // Even bytes take bits 4-5, odd bytes bits 6-7.
    const __m512i odd = _mm512_slli_epi16(_mm512_srli_epi16(wide, 6), 8);
    const __m512i spread =
        _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAAULL, _mm512_srli_epi16(wide, 4), odd);
    store_bytes(q + i, n - i, q_of_codes(spread));
  }
}

void unpack_triples(const std::uint8_t* in, std::size_t n, std::int8_t* q) {
  const std::size_t third = (n + 2) / 3;
  const __m512i packed = _mm512_maskz_loadu_epi8(first_bytes(third), in);
  // Thirds after the first are moved to their place. Bits of neighbours come in above the low two.
  const __m512i second = _mm512_srli_epi16(packed, 2);
  const __m512i last = _mm512_srli_epi16(packed, 4);
  __m512i codes =
      _mm512_mask_permutexvar_epi8(packed, ~first_bytes(third), indices_from(-third), second);
  codes =
      _mm512_mask_permutexvar_epi8(codes, ~first_bytes(2 * third), indices_from(-2 * third), last);
  store_bytes(q, n, q_of_codes(codes));
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
  for (std::size_t i = 0; i < n; i += 64) {
    _mm512_storeu_si512(q + i,
                        _mm512_max_epi8(_mm512_loadu_si512(q + i), _mm512_loadu_si512(a + i)));
  }
}

void accumulate(const std::int8_t* a, std::size_t n, std::int32_t* sums) {
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    const __m512i sum = _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, sums + i),
                                         _mm512_cvtepi8_epi32(load16(a + i)));
    _mm512_mask_storeu_epi32(sums + i, mask, sum);
  }
}

std::int32_t code_sum(Format, const std::uint8_t* in, std::size_t bytes) {
  // Sums of the codes in a 4-bit half. Unused bits are zero in both formats and add nothing.
  const __m512i table =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6));
  const __m512i nibble = _mm512_set1_epi8(15);
  const __m512i one = _mm512_set1_epi8(1);
  __m512i total = _mm512_setzero_si512();
  for (std::size_t i = 0; i < bytes; i += 64) {
    const __m512i packed = _mm512_maskz_loadu_epi8(first_bytes(bytes - i), in + i);
    const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(packed, nibble));
    const __m512i high =
        _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibble));
    total = _mm512_dpbusd_epi32(total, _mm512_add_epi8(low, high), one);
  }
  return _mm512_reduce_add_epi32(total);
}

constexpr RowOps kRowOps = {requantise, add,        pack,     unpack,
                            maximum,    accumulate, code_sum, avx512vnni_depthwise};

}  // namespace

const RowOps& avx512vnni_row_ops() { return kRowOps; }

}  // namespace edge_dnq
