// The shapes that kernels are timed on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/panels.h"
#include "micro/micro_kernel.h"

namespace edge_dnq::bench {

/// A square convolution.
struct Layer {
  const char* network;
  std::size_t in_channels;
  std::size_t out_channels;
  std::size_t kernel;
  std::size_t stride;
  std::size_t out_size;
  std::size_t count;  ///< how often the network has it

  std::size_t macs() const {
    return out_size * out_size * out_channels * kernel * kernel * in_channels;
  }
  std::string name() const;
};

const std::vector<Layer>& layers();

/// Random operands of a layer in the formats of one kernel, walked over as the engine does.
class LayerRun {
 public:
  LayerRun(const MicroKernel& kernel, const Layer& layer, std::int32_t activation_max,
           std::int32_t weight_max);

  /// Accumulates every tile once.
  void run();

 private:
  void run_group(std::size_t first_block, std::size_t blocks);
  const std::uint8_t* window_at(std::size_t pixel) const;

  const MicroKernel& kernel_;
  Layer layer_;
  Window window_;
  std::size_t row_bytes_;
  std::size_t pixel_bytes_;
  AlignedBytes input_;
  AlignedBytes panel_;
  AlignedBytes expanded_;
  std::vector<std::int32_t> acc_;
  std::vector<std::int32_t> sums_;
  std::size_t flush_steps_;
};

}  // namespace edge_dnq::bench
