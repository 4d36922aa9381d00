#include "core/engine.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "core/arena.h"
#include "core/step.h"
#include "core/thread_pool.h"

namespace edge_dnq {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class PlannedEngine final : public Engine {
 public:
  PlannedEngine(const Graph& graph, const EngineOptions& options)
      : isa_(options.isa),
        inputs_(graph.inputs),
        outputs_(graph.outputs),
        plan_(make_plan(graph, options.isa)),
        ops_(row_ops(options.isa)),
        pool_(options.threads) {
    lay_out();
    make_steps();
    scratch_size_ = 0;
    for (const auto& step : steps_) {
      scratch_size_ = std::max(scratch_size_, step->scratch_bytes());
    }
    scratch_size_ = (scratch_size_ + 63) / 64 * 64 + AlignedBytes::kReadAhead;
    scratch_ = AlignedBytes(scratch_size_ * static_cast<std::size_t>(pool_.threads()));
    memory_.scratch_bytes = scratch_.size();
    seconds_.assign(steps_.size(), 0.0);
  }

  void run(const std::int8_t* const* inputs, std::int8_t* const* outputs) override {
    for (std::size_t i = 0; i < inputs_.size(); ++i) store(view(inputs_[i]), inputs[i]);
    if (profiling_) {
      for (current_ = 0; current_ < steps_.size(); ++current_) {
        const auto start = Clock::now();
        pool_.run(&PlannedEngine::run_current, this, parts());
        seconds_[current_] = seconds_since(start);
      }
    } else {
      for (current_ = 0; current_ < steps_.size(); ++current_) {
        pool_.run(&PlannedEngine::run_current, this, parts());
      }
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) load(view(outputs_[i]), outputs[i]);
  }

  void set_profiling(bool on) override { profiling_ = on; }

  std::vector<OpReport> ops() const override {
    std::vector<OpReport> reports;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      reports.push_back(
          {steps_[i]->describe(), steps_[i]->kernel(), steps_[i]->macs(), seconds_[i]});
    }
    return reports;
  }

  MemoryReport memory() const override { return memory_; }
  Isa isa() const override { return isa_; }

 private:
  /// More parts than threads, so that a thread that is held up leaves some to the others.
  int parts() const { return pool_.threads() == 1 ? 1 : kPartsPerThread * pool_.threads(); }

  static void run_current(void* self, int part, int thread) {
    auto* engine = static_cast<PlannedEngine*>(self);
    engine->steps_[engine->current_]->run(
        part, engine->parts(),
        engine->scratch_.data() + static_cast<std::size_t>(thread) * engine->scratch_size_);
  }

  const View& view(int tensor) const { return views_[static_cast<std::size_t>(tensor)]; }

  /// Places every stored tensor: alive from the step that writes it (inputs: the start) to the last
  /// that reads it (outputs: the end).
  void lay_out() {
    std::vector<Lifetime> lifetimes(plan_.tensors.size());
    const std::size_t end = plan_.ops.size();
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      const PlannedTensor& tensor = plan_.tensors[i];
      if (tensor.stored) lifetimes[i] = {tensor.bytes() + AlignedBytes::kReadAhead, end, 0};
    }
    const auto touch = [&](int tensor, std::size_t step) {
      Lifetime& life = lifetimes[static_cast<std::size_t>(tensor)];
      life.first = std::min(life.first, step);
      life.last = std::max(life.last, step);
    };
    for (const int input : inputs_) touch(input, 0);
    for (std::size_t step = 0; step < plan_.ops.size(); ++step) {
      for (const int input : plan_.ops[step].inputs()) touch(input, step);
      touch(plan_.ops[step].output(), step);
    }
    for (const int output : outputs_) touch(output, end);
    const Placement placement = place(lifetimes);
    arena_ = AlignedBytes(placement.bytes);
    memory_.arena_bytes = placement.bytes;
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      const PlannedTensor& tensor = plan_.tensors[i];
      View view;
      view.tensor = &tensor;
      view.pixel_bytes = tensor.pixel();
      view.row_bytes = tensor.row();
      view.interior = arena_.data() + placement.offsets[i] +
                      static_cast<std::size_t>(tensor.halo.top) * view.row_bytes +
                      static_cast<std::size_t>(tensor.halo.left) * view.pixel_bytes;
      views_.push_back(view);
    }
  }

  void make_steps() {
    const StepContext context{plan_, views_, ops_};
    for (const PlannedOp& op : plan_.ops) {
      steps_.push_back(std::visit(
          [&](const auto& specific) { return make_step(context, op, specific); }, op.op));
    }
  }

  std::unique_ptr<Step> make_step(const StepContext& context, const PlannedOp& op,
                                  const Conv& conv) {
    const auto start = Clock::now();
    PanelUse use =
        acquire_panel(*op.kernel, conv.weights,
                      static_cast<std::size_t>(context.tensor(conv.output).shape.channels),
                      window_of(conv, context.tensor(conv.input).shape), op.facts);
    memory_.pack_seconds += seconds_since(start);
    (use.made ? memory_.panel_bytes : memory_.shared_panel_bytes) += use.panel->size();
    return make_conv_step(context, op, std::move(use));
  }
  static std::unique_ptr<Step> make_step(const StepContext& context, const PlannedOp&,
                                         const DepthwiseConv& conv) {
    return make_depthwise_step(context, conv);
  }
  static std::unique_ptr<Step> make_step(const StepContext& context, const PlannedOp&,
                                         const Add& add) {
    return make_add_step(context, add);
  }
  static std::unique_ptr<Step> make_step(const StepContext& context, const PlannedOp&,
                                         const Pad& pad) {
    return make_pad_step(context, pad);
  }
  static std::unique_ptr<Step> make_step(const StepContext& context, const PlannedOp&,
                                         const MaxPool& pool) {
    return make_pool_step(context, pool);
  }
  static std::unique_ptr<Step> make_step(const StepContext& context, const PlannedOp&,
                                         const Mean& mean) {
    return make_mean_step(context, mean);
  }

  /// Dense int8 NHWC into a tensor's storage. Row operations may touch q past its end, a caller's
  /// buffer has no room for that: hence the copies, here and in load.
  void store(const View& to, const std::int8_t* from) const {
    fill_halo(to);
    each_run(to, [&](std::uint8_t* bytes, std::size_t first, std::size_t n) {
      std::int8_t block[kCopy];
      std::memcpy(block, from + first, n);
      ops_.pack(to.format(), block, n, bytes);
    });
  }

  void load(const View& from, std::int8_t* to) const {
    each_run(from, [&](std::uint8_t* bytes, std::size_t first, std::size_t n) {
      std::int8_t block[kCopy];
      ops_.unpack(from.format(), bytes, n, block);
      std::memcpy(to + first, block, n);
    });
  }

  /// Visits runs of at most kCopy channels that are packed at once.
  template <typename Visit>
  static void each_run(const View& view, Visit visit) {
    const std::size_t channels = view.channels();
    const std::size_t block = channels_per_byte(view.format()) == 1 ? kCopy : kTripleBlock;
    // Rows without gaps count as one long pixel.
    const bool dense = channels_per_byte(view.format()) == 1;
    const std::size_t length = dense ? view.width() * channels : channels;
    for (std::size_t y = 0; y < view.height(); ++y) {
      for (std::size_t x = 0; x < (dense ? 1 : view.width()); ++x) {
        for (std::size_t first = 0; first < length; first += block) {
          visit(view.at(y, x) + pixel_bytes(view.format(), first),
                (y * view.width() + x) * channels + first, std::min(block, length - first));
        }
      }
    }
  }

  static constexpr std::size_t kCopy = 1024;
  static constexpr int kPartsPerThread = 3;

  Isa isa_;
  std::vector<int> inputs_;
  std::vector<int> outputs_;
  Plan plan_;
  const RowOps& ops_;
  ThreadPool pool_;
  AlignedBytes arena_;
  AlignedBytes scratch_;
  std::size_t scratch_size_ = 0;
  std::vector<View> views_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<double> seconds_;
  std::size_t current_ = 0;
  bool profiling_ = false;
  MemoryReport memory_;
};

}  // namespace

void fill_halo(const View& view) {
  const PlannedTensor& tensor = *view.tensor;
  const Padding& halo = tensor.halo;
  if (halo.top + halo.left + halo.bottom + halo.right == 0) return;
  // The zero point of a packed tensor is code 0.
  const int value = channels_per_byte(tensor.format) > 1
                        ? 0
                        : tensor.shape.zero_point + storage_offset(tensor.format);
  const std::size_t left = static_cast<std::size_t>(halo.left) * view.pixel_bytes;
  const std::size_t right = static_cast<std::size_t>(halo.right) * view.pixel_bytes;
  std::uint8_t* first = view.interior - static_cast<std::size_t>(halo.top) * view.row_bytes - left;
  std::memset(first, value, static_cast<std::size_t>(halo.top) * view.row_bytes);
  for (std::size_t y = 0; y < view.height(); ++y) {
    std::memset(view.at(y, 0) - left, value, left);
    std::memset(view.at(y, view.width()), value, right);
  }
  std::memset(view.at(view.height(), 0) - left, value,
              static_cast<std::size_t>(halo.bottom) * view.row_bytes);
}

Share share_of(std::size_t count, int thread, int threads) {
  const auto total = static_cast<std::size_t>(threads);
  const auto index = static_cast<std::size_t>(thread);
  return {count * index / total, count * (index + 1) / total};
}

std::unique_ptr<Engine> Engine::build(const Graph& graph, const EngineOptions& options) {
  const std::string error = find_error(graph);
  if (!error.empty()) throw std::invalid_argument(error);
  if (!is_supported(options.isa)) {
    throw std::invalid_argument(std::string("this CPU or build has no kernels for ") +
                                name(options.isa));
  }
  if (options.threads < 1 || options.threads > 64) {
    throw std::invalid_argument("the number of threads must be in 1 .. 64");
  }
  return std::make_unique<PlannedEngine>(graph, options);
}

}  // namespace edge_dnq
