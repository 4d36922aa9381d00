// ExecuTorch tells reasons to its log only; this takes them from there.
#pragma once

#include <string>

namespace edge_dnq {

/// While it lives, the runtime's errors on this thread are kept instead of printed.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// The first error, which is the cause of the others; empty when there was none.
  const std::string& first() const { return first_; }
  void add(const char* message, std::size_t length);

 private:
  std::string first_;
  LogCapture* outer_;
};

}  // namespace edge_dnq
