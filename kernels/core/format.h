// How activations are stored between layers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edge_dnq {

/// Storage of one activation tensor. q is the int8 value that the standard program has there.
enum class Format : std::uint8_t {
  /// One byte a channel: q + 128. For a low-bit tensor (zero point -128) this is its code.
  kU8,
  /// One byte a channel: q.
  kS8,
  /// One byte for two channels of a 2-bit tensor: (c0 | c1 << 2) << 4, which is the byte offset of
  /// a 16-entry table; c = q + 128. An odd last channel has c1 = 0.
  kPair2,
  /// One byte for three channels of a 2-bit tensor: c0 | c1 << 2 | c2 << 4. Channels are taken in
  /// blocks of 64 (the last may be shorter); a block of n channels gives s = ceil(n / 3) bytes, and
  /// byte j holds the block's channels j, s + j and 2 * s + j, zero where there is none.
  kTriple2,
};

constexpr std::size_t kTripleBlock = 64;

/// Bytes that one pixel of `channels` channels takes.
constexpr std::size_t pixel_bytes(Format format, std::size_t channels) {
  switch (format) {
    case Format::kPair2:
      return (channels + 1) / 2;
    case Format::kTriple2:
      return channels / kTripleBlock * ((kTripleBlock + 2) / 3) + (channels % kTripleBlock + 2) / 3;
    default:
      return channels;
  }
}

/// Channels that one byte holds.
constexpr std::size_t channels_per_byte(Format format) {
  return format == Format::kPair2 ? 2 : format == Format::kTriple2 ? 3 : 1;
}

/// The channel that slot `slot` of byte `byte` of a pixel holds, or -1 where the slot is padding.
constexpr std::ptrdiff_t channel_at(Format format, std::size_t channels, std::size_t byte,
                                    std::size_t slot) {
  std::size_t channel = byte;
  if (format == Format::kPair2) {
    channel = 2 * byte + slot;
  } else if (format == Format::kTriple2) {
    const std::size_t block_bytes = (kTripleBlock + 2) / 3;
    const std::size_t first = byte / block_bytes * kTripleBlock;
    const std::size_t rest = channels - first;
    const std::size_t size = rest < kTripleBlock ? rest : kTripleBlock;
    const std::size_t third = (size + 2) / 3;
    const std::size_t within = slot * third + byte % block_bytes;
    if (within >= size) return -1;
    channel = first + within;
  }
  return channel < channels ? static_cast<std::ptrdiff_t>(channel) : -1;
}

/// Stored byte value minus q, for the one-byte formats and for the codes inside the packed ones.
constexpr std::int32_t storage_offset(Format format) { return format == Format::kS8 ? 0 : 128; }

}  // namespace edge_dnq
