// The table of AVX-512 kernels.
#include "micro/avx512vnni_conv.h"
#include "micro/registry.h"

namespace edge_dnq {
namespace {

// vpdpbusd does not care how many of the eight bits are used: the first serves 4 bits as well.
constexpr MicroKernel kKernels[] = {
    {"conv_w8u8_avx512vnni_6x64", Isa::kAvx512Vnni, Format::kU8, Element::kInt8,
     Accumulator::kInt32, 4, 6, 16, 4, 4, 4, 110.0F, avx512vnni::accumulate_w8u8,
     avx512vnni::expand_w8u8, 1, false},
    {"conv_w2a2_avx512vnni_4x128",
     Isa::kAvx512Vnni,
     Format::kTriple2,
     Element::kCode2,
     Accumulator::kUint8,
     3,
     4,
     64,
     2,
     3,
     1,
     220.0F,
     avx512vnni::accumulate_w2a2,
     nullptr,
     1,
     false,
     255,
     128,
     avx512vnni::kCodeZero,
     avx512vnni::kStart},
};

}  // namespace

const MicroKernel* avx512vnni_kernels(std::size_t& count) {
  count = sizeof(kKernels) / sizeof(kKernels[0]);
  return kKernels;
}

}  // namespace edge_dnq
