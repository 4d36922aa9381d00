#include "core/isa.h"

#include <cstddef>
#include <cstring>

#include "micro/micro_kernel.h"
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace edge_dnq {
namespace {

constexpr Isa kAll[] = {Isa::kAvx512Vnni, Isa::kAvx2, Isa::kNeonDot, Isa::kNeon, Isa::kScalar};

bool cpu_runs(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::kAvx512Vnni) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vnni");
  }
#elif defined(__aarch64__)
  if (isa == Isa::kNeon) return true;
  if (isa == Isa::kNeonDot) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#endif
  return isa == Isa::kScalar;
}

}  // namespace

const char* name(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512Vnni:
      return "avx512vnni";
    case Isa::kNeon:
      return "neon";
    case Isa::kNeonDot:
      return "neondot";
    case Isa::kScalar:
      break;
  }
  return "scalar";
}

bool parse_isa(const char* text, Isa& isa) {
  for (const Isa candidate : kAll) {
    if (std::strcmp(text, name(candidate)) == 0) {
      isa = candidate;
      return true;
    }
  }
  return false;
}

bool is_supported(Isa isa) {
  std::size_t count = 0;
  kernels_of(isa, count);
  return count > 0 && cpu_runs(isa);
}

Isa best_isa() {
  for (const Isa candidate : kAll) {
    if (is_supported(candidate)) return candidate;
  }
  return Isa::kScalar;
}

}  // namespace edge_dnq
