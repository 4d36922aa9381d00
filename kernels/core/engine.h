// Runs an integer graph with the micro-kernels of one instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/graph.h"
#include "core/isa.h"

namespace edge_dnq {

struct EngineOptions {
  Isa isa = best_isa();
  int threads = 1;
};

/// One step of the plan, for people.
struct OpReport {
  std::string op;      ///< "conv 3x3/1 64->64", "max-pool", ...
  std::string kernel;  ///< micro-kernel, or the op's own name
  std::int64_t macs = 0;
  double seconds = 0.0;  ///< of the last run with profiling on
};

struct MemoryReport {
  std::size_t arena_bytes = 0;
  std::size_t panel_bytes = 0;         ///< panels made for this engine
  std::size_t shared_panel_bytes = 0;  ///< 8-bit panels of another engine that this one reads
  std::size_t scratch_bytes = 0;
  double pack_seconds = 0.0;
};

class Engine {
 public:
  /// Plans the graph: formats, fusions, panels, one arena. Throws std::invalid_argument with one
  /// line when the graph has an error, std::bad_alloc when memory is short.
  static std::unique_ptr<Engine> build(const Graph& graph, const EngineOptions& options);
  virtual ~Engine() = default;

  /// Runs once. inputs[i] and outputs[i] are dense NHWC int8 buffers in the graph's order.
  /// Allocates nothing. Not to be called from two threads at once.
  virtual void run(const std::int8_t* const* inputs, std::int8_t* const* outputs) = 0;

  virtual void set_profiling(bool on) = 0;
  virtual std::vector<OpReport> ops() const = 0;
  virtual MemoryReport memory() const = 0;
  virtual Isa isa() const = 0;
};

}  // namespace edge_dnq
