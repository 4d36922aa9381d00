// The pixels of a tile for loops that always compute four rows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "micro/micro_kernel.h"

namespace edge_dnq {

/// Rows that the tile lacks read its last one again; their sums are dropped.
struct RowPointers {
  const std::uint8_t* row[4];

  explicit RowPointers(const Tile& tile) {
    for (std::size_t i = 0; i < 4; ++i) row[i] = tile.pixels[i < tile.rows ? i : tile.rows - 1];
  }
};

}  // namespace edge_dnq
