// The kernel that stands for a region of a graph.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/engine.h"
#include "core/report.h"
#include "litert/abi.h"
#include "litert/options.h"

namespace edge_dnq {

class Partition {
 public:
  /// Throws when the runtime does not give its nodes.
  Partition(tfl::Context& context, const tfl::DelegateParams& params,
            const DelegateOptions& options, std::shared_ptr<AdapterReport> report);
  ~Partition();
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  /// Builds the engine, or builds it again when the runtime has resized a tensor. Throws.
  void prepare(tfl::Context& context);

  /// Runs once. Throws Unsupported when the runtime gives no memory for a tensor.
  void invoke(const tfl::Context& context);

 private:
  std::vector<int> shapes(const tfl::Context& context) const;
  void publish(const tfl::Context& context);

  const DelegateOptions options_;
  const std::shared_ptr<AdapterReport> report_;
  // Copies: nodes may be asked for only while the delegate is applied, and move later. What they
  // point to stays.
  std::vector<std::pair<tfl::Node, std::int32_t>> nodes_;  // and their operator codes
  const std::vector<int> boundary_;                        // tensors that the region gives
  std::vector<int> inputs_;
  std::vector<int> outputs_;
  std::vector<int> shapes_;
  std::vector<const std::int8_t*> input_data_;
  std::vector<std::int8_t*> output_data_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace edge_dnq
