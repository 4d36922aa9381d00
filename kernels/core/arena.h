// One block of memory for all tensors of an inference.
#pragma once

#include <cstddef>
#include <vector>

namespace edge_dnq {

/// A buffer and the steps at which it is alive, both ends included.
struct Lifetime {
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
};

struct Placement {
  std::vector<std::size_t> offsets;  ///< of each buffer, multiples of 64
  std::size_t bytes = 0;             ///< of the whole block
};

/// Places buffers, largest first, each at the lowest offset where no buffer alive at the same time
/// is. Throws std::bad_alloc when the sum overflows.
Placement place(const std::vector<Lifetime>& buffers);

}  // namespace edge_dnq
