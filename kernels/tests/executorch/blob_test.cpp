// Reading integer graphs from bytes: what was written, and anything else.
#include "executorch/blob.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <stdexcept>
#include <string>

#include "core/engine.h"

namespace edge_dnq {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Builds blobs as the exporter does.
class Writer {
 public:
  template <typename Number>
  Writer& put(Number value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    payload_.insert(payload_.end(), bytes, bytes + sizeof(value));
    return *this;
  }

  Writer& words(std::initializer_list<std::int32_t> values) {
    for (const std::int32_t value : values) put(value);
    return *this;
  }

  Writer& tensor(int height, int width, int channels, float scale, int zero_point) {
    return words({height, width, channels}).put(scale).put<std::int32_t>(zero_point);
  }

  Writer& bytes(std::initializer_list<int> values) {
    for (const int value : values) put(static_cast<std::uint8_t>(value));
    return *this;
  }

  Bytes finish(std::uint32_t version = kBlobVersion, std::uint32_t order = 0x01020304) const {
    Bytes blob = {'E', 'D', 'G', 'E', 'D', 'N', 'Q', 'G'};
    const auto append = [&blob](auto value) {
      const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
      blob.insert(blob.end(), raw, raw + sizeof(value));
    };
    append(version);
    append(order);
    append(std::uint64_t{payload_.size()});
    append(crc32(payload_.data(), payload_.size()));
    append(crc32(blob.data(), blob.size()));
    blob.insert(blob.end(), payload_.begin(), payload_.end());
    return blob;
  }

 private:
  Bytes payload_;
};

constexpr auto kConv = static_cast<std::int32_t>(OpKind::kConv);
constexpr auto kAdd = static_cast<std::int32_t>(OpKind::kAdd);
constexpr auto kMaxPool = static_cast<std::int32_t>(OpKind::kMaxPool);
constexpr auto kDepthwise = static_cast<std::int32_t>(OpKind::kDepthwiseConv);
constexpr auto kMean = static_cast<std::int32_t>(OpKind::kMean);

/// Every operation and every coding of weights: 4x4x2 -> pool 2x2x2 -> conv -> add -> depthwise ->
/// mean -> conv to 3 -> conv to 1.
Writer whole() {
  Writer writer;
  writer.words({8, 1, 1, 7});
  writer.tensor(4, 4, 2, 0.1F, 0).tensor(2, 2, 2, 0.1F, 0).tensor(2, 2, 2, 0.2F, -128);
  writer.tensor(2, 2, 2, 0.2F, -128).tensor(1, 1, 2, 0.2F, -128).tensor(1, 1, 3, 0.3F, 1);
  writer.tensor(1, 1, 1, 0.3F, 0).tensor(2, 2, 2, 0.2F, -128);
  writer.words({0, 6});
  writer.words({kMaxPool, 0, 1, 2, 2, 2, 2, 0, 0, 0, 0, -128, 127});
  writer.words({kConv, 1, 2, 1, 1, 1, 1, 0, 0, 0, 0, -128, -113, 1});
  writer.put(0.5F).put(0.25F).words({100, -7}).bytes({0x0F, 0x96, 0, 0});
  writer.words({kAdd, 2, 2, 3, -128, 127});
  writer.words({kDepthwise, 3, 7, 1, 1, 1, 1, 0, 0, 0, 0, -128, 127, 0});
  writer.put(0.5F).put(0.25F).words({0, 1}).bytes({100, 0x9C, 0, 0});
  writer.words({kMean, 7, 4});
  writer.words({kConv, 4, 5, 1, 1, 1, 1, 0, 0, 0, 0, -128, 127, 2});
  writer.put(0.5F).put(0.25F).put(0.125F).words({1, 2, 3}).bytes({0x1B, 0x0E, 0, 0});
  writer.words({kConv, 5, 6, 1, 1, 1, 1, 0, 0, 0, 0, -128, 127, 0});
  writer.put(0.5F).words({9}).bytes({0x80, 0x7F, 0x01, 0});
  return writer;
}

std::string problem(const Bytes& blob) {
  try {
    read_blob(blob.data(), blob.size());
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(Blob, HoldsWhatWasWritten) {
  const Bytes blob = whole().finish();
  const BlobGraph read = read_blob(blob.data(), blob.size());
  EXPECT_EQ(find_error(read.graph), "");
  ASSERT_EQ(read.graph.tensors.size(), 8U);
  EXPECT_EQ(read.graph.tensors[5].channels, 3);
  EXPECT_EQ(read.graph.tensors[5].zero_point, 1);
  EXPECT_EQ(read.graph.inputs, std::vector<int>{0});
  EXPECT_EQ(read.graph.outputs, std::vector<int>{6});
  ASSERT_EQ(read.graph.ops.size(), 7U);
  const auto& pool = std::get<MaxPool>(read.graph.ops[0]);
  EXPECT_EQ(pool.stride_width, 2);
  const auto& four = std::get<Conv>(read.graph.ops[1]);
  EXPECT_EQ(std::vector<int>(four.weights, four.weights + 4), (std::vector<int>{15, -15, -3, 3}));
  EXPECT_EQ(four.range.high, -113);
  EXPECT_EQ(four.bias[1], -7);
  EXPECT_EQ(four.weight_scales[1], 0.25F);
  const auto& depthwise = std::get<DepthwiseConv>(read.graph.ops[3]);
  EXPECT_EQ(std::vector<int>(depthwise.weights, depthwise.weights + 2),
            (std::vector<int>{100, -100}));
  const auto& two = std::get<Conv>(read.graph.ops[5]);
  EXPECT_EQ(std::vector<int>(two.weights, two.weights + 6), (std::vector<int>{3, 1, -1, -3, 1, 3}));
  const auto& eight = std::get<Conv>(read.graph.ops[6]);
  EXPECT_EQ(std::vector<int>(eight.weights, eight.weights + 3), (std::vector<int>{-128, 127, 1}));
}

TEST(Blob, ItsChecksumIsThatOfZlib) {
  const std::string text = "123456789";
  EXPECT_EQ(crc32(text.data(), text.size()), 0xCBF43926U);
  EXPECT_EQ(crc32(text.data(), 0), 0U);
}

TEST(Blob, OtherVersionsAndOrdersAreRefused) {
  EXPECT_EQ(
      problem(whole().finish(2)),
      "the integer graph has format version 2, these kernels read 1: export the bundle again");
  EXPECT_EQ(problem(whole().finish(1, 0x04030201)),
            "the integer graph was written for processors of another byte order");
  Bytes other = whole().finish();
  other[0] = 'e';
  EXPECT_NE(problem(other).find("is missing"), std::string::npos);
  EXPECT_NE(problem({}).find("is missing"), std::string::npos);
}

TEST(Blob, NoLengthButItsOwnIsRead) {
  const Bytes blob = whole().finish();
  for (std::size_t size = 0; size < blob.size(); ++size) {
    const Bytes cut(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(problem(cut), "") << size << " of " << blob.size() << " bytes";
  }
  // Runtimes pad buffers.
  Bytes longer = blob;
  longer.resize(blob.size() + 16);
  EXPECT_EQ(problem(longer), "");
}

TEST(Blob, EveryFlippedBitIsNoticed) {
  const Bytes blob = whole().finish();
  for (std::size_t bit = 0; bit < 8 * blob.size(); ++bit) {
    Bytes flipped = blob;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_NE(problem(flipped), "") << "bit " << bit;
  }
}

/// Puts right checksums on a damaged payload, so that the reader behind them meets it.
void sign(Bytes& blob) {
  const std::uint64_t payload = blob.size() - kBlobHeaderBytes;
  std::memcpy(blob.data() + 16, &payload, sizeof(payload));
  const std::uint32_t crc = crc32(blob.data() + kBlobHeaderBytes, payload);
  std::memcpy(blob.data() + 24, &crc, sizeof(crc));
  const std::uint32_t header = crc32(blob.data(), 28);
  std::memcpy(blob.data() + 28, &header, sizeof(header));
}

Bytes mutated(Bytes blob, std::mt19937& random) {
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  constexpr std::uint32_t kNasty[] = {0,          1,          2,          0x7F,       0xFFFFFFFF,
                                      0x7FFFFFFF, 0x80000000, 0x3FFFFFFF, 0x00010000, 0x7F800000};
  for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
    const std::size_t at = kBlobHeaderBytes + below(blob.size() - kBlobHeaderBytes);
    switch (below(4)) {
      case 0:
        blob[at] = static_cast<std::uint8_t>(random());
        break;
      case 1: {
        const std::size_t word = at / 4 * 4;
        const std::uint32_t value = kNasty[below(std::size(kNasty))];
        if (word + 4 <= blob.size()) std::memcpy(blob.data() + word, &value, 4);
        break;
      }
      case 2:
        if (blob.size() > kBlobHeaderBytes + 8) blob.resize(at + 1);
        break;
      default:
        blob.insert(blob.begin() + static_cast<std::ptrdiff_t>(at), 4, blob[at]);
    }
  }
  sign(blob);
  return blob;
}

bool is_small(const Graph& graph) {
  for (const Tensor& t : graph.tensors) {
    if (std::int64_t{t.height} * t.width * t.channels > 1 << 16) return false;
  }
  return true;
}

// With right checksums: whatever the payload says, it is refused or it runs.
TEST(Blob, ForgedGraphsAreRefusedOrRun) {
  const Bytes blob = whole().finish();
  std::mt19937 random(1);
  int refused = 0;
  int ran = 0;
  for (int i = 0; i < 20000; ++i) {
    const Bytes forged = mutated(blob, random);
    try {
      const BlobGraph read = read_blob(forged.data(), forged.size());
      if (!find_error(read.graph).empty()) throw std::invalid_argument("found");
      if (!is_small(read.graph) || read.graph.inputs.size() != 1 ||
          read.graph.outputs.size() != 1) {
        continue;
      }
      const auto engine = Engine::build(read.graph, EngineOptions{});
      std::vector<std::int8_t> input(1 << 16, 3);
      std::vector<std::int8_t> output(1 << 16);
      const std::int8_t* in = input.data();
      std::int8_t* out = output.data();
      engine->run(&in, &out);
      ++ran;
    } catch (const std::invalid_argument&) {
      ++refused;
    }
  }
  EXPECT_GT(ran, 300);
  EXPECT_GT(refused, 5000);
}

}  // namespace
}  // namespace edge_dnq
