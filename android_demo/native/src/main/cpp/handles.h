// Programs by number, so that Java never holds a pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "program.h"

namespace edge_dnq::android {

/// Safe to use from several threads. A number is never given twice.
class Handles {
 public:
  std::int64_t add(std::shared_ptr<Program> program);
  /// Returns null for a number that was closed or never given. The program lives as long as the
  /// answer does, so closing it while it runs is safe.
  std::shared_ptr<Program> find(std::int64_t handle) const;
  /// Returns whether there was such a program.
  bool close(std::int64_t handle);
  std::size_t open() const;

 private:
  mutable std::mutex mutex_;
  std::int64_t last_ = 0;
  std::unordered_map<std::int64_t, std::shared_ptr<Program>> programs_;
};

}  // namespace edge_dnq::android
