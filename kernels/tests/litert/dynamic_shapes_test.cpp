#include "litert/dynamic_shapes.h"

#include <gtest/gtest.h>

#include "fake_runtime.h"

namespace edge_dnq {
namespace {

constexpr auto kReshape = static_cast<tfl::Builtin>(22);
constexpr auto kLogistic = static_cast<tfl::Builtin>(14);
constexpr auto kWhere = static_cast<tfl::Builtin>(109);
constexpr auto kStableHlo = static_cast<tfl::Builtin>(172);

/// An unknown operator of two inputs whose output a second operator reads.
class DynamicShapesTest : public ::testing::Test {
 protected:
  bool reaches_second(tfl::Builtin code, int other_input) {
    const int first = runtime_.add(code, {data_, other_input}, middle_, 0);
    const int second = runtime_.add(tfl::kAdd, {middle_, middle_}, last_, 0);
    DynamicShapes dynamic(runtime_.context());
    dynamic.pass(runtime_.node(first), code);
    return dynamic.reach(runtime_.node(second));
  }

  FakeRuntime runtime_;
  int data_ = runtime_.activation({1, 4}, 0.5F, 0);
  int middle_ = runtime_.activation({1, 4}, 0.5F, 0);
  int last_ = runtime_.activation({1, 4}, 0.5F, 0);
  int constant_ = runtime_.constant<std::int32_t>(tfl::kInt32, {2}, {1, 4});
};

TEST_F(DynamicShapesTest, AConstantShapeIsStatic) {
  EXPECT_FALSE(reaches_second(kReshape, constant_));
  EXPECT_FALSE(reaches_second(kLogistic, -1));
}

TEST_F(DynamicShapesTest, AShapeThatIsComputedIsNot) {
  runtime_.at(constant_).allocation_type = tfl::kArena;
  EXPECT_TRUE(reaches_second(kReshape, constant_));
  runtime_.at(constant_).type = tfl::kInt64;
  EXPECT_TRUE(reaches_second(kReshape, constant_));
}

TEST_F(DynamicShapesTest, NorIsWhatNothingIsKnownAbout) {
  for (const tfl::Builtin code : {kWhere, kStableHlo, tfl::kCustom, tfl::kDelegateNode}) {
    EXPECT_TRUE(reaches_second(code, constant_)) << "operator " << code;
  }
}

TEST_F(DynamicShapesTest, ItSpreads) {
  const int first = runtime_.add(kWhere, {data_}, middle_, 0);
  const int second = runtime_.add(kLogistic, {middle_}, last_, 0);
  const int third = runtime_.add(kLogistic, {last_}, data_, 0);
  DynamicShapes dynamic(runtime_.context());
  dynamic.pass(runtime_.node(first), kWhere);
  dynamic.pass(runtime_.node(second), kLogistic);
  EXPECT_TRUE(dynamic.reach(runtime_.node(third)));
}

TEST_F(DynamicShapesTest, TensorsThatDoNotExistAreNoConcern) {
  EXPECT_FALSE(reaches_second(kLogistic, 1000));
  DynamicShapes dynamic(runtime_.context());
  tfl::Node empty{};
  dynamic.pass(empty, kWhere);
  EXPECT_FALSE(dynamic.reach(empty));
}

}  // namespace
}  // namespace edge_dnq
