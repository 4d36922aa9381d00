// The limit that a kernel's instruction mix sets on this machine, measured in registers alone.
#pragma once

#include <cstddef>
#include <vector>

#include "core/isa.h"

namespace edge_dnq::bench {

/// Only the multiplies (or look-ups) and additions of a kernel's inner loop: no loads, no flushes.
struct InstructionMix {
  const char* kernel;  ///< the start of the names of the kernels it bounds
  Isa isa;
  double macs;  ///< that one iteration stands for
  void (*run)(std::size_t iterations);
};

/// Of the instruction sets that this build knows limits for; only those of supported ones may run.
const std::vector<InstructionMix>& instruction_mixes();

}  // namespace edge_dnq::bench
