#include <array>

#include "executorch/blob.h"

namespace edge_dnq {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320;
constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = value;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

}  // namespace

// Eight bytes a step: byte by byte, the check would take longer than packing the weights.
std::uint32_t crc32(const void* data, std::size_t size) {
  static const Tables tables = make_tables();
  const auto* at = static_cast<const std::uint8_t*>(data);
  std::uint32_t crc = 0xFFFFFFFF;
  for (; size >= kSlices; size -= kSlices, at += kSlices) {
    crc = tables[7][(crc ^ at[0]) & 0xFF] ^ tables[6][((crc >> 8) ^ at[1]) & 0xFF] ^
          tables[5][((crc >> 16) ^ at[2]) & 0xFF] ^ tables[4][(crc >> 24) ^ at[3]] ^
          tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
  }
  for (; size > 0; --size, ++at) crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xFF];
  return ~crc;
}

}  // namespace edge_dnq
