// Tile functions shared by the tables of both AArch64 instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

#include "micro/micro_kernel.h"

namespace edge_dnq {

void neon_accumulate_w8s8(const Tile& tile);
void neon_accumulate_w4u8(const Tile& tile);
void neon_accumulate_w2a2(const Tile& tile);

/// Copies a panel, or makes the nested 4-bit weights of its 8-bit ones.
void neon_expand(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded);

}  // namespace edge_dnq
