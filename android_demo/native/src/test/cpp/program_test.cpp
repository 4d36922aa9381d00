#include "program.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "test_program.h"

namespace edge_dnq::android {
namespace {

constexpr int kCycles = 1000;
constexpr int kSettling = 100;
/// Over the cycles after the settling. A leaked program of the smallest kind would take 30 times
/// more.
constexpr std::size_t kMostGrowth = 4 << 20;

template <typename Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const ProgramError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Program, KernelsAndRuntimeGiveTheSameBits) {
  for (const char* name : {"int8", "float32", "policy"}) {
    const TestProgram given = read_program(name);
    const auto own = given.open({1, true});
    const auto stock = given.open({1, false});
    const auto threaded = given.open({2, true});
    for (unsigned seed = 0; seed < 20; ++seed) {
      EXPECT_EQ(run(*own, seed), run(*stock, seed)) << name;
      EXPECT_EQ(run(*own, seed), run(*threaded, seed)) << name;
    }
    EXPECT_NE(run(*own, 1), run(*own, 2)) << name;
  }
}

TEST(Program, TellsWhatTheKernelsDid) {
  const TestProgram given = read_program("int8");
  EXPECT_EQ(given.open({1, false})->kernels_report(), "");
  const auto program = given.open({1, true});
  EXPECT_NE(program->kernels_report().find("\"partitions\":[{"), std::string::npos)
      << program->kernels_report();
  EXPECT_EQ(program->kernels_problem(), "");
}

TEST(Program, RunsOnTheRuntimesKernelsWhereOursFail) {
  const TestProgram given = read_program("int8");
  ASSERT_EQ(setenv("EDGE_DNQ_KERNELS", "none such", 1), 0);
  const auto program = given.open({1, true});
  ASSERT_EQ(unsetenv("EDGE_DNQ_KERNELS"), 0);
  EXPECT_EQ(program->kernels_problem().rfind("the kernels failed: LiteRT cannot", 0), 0U)
      << program->kernels_problem();
  EXPECT_EQ(program->kernels_report(), "");
  EXPECT_EQ(run(*program, 1), run(*given.open({1, false}), 1));
}

// Leaks are looked for by the sanitizer at the end of the process as well; this also sees what
// stays reachable.
TEST(Program, OpeningAndClosingLeavesNothingBehind) {
  const TestProgram low = read_program("int8");
  const TestProgram policy = read_program("policy");
  std::size_t settled = 0;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    if (cycle == kSettling) settled = resident_bytes();
    const ProgramOptions options{1 + cycle % 2, cycle % 3 != 0};
    const auto first = (cycle % 2 == 0 ? low : policy).open(options);
    if (cycle % 10 == 0) run(*first, 0);
  }
  EXPECT_LT(resident_bytes(), settled + kMostGrowth);
}

TEST(Program, RefusesWhatIsNoProgram) {
  const TestProgram given = read_program("int8");
  TestProgram wrong = given;
  wrong.content.clear();
  EXPECT_EQ(message_of([&] { wrong.open(); }),
            "not a TFLite program: the file's identifier is missing");
  wrong.content = given.content;
  wrong.content[5] = 'X';
  EXPECT_EQ(message_of([&] { wrong.open(); }),
            "not a TFLite program: the file's identifier is missing");
  wrong.content = given.content;
  wrong.content.resize(wrong.content.size() / 2);
  const std::string message = message_of([&] { wrong.open(); });
  EXPECT_EQ(message.rfind("LiteRT cannot ", 0), 0) << message;
}

TEST(Program, RefusesOtherTensorsThanTheManifestNames) {
  const TestProgram given = read_program("int8");
  TestProgram wrong = given;
  wrong.inputs[0].name = "frame";
  EXPECT_NE(message_of([&] { wrong.open(); }).find("has no tensor frame among its inputs: tensor_"),
            std::string::npos);
  wrong = given;
  wrong.outputs.push_back(wrong.outputs[0]);
  EXPECT_EQ(message_of([&] { wrong.open(); }), "the program has 1 outputs, the manifest 2");
  wrong = given;
  wrong.inputs[0].shape[1] += 1;
  EXPECT_NE(message_of([&] { wrong.open(); }).find("of the program is int8 [1, "),
            std::string::npos);
  wrong = given;
  wrong.inputs[0].type = kFloat32;
  EXPECT_NE(message_of([&] { wrong.open(); }).find("the manifest says float32 [1, "),
            std::string::npos);
  wrong = given;
  wrong.outputs[0].grid->zero_point += 1;
  EXPECT_NE(message_of([&] { wrong.open(); }).find("another scale or zero point"),
            std::string::npos);
  wrong = read_program("policy");
  wrong.inputs[2].name = wrong.inputs[1].name;
  EXPECT_NE(message_of([&] { wrong.open(); }).find("twice"), std::string::npos);
}

TEST(Program, RunsFromSeveralThreadsTakeTurns) {
  const TestProgram given = read_program("int8");
  const auto program = given.open({2, true});
  const auto expected = run(*program, 7);
  std::vector<std::thread> threads;
  for (int index = 0; index < 4; ++index) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 50; ++turn) EXPECT_EQ(run(*program, 7), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(LiteRt, TellsWhatCannotBeLoaded) {
  runtime();
  try {
    litert("another.so");
    FAIL() << "another library was taken";
  } catch (const RuntimeError& error) {
    EXPECT_NE(std::string(error.what()).find("now asked for in another.so"), std::string::npos);
  }
}

}  // namespace
}  // namespace edge_dnq::android
