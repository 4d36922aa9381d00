#include "core/thread_pool.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace edge_dnq {
namespace {

constexpr int kSpins = 4000;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// std::condition_variable would tie the library to the newest libstdc++.
std::uint32_t* address(std::atomic<std::uint32_t>& word) {
  static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
  return reinterpret_cast<std::uint32_t*>(&word);
}

/// Returns once `word` no longer holds `value`.
void wait_while(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  for (int i = 0; i < kSpins; ++i) {
    if (word.load(std::memory_order_acquire) != value) return;
    pause_briefly();
  }
  while (word.load(std::memory_order_acquire) == value) {
    syscall(SYS_futex, address(word), FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
  }
}

void wake_all(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, address(word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  try {
    for (int thread = 1; thread < threads; ++thread) {
      workers_.emplace_back([this, thread] { work(thread); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  wake_all(round_);
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(Task task, void* context, int parts) {
  if (workers_.empty()) {
    for (int part = 0; part < parts; ++part) task(context, part, 0);
    return;
  }
  task_ = task;
  context_ = context;
  unfinished_.store(static_cast<std::uint32_t>(parts), std::memory_order_relaxed);
  const std::uint32_t round = round_.load(std::memory_order_relaxed) + 1;
  ticket_.store(std::uint64_t{round} << 32U | static_cast<std::uint64_t>(parts) << 16U,
                std::memory_order_release);
  round_.store(round, std::memory_order_release);
  wake_all(round_);
  take_parts(round, 0);
  for (std::uint32_t left = unfinished_.load(std::memory_order_acquire); left != 0;
       left = unfinished_.load(std::memory_order_acquire)) {
    wait_while(unfinished_, left);
  }
}

void ThreadPool::take_parts(std::uint32_t round, int thread) {
  std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
  while (ticket >> 32U == round) {
    const auto next = static_cast<int>(ticket & 0xFFFFU);
    const auto parts = static_cast<int>(ticket >> 16U & 0xFFFFU);
    if (next == parts) return;
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
    task_(context_, next, thread);
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake_all(unfinished_);
    ticket = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::work(int thread) {
  std::uint32_t seen = 0;
  while (true) {
    wait_while(round_, seen);
    seen = round_.load(std::memory_order_acquire);
    if (stopping_.load(std::memory_order_relaxed)) return;
    take_parts(seen, thread);
  }
}

}  // namespace edge_dnq
