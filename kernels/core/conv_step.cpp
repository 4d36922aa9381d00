#include <algorithm>
#include <stdexcept>

#include "core/add_factors.h"
#include "core/flush_bound.h"
#include "core/requantisation.h"
#include "core/step.h"

namespace edge_dnq {
namespace {

constexpr std::size_t kRowPadding = 64;  // rows of q may be touched up to here
constexpr std::size_t kMaxRows = 16;

std::size_t padded(std::size_t n) { return (n + kRowPadding - 1) / kRowPadding * kRowPadding; }

/// A convolution, its requantisation, an addition that follows, and packing for the next layer.
class ConvStep final : public Step {
 public:
  ConvStep(const StepContext& context, const PlannedOp& op, PanelUse panel)
      : conv_(std::get<Conv>(op.op)),
        kernel_(*op.kernel),
        ops_(context.ops),
        in_(context.view(conv_.input)),
        out_(context.view(op.output())),
        window_(window_of(conv_, in_.tensor->shape)),
        window_origin_(in_.interior - static_cast<std::size_t>(conv_.padding.top) * in_.row_bytes -
                       static_cast<std::size_t>(conv_.padding.left) * in_.pixel_bytes),
        window_row_(static_cast<std::size_t>(conv_.stride_height) * in_.row_bytes),
        window_column_(static_cast<std::size_t>(conv_.stride_width) * in_.pixel_bytes),
        panel_(std::move(panel)),
        block_bytes_(block_bytes(kernel_, window_)),
        blocks_(block_count(kernel_, out_.channels())),
        flush_steps_(flush_steps(op)),
        gapless_(is_gapless(out_)) {
    const Tensor& own = context.tensor(conv_.output).shape;
    clamp_ = {own.zero_point, conv_.range.low, conv_.range.high};
    if (op.add.other >= 0) {
      other_ = &context.view(op.add.other);
      gapless_ = gapless_ && is_gapless(*other_);
      add_ = add_factors(own, other_->tensor->shape, out_.tensor->shape);
      add_clamp_ = {out_.tensor->shape.zero_point, op.add.range.low, op.add.range.high};
    }
    requantisation_ =
        make_requantisation(in_.tensor->shape, own, kernel_.format, conv_.weight_scales, conv_.bias,
                            weight_sums(), gapless_acc() ? kernel_.max_rows : 1);
    for (const View* view : {static_cast<const View*>(&out_), other_}) {
      if (view != nullptr && view->format() == Format::kTriple2 &&
          tile_channels() % kTripleBlock != 0 && tile_channels() < out_.channels()) {
        throw std::logic_error("a tile that splits a block of packed channels");
      }
    }
  }

  std::size_t scratch_bytes() const override {
    return acc_bytes() + 2 * q_bytes() + sums_bytes() + expanded_bytes();
  }

  void run(int part, int parts, std::uint8_t* scratch) const override {
    if (part == 0) fill_halo(out_);
    const std::size_t pixels = out_.height() * out_.width();
    const std::size_t groups = (blocks_ + kernel_.max_blocks - 1) / kernel_.max_blocks;
    Work work{split(scratch), {0, pixels}, {0, groups}};
    // Splitting pixels shares no panel between threads' caches; splitting channels leaves enough
    // pixels for full tiles where the image is small.
    const std::size_t tiles = (pixels + kernel_.max_rows - 1) / kernel_.max_rows;
    if (tiles >= std::size_t{8} * static_cast<std::size_t>(parts)) {
      const Share share = share_of(tiles, part, parts);
      work.pixels = {share.first * kernel_.max_rows,
                     std::min(pixels, share.last * kernel_.max_rows)};
    } else {
      work.groups = share_of(groups, part, parts);
    }
    if (work.groups.first == work.groups.last || work.pixels.first == work.pixels.last) return;
    if (holds_codes(kernel_.element)) sum_windows(work);
    for (std::size_t group = work.groups.first; group < work.groups.last; ++group) {
      run_group(work, group * kernel_.max_blocks);
    }
  }

  std::string describe() const override {
    return std::string("conv ") + std::to_string(conv_.kernel_height) + "x" +
           std::to_string(conv_.kernel_width) + "/" + std::to_string(conv_.stride_height) + " " +
           std::to_string(window_.channels) + "->" + std::to_string(out_.channels()) + " @" +
           std::to_string(out_.height()) + (other_ != nullptr ? " + add" : "");
  }
  std::string kernel() const override {
    return std::string(kernel_.name) + (panel_.nested4 ? " (8-bit panel)" : "");
  }
  std::int64_t macs() const override {
    return static_cast<std::int64_t>(out_.height() * out_.width() * out_.channels() *
                                     window_.height * window_.width * window_.channels);
  }

 private:
  struct Scratch {
    std::int32_t* acc;
    std::int8_t* q;
    std::int8_t* other;
    std::int32_t* sums;
    std::uint8_t* expanded;
  };
  struct Work {
    Scratch scratch;
    Share pixels;
    Share groups;
  };

  std::size_t tile_channels() const { return std::size_t{kernel_.max_blocks} * kernel_.nr; }
  /// Whether the accumulators of a tile's pixels can follow each other without a gap, so that one
  /// call requantises all of them (their biases are repeated for every pixel).
  bool gapless_acc() const {
    return gapless_ && blocks_ <= kernel_.max_blocks && out_.channels() % kernel_.nr == 0;
  }
  std::size_t acc_stride() const {
    return gapless_acc() ? out_.channels() : padded(tile_channels());
  }
  std::size_t acc_bytes() const {
    return padded(tile_channels()) * kernel_.max_rows * sizeof(std::int32_t);
  }
  /// A whole tile's q, pixel after pixel.
  std::size_t q_bytes() const { return padded(tile_channels() * kernel_.max_rows) + kRowPadding; }
  std::size_t sums_bytes() const {
    return holds_codes(kernel_.element)
               ? padded(out_.height() * out_.width()) * sizeof(std::int32_t)
               : 0;
  }
  bool expands() const {
    return kernel_.always_expand || (panel_.nested4 && !kernel_.reads_nested4);
  }
  std::size_t expanded_block() const { return block_bytes_ * kernel_.expansion; }
  std::size_t expanded_bytes() const {
    return expands() ? padded(expanded_block() * kernel_.max_blocks) : 0;
  }

  Scratch split(std::uint8_t* scratch) const {
    Scratch s{};
    s.acc = reinterpret_cast<std::int32_t*>(scratch);
    s.q = reinterpret_cast<std::int8_t*>(scratch + acc_bytes());
    s.other = s.q + q_bytes();
    s.sums = reinterpret_cast<std::int32_t*>(s.other + q_bytes());
    s.expanded = reinterpret_cast<std::uint8_t*>(s.sums) + sums_bytes();
    return s;
  }

  std::size_t flush_steps(const PlannedOp& op) const {
    const int largest = std::max(in_.tensor->range.high, in_.tensor->shape.zero_point) +
                        storage_offset(kernel_.format);
    const int weight = holds_codes(kernel_.element) ? 3 : op.facts.max_magnitude;
    const std::size_t bound = flush_bound(kernel_, largest, weight);
    // The plan admits only kernels whose bound holds; this is the last place to notice otherwise.
    if (bound < 1 ||
        window_.height * window_.steps(kernel_) > window_bound(kernel_, largest, weight)) {
      throw std::logic_error("a narrow accumulator could overflow");
    }
    if (kernel_.accumulator != Accumulator::kUint8) return bound;
    return code_flush_bound(kernel_, largest, panel_.panel->data(), block_bytes_, out_.channels());
  }

  /// A code kernel gives the sum over true weights as well.
  std::vector<std::int32_t> weight_sums() const {
    const std::size_t count = window_.height * window_.width * window_.channels;
    std::vector<std::int32_t> sums(out_.channels());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      for (std::size_t k = 0; k < count; ++k) sums[i] += conv_.weights[i * count + k];
    }
    return sums;
  }

  /// Walks over output pixels in order; one division at the start, none per pixel.
  class Cursor {
   public:
    Cursor(const ConvStep& step, std::size_t pixel)
        : step_(&step), y_(pixel / step.out_.width()), x_(pixel % step.out_.width()) {}

    void advance(std::size_t pixels = 1) {
      x_ += pixels;
      if (x_ == step_->out_.width()) {
        x_ = 0;
        ++y_;
      }
    }
    /// Pixels from here to the end of the image row.
    std::size_t left_in_row() const { return step_->out_.width() - x_; }
    const std::uint8_t* window() const {
      return step_->window_origin_ + y_ * step_->window_row_ + x_ * step_->window_column_;
    }
    std::uint8_t* in(const View& view) const { return view.at(y_, x_); }

   private:
    const ConvStep* step_;
    std::size_t y_;
    std::size_t x_;
  };

  /// Sums of the codes of each window. One input row's share is added to all windows that read it.
  void sum_windows(const Work& work) const {
    const std::size_t bytes = window_.row_bytes(in_.format());
    const auto stride = static_cast<std::size_t>(conv_.stride_height);
    const std::size_t width = out_.width();
    const std::size_t top = work.pixels.first / width;
    const std::size_t bottom = (work.pixels.last - 1) / width;
    std::fill(work.scratch.sums + work.pixels.first, work.scratch.sums + work.pixels.last, 0);
    for (std::size_t row = top * stride; row < bottom * stride + window_.height; ++row) {
      const std::size_t above = row < window_.height ? 0 : (row - window_.height) / stride + 1;
      const std::size_t first = std::max(above, top);
      const std::size_t last = std::min(row / stride, bottom);
      if (first > last) continue;  // between the windows of a large stride
      for (std::size_t x = 0; x < width; ++x) {
        const std::int32_t sum = ops_.code_sum(
            in_.format(), window_origin_ + row * in_.row_bytes + x * window_column_, bytes);
        for (std::size_t y = first; y <= last; ++y) {
          const std::size_t pixel = y * width + x;
          if (pixel >= work.pixels.first && pixel < work.pixels.last) {
            work.scratch.sums[pixel] += sum;
          }
        }
      }
    }
  }

  void run_group(const Work& work, std::size_t block) const {
    const std::size_t blocks = std::min<std::size_t>(kernel_.max_blocks, blocks_ - block);
    Tile tile{};
    tile.row_stride = in_.row_bytes;
    tile.window_rows = window_.height;
    tile.steps = window_.steps(kernel_);
    tile.panel = panel_.panel->data() + block * block_bytes_;
    tile.block_stride = block_bytes_;
    tile.blocks = blocks;
    tile.flush_steps = flush_steps_;
    tile.acc = work.scratch.acc;
    tile.acc_stride = acc_stride();
    tile.nested4 = panel_.nested4 && kernel_.reads_nested4;
    if (expands()) {
      kernel_.expand(static_cast<const std::int8_t*>(tile.panel), block_bytes_ * blocks,
                     panel_.nested4, work.scratch.expanded);
      tile.panel = work.scratch.expanded;
      tile.block_stride = expanded_block();
    }
    const std::uint8_t* pixels[kMaxRows];
    tile.pixels = pixels;
    Cursor cursor(*this, work.pixels.first);
    for (std::size_t p = work.pixels.first; p < work.pixels.last; p += kernel_.max_rows) {
      tile.rows = std::min<std::size_t>(kernel_.max_rows, work.pixels.last - p);
      Cursor ahead = cursor;
      for (std::size_t row = 0; row < tile.rows; ++row, ahead.advance()) {
        pixels[row] = ahead.window();
      }
      tile.sums = work.scratch.sums + p;
      kernel_.accumulate(tile);
      finish(work.scratch, tile, cursor, block * kernel_.nr);
      cursor = ahead;
    }
  }

  /// From accumulators to the stored output.
  void finish(const Scratch& scratch, const Tile& tile, Cursor cursor, std::size_t channel) const {
    const std::size_t n = std::min(tile.blocks * kernel_.nr, out_.channels() - channel);
    if (gapless_ && n == out_.channels()) return finish_pixels(scratch, tile, cursor);
    const std::size_t offset = pixel_bytes(out_.format(), channel);
    const std::size_t other_offset = other_ == nullptr ? 0 : pixel_bytes(other_->format(), channel);
    for (std::size_t row = 0; row < tile.rows; ++row, cursor.advance()) {
      ops_.requantise(tile.acc + row * tile.acc_stride, requantisation_.bias.data() + channel,
                      requantisation_.multiplier.data() + channel, n, clamp_, scratch.q);
      if (other_ != nullptr) {
        const std::uint8_t* other = cursor.in(*other_) + other_offset;
        for_blocks(other_->format(), n, [&](std::size_t byte, std::size_t first, std::size_t size) {
          ops_.unpack(other_->format(), other + byte, size, scratch.other + first);
        });
        ops_.add(scratch.q, scratch.other, n, add_, add_clamp_, scratch.q);
      }
      std::uint8_t* out = cursor.in(out_) + offset;
      for_blocks(out_.format(), n, [&](std::size_t byte, std::size_t first, std::size_t size) {
        ops_.pack(out_.format(), scratch.q + first, size, out + byte);
      });
    }
  }

  /// The same where the tile has all channels: pixels follow each other in memory, so that a run
  /// of them is one long row. With few channels most of the time would go into starting rows.
  void finish_pixels(const Scratch& scratch, const Tile& tile, Cursor cursor) const {
    const std::size_t channels = out_.channels();
    for (std::size_t row = 0; row < tile.rows;) {
      const std::size_t run = std::min(tile.rows - row, cursor.left_in_row());
      const std::size_t n = run * channels;
      const std::size_t at_once = gapless_acc() ? n : channels;
      for (std::size_t i = 0; i < n; i += at_once) {
        ops_.requantise(tile.acc + (row + i / channels) * tile.acc_stride,
                        requantisation_.bias.data(), requantisation_.multiplier.data(), at_once,
                        clamp_, scratch.q + i);
      }
      if (other_ != nullptr) {
        const std::uint8_t* other = cursor.in(*other_);
        for_blocks(other_->format(), n, [&](std::size_t byte, std::size_t first, std::size_t size) {
          ops_.unpack(other_->format(), other + byte, size, scratch.other + first);
        });
        ops_.add(scratch.q, scratch.other, n, add_, add_clamp_, scratch.q);
      }
      std::uint8_t* out = cursor.in(out_);
      for_blocks(out_.format(), n, [&](std::size_t byte, std::size_t first, std::size_t size) {
        ops_.pack(out_.format(), scratch.q + first, size, out + byte);
      });
      row += run;
      cursor.advance(run);
    }
  }

  Conv conv_;
  const MicroKernel& kernel_;
  const RowOps& ops_;
  View in_;
  View out_;
  const View* other_ = nullptr;
  Window window_;
  const std::uint8_t* window_origin_;  ///< window of output pixel (0, 0)
  std::size_t window_row_;             ///< bytes between windows of neighbouring output rows
  std::size_t window_column_;          ///< and columns
  PanelUse panel_;
  std::size_t block_bytes_;
  std::size_t blocks_;
  std::size_t flush_steps_;
  bool gapless_;  ///< pixels of the output, and of what is added, leave no slot unused
  Clamp clamp_{};
  AddFactors add_{};
  Clamp add_clamp_{};
  Requantisation requantisation_;
};

}  // namespace

std::unique_ptr<Step> make_conv_step(const StepContext& context, const PlannedOp& op,
                                     PanelUse panel) {
  return std::make_unique<ConvStep>(context, op, std::move(panel));
}

}  // namespace edge_dnq
