// The AVX-512 convolution loops behind the kernels of avx512vnni_kernels.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "micro/micro_kernel.h"

namespace edge_dnq::avx512vnni {

// int8 weights of any range, unsigned activations (avx512vnni_conv_w8u8.cpp).
void accumulate_w8u8(const Tile& tile);

// 2-bit weights and activations: a byte starts at kStart and takes c * (u - kCodeZero), which goes
// twice as far down as up (avx512vnni_conv_w2a2.cpp).
constexpr int kCodeZero = 2;
constexpr int kStart = 170;
void accumulate_w2a2(const Tile& tile);

}  // namespace edge_dnq::avx512vnni
