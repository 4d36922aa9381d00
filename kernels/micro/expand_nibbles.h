// From the stored 2-bit panel to the one that a look-up kernel reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace edge_dnq {

/// MicroKernel::expand of kernels whose panel is Element::kNibble2. Plain code over the compiler's
/// vectors: one source for every instruction set.
template <std::size_t kNr>
void expand_nibbles(const std::int8_t* panel, std::size_t bytes, bool, void* expanded) {
  constexpr std::size_t kHalf = kNr / 2;
  typedef std::uint8_t Half __attribute__((vector_size(kHalf)));
  auto* out = static_cast<std::uint8_t*>(expanded);
  for (std::size_t i = 0; i + kHalf <= bytes; i += kHalf, out += kNr) {
    Half both;
    std::memcpy(&both, panel + i, kHalf);
    const Half low = both & 15;
    const Half high = both >> 4;
    std::memcpy(out, &low, kHalf);
    std::memcpy(out + kHalf, &high, kHalf);
  }
}

}  // namespace edge_dnq
