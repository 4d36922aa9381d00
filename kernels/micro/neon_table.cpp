// The kernels of ARMv8.0 Advanced SIMD.
#include "micro/neon_accumulate.h"
#include "micro/registry.h"

namespace edge_dnq {
namespace {

constexpr MicroKernel kKernels[] = {
    {"conv_w8s8_neon_4x4", Isa::kNeon, Format::kS8, Element::kInt8, Accumulator::kInt32, 2, 4, 4,
     16, 16, 16, 8.0F, neon_accumulate_w8s8, neon_expand, 1, false, 255, 127},
    {"conv_w4u8_neon_4x4", Isa::kNeon, Format::kU8, Element::kInt8, Accumulator::kInt16, 2, 4, 4,
     16, 16, 16, 10.0F, neon_accumulate_w4u8, neon_expand, 1, false, 127},
    neon_w2a2("conv_w2a2_neon_4x32", Isa::kNeon, 18.0F),
};

}  // namespace

const MicroKernel* neon_kernels(std::size_t& count) {
  count = sizeof(kKernels) / sizeof(kKernels[0]);
  return kKernels;
}

}  // namespace edge_dnq
