// Twelve (twenty-four for zmm) independent accumulators, as the kernels' tiles have.
#include "bench/instruction_mix.h"

namespace edge_dnq::bench {
namespace {

#define EDGE_DNQ_PAIR_YMM(multiply, add, i) \
  multiply " %%ymm12, %%ymm13, %%ymm14\n\t" add " %%ymm14, %%ymm" #i ", %%ymm" #i "\n\t"
#define EDGE_DNQ_TWELVE_YMM(multiply, add) \
  EDGE_DNQ_PAIR_YMM(multiply, add, 0)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 1)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 2)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 3)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 4)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 5)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 6)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 7)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 8)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 9)      \
  EDGE_DNQ_PAIR_YMM(multiply, add, 10) EDGE_DNQ_PAIR_YMM(multiply, add, 11)
#define EDGE_DNQ_CLOBBERED_YMM                                                             \
  "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8", "ymm9", "ymm10", \
      "ymm11", "ymm14"

void madd_words(std::size_t iterations) {
  for (std::size_t i = 0; i < iterations; ++i) {
    asm volatile(EDGE_DNQ_TWELVE_YMM("vpmaddwd", "vpaddd")::: EDGE_DNQ_CLOBBERED_YMM);
  }
}

void madd_bytes(std::size_t iterations) {
  for (std::size_t i = 0; i < iterations; ++i) {
    asm volatile(EDGE_DNQ_TWELVE_YMM("vpmaddubsw", "vpaddw")::: EDGE_DNQ_CLOBBERED_YMM);
  }
}

void look_up(std::size_t iterations) {
  for (std::size_t i = 0; i < iterations; ++i) {
    asm volatile(EDGE_DNQ_TWELVE_YMM("vpshufb", "vpaddb")::: EDGE_DNQ_CLOBBERED_YMM);
  }
}

#define EDGE_DNQ_DOT_ZMM(i) "vpdpbusd %%zmm24, %%zmm25, %%zmm" #i "\n\t"
#define EDGE_DNQ_PERMUTE_ZMM(i) \
  "vpermb %%zmm24, %%zmm25, %%zmm26\n\tvpaddb %%zmm26, %%zmm" #i ", %%zmm" #i "\n\t"
#define EDGE_DNQ_EIGHT(one, a, b, c, d, e, f, g, h) \
  one(a) one(b) one(c) one(d) one(e) one(f) one(g) one(h)
#define EDGE_DNQ_CLOBBERED_ZMM                                                             \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

// The upper registers cannot be named as clobbered without AVX-512 in this file, which must run
// on any machine; no code of it keeps anything there.
void dot_zmm(std::size_t iterations) {
  for (std::size_t i = 0; i < iterations; ++i) {
    asm volatile(EDGE_DNQ_EIGHT(EDGE_DNQ_DOT_ZMM, 0, 1, 2, 3, 4, 5, 6, 7)
                     EDGE_DNQ_EIGHT(EDGE_DNQ_DOT_ZMM, 8, 9, 10, 11, 12, 13, 14, 15)
                         EDGE_DNQ_EIGHT(EDGE_DNQ_DOT_ZMM, 16, 17, 18, 19, 20, 21, 22, 23)::
                             : EDGE_DNQ_CLOBBERED_ZMM);
  }
}

void permute_zmm(std::size_t iterations) {
  for (std::size_t i = 0; i < iterations; ++i) {
    asm volatile(EDGE_DNQ_EIGHT(EDGE_DNQ_PERMUTE_ZMM, 0, 1, 2, 3, 4, 5, 6, 7)::
                     : EDGE_DNQ_CLOBBERED_ZMM);
  }
}

}  // namespace

const std::vector<InstructionMix>& instruction_mixes() {
  static const std::vector<InstructionMix> kMixes = {
      {"conv_w8u8_avx2", Isa::kAvx2, 12.0 * 16, madd_words},
      {"conv_w4a4_avx2", Isa::kAvx2, 12.0 * 32, madd_bytes},
      {"conv_w2a2_avx2", Isa::kAvx2, 12.0 * 64, look_up},
      {"conv_w8u8_avx512vnni", Isa::kAvx512Vnni, 24.0 * 64, dot_zmm},
      {"conv_w2a2_avx512vnni", Isa::kAvx512Vnni, 8.0 * 192, permute_zmm},
  };
  return kMixes;
}

}  // namespace edge_dnq::bench
