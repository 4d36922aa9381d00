// The delegate against a runtime that asks, replaces and runs nodes as the real one does.
#include "litert/delegate.h"

#include <gtest/gtest.h>

#include <memory>

#include "core/report.h"
#include "fake_runtime.h"

namespace edge_dnq {
namespace {

struct Destroy {
  void operator()(tfl::Delegate* delegate) const { destroy_delegate(delegate); }
};
using Owned = std::unique_ptr<tfl::Delegate, Destroy>;

/// max-pool 2x2 of a 4x4x1 tensor, and a node that no engine knows.
struct Program {
  FakeRuntime runtime;
  int input = runtime.activation({1, 4, 4, 1}, 0.5F, 0);
  int pooled = runtime.activation({1, 2, 2, 1}, 0.5F, 0);
  int last = runtime.activation({1, 2, 2, 1}, 0.5F, 0);

  Program() {
    runtime.add(tfl::kMaxPool2d, {input}, pooled,
                tfl::PoolParams{tfl::kValid, 2, 2, 2, 2, tfl::kNone});
    runtime.add(static_cast<tfl::Builtin>(14), {pooled}, last, 0);
    runtime.graph_outputs = {pooled};
    for (int i = 0; i < 16; ++i) runtime.data(input)[i] = static_cast<std::int8_t>(i);
  }

  tfl::Status apply(const Owned& delegate) {
    return delegate->prepare(&runtime.context(), delegate.get());
  }
};

std::string report_of(const std::string& key) {
  const auto report = find_report(key);
  return report == nullptr ? "" : report->json();
}

DelegateOptions options(const std::string& key) {
  DelegateOptions made;
  made.report = key;
  return made;
}

TEST(Delegate, ClaimsWhatItKnowsAndRunsIt) {
  const Owned delegate(create_delegate(options("claims")));
  Program program;
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  EXPECT_EQ(program.runtime.claimed, std::vector<int>{0});
  // As the real runtime, which gives nodes only while the delegate is applied.
  program.runtime.nodes_may_be_asked = false;
  ASSERT_EQ(program.runtime.prepare(), tfl::kOk);
  ASSERT_EQ(program.runtime.invoke(), tfl::kOk);
  const std::int8_t* out = program.runtime.data(program.pooled);
  EXPECT_EQ((std::vector<int>{out[0], out[1], out[2], out[3]}), (std::vector<int>{5, 7, 13, 15}));
  const std::string report = report_of("claims");
  EXPECT_NE(report.find("\"nodes\":2,\"claimed\":1"), std::string::npos) << report;
  EXPECT_NE(
      report.find("{\"node\":1,\"op\":\"LOGISTIC\",\"reason\":\"not an operator of the engine"),
      std::string::npos)
      << report;
}

TEST(Delegate, ClaimsNothingWhenOff) {
  DelegateOptions off = options("off");
  off.off = true;
  const Owned delegate(create_delegate(off));
  Program program;
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  EXPECT_TRUE(program.runtime.claimed.empty());
  EXPECT_NE(report_of("off").find("switched off"), std::string::npos) << report_of("off");
}

TEST(Delegate, LeavesNodesOfOtherDelegatesAlone) {
  const Owned delegate(create_delegate(options("others")));
  Program program;
  program.runtime.node(0).delegate = delegate.get();
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  EXPECT_TRUE(program.runtime.claimed.empty());
  EXPECT_NE(report_of("others").find("taken by another delegate"), std::string::npos);
}

TEST(Delegate, RefusesToRunBeforePrepare) {
  const Owned delegate(create_delegate({}));
  Program program;
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  EXPECT_EQ(program.runtime.invoke(), tfl::kError);
  EXPECT_EQ(program.runtime.errors,
            std::vector<std::string>{"edge-dnq kernels: run before its tensors were allocated\n"});
}

TEST(Delegate, RefusesToRunWithoutMemory) {
  const Owned delegate(create_delegate({}));
  Program program;
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  ASSERT_EQ(program.runtime.prepare(), tfl::kOk);
  program.runtime.at(program.pooled).data = nullptr;
  EXPECT_EQ(program.runtime.invoke(), tfl::kError);
  EXPECT_EQ(program.runtime.errors,
            std::vector<std::string>{"edge-dnq kernels: an output without memory\n"});
}

TEST(Delegate, FollowsAResizedInputAndRefusesAnImpossibleOne) {
  const Owned delegate(create_delegate({}));
  Program program;
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  ASSERT_EQ(program.runtime.prepare(), tfl::kOk);
  program.runtime.reshape(program.input, {1, 2, 8, 1});
  program.runtime.reshape(program.pooled, {1, 1, 4, 1});
  ASSERT_EQ(program.runtime.prepare(), tfl::kOk);
  ASSERT_EQ(program.runtime.invoke(), tfl::kOk);
  const std::int8_t* out = program.runtime.data(program.pooled);
  EXPECT_EQ((std::vector<int>{out[0], out[3]}), (std::vector<int>{9, 15}));
  program.runtime.reshape(program.input, {2, 2, 4, 1});
  EXPECT_EQ(program.runtime.prepare(), tfl::kError);
  EXPECT_EQ(program.runtime.invoke(), tfl::kError) << "ran on the shapes of before";
}

TEST(Delegate, AFailedInitialisationIsAnErrorNotACrash) {
  const Owned delegate(create_delegate({}));
  Program program;
  program.runtime.initialising_may_ask = false;
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  EXPECT_EQ(program.runtime.kernel.user_data, nullptr);
  EXPECT_EQ(program.runtime.errors.size(), 1U);
  EXPECT_EQ(program.runtime.prepare(), tfl::kError);
  EXPECT_EQ(program.runtime.invoke(), tfl::kError);
}

TEST(Delegate, MayGoBeforeTheInterpreter) {
  Owned delegate(create_delegate(options("early")));
  Program program;
  ASSERT_EQ(program.apply(delegate), tfl::kOk);
  ASSERT_EQ(program.runtime.prepare(), tfl::kOk);
  delegate.reset();
  EXPECT_EQ(program.runtime.invoke(), tfl::kOk);
}

TEST(Delegate, ReportsEndWithTheirDelegate) {
  { const Owned delegate(create_delegate(options("gone"))); }
  EXPECT_EQ(find_report("gone"), nullptr);
  EXPECT_EQ(find_report("never was"), nullptr);
}

}  // namespace
}  // namespace edge_dnq
