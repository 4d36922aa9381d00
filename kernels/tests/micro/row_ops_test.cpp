// Row operations of every instruction set this machine runs, against the scalar ones.
#include "micro/row_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/panels.h"

namespace edge_dnq {
namespace {

constexpr std::uint8_t kSentinel = 0xA7;
constexpr Format kFormats[] = {Format::kU8, Format::kS8, Format::kPair2, Format::kTriple2};
constexpr std::size_t kSizes[] = {1,  2,  3,  4,  5,  7,  8,  15, 16, 17,  31,  32, 33,
                                  47, 48, 49, 62, 63, 64, 65, 96, 97, 127, 128, 200};

std::size_t rounded_up(std::size_t n, std::size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

bool is_packed(Format format) { return channels_per_byte(format) > 1; }

std::string describe(Isa isa, Format format, std::size_t n) {
  return std::string(name(isa)) + ": format " + std::to_string(static_cast<int>(format)) +
         ", n = " + std::to_string(n);
}

class RowOpsTest : public testing::TestWithParam<Isa> {
 protected:
  const RowOps& ops() const { return row_ops(GetParam()); }
  const RowOps& scalar() const { return row_ops(Isa::kScalar); }

  /// A row of q with room up to the next multiple of 64.
  std::vector<std::int8_t> random_row(std::size_t n, int low = -128, int high = 127) {
    std::uniform_int_distribution<int> any(low, high);
    std::vector<std::int8_t> row(rounded_up(n, 64));
    for (std::int8_t& q : row) q = static_cast<std::int8_t>(any(random_));
    return row;
  }

  void check_requantise(const std::vector<std::int32_t>& acc, const std::vector<std::int32_t>& bias,
                        const std::vector<float>& multiplier, std::size_t n, const Clamp& clamp) {
    std::vector<std::int8_t> actual(rounded_up(n, 64));
    std::vector<std::int8_t> expected(rounded_up(n, 64));
    ops().requantise(acc.data(), bias.data(), multiplier.data(), n, clamp, actual.data());
    scalar().requantise(acc.data(), bias.data(), multiplier.data(), n, clamp, expected.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(actual[i], expected[i])
          << name(GetParam()) << ": acc " << acc[i] << ", bias " << bias[i] << ", multiplier "
          << multiplier[i] << ", zero point " << clamp.zero_point << ", clamp " << clamp.low
          << " .. " << clamp.high << ", element " << i << " of " << n;
    }
  }

  std::mt19937 random_{7};
};

constexpr Clamp kClamps[] = {{-128, -128, 127}, {-128, -128, -113}, {-128, -128, -125},
                             {3, -128, 127},    {127, -100, 90},    {0, 5, 5}};

TEST_P(RowOpsTest, RequantiseRandom) {
  for (const Clamp& clamp : kClamps) {
    for (const std::size_t n : kSizes) {
      const std::size_t room = rounded_up(n, 16);
      std::vector<std::int32_t> acc(room);
      std::vector<std::int32_t> bias(room);
      std::vector<float> multiplier(room);
      for (std::size_t i = 0; i < room; ++i) {
        acc[i] = static_cast<std::int32_t>(random_() % 200001) - 100000;
        bias[i] = static_cast<std::int32_t>(random_() % 2001) - 1000;
        multiplier[i] = static_cast<float>(random_() % 100000) * 3e-8F;
      }
      check_requantise(acc, bias, multiplier, n, clamp);
      if (HasFatalFailure()) return;
    }
  }
}

// Multipliers of 1/2, 1/4 and 3/2 put every second sum or so exactly between two integers.
TEST_P(RowOpsTest, RequantiseRoundsTiesToEven) {
  for (const Clamp& clamp : kClamps) {
    for (const float factor : {0.5F, 0.25F, 1.5F, 1.0F / 64.0F}) {
      const std::size_t n = 64;
      std::vector<std::int32_t> acc(n);
      const std::vector<std::int32_t> bias(n, 1);
      const std::vector<float> multiplier(n, factor);
      for (int first = -600; first < 600; first += 64) {
        for (std::size_t i = 0; i < n; ++i) acc[i] = first + static_cast<std::int32_t>(i);
        check_requantise(acc, bias, multiplier, n, clamp);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(RowOpsTest, RequantiseHugeValues) {
  constexpr std::int32_t kLargest = std::numeric_limits<std::int32_t>::max();
  std::vector<std::int32_t> acc = {kLargest, -kLargest - 1, kLargest - 64, 16777217, -16777217,
                                   33554435, 1 << 30,       -(1 << 30),    0,        1,
                                   -1,       2147483520,    -2147483520,   65535,    -65536,
                                   123456789};
  const std::vector<std::int32_t> bias(acc.size(), 0);
  for (const float factor : {1.0F, 1e6F, 3e38F, 1e-9F, 1e-38F, 0.0F}) {
    const std::vector<float> multiplier(acc.size(), factor);
    for (const Clamp& clamp : kClamps) {
      check_requantise(acc, bias, multiplier, acc.size(), clamp);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(RowOpsTest, Add) {
  const AddFactors all_factors[] = {{1 << 20, 1 << 20, -128, -128, 20},
                                    {1048576, 734567, -128, 5, 20},
                                    {4194303, 4194303, 127, -128, 21},
                                    {-3000000, 3000000, 0, 0, 19},
                                    {1, 1, 0, 0, 1},
                                    {1, -1, 3, 3, 1},
                                    {2000000, 2100000, -128, -128, 30}};
  for (const AddFactors& f : all_factors) {
    for (const Clamp& clamp : kClamps) {
      for (const std::size_t n : kSizes) {
        const auto a = random_row(n);
        const auto b = random_row(n);
        std::vector<std::int8_t> actual(rounded_up(n, 64));
        std::vector<std::int8_t> expected(rounded_up(n, 64));
        ops().add(a.data(), b.data(), n, f, clamp, actual.data());
        scalar().add(a.data(), b.data(), n, f, clamp, expected.data());
        for (std::size_t i = 0; i < n; ++i) {
          ASSERT_EQ(actual[i], expected[i])
              << name(GetParam()) << ": a " << int{a[i]} << ", b " << int{b[i]} << ", factors "
              << f.a_factor << " " << f.b_factor << " >> " << f.shift << ", zero points "
              << f.a_zero << " " << f.b_zero << " -> " << clamp.zero_point << ", element " << i
              << " of " << n;
        }
      }
    }
  }
}

TEST_P(RowOpsTest, AddInPlace) {
  const AddFactors factors{1048576, 734567, -128, 5, 20};
  for (const std::size_t n : kSizes) {
    auto a = random_row(n);
    const auto b = random_row(n);
    std::vector<std::int8_t> expected(rounded_up(n, 64));
    scalar().add(a.data(), b.data(), n, factors, kClamps[0], expected.data());
    ops().add(a.data(), b.data(), n, factors, kClamps[0], a.data());
    ASSERT_TRUE(std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), expected.begin()))
        << name(GetParam()) << ", n = " << n;
  }
}

TEST_P(RowOpsTest, PackWritesExactlyThePixel) {
  for (const Format format : kFormats) {
    for (const std::size_t n : kSizes) {
      if (format == Format::kTriple2 && n > kTripleBlock) continue;
      // What lies past the row's end is any byte.
      auto row = random_row(n);
      if (is_packed(format)) {
        for (std::size_t i = 0; i < n; ++i) row[i] = static_cast<std::int8_t>((row[i] & 3) - 128);
      }
      const std::size_t bytes = pixel_bytes(format, n);
      std::vector<std::uint8_t> actual(bytes + 128, kSentinel);
      std::vector<std::uint8_t> expected(bytes + 128, kSentinel);
      ops().pack(format, row.data(), n, actual.data() + 64);
      scalar().pack(format, row.data(), n, expected.data() + 64);
      ASSERT_EQ(actual, expected) << describe(GetParam(), format, n);
    }
  }
}

TEST_P(RowOpsTest, UnpackInvertsPack) {
  for (const Format format : kFormats) {
    for (const std::size_t n : kSizes) {
      if (format == Format::kTriple2 && n > kTripleBlock) continue;
      auto row = random_row(n);
      if (is_packed(format)) {
        for (std::size_t i = 0; i < n; ++i) row[i] = static_cast<std::int8_t>((row[i] & 3) - 128);
      }
      // Not a byte longer than the pixel: the sanitizer sees one read too many.
      std::vector<std::uint8_t> packed(pixel_bytes(format, n));
      scalar().pack(format, row.data(), n, packed.data());
      std::vector<std::int8_t> actual(rounded_up(n, 64));
      ops().unpack(format, packed.data(), n, actual.data());
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(actual[i], row[i]) << describe(GetParam(), format, n) << ", channel " << i;
      }
    }
  }
}

TEST_P(RowOpsTest, Maximum) {
  for (const std::size_t n : kSizes) {
    const auto a = random_row(n);
    auto actual = random_row(n);
    auto expected = actual;
    ops().maximum(a.data(), n, actual.data());
    scalar().maximum(a.data(), n, expected.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(actual[i], expected[i]) << name(GetParam()) << ", element " << i << " of " << n;
    }
  }
}

TEST_P(RowOpsTest, Accumulate) {
  for (const std::size_t n : kSizes) {
    std::vector<std::int32_t> actual(rounded_up(n, 64), 1000000);
    auto expected = actual;
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto a = random_row(n);
      ops().accumulate(a.data(), n, actual.data());
      scalar().accumulate(a.data(), n, expected.data());
    }
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(actual[i], expected[i]) << name(GetParam()) << ", element " << i << " of " << n;
    }
  }
}

TEST_P(RowOpsTest, CodeSum) {
  for (const Format format : {Format::kPair2, Format::kTriple2}) {
    for (const std::size_t bytes : {0, 1, 2, 7, 15, 16, 31, 32, 33, 63, 64, 65, 127, 256, 4000}) {
      for (const bool full : {false, true}) {
        std::vector<std::uint8_t> row(bytes);
        const unsigned mask = format == Format::kPair2 ? 0xF0U : 0x3FU;
        for (std::uint8_t& byte : row) {
          byte = static_cast<std::uint8_t>((full ? 0xFFU : random_()) & mask);
        }
        ASSERT_EQ(ops().code_sum(format, row.data(), bytes),
                  scalar().code_sum(format, row.data(), bytes))
            << describe(GetParam(), format, bytes);
      }
    }
  }
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon, Isa::kNeonDot}) {
    if (is_supported(isa)) isas.push_back(isa);
  }
  return isas;
}

std::string isa_name(const testing::TestParamInfo<Isa>& info) { return name(info.param); }

INSTANTIATE_TEST_SUITE_P(Every, RowOpsTest, testing::ValuesIn(supported_isas()), isa_name);

}  // namespace
}  // namespace edge_dnq
