// Reading the runtime's tensors without trusting them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/graph.h"
#include "litert/abi.h"

namespace edge_dnq {

/// The tensor that a node names at `position` of `list`; throws Unsupported when there is none.
const tfl::Tensor& tensor_at(const tfl::Context& context, const tfl::IntArray* list, int position);

/// Whether the node names a tensor there at all (trailing inputs may be left out).
bool has_tensor(const tfl::IntArray* list, int position);

/// Sizes of the axes, all of them fixed and at least 1; throws Unsupported otherwise.
std::vector<int> shape_of(const tfl::Tensor& tensor);

/// An int8 activation of one frame, [1, H, W, C] or [1, C], with its one scale and zero point.
Tensor read_activation(const tfl::Tensor& tensor);

/// The bytes of a constant of this type and shape; throws Unsupported unless they are in the
/// model's file and their size is right.
const void* constant_of(const tfl::Tensor& tensor, tfl::Type type);

/// A constant of int32 or int64 values, which must fit int.
std::vector<int> read_integers(const tfl::Tensor& tensor);

/// The affine quantisation, with as many zero points as scales and at least one; throws otherwise.
const tfl::Affine& affine_of(const tfl::Tensor& tensor);

/// Output range that a fused activation leaves.
Range read_range(int activation, const Tensor& output);

}  // namespace edge_dnq
