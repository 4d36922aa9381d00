#include "executorch/blob.h"

#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace edge_dnq {
namespace {

constexpr char kMagic[] = {'E', 'D', 'G', 'E', 'D', 'N', 'Q', 'G'};
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kWord = 4;

[[noreturn]] void fail(const std::string& what) {
  throw std::invalid_argument("the integer graph " + what);
}

/// Takes what is there and nothing more.
class Reader {
 public:
  Reader(const void* data, std::size_t size)
      : at_(static_cast<const std::uint8_t*>(data)), left_(size) {}

  std::size_t left() const { return left_; }

  const std::uint8_t* take(std::size_t size) {
    if (size > left_) fail("ends too early");
    const std::uint8_t* taken = at_;
    at_ += size;
    left_ -= size;
    return taken;
  }

  template <typename Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof(Number)), sizeof(Number));
    return value;
  }

  template <typename Number>
  std::vector<Number> numbers(std::size_t count) {
    if (count > left_ / sizeof(Number)) fail("ends too early");
    std::vector<Number> values(count);
    if (count > 0) std::memcpy(values.data(), take(count * sizeof(Number)), count * sizeof(Number));
    return values;
  }

  /// A number of items of at least `bytes` bytes each that are to follow.
  std::size_t count(std::size_t bytes) {
    const auto value = number<std::uint32_t>();
    if (value > left_ / bytes) fail("ends too early");
    return value;
  }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

/// Checks the header and everything that it says about the rest.
Reader open(const void* data, std::size_t size) {
  if (data == nullptr || size < kBlobHeaderBytes || std::memcmp(data, kMagic, sizeof(kMagic)) != 0)
    fail("is missing: the program's payload is something else");
  Reader header(data, kBlobHeaderBytes);
  header.take(sizeof(kMagic));
  const auto version = header.number<std::uint32_t>();
  const auto order = header.number<std::uint32_t>();
  const auto payload = header.number<std::uint64_t>();
  const auto payload_crc = header.number<std::uint32_t>();
  if (header.number<std::uint32_t>() != crc32(data, kBlobHeaderBytes - kWord))
    fail("has a damaged header");
  if (order != kByteOrder) fail("was written for processors of another byte order");
  if (version != kBlobVersion)
    fail("has format version " + std::to_string(version) + ", these kernels read " +
         std::to_string(kBlobVersion) + ": export the bundle again");
  const auto* rest = static_cast<const std::uint8_t*>(data) + kBlobHeaderBytes;
  // Runtimes may hand over a buffer that is longer than what was written into it.
  if (payload > size - kBlobHeaderBytes) fail("is cut off");
  if (crc32(rest, static_cast<std::size_t>(payload)) != payload_crc) fail("is damaged");
  return Reader(rest, static_cast<std::size_t>(payload));
}

std::vector<std::int8_t> odd_values(const std::uint8_t* packed, std::size_t count, unsigned bits) {
  std::vector<std::int8_t> values(count);
  const unsigned mask = (1U << bits) - 1;
  const std::size_t per_byte = 8 / bits;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned code = (packed[i / per_byte] >> (i % per_byte * bits)) & mask;
    values[i] = static_cast<std::int8_t>(2 * static_cast<int>(code) - static_cast<int>(mask));
  }
  return values;
}

class GraphReader {
 public:
  explicit GraphReader(Reader reader) : reader_(reader) {}

  BlobGraph run() {
    const std::size_t tensors = reader_.count(5 * kWord);
    const std::size_t inputs = reader_.count(kWord);
    const std::size_t outputs = reader_.count(kWord);
    const std::size_t ops = reader_.count(3 * kWord);
    for (std::size_t i = 0; i < tensors; ++i) result_.graph.tensors.push_back(tensor());
    result_.graph.inputs = reader_.numbers<int>(inputs);
    result_.graph.outputs = reader_.numbers<int>(outputs);
    for (std::size_t i = 0; i < ops; ++i) result_.graph.ops.push_back(op());
    if (reader_.left() != 0) fail("goes on after its end");
    return std::move(result_);
  }

 private:
  int integer() { return reader_.number<std::int32_t>(); }

  Tensor tensor() {
    Tensor t;
    t.height = integer();
    t.width = integer();
    t.channels = integer();
    t.scale = reader_.number<float>();
    t.zero_point = integer();
    return t;
  }

  template <typename Window>
  void window(Window& op) {
    op.input = integer();
    op.output = integer();
    op.kernel_height = integer();
    op.kernel_width = integer();
    op.stride_height = integer();
    op.stride_width = integer();
    op.padding.top = integer();
    op.padding.left = integer();
    op.padding.bottom = integer();
    op.padding.right = integer();
    op.range = range();
  }

  Range range() {
    Range result;
    result.low = integer();
    result.high = integer();
    return result;
  }

  Op op() {
    const auto kind = reader_.number<std::uint32_t>();
    switch (static_cast<OpKind>(kind)) {
      case OpKind::kConv:
        return conv<Conv>();
      case OpKind::kDepthwiseConv:
        return conv<DepthwiseConv>();
      case OpKind::kAdd: {
        Add add;
        add.a = integer();
        add.b = integer();
        add.output = integer();
        add.range = range();
        return add;
      }
      case OpKind::kMaxPool: {
        MaxPool pool;
        window(pool);
        return pool;
      }
      case OpKind::kMean: {
        Mean mean;
        mean.input = integer();
        mean.output = integer();
        return mean;
      }
    }
    fail("has an unknown operation " + std::to_string(kind));
  }

  std::size_t channels(int tensor) const {
    const auto& tensors = result_.graph.tensors;
    if (tensor < 0 || static_cast<std::size_t>(tensor) >= tensors.size())
      fail("names a tensor that does not exist");
    const int channels = tensors[static_cast<std::size_t>(tensor)].channels;
    if (channels < 1) fail("has a tensor without channels");
    return static_cast<std::size_t>(channels);
  }

  /// The product, or an error where so many weights cannot follow at four a byte.
  template <typename Convolution>
  std::size_t weight_count(const Convolution& conv, std::size_t out) const {
    std::size_t count = out;
    std::size_t in = 1;
    if constexpr (std::is_same_v<Convolution, Conv>) in = channels(conv.input);
    if (conv.kernel_height < 1 || conv.kernel_width < 1) fail("has an empty kernel");
    for (const std::size_t factor : {in, static_cast<std::size_t>(conv.kernel_height),
                                     static_cast<std::size_t>(conv.kernel_width)}) {
      if (count > 4 * reader_.left() / factor) fail("ends too early");
      count *= factor;
    }
    return count;
  }

  template <typename Convolution>
  Convolution conv() {
    Convolution conv;
    window(conv);
    const auto coding = reader_.number<std::uint32_t>();
    const std::size_t out = channels(conv.output);
    const std::size_t count = weight_count(conv, out);
    result_.scales.push_back(reader_.numbers<float>(out));
    result_.biases.push_back(reader_.numbers<std::int32_t>(out));
    conv.weight_scales = result_.scales.back().data();
    conv.bias = result_.biases.back().data();
    conv.weights = weights(static_cast<WeightCoding>(coding), count);
    return conv;
  }

  const std::int8_t* weights(WeightCoding coding, std::size_t count) {
    unsigned bits = 8;
    if (coding == WeightCoding::kOdd4) {
      bits = 4;
    } else if (coding == WeightCoding::kOdd2) {
      bits = 2;
    } else if (coding != WeightCoding::kInt8) {
      fail("has weights of an unknown coding");
    }
    const std::size_t bytes = (count + 8 / bits - 1) / (8 / bits);
    const std::uint8_t* stored = reader_.take(bytes);
    reader_.take((kWord - bytes % kWord) % kWord);
    if (bits == 8) return reinterpret_cast<const std::int8_t*>(stored);
    result_.weights.push_back(odd_values(stored, count, bits));
    return result_.weights.back().data();
  }

  Reader reader_;
  BlobGraph result_;
};

}  // namespace

BlobGraph read_blob(const void* data, std::size_t size) {
  return GraphReader(open(data, size)).run();
}

}  // namespace edge_dnq
