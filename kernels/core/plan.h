// From a graph to what the engine executes: fusions, storage formats, micro-kernels.
#pragma once

#include <cstddef>
#include <vector>

#include "core/graph.h"
#include "core/panel_store.h"
#include "micro/micro_kernel.h"

namespace edge_dnq {

/// A tensor and how it is stored.
struct PlannedTensor {
  Tensor shape;
  Range range;         ///< of its q
  bool stored = true;  ///< false: fused away
  Format format = Format::kS8;
  Padding halo;  ///< pixels of the zero point around it, so that windows never test bounds
  std::size_t pixel() const {
    return pixel_bytes(format, static_cast<std::size_t>(shape.channels));
  }
  std::size_t row() const {
    return pixel() * static_cast<std::size_t>(shape.width + halo.left + halo.right);
  }
  std::size_t bytes() const {
    return row() * static_cast<std::size_t>(shape.height + halo.top + halo.bottom);
  }
};

/// An addition done in the epilogue of the convolution that gives one of its terms. The
/// convolution's own output is still rounded to int8 first, so no bit changes.
struct FusedAdd {
  int other = -1;  ///< the term that is already there; -1: no addition
  int output = -1;
  Range range;
};

struct PlannedOp {
  Op op;                                ///< with padding folded in
  FusedAdd add;                         ///< convolutions only
  const MicroKernel* kernel = nullptr;  ///< convolutions only
  WeightFacts facts;                    ///< convolutions only

  std::vector<int> inputs() const;
  int output() const;
};

struct Plan {
  std::vector<PlannedTensor> tensors;
  std::vector<PlannedOp> ops;
};

/// Window of a convolution over `input`.
Window window_of(const Conv& conv, const Tensor& input);

/// Plans a graph that find_error accepts.
Plan make_plan(const Graph& graph, Isa isa);

}  // namespace edge_dnq
