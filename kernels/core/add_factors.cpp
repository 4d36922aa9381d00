#include "core/add_factors.h"

#include <algorithm>
#include <cmath>

namespace edge_dnq {
namespace {

constexpr int kMultiplierBits = 20;

}  // namespace

bool can_add(const Tensor& a, const Tensor& b, const Tensor& output) {
  const auto fits = [&](const Tensor& term) {
    const float ratio = term.scale / output.scale;
    return ratio >= 0x1p-10F && ratio < 0x1p8F;
  };
  return fits(a) && fits(b);
}

AddFactors add_factors(const Tensor& a, const Tensor& b, const Tensor& output) {
  const float a_ratio = a.scale / output.scale;
  const float b_ratio = b.scale / output.scale;
  int exponent = 0;
  std::frexp(std::max(a_ratio, b_ratio), &exponent);
  AddFactors factors{};
  factors.shift = kMultiplierBits - (exponent - 1);
  factors.a_factor = static_cast<std::int32_t>(std::nearbyintf(std::ldexp(a_ratio, factors.shift)));
  factors.b_factor = static_cast<std::int32_t>(std::nearbyintf(std::ldexp(b_ratio, factors.shift)));
  factors.a_zero = a.zero_point;
  factors.b_zero = b.zero_point;
  return factors;
}

}  // namespace edge_dnq
