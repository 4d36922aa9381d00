// Tile functions shared by the tables of both AArch64 instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

#include "micro/expand_nibbles.h"
#include "micro/micro_kernel.h"

namespace edge_dnq {

void neon_accumulate_w8s8(const Tile& tile);
void neon_accumulate_w4u8(const Tile& tile);
void neon_accumulate_w2a2(const Tile& tile);

/// MicroKernel::code_zero and start of neon_accumulate_w2a2: its bytes go twice as far down as up.
constexpr int kNeonCodeZero = 2;
constexpr int kNeonStart = 170;

/// The look-up kernel, in the table of `isa`.
constexpr MicroKernel neon_w2a2(const char* name, Isa isa, float rate) {
  MicroKernel kernel{
      name, isa, Format::kPair2, Element::kNibble2,    Accumulator::kUint8, 2, 4,   16, 4,
      2,    1,   rate,           neon_accumulate_w2a2, expand_nibbles<16>,  2, true};
  kernel.code_zero = kNeonCodeZero;
  kernel.start = kNeonStart;
  return kernel;
}

/// Copies a panel, or makes the nested 4-bit weights of its 8-bit ones.
void neon_expand(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded);

}  // namespace edge_dnq
