// Depthwise convolution: as for AVX2, with vpdpwssd adding both products of a channel to its sum.
//
// The limit: six instructions per 32 products (two widen, two interleave, two multiply-add), whose
// first four share two shuffle ports: 16 MAC/cycle for 256-bit vectors. Blocks stay at 16 channels
// because networks have many counts that are not multiples of 32.
#include <immintrin.h>

namespace edge_dnq {
namespace {

__m256i multiply_add(__m256i sums, __m256i activations, __m256i weights) {
  return _mm256_dpwssd_epi32(sums, activations, weights);
}

}  // namespace
}  // namespace edge_dnq

#include "micro/registry.h"
#include "micro/x86_depthwise.h"

namespace edge_dnq {

void avx512vnni_depthwise(const DepthwiseRun& run, std::int32_t* acc) { depthwise(run, acc); }

}  // namespace edge_dnq
