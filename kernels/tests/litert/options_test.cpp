#include "litert/options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <vector>

namespace edge_dnq {
namespace {

using Pairs = std::vector<std::pair<const char*, const char*>>;

class Options : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EDGE_DNQ_KERNELS"); }
  void TearDown() override { unsetenv("EDGE_DNQ_KERNELS"); }

  static DelegateOptions parse(const Pairs& pairs) {
    std::vector<const char*> keys, values;
    for (const auto& [key, value] : pairs) {
      keys.push_back(key);
      values.push_back(value);
    }
    return parse_options(keys.data(), values.data(), pairs.size());
  }

  static std::string error(const Pairs& pairs) {
    try {
      parse(pairs);
    } catch (const std::invalid_argument& problem) {
      return problem.what();
    }
    return "";
  }
};

TEST_F(Options, AutoTakesTheBest) {
  EXPECT_EQ(parse({}).isa, best_isa());
  EXPECT_EQ(parse({{"isa", "auto"}}).isa, best_isa());
  EXPECT_FALSE(parse({}).off);
}

TEST_F(Options, TheOptionGoesBeforeTheEnvironment) {
  setenv("EDGE_DNQ_KERNELS", "off", 1);
  EXPECT_TRUE(parse({}).off);
  EXPECT_EQ(parse({{"isa", "scalar"}}).isa, Isa::kScalar);
  EXPECT_FALSE(parse({{"isa", "scalar"}}).off);
  setenv("EDGE_DNQ_KERNELS", "scalar", 1);
  EXPECT_EQ(parse({{"isa", "auto"}}).isa, Isa::kScalar);
  setenv("EDGE_DNQ_KERNELS", "", 1);
  EXPECT_EQ(parse({}).isa, best_isa());
}

TEST_F(Options, MistakesAreToldInOneLine) {
  EXPECT_NE(error({{"isa", "mmx"}}).find("option isa must be off, auto, scalar"),
            std::string::npos);
  EXPECT_NE(error({{"thread", "1"}}).find("unknown option 'thread'"), std::string::npos);
  for (const char* bad : {"", "-1", "65", "two", "1x"}) {
    EXPECT_NE(error({{"threads", bad}}).find("option threads must be 0 to 64"), std::string::npos)
        << "threads=" << bad;
  }
  EXPECT_NE(error({{"isa", nullptr}}), "");
  setenv("EDGE_DNQ_KERNELS", "sse9", 1);
  EXPECT_NE(error({}).find("EDGE_DNQ_KERNELS must be"), std::string::npos);
}

TEST_F(Options, ProcessorsWithoutTheInstructionsAreTold) {
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon, Isa::kNeonDot}) {
    const std::string problem = error({{"isa", name(isa)}});
    EXPECT_EQ(problem.empty(), is_supported(isa)) << name(isa) << ": " << problem;
  }
}

}  // namespace
}  // namespace edge_dnq
