#include "litert/tensors.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>

#include "litert/graph_reader.h"

namespace edge_dnq {
namespace {

/// More elements than any tensor that the engine takes; keeps products within int64.
constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
constexpr int kMaxAxes = 8;

std::size_t bytes_of(tfl::Type type) {
  return type == tfl::kInt8 ? 1 : type == tfl::kInt64 ? 8 : 4;
}

std::string type_name(int type) {
  static const char* const names[] = {"no type", "float32", "int32",     "uint8",   "int64",
                                      "string",  "bool",    "int16",     "complex", "int8",
                                      "float16", "float64", "complex128"};
  const bool known = type >= 0 && type < static_cast<int>(std::size(names));
  return known ? names[type] : "type " + std::to_string(type);
}

std::int64_t elements_of(const std::vector<int>& shape) {
  std::int64_t count = 1;
  for (const int size : shape) {
    count *= size;
    if (count > kMaxElements) throw Unsupported("a tensor larger than the engine takes");
  }
  return count;
}

}  // namespace

bool has_tensor(const tfl::IntArray* list, int position) {
  return list != nullptr && position < list->size && list->data()[position] != -1;
}

const tfl::Tensor& tensor_at(const tfl::Context& context, const tfl::IntArray* list, int position) {
  if (!has_tensor(list, position)) throw Unsupported("a missing tensor");
  const int index = list->data()[position];
  if (index < 0 || static_cast<std::size_t>(index) >= context.tensors_size) {
    throw Unsupported("a tensor that does not exist");
  }
  return context.tensors[index];
}

std::vector<int> shape_of(const tfl::Tensor& tensor) {
  const tfl::IntArray* dims = tensor.dims;
  if (dims == nullptr || dims->size < 0 || dims->size > kMaxAxes) {
    throw Unsupported("a tensor without a shape");
  }
  if (tensor.allocation_type == tfl::kDynamic) throw Unsupported("a dynamic tensor");
  const tfl::IntArray* signature = tensor.dims_signature;
  for (int i = 0; signature != nullptr && i < signature->size; ++i) {
    if (signature->data()[i] < 0) throw Unsupported("a dynamic shape");
  }
  std::vector<int> shape(dims->data(), dims->data() + dims->size);
  if (std::any_of(shape.begin(), shape.end(), [](int size) { return size < 1; })) {
    throw Unsupported("an empty tensor");
  }
  elements_of(shape);
  return shape;
}

const tfl::Affine& affine_of(const tfl::Tensor& tensor) {
  const auto* affine = static_cast<const tfl::Affine*>(tensor.quantization.params);
  if (tensor.quantization.type != tfl::kAffine || affine == nullptr) {
    throw Unsupported("a tensor without quantisation");
  }
  if (affine->scale == nullptr || affine->zero_point == nullptr || affine->scale->size < 1 ||
      affine->zero_point->size != affine->scale->size) {
    throw Unsupported("malformed quantisation");
  }
  return *affine;
}

Tensor read_activation(const tfl::Tensor& tensor) {
  if (tensor.type != tfl::kInt8) throw Unsupported(type_name(tensor.type) + " activations");
  if (tensor.allocation_type == tfl::kReadOnly) throw Unsupported("a constant activation");
  if (tensor.is_variable) throw Unsupported("a variable");
  if (tensor.sparsity != nullptr) throw Unsupported("a sparse tensor");
  const std::vector<int> shape = shape_of(tensor);
  if (shape.size() != 2 && shape.size() != 4) {
    throw Unsupported("activations with " + std::to_string(shape.size()) + " axes");
  }
  if (shape[0] != 1) throw Unsupported("batch " + std::to_string(shape[0]));
  const tfl::Affine& affine = affine_of(tensor);
  if (affine.scale->size != 1) throw Unsupported("activations with several scales");
  Tensor read;
  read.height = shape.size() == 4 ? shape[1] : 1;
  read.width = shape.size() == 4 ? shape[2] : 1;
  read.channels = shape.back();
  read.scale = affine.scale->data()[0];
  read.zero_point = affine.zero_point->data()[0];
  // The engine checks both again; here they keep the arithmetic on them defined.
  if (!std::isfinite(read.scale) || !(read.scale > 0.0F) || read.zero_point < -128 ||
      read.zero_point > 127) {
    throw Unsupported("malformed quantisation");
  }
  return read;
}

const void* constant_of(const tfl::Tensor& tensor, tfl::Type type) {
  if (tensor.type != type) {
    throw Unsupported(type_name(tensor.type) + " where " + type_name(type) + " is expected");
  }
  if (tensor.allocation_type != tfl::kReadOnly || tensor.data == nullptr) {
    throw Unsupported("weights or settings that are not constant");
  }
  if (tensor.sparsity != nullptr) throw Unsupported("a sparse tensor");
  const auto count = static_cast<std::size_t>(elements_of(shape_of(tensor)));
  if (tensor.bytes != count * bytes_of(type)) {
    throw Unsupported("a constant of another size than its shape");
  }
  return tensor.data;
}

std::vector<int> read_integers(const tfl::Tensor& tensor) {
  const auto count = static_cast<std::size_t>(elements_of(shape_of(tensor)));
  if (tensor.type != tfl::kInt64) {
    const auto* values = static_cast<const std::int32_t*>(constant_of(tensor, tfl::kInt32));
    return std::vector<int>(values, values + count);
  }
  const auto* values = static_cast<const std::int64_t*>(constant_of(tensor, tfl::kInt64));
  std::vector<int> narrow;
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] < std::numeric_limits<int>::min() || values[i] > std::numeric_limits<int>::max())
      throw Unsupported("a setting out of range");
    narrow.push_back(static_cast<int>(values[i]));
  }
  return narrow;
}

Range read_range(int activation, const Tensor& output) {
  Range range;
  if (activation == tfl::kNone) return range;
  if (activation != tfl::kRelu && activation != tfl::kRelu6) {
    throw Unsupported("fused activation " + std::to_string(activation));
  }
  range.low = std::max(range.low, output.zero_point);
  if (activation == tfl::kRelu6) {
    // As the stock runtime rounds the bound.
    const float code = 6.0F / output.scale + static_cast<float>(output.zero_point);
    range.high = static_cast<int>(std::nearbyint(std::min(code, 127.0F)));
  }
  // Stock kernels for a range of one value round by another rule.
  if (range.low >= range.high) throw Unsupported("a fused activation that leaves one value");
  return range;
}

}  // namespace edge_dnq
