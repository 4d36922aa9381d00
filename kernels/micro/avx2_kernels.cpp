// The table of AVX2 kernels.
#include "micro/avx2_conv.h"
#include "micro/expand_nibbles.h"
#include "micro/registry.h"

namespace edge_dnq {
namespace {

constexpr MicroKernel with_start(MicroKernel kernel) {
  kernel.code_zero = avx2::kCodeZero;
  kernel.start = avx2::kStart;
  return kernel;
}

// w8u8 and w4a4 read the same 8-bit panel, so that one master serves both precisions.
constexpr MicroKernel kKernels[] = {
    {"conv_w8u8_avx2_6x16", Isa::kAvx2, Format::kU8, Element::kInt8, Accumulator::kInt32, 4, 6, 16,
     4, 4, 4, 25.0F, avx2::accumulate_w8u8, avx2::expand_w8u8, 2, true},
    {"conv_w8u8_avx2_6x16_pairs", Isa::kAvx2, Format::kU8, Element::kInt8, Accumulator::kInt32, 2,
     6, 16, 4, 2, 2, 25.0F, avx2::accumulate_w8u8_pairs, avx2::expand_w8u8_pairs, 2, true},
    {"conv_w4a4_avx2_6x16", Isa::kAvx2, Format::kU8, Element::kInt8, Accumulator::kInt16, 2, 6, 16,
     4, 4, 4, 52.0F, avx2::accumulate_w4a4, avx2::expand_w4a4, 1, false},
    with_start({"conv_w2a2_avx2_6x64", Isa::kAvx2, Format::kPair2, Element::kNibble2,
                Accumulator::kUint8, 2, 6, 32, 2, 2, 1, 99.0F, avx2::accumulate_w2a2,
                expand_nibbles<32>, 2, true}),
};

}  // namespace

const MicroKernel* avx2_kernels(std::size_t& count) {
  count = sizeof(kKernels) / sizeof(kKernels[0]);
  return kKernels;
}

}  // namespace edge_dnq
