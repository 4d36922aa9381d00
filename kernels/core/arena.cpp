#include "core/arena.h"

#include <algorithm>
#include <numeric>

#include "core/panels.h"

namespace edge_dnq {
namespace {

std::size_t rounded(std::size_t bytes) {
  return (bytes + AlignedBytes::kAlignment - 1) / AlignedBytes::kAlignment *
         AlignedBytes::kAlignment;
}

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

Placement place(const std::vector<Lifetime>& buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return buffers[a].bytes > buffers[b].bytes;
  });
  Placement placement;
  placement.offsets.assign(buffers.size(), 0);
  std::vector<std::size_t> placed;  // in order of offset
  for (const std::size_t index : order) {
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      if (!overlap(buffers[index], buffers[other])) continue;
      const std::size_t other_offset = placement.offsets[other];
      if (offset + rounded(buffers[index].bytes) <= other_offset) break;
      offset = std::max(offset, other_offset + rounded(buffers[other].bytes));
    }
    placement.offsets[index] = offset;
    placement.bytes = std::max(placement.bytes, offset + rounded(buffers[index].bytes));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) {
                                     return placement.offsets[a] < placement.offsets[b];
                                   }),
                  index);
  }
  return placement;
}

}  // namespace edge_dnq
