// What an inference executes, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/plan.h"
#include "micro/row_ops.h"

namespace edge_dnq {

/// A stored tensor in the arena.
struct View {
  std::uint8_t* interior = nullptr;  ///< pixel (0, 0), past the halo
  std::size_t pixel_bytes = 0;
  std::size_t row_bytes = 0;  ///< halo included
  const PlannedTensor* tensor = nullptr;

  std::uint8_t* at(std::size_t y, std::size_t x) const {
    return interior + y * row_bytes + x * pixel_bytes;
  }
  Format format() const { return tensor->format; }
  std::size_t channels() const { return static_cast<std::size_t>(tensor->shape.channels); }
  std::size_t width() const { return static_cast<std::size_t>(tensor->shape.width); }
  std::size_t height() const { return static_cast<std::size_t>(tensor->shape.height); }
};

/// Whether the pixels of an image row are packed as one pixel of all their channels would be.
inline bool is_gapless(const View& view) {
  const std::size_t unit = view.format() == Format::kTriple2 ? kTripleBlock
                           : view.format() == Format::kPair2 ? 2
                                                             : 1;
  return view.channels() % unit == 0;
}

/// Visits n channels, from a block's start on, in the runs that RowOps pack at once:
/// visit(byte, first channel, channels).
template <typename Visit>
void for_blocks(Format format, std::size_t n, Visit visit) {
  const std::size_t block = format == Format::kTriple2 ? kTripleBlock : n;
  for (std::size_t first = 0; first < n; first += block) {
    visit(pixel_bytes(format, first), first, n - first < block ? n - first : block);
  }
}

/// Reads and writes whole pixels as q, which has room for the next multiple of 64 channels.
class PixelAccess {
 public:
  explicit PixelAccess(const RowOps& ops) : ops_(ops) {}

  void read(const View& view, std::size_t y, std::size_t x, std::int8_t* q) const {
    for_blocks(view.format(), view.channels(),
               [&](std::size_t byte, std::size_t first, std::size_t n) {
                 ops_.unpack(view.format(), view.at(y, x) + byte, n, q + first);
               });
  }

  void write(const View& view, std::size_t y, std::size_t x, const std::int8_t* q) const {
    for_blocks(view.format(), view.channels(),
               [&](std::size_t byte, std::size_t first, std::size_t n) {
                 ops_.pack(view.format(), q + first, n, view.at(y, x) + byte);
               });
  }

 private:
  const RowOps& ops_;
};

/// Writes the zero point into the halo. The arena reuses memory, so this happens at every run.
void fill_halo(const View& view);

/// The share of `count` items that part `part` of `parts` has.
struct Share {
  std::size_t first;
  std::size_t last;  ///< past the end
};
Share share_of(std::size_t count, int part, int parts);

class Step {
 public:
  virtual ~Step() = default;
  /// Bytes of scratch memory that each thread needs.
  virtual std::size_t scratch_bytes() const = 0;
  /// Does one part of `parts`. `scratch` is the running thread's own, 64-byte aligned.
  virtual void run(int part, int parts, std::uint8_t* scratch) const = 0;
  virtual std::string describe() const = 0;
  virtual std::string kernel() const = 0;
  virtual std::int64_t macs() const { return 0; }
};

/// Everything a step needs to know about the plan.
struct StepContext {
  const Plan& plan;
  const std::vector<View>& views;
  const RowOps& ops;

  const View& view(int tensor) const { return views[static_cast<std::size_t>(tensor)]; }
  const PlannedTensor& tensor(int index) const {
    return plan.tensors[static_cast<std::size_t>(index)];
  }
};

std::unique_ptr<Step> make_conv_step(const StepContext& context, const PlannedOp& op,
                                     PanelUse panel);
std::unique_ptr<Step> make_depthwise_step(const StepContext& context, const DepthwiseConv& conv);
std::unique_ptr<Step> make_add_step(const StepContext& context, const Add& add);
std::unique_ptr<Step> make_pad_step(const StepContext& context, const Pad& pad);
std::unique_ptr<Step> make_pool_step(const StepContext& context, const MaxPool& pool);
std::unique_ptr<Step> make_mean_step(const StepContext& context, const Mean& mean);

}  // namespace edge_dnq
