// Where edge-dnq's kernels enter LiteRT: as an accelerator, asked before the runtime's own.
#pragma once

#include <string>

#include "litert.h"

namespace edge_dnq::android {

/// Returns why the kernels cannot be registered with this runtime; empty where they can.
std::string kernels_problem(const LiteRt& litert);

/// Registers the kernels and, after them, the runtime's accelerator for processors, which takes
/// what the kernels leave. `environment` must have been made without any. Throws RuntimeError where
/// the runtime refuses.
void register_kernels(const LiteRt& litert, Handle environment);

/// What the kernels are asked for while a model is compiled on this thread.
class KernelRequest {
 public:
  /// `report` is the key that the kernels' report is found under.
  KernelRequest(const LiteRt& litert, std::string report, int threads);
  ~KernelRequest();
  KernelRequest(const KernelRequest&) = delete;
  KernelRequest& operator=(const KernelRequest&) = delete;

  /// Makes the delegate and wraps it for the runtime, which destroys both.
  Status create(Handle* wrapper) const;

 private:
  const LiteRt& litert_;
  const std::string report_;
  const std::string threads_;
};

}  // namespace edge_dnq::android
