#include "micro/halve.h"

#include <vector>

namespace edge_dnq {

void scalar_halve(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixels,
                  std::uint8_t* out) {
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t c = 0; c < 3; ++c) {
      const std::size_t at = 6 * p + c;
      const int sum = upper[at] + upper[at + 3] + lower[at] + lower[at + 3];
      out[3 * p + c] = static_cast<std::uint8_t>((sum + 2) >> 2);
    }
  }
}

HalveRows halve_rows(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
    case Isa::kAvx512Vnni:
      return avx2_halve;
#elif defined(__aarch64__)
    case Isa::kNeon:
    case Isa::kNeonDot:
      return neon_halve;
#endif
    default:
      return scalar_halve;
  }
}

namespace {

/// The halves between a picture and the result, of each the two rows that are needed next.
class Halves {
 public:
  Halves(const std::uint8_t* picture, std::size_t stride, std::size_t width, unsigned times)
      : halve_(halve_rows(best_isa())), picture_(picture), stride_(stride) {
    for (unsigned level = 1; level < times; ++level) {
      widths_.push_back(width << (times - level));
      rows_.emplace_back(2 * 3 * widths_.back());
    }
  }

  /// Row `y` of the picture halved `level` times; of every two rows the first one stays.
  const std::uint8_t* row(std::size_t level, std::size_t y) {
    if (level == 0) return picture_ + y * stride_;
    const std::size_t width = widths_[level - 1];
    std::uint8_t* out = rows_[level - 1].data() + (y % 2) * 3 * width;
    halve(level, y, width, out);
    return out;
  }

  void halve(std::size_t level, std::size_t y, std::size_t width, std::uint8_t* out) {
    const std::uint8_t* upper = row(level - 1, 2 * y);
    halve_(upper, row(level - 1, 2 * y + 1), width, out);
  }

 private:
  HalveRows halve_;
  const std::uint8_t* picture_;
  std::size_t stride_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::uint8_t>> rows_;
};

}  // namespace

void halve_rgb(const std::uint8_t* picture, std::size_t stride, std::size_t height,
               std::size_t width, unsigned times, std::uint8_t* result) {
  Halves halves(picture, stride, width, times);
  for (std::size_t y = 0; y < height; ++y) halves.halve(times, y, width, result + 3 * y * width);
}

}  // namespace edge_dnq
