// Instruction sets the micro-kernels are written for.
#pragma once

#include <cstdint>

namespace edge_dnq {

enum class Isa : std::uint8_t {
  kScalar,
  kAvx2,        // AVX2 and FMA
  kAvx512Vnni,  // AVX-512 F, BW, VL, VBMI and VNNI
  kNeon,        // ARMv8.0 Advanced SIMD (Cortex-A53, A72)
  kNeonDot,     // with SDOT and UDOT (Cortex-A76 and later)
};

const char* name(Isa isa);

/// True and `isa` set when `text` names an instruction set ("scalar", "avx2", "avx512vnni", "neon",
/// "neondot").
bool parse_isa(const char* text, Isa& isa);

/// Whether this build holds kernels for `isa` and this CPU can run them.
bool is_supported(Isa isa);

/// The best supported instruction set.
Isa best_isa();

}  // namespace edge_dnq
