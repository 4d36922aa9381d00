// The table of AVX-512 kernels.
#include "micro/avx512vnni_conv.h"
#include "micro/registry.h"

namespace edge_dnq {
namespace {

constexpr MicroKernel with_start(MicroKernel kernel) {
  kernel.code_zero = avx512vnni::kCodeZero;
  kernel.start = avx512vnni::kStart;
  return kernel;
}

constexpr MicroKernel that_reads_nested4(MicroKernel kernel) {
  kernel.reads_nested4 = true;
  return kernel;
}

// vpdpbusd does not care how many of the eight bits are used: the first serves 4 bits as well.
constexpr MicroKernel kKernels[] = {
    that_reads_nested4({"conv_w8u8_avx512vnni_6x64", Isa::kAvx512Vnni, Format::kU8, Element::kInt8,
                        Accumulator::kInt32, 4, 6, 16, 4, 4, 4, 118.0F, avx512vnni::accumulate_w8u8,
                        nullptr, 1, false}),
    with_start({"conv_w2a2_avx512vnni_4x128", Isa::kAvx512Vnni, Format::kTriple2, Element::kCode2,
                Accumulator::kUint8, 3, 4, 64, 2, 3, 1, 215.0F, avx512vnni::accumulate_w2a2,
                nullptr, 1, false}),
};

}  // namespace

const MicroKernel* avx512vnni_kernels(std::size_t& count) {
  count = sizeof(kKernels) / sizeof(kKernels[0]);
  return kKernels;
}

}  // namespace edge_dnq
