// Which tensors may change their shape while a program runs.
#pragma once

#include <cstdint>
#include <set>

#include "litert/abi.h"

namespace edge_dnq {

/// Follows a graph in execution order. When a delegate is applied the runtime has not computed any
/// shape yet, so whether a tensor is dynamic must be foreseen: an operator's output may be when the
/// operator reads integers that are not constant (a shape, an axis, a size), when it reads such a
/// tensor itself, or when nothing is known about the operator. Errs on the safe side.
class DynamicShapes {
 public:
  explicit DynamicShapes(const tfl::Context& context) : context_(context) {}

  /// Whether `node` reads a tensor that may be dynamic.
  bool reach(const tfl::Node& node) const;

  /// Takes note of a node, with this operator code, that is left to the runtime.
  void pass(const tfl::Node& node, std::int32_t code);

 private:
  bool may_read_a_shape(const tfl::Node& node) const;

  const tfl::Context& context_;
  std::set<int> dynamic_;
};

}  // namespace edge_dnq
