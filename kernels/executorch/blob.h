// An integer graph as bytes: what a program of the ExecuTorch backend carries.
//
// All numbers are 32 bit and in the writer's byte order unless said otherwise.
//
//   0   "EDGEDNQG"
//   8   version of the format
//   12  0x01020304, which tells the byte order
//   16  bytes that follow the header, 64 bit
//   24  their CRC-32
//   28  CRC-32 of the 28 bytes before
//   32  counts of tensors, inputs, outputs and operations;
//       tensors: height, width, channels, scale (float), zero point;
//       inputs and outputs: indices of tensors; operations: see OpKind
//
// A convolution is followed by its weight scales (float), biases (int32) and weights, padded to
// 32 bit; how many there are follows from the tensors. export/edge_dnq_export/blob.py writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/graph.h"

namespace edge_dnq {

constexpr std::uint32_t kBlobVersion = 1;
constexpr std::size_t kBlobHeaderBytes = 32;

/// What an operation's first number says. Then:
enum class OpKind : std::uint32_t {
  kConv = 1,  ///< input, output, kernel h w, stride h w, padding t l b r, low, high, WeightCoding
  kAdd = 2,   ///< a, b, output, low, high
  kMaxPool = 3,        ///< input, output, kernel h w, stride h w, padding t l b r, low, high
  kMean = 4,           ///< input, output
  kDepthwiseConv = 5,  ///< as kConv
};

/// Low-precision weights are stored in the bits they have; the first of a byte is the lowest.
enum class WeightCoding : std::uint32_t {
  kInt8 = 0,
  kOdd4 = 1,  ///< 2 * code - 15, two codes a byte
  kOdd2 = 2,  ///< 2 * code - 3, four codes a byte
};

/// A graph and what its convolutions point to; weights coded as kInt8 stay in the blob.
struct BlobGraph {
  Graph graph;
  std::vector<std::vector<std::int8_t>> weights;
  std::vector<std::vector<float>> scales;
  std::vector<std::vector<std::int32_t>> biases;
};

/// Reads a blob, which must outlive the graph's use. Throws std::invalid_argument with one line
/// when it is damaged, cut off, of another version or no blob at all. Whether the graph can be run
/// is left to find_error.
BlobGraph read_blob(const void* data, std::size_t size);

/// As zlib computes it.
std::uint32_t crc32(const void* data, std::size_t size);

}  // namespace edge_dnq
