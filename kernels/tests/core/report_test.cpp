#include "core/report.h"

#include <gtest/gtest.h>

namespace edge_dnq {
namespace {

TEST(Report, StaysPlainJsonWhateverTheModelIsCalled) {
  AdapterReport report("avx2", false);
  GraphReport graph;
  graph.declined.push_back({3, "my\"op\\\n\x01\xff", "why"});
  report.set_graph(graph);
  EXPECT_NE(report.json().find(R"("op":"my\"op\\\u000a\u0001\u00ff")"), std::string::npos)
      << report.json();
}

TEST(Report, TakesThePlaceOfAnEarlierOne) {
  AdapterReport report("avx2", false);
  GraphReport graph;
  graph.graph = &report;
  graph.nodes = 4;
  report.set_graph(graph);
  PartitionReport part;
  part.partition = &part;
  report.set_partition(&report, part);
  part.threads = 2;
  report.set_partition(&report, part);
  EXPECT_EQ(report.json(),
            R"({"isa":"avx2","off":false,"graphs":[{"nodes":4,"claimed":0,"declined":[],)"
            R"("partitions":[{"nodes":0,"threads":2,"arena_bytes":0,"panel_bytes":0,)"
            R"("shared_panel_bytes":0,"scratch_bytes":0,"pack_seconds":0.000000000,"ops":[]}]}]})");
  graph.nodes = 5;
  report.set_graph(graph);
  EXPECT_EQ(report.json().find(R"("nodes":4)"), std::string::npos);
  EXPECT_NE(report.json().find(R"("nodes":5)"), std::string::npos);
}

TEST(Report, ForgetsInterpretersThatAreGone) {
  AdapterReport report("avx2", false);
  GraphReport graph;
  graph.graph = &report;
  report.set_graph(graph);
  PartitionReport one, two;
  one.partition = &one;
  two.partition = &two;
  report.set_partition(&report, one);
  report.set_partition(&report, two);
  report.remove_partition(&one);
  EXPECT_NE(report.json().find("graphs\":[{"), std::string::npos) << report.json();
  report.remove_partition(&two);
  EXPECT_NE(report.json().find("graphs\":[]"), std::string::npos) << report.json();
}

TEST(Report, WritesNumbersTheSameInEveryLocale) {
  AdapterReport report("avx2", false);
  report.set_graph({});
  PartitionReport part;
  part.memory.pack_seconds = 1.25;
  report.set_partition(nullptr, part);
  EXPECT_NE(report.json().find(R"("pack_seconds":1.250000000)"), std::string::npos);
}

}  // namespace
}  // namespace edge_dnq
