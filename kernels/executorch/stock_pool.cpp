#include "executorch/stock_pool.h"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>

// libexecutorch_threadpool.so exports the pool, but the package carries no header for it.
namespace executorch::extension::threadpool {

class ThreadPool {
 public:
  std::size_t get_thread_count() const;
  bool _unsafe_reset_threadpool(std::uint32_t threads);
};

ThreadPool* get_threadpool();

}  // namespace executorch::extension::threadpool

namespace edge_dnq {
namespace {

std::mutex mutex;
int users = 0;

}  // namespace

StockPoolUse::StockPoolUse(int threads) {
  const std::lock_guard<std::mutex> lock(mutex);
  auto* pool = executorch::extension::threadpool::get_threadpool();
  if (pool == nullptr) throw std::runtime_error("the runtime has no threads");
  const auto wanted = static_cast<std::uint32_t>(threads);
  const std::size_t have = pool->get_thread_count();
  if (have != wanted) {
    if (users > 0) {
      throw std::invalid_argument("programs that run on " + std::to_string(have) +
                                  " threads are open: ExecuTorch has one pool for all");
    }
    if (!pool->_unsafe_reset_threadpool(wanted)) {
      throw std::runtime_error("the runtime cannot use " + std::to_string(threads) + " threads");
    }
  }
  ++users;
}

StockPoolUse::~StockPoolUse() {
  const std::lock_guard<std::mutex> lock(mutex);
  --users;
}

}  // namespace edge_dnq
