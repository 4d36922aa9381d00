#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace edge_dnq {
namespace {

using Counts = std::array<std::atomic<int>, 8>;

void count(void* context, int thread) {
  (*static_cast<Counts*>(context))[static_cast<std::size_t>(thread)].fetch_add(1);
}

TEST(ThreadPool, RunsOnEveryThreadAndWaitsForAll) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.threads(), threads);
    Counts counts{};
    for (int round = 1; round <= 2000; ++round) {
      pool.run(count, &counts);
      for (int t = 0; t < 8; ++t) {
        ASSERT_EQ(counts[static_cast<std::size_t>(t)].load(), t < threads ? round : 0)
            << "thread " << t << " of " << threads << ", round " << round;
      }
    }
  }
}

TEST(ThreadPool, WakesThreadsThatHaveGoneToSleep) {
  ThreadPool pool(3);
  Counts counts{};
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // longer than any spin
    pool.run(count, &counts);
  }
  EXPECT_EQ(counts[2].load(), 3);
}

TEST(ThreadPool, StopsWithoutHavingRun) {
  for (int i = 0; i < 50; ++i) ThreadPool pool(4);
}

}  // namespace
}  // namespace edge_dnq
