#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

namespace edge_dnq {
namespace {

struct Tally {
  std::array<std::atomic<int>, 8> runs_of_part{};
  std::array<std::atomic<bool>, 8> thread_is_busy{};
  std::atomic<int> collisions{0};
};

void count(void* context, int part, int thread) {
  auto& tally = *static_cast<Tally*>(context);
  if (tally.thread_is_busy[static_cast<std::size_t>(thread)].exchange(true)) ++tally.collisions;
  ++tally.runs_of_part[static_cast<std::size_t>(part)];
  tally.thread_is_busy[static_cast<std::size_t>(thread)] = false;
}

TEST(ThreadPool, RunsEveryPartOnceAndWaitsForAll) {
  for (const int threads : {1, 2, 5}) {
    for (const int parts : {1, 3, 8}) {
      ThreadPool pool(threads);
      ASSERT_EQ(pool.threads(), threads);
      Tally tally;
      for (int round = 1; round <= 2000; ++round) {
        pool.run(count, &tally, parts);
        for (int part = 0; part < 8; ++part) {
          ASSERT_EQ(tally.runs_of_part[static_cast<std::size_t>(part)].load(),
                    part < parts ? round : 0)
              << "part " << part << " of " << parts << ", threads " << threads << ", round "
              << round;
        }
      }
      EXPECT_EQ(tally.collisions.load(), 0) << "two parts at once on one thread's scratch memory";
    }
  }
}

TEST(ThreadPool, WakesThreadsThatHaveGoneToSleep) {
  ThreadPool pool(3);
  Tally tally;
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // longer than any spin
    pool.run(count, &tally, 6);
  }
  EXPECT_EQ(tally.runs_of_part[5].load(), 3);
}

struct Handshake {
  std::atomic<bool> other_arrived{false};
};

/// Part 0 waits for part 1: it ends only when a second thread takes that.
void meet(void* context, int part, int) {
  auto& handshake = *static_cast<Handshake*>(context);
  if (part == 1) handshake.other_arrived = true;
  while (part == 0 && !handshake.other_arrived) std::this_thread::yield();
}

TEST(ThreadPool, UsesItsThreads) {
  ThreadPool pool(2);
  Handshake handshake;
  pool.run(meet, &handshake, 2);
  EXPECT_TRUE(handshake.other_arrived);
}

TEST(ThreadPool, StopsWithoutHavingRun) {
  for (int i = 0; i < 50; ++i) ThreadPool pool(4);
}

}  // namespace
}  // namespace edge_dnq
