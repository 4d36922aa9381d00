// Threads that wait for the next step of an inference.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace edge_dnq {

/// Runs a function on every thread at once; the caller is thread 0. Waiting is a short spin, then
/// a futex: steps of one inference follow each other within microseconds, inferences may not.
class ThreadPool {
 public:
  using Task = void (*)(void* context, int thread);

  /// Throws std::system_error when a thread cannot be started.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Returns when every thread has finished `task`. Not to be called from two threads at once.
  void run(Task task, void* context);

 private:
  void work(int thread);
  void stop();

  std::vector<std::thread> workers_;
  Task task_ = nullptr;
  void* context_ = nullptr;
  std::atomic<std::uint32_t> generation_{0};
  std::atomic<std::uint32_t> running_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace edge_dnq
