// What a user can ask of the delegate.
#pragma once

#include <cstddef>
#include <string>

#include "core/isa.h"

namespace edge_dnq {

/// Options come as key and value texts:
///   isa      auto, off, or an instruction set; auto takes $EDGE_DNQ_KERNELS, then the best one
///   threads  0 takes the interpreter's number
///   verbose  1 tells on stderr what was claimed
///   profile  1 times every operation; the report tells the last run's seconds
///   report   a name under which edge_dnq_litert_report() tells what was claimed
struct DelegateOptions {
  bool off = false;
  Isa isa = Isa::kScalar;
  int threads = 0;
  bool verbose = false;
  bool profile = false;
  std::string report;
};

/// Throws std::invalid_argument with one line for an unknown key or a value that cannot be used.
DelegateOptions parse_options(const char* const* keys, const char* const* values,
                              std::size_t count);

}  // namespace edge_dnq
