#include "core/panel_store.h"

#include <cstdlib>
#include <map>
#include <mutex>
#include <tuple>

namespace edge_dnq {
namespace {

/// Panels with equal keys have equal layouts; equal contents are checked.
using Key = std::tuple<std::uint64_t, std::size_t, std::size_t, std::size_t, std::size_t, int, int,
                       int, int, int>;

Key key_of(std::uint64_t hash, const MicroKernel& kernel, std::size_t out_channels,
           const Window& window) {
  return {hash,
          out_channels,
          window.height,
          window.width,
          window.channels,
          kernel.nr,
          kernel.kr,
          kernel.step_bytes,
          static_cast<int>(kernel.element),
          static_cast<int>(channels_per_byte(kernel.format))};
}

/// FNV-1a over `map(weight)`.
template <typename Map>
std::uint64_t hash_of(const std::int8_t* weights, std::size_t count, Map map) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (std::size_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<std::uint8_t>(map(weights[i]))) * 1099511628211ULL;
  }
  return hash;
}

bool equal(const AlignedBytes& a, const AlignedBytes& b) {
  return a.size() == b.size() && std::equal(a.data(), a.data() + a.size(), b.data());
}

/// Whether `low` holds the 4-bit weights of `master`. Zeros of `low` are padding: its weights are
/// odd.
bool is_nested4(const AlignedBytes& low, const AlignedBytes& master) {
  if (low.size() != master.size()) return false;
  for (std::size_t i = 0; i < low.size(); ++i) {
    const auto weight = static_cast<std::int8_t>(low.data()[i]);
    if (weight != 0 && weight != nested4(static_cast<std::int8_t>(master.data()[i]))) return false;
  }
  return true;
}

class Store {
 public:
  PanelUse acquire(const MicroKernel& kernel, const std::int8_t* weights, std::size_t out_channels,
                   const Window& window, const WeightFacts& facts) {
    const std::size_t count = out_channels * window.height * window.width * window.channels;
    const std::uint64_t hash = hash_of(weights, count, [](std::int8_t w) { return w; });
    const Key key = key_of(hash, kernel, out_channels, window);
    AlignedBytes packed = pack_panel(kernel, weights, out_channels, window);
    const std::lock_guard<std::mutex> lock(mutex_);
    drop_expired();
    if (auto panel = find(same_, key); panel && equal(packed, *panel)) return {panel, false, false};
    const bool whole_steps =
        window.steps(kernel) * kernel.step_bytes == window.row_bytes(kernel.format);
    if (facts.four_bit && whole_steps && kernel.element == Element::kInt8 &&
        (kernel.expand != nullptr || kernel.reads_nested4)) {
      if (auto panel = find(masters_, key); panel && is_nested4(packed, *panel)) {
        return {panel, true, false};
      }
    }
    auto panel = std::make_shared<const AlignedBytes>(std::move(packed));
    same_[key] = panel;
    if (kernel.element == Element::kInt8 && !facts.four_bit) {
      const std::uint64_t low = hash_of(weights, count, nested4);
      masters_[key_of(low, kernel, out_channels, window)] = panel;
    }
    return {panel, false, true};
  }

 private:
  using Map = std::map<Key, std::weak_ptr<const AlignedBytes>>;

  static std::shared_ptr<const AlignedBytes> find(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : found->second.lock();
  }

  void drop_expired() {
    for (Map* map : {&same_, &masters_}) {
      for (auto it = map->begin(); it != map->end();) {
        it = it->second.expired() ? map->erase(it) : std::next(it);
      }
    }
  }

  std::mutex mutex_;
  Map same_;
  Map masters_;  ///< 8-bit panels by the hash of their 4-bit weights
};

Store& store() {
  // Never destroyed: engines may outlive static destruction in an interpreter that exits.
  static Store* const instance = new Store;
  return *instance;
}

}  // namespace

WeightFacts weight_facts(const std::int8_t* weights, std::size_t count) {
  WeightFacts facts;
  for (std::size_t i = 0; i < count; ++i) {
    const int magnitude = std::abs(int{weights[i]});
    if (magnitude > facts.max_magnitude) facts.max_magnitude = magnitude;
    if (magnitude % 2 == 0) facts.two_bit = facts.four_bit = false;
  }
  facts.two_bit = facts.two_bit && facts.max_magnitude <= 3;
  facts.four_bit = facts.four_bit && facts.max_magnitude <= 15;
  return facts;
}

PanelUse acquire_panel(const MicroKernel& kernel, const std::int8_t* weights,
                       std::size_t out_channels, const Window& window, const WeightFacts& facts) {
  return store().acquire(kernel, weights, out_channels, window, facts);
}

}  // namespace edge_dnq
