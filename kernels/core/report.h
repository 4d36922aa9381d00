// What an adapter to a runtime did with the graphs it was given, as JSON for people and for tests.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/engine.h"

namespace edge_dnq {

struct DeclinedNode {
  int node = 0;  ///< in the graph
  std::string op;
  std::string reason;
};

struct PartitionReport {
  const void* partition = nullptr;
  int nodes = 0;
  int threads = 1;
  std::vector<OpReport> ops;
  MemoryReport memory;
};

struct GraphReport {
  const void* graph = nullptr;
  int nodes = 0;
  int claimed = 0;
  std::vector<DeclinedNode> declined;
  std::vector<PartitionReport> partitions;
};

/// One adapter's report; safe to use from several threads.
class AdapterReport {
 public:
  AdapterReport(std::string isa, bool off) : isa_(std::move(isa)), off_(off) {}

  /// Takes the place of an earlier report on the same graph.
  void set_graph(GraphReport graph);
  /// Takes the place of an earlier report on the same partition.
  void set_partition(const void* graph, PartitionReport partition);
  /// Forgets the partition, and its graph with the last one.
  void remove_partition(const void* partition);

  std::string json() const;

 private:
  /// Returns the graph that the partition was of; null when it is not known.
  const void* drop(const void* partition);

  const std::string isa_;
  const bool off_;
  mutable std::mutex mutex_;
  std::vector<GraphReport> graphs_;
};

/// Makes `report` readable under `key` for as long as it lives.
void publish_report(const std::string& key, const std::shared_ptr<const AdapterReport>& report);

/// The report published last under `key`; null when there is none.
std::shared_ptr<const AdapterReport> find_report(const std::string& key);

/// Writes the report's JSON, cut to `size` bytes with the final zero, unless `buffer` is null.
/// Returns its length without that zero; 0 when there is no report under `key`, or no memory.
std::size_t write_report(const char* key, char* buffer, std::size_t size) noexcept;

}  // namespace edge_dnq
