// Panels shared by all engines of the process: programs that differ in precision alone are nested
// in the same 8-bit weights, so their panels are too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/panels.h"

namespace edge_dnq {

/// What the weights of a convolution are.
struct WeightFacts {
  int max_magnitude = 0;
  bool two_bit = true;   ///< all of -3, -1, 1, 3
  bool four_bit = true;  ///< all odd, -15 .. 15
};

WeightFacts weight_facts(const std::int8_t* weights, std::size_t count);

struct PanelUse {
  std::shared_ptr<const AlignedBytes> panel;
  bool nested4 = false;  ///< the panel holds 8-bit weights, of which these are the 4-bit ones
  bool made = false;     ///< packed by this call, not found
};

/// Finds or packs the panel of weights [out][height][width][channels] for `kernel`. An 8-bit panel
/// serves 4-bit weights nested in it when it was packed before them and is still alive (so load the
/// 8-bit program first), and when no step reaches past a window row (padding there would not stay
/// zero). Every match is verified element by element. Safe to call from any thread.
PanelUse acquire_panel(const MicroKernel& kernel, const std::int8_t* weights,
                       std::size_t out_channels, const Window& window, const WeightFacts& facts);

}  // namespace edge_dnq
