#include "core/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <utility>

namespace edge_dnq {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      // Names of custom operators come from the model: keep the text plain whatever they hold.
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(byte));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string field(const char* name, const std::string& value) {
  return "\"" + std::string(name) + "\":" + value;
}

template <typename Number>
std::string number(const char* name, Number value) {
  return field(name, std::to_string(value));
}

/// By integers: the decimal point of other conversions is the locale's.
std::string seconds(const char* name, double value) {
  const long long nanoseconds = std::llround(value * 1e9);
  std::string fraction = std::to_string(nanoseconds % 1000000000);
  fraction.insert(0, 9 - fraction.size(), '0');
  return field(name, std::to_string(nanoseconds / 1000000000) + "." + fraction);
}

template <typename Item, typename Write>
std::string list(const std::vector<Item>& items, Write write) {
  std::string out = "[";
  for (const Item& item : items) {
    if (out.size() > 1) out += ',';
    out += write(item);
  }
  return out + "]";
}

std::string write(const DeclinedNode& node) {
  return "{" + number("node", node.node) + "," + field("op", quoted(node.op)) + "," +
         field("reason", quoted(node.reason)) + "}";
}

std::string write(const OpReport& op) {
  return "{" + field("op", quoted(op.op)) + "," + field("kernel", quoted(op.kernel)) + "," +
         number("macs", op.macs) + "," + seconds("seconds", op.seconds) + "}";
}

std::string write(const PartitionReport& part) {
  return "{" + number("nodes", part.nodes) + "," + number("threads", part.threads) + "," +
         number("arena_bytes", part.memory.arena_bytes) + "," +
         number("panel_bytes", part.memory.panel_bytes) + "," +
         number("shared_panel_bytes", part.memory.shared_panel_bytes) + "," +
         number("scratch_bytes", part.memory.scratch_bytes) + "," +
         seconds("pack_seconds", part.memory.pack_seconds) + "," +
         field("ops", list(part.ops, [](const OpReport& op) { return write(op); })) + "}";
}

std::string write(const GraphReport& graph) {
  return "{" + number("nodes", graph.nodes) + "," + number("claimed", graph.claimed) + "," +
         field("declined",
               list(graph.declined, [](const DeclinedNode& node) { return write(node); })) +
         "," +
         field("partitions",
               list(graph.partitions, [](const PartitionReport& part) { return write(part); })) +
         "}";
}

struct Published {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<const AdapterReport>> reports;
};

Published& published() {
  // Never destroyed: interpreters may outlive static objects at exit.
  static auto* const all = new Published;
  return *all;
}

}  // namespace

void AdapterReport::set_graph(GraphReport graph) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto same = [&](const GraphReport& other) { return other.graph == graph.graph; };
  graphs_.erase(std::remove_if(graphs_.begin(), graphs_.end(), same), graphs_.end());
  graphs_.push_back(std::move(graph));
}

void AdapterReport::set_partition(const void* graph, PartitionReport partition) {
  const std::lock_guard<std::mutex> lock(mutex_);
  drop(partition.partition);
  for (GraphReport& known : graphs_) {
    if (known.graph == graph) known.partitions.push_back(std::move(partition));
  }
}

void AdapterReport::remove_partition(const void* partition) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const void* graph = drop(partition);
  const auto gone = [&](const GraphReport& known) {
    return known.graph == graph && known.partitions.empty();
  };
  if (graph != nullptr) {
    graphs_.erase(std::remove_if(graphs_.begin(), graphs_.end(), gone), graphs_.end());
  }
}

const void* AdapterReport::drop(const void* partition) {
  const auto same = [&](const PartitionReport& part) { return part.partition == partition; };
  for (GraphReport& graph : graphs_) {
    auto& parts = graph.partitions;
    const auto found = std::find_if(parts.begin(), parts.end(), same);
    if (found == parts.end()) continue;
    parts.erase(found);
    return graph.graph;
  }
  return nullptr;
}

std::string AdapterReport::json() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return "{" + field("isa", quoted(isa_)) + "," + field("off", off_ ? "true" : "false") + "," +
         field("graphs", list(graphs_, [](const GraphReport& graph) { return write(graph); })) +
         "}";
}

void publish_report(const std::string& key, const std::shared_ptr<const AdapterReport>& report) {
  Published& all = published();
  const std::lock_guard<std::mutex> lock(all.mutex);
  for (auto entry = all.reports.begin(); entry != all.reports.end();) {
    entry = entry->second.expired() ? all.reports.erase(entry) : std::next(entry);
  }
  all.reports[key] = report;
}

std::shared_ptr<const AdapterReport> find_report(const std::string& key) {
  Published& all = published();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.reports.find(key);
  return found == all.reports.end() ? nullptr : found->second.lock();
}

std::size_t write_report(const char* key, char* buffer, std::size_t size) noexcept {
  try {
    const auto report = key == nullptr ? nullptr : find_report(key);
    if (report == nullptr) return 0;
    const std::string text = report->json();
    if (buffer != nullptr && size > 0) {
      const std::size_t length = std::min(text.size(), size - 1);
      std::memcpy(buffer, text.data(), length);
      buffer[length] = '\0';
    }
    return text.size();
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace edge_dnq
