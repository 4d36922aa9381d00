// The AVX2 convolution loops behind the kernels of avx2_kernels.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "micro/micro_kernel.h"

namespace edge_dnq::avx2 {

// 8-bit weights, 8-bit activations (avx2_conv_w8u8.cpp).
void accumulate_w8u8(const Tile& tile);
void expand_w8u8(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded);
/// Two channels a step: less padding where a window row has few bytes, as in a stem.
void accumulate_w8u8_pairs(const Tile& tile);
void expand_w8u8_pairs(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded);

// Operands whose pair products fit int16 (avx2_conv_w4a4.cpp).
void accumulate_w4a4(const Tile& tile);
void expand_w4a4(const std::int8_t* panel, std::size_t bytes, bool nested4, void* expanded);

// 2-bit weights and activations: a byte starts at kStart and takes c * (u - kCodeZero), which goes
// twice as far down as up (avx2_conv_w2a2.cpp).
constexpr int kCodeZero = 2;
constexpr int kStart = 170;
void accumulate_w2a2(const Tile& tile);

}  // namespace edge_dnq::avx2
