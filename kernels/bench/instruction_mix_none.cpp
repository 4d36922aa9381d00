#include "bench/instruction_mix.h"

namespace edge_dnq::bench {

const std::vector<InstructionMix>& instruction_mixes() {
  static const std::vector<InstructionMix> kNone;
  return kNone;
}

}  // namespace edge_dnq::bench
