#include "litert/dynamic_shapes.h"

#include <algorithm>
#include <iterator>

namespace edge_dnq {
namespace {

/// Operators whose outputs depend on the values of any input, or on another graph: CALL, CUSTOM,
/// DELEGATE, RANGE, UNIQUE, WHERE, IF, WHILE, CALL_ONCE, READ_VARIABLE.
constexpr std::int32_t kOpaque[] = {31,  tfl::kCustom, tfl::kDelegateNode, 96, 103, 109, 118, 119,
                                    129, 143};
/// BITCAST and what came after it, the StableHLO operators among them.
constexpr std::int32_t kFirstNew = 159;

bool is_opaque(std::int32_t code) {
  return code < 0 || code >= kFirstNew ||
         std::find(std::begin(kOpaque), std::end(kOpaque), code) != std::end(kOpaque);
}

template <typename Visit>
void for_each(const tfl::IntArray* list, Visit visit) {
  if (list != nullptr) std::for_each(list->data(), list->data() + list->size, visit);
}

}  // namespace

bool DynamicShapes::reach(const tfl::Node& node) const {
  bool found = false;
  for_each(node.inputs, [&](int tensor) { found = found || dynamic_.count(tensor) != 0; });
  return found;
}

bool DynamicShapes::may_read_a_shape(const tfl::Node& node) const {
  bool found = false;
  for_each(node.inputs, [&](int index) {
    if (index < 0 || static_cast<std::size_t>(index) >= context_.tensors_size) return;
    const tfl::Tensor& tensor = context_.tensors[index];
    const bool integers = tensor.type == tfl::kInt32 || tensor.type == tfl::kInt64;
    found = found || (integers && tensor.allocation_type != tfl::kReadOnly);
  });
  return found;
}

void DynamicShapes::pass(const tfl::Node& node, std::int32_t code) {
  if (!is_opaque(code) && !may_read_a_shape(node) && !reach(node)) return;
  for_each(node.outputs, [&](int tensor) { dynamic_.insert(tensor); });
}

}  // namespace edge_dnq
