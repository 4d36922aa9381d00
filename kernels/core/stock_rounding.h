// Where the stock runtime's rounding depends on the architecture that it was compiled for.
#pragma once

#include <cmath>

namespace edge_dnq {

/// a * b + c as the stock runtime's mean computes it: rounded once on AArch64, where its compiler
/// fuses the two, and twice on x86. Near a tie the results differ by one level.
inline float stock_multiply_add(float a, float b, float c) {
#if defined(__aarch64__)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

}  // namespace edge_dnq
