// From a TensorFlow Lite graph's nodes to the engine's graph.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/graph.h"
#include "litert/abi.h"

namespace edge_dnq {

/// A node that the engine cannot run; what() is the reason in a few words.
class Unsupported : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Collects nodes in execution order. Nothing in a node is trusted: whatever is not exactly what
/// the engine can run is refused with a reason.
class GraphReader {
 public:
  explicit GraphReader(const tfl::Context& context) : context_(context) {}

  /// Adds the operation of a node with this operator code (tfl::Builtin). Throws Unsupported; the
  /// reader is then of no more use.
  void add(const tfl::Node& node, std::int32_t code);

  /// The graph whose outputs are those of `outputs` (tensors of the runtime) that its operations
  /// compute. Weights stay where the runtime has them; scales that had to be spread over the
  /// channels belong to the reader, which must outlive Engine::build.
  Graph finish(const std::vector<int>& outputs);

  /// The runtime's tensors behind the inputs and outputs of finish()'s graph, in its order.
  const std::vector<int>& inputs() const { return inputs_; }
  const std::vector<int>& outputs() const { return outputs_; }

 private:
  void add_conv(const tfl::Node& node);
  void add_depthwise(const tfl::Node& node);
  void add_fully_connected(const tfl::Node& node);
  void add_addition(const tfl::Node& node);
  void add_pad(const tfl::Node& node, bool with_value);
  void add_max_pool(const tfl::Node& node);
  void add_mean(const tfl::Node& node);

  int input(const tfl::Node& node, int position);
  int output(const tfl::Node& node);
  int define(int tensor);
  template <typename Params, typename Convolution>
  void read_window(const tfl::Node& node, const Params& params, Convolution& conv);
  template <typename Convolution>
  void read_scales(const tfl::Tensor& weights, int channel_axis, Convolution& conv);
  template <typename Convolution>
  void read_bias(const tfl::Node& node, Convolution& conv) const;
  const Tensor& at(int tensor) const { return graph_.tensors[static_cast<std::size_t>(tensor)]; }

  const tfl::Context& context_;
  Graph graph_;
  std::map<int, int> known_;  // the runtime's tensor -> the graph's
  std::vector<int> inputs_;
  std::vector<int> outputs_;
  std::deque<std::vector<float>> scales_;
};

/// Why the engine cannot run `node`, in a few words; empty when it can.
std::string find_obstacle(const tfl::Context& context, const tfl::Node& node, std::int32_t code);

}  // namespace edge_dnq
