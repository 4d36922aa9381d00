// The pool of threads that the runtime's own kernels and delegates share in a process.
#pragma once

namespace edge_dnq {

/// Keeps the pool at a number of threads while it lives. Programs keep a pointer into the pool, so
/// it cannot be resized under them: throws std::invalid_argument while users of another number
/// live.
class StockPoolUse {
 public:
  explicit StockPoolUse(int threads);
  ~StockPoolUse();
  StockPoolUse(const StockPoolUse&) = delete;
  StockPoolUse& operator=(const StockPoolUse&) = delete;
};

}  // namespace edge_dnq
