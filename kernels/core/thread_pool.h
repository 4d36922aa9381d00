// Threads that share the parts of one step of an inference.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace edge_dnq {

/// Parts of a task are claimed one by one, so a thread that the system does not schedule holds
/// nobody up: the others, the caller among them, do its share. Waiting is a short spin, then a
/// futex: steps of one inference follow each other within microseconds, inferences may not.
class ThreadPool {
 public:
  /// `thread` is in 0 .. threads() - 1 and at one part at a time.
  using Task = void (*)(void* context, int part, int thread);

  static constexpr int kMaxParts = 0xFFFF;

  /// Throws std::system_error when a thread cannot be started.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Runs parts 0 .. parts - 1 (at most kMaxParts) and returns when all are done. Not to be called
  /// from two threads at once.
  void run(Task task, void* context, int parts);

 private:
  /// Claims parts of round `round` until none is left.
  void take_parts(std::uint32_t round, int thread);
  void work(int thread);
  void stop();

  std::vector<std::thread> workers_;
  Task task_ = nullptr;
  void* context_ = nullptr;
  /// Round in the upper half, then 16 bits of parts and 16 bits of the next part: one word, so that
  /// a late thread cannot claim a part of a round that is over.
  std::atomic<std::uint64_t> ticket_{0};
  std::atomic<std::uint32_t> round_{0};
  std::atomic<std::uint32_t> unfinished_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace edge_dnq
