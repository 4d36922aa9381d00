// Which kernels and row operations this build holds. A new kernel is one line in its ISA's table.
#include "micro/registry.h"

namespace edge_dnq {

const MicroKernel* kernels_of(Isa isa, std::size_t& count) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
      return avx2_kernels(count);
    case Isa::kAvx512Vnni:
      return avx512vnni_kernels(count);
#elif defined(__aarch64__)
    case Isa::kNeon:
      return neon_kernels(count);
    case Isa::kNeonDot:
      return neondot_kernels(count);
#endif
    case Isa::kScalar:
      return scalar_kernels(count);
    default:
      count = 0;
      return nullptr;
  }
}

const RowOps& row_ops(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
      return avx2_row_ops();
    case Isa::kAvx512Vnni:
      return avx512vnni_row_ops();
#elif defined(__aarch64__)
    case Isa::kNeon:
    case Isa::kNeonDot:
      return neon_row_ops();
#endif
    default:
      return scalar_row_ops();
  }
}

}  // namespace edge_dnq
