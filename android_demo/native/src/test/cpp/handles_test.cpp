#include "handles.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "test_program.h"

namespace edge_dnq::android {
namespace {

TEST(Handles, ANumberIsClosedOnceAndNeverGivenAgain) {
  const TestProgram given = read_program("int8");
  Handles handles;
  const std::int64_t first = handles.add(given.open());
  const std::int64_t second = handles.add(given.open());
  EXPECT_NE(first, second);
  EXPECT_EQ(handles.open(), 2U);
  EXPECT_TRUE(handles.close(first));
  EXPECT_FALSE(handles.close(first));
  EXPECT_EQ(handles.find(first), nullptr);
  EXPECT_NE(handles.find(second), nullptr);
  EXPECT_NE(handles.add(given.open()), first);
  EXPECT_FALSE(handles.close(0));
  EXPECT_FALSE(handles.close(-5));
  EXPECT_EQ(handles.open(), 2U);
}

TEST(Handles, AProgramOutlivesItsClosingWhileItRuns) {
  const TestProgram given = read_program("int8");
  Handles handles;
  for (int turn = 0; turn < 20; ++turn) {
    const std::int64_t handle = handles.add(given.open());
    std::atomic<bool> started{false};
    std::thread runner([&] {
      while (const auto program = handles.find(handle)) {
        started = true;
        run(*program, 3);
      }
    });
    while (!started) std::this_thread::yield();
    EXPECT_TRUE(handles.close(handle));
    runner.join();
  }
  EXPECT_EQ(handles.open(), 0U);
}

}  // namespace
}  // namespace edge_dnq::android
