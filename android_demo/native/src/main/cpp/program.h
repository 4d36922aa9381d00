// One TFLite program on LiteRT: environment, model, compiled model and buffers of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "litert.h"

namespace edge_dnq::android {

/// What a person is told when a program cannot be loaded or run.
class ProgramError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Size of one code and code of real zero.
struct Grid {
  float scale;
  std::int64_t zero_point;
};

/// What a tensor must be.
struct TensorSpec {
  std::string name;
  ElementType type;
  std::vector<std::int32_t> shape;
  std::optional<Grid> grid;

  std::size_t bytes() const;
};

struct ProgramOptions {
  int threads = 1;
  /// Whether edge-dnq's kernels take what they know; the runtime's own take the rest, and all where
  /// the kernels fail.
  bool kernels = true;
};

/// Destroys a handle of the runtime.
struct Destroyer {
  void (*destroy)(Handle);
  void operator()(Handle handle) const { destroy(handle); }
};
using Owned = std::unique_ptr<void, Destroyer>;

/// Safe to use from several threads; runs take turns.
class Program {
 public:
  /// Loads a program whose content was checked. `content` is kept: the runtime reads weights from
  /// it. Throws ProgramError where it is no program or its tensors differ from the specs,
  /// RuntimeError where the runtime cannot be used.
  Program(const LiteRt& litert, std::vector<std::uint8_t> content, std::vector<TensorSpec> inputs,
          std::vector<TensorSpec> outputs, const ProgramOptions& options);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const std::vector<TensorSpec>& inputs() const { return inputs_; }
  const std::vector<TensorSpec>& outputs() const { return outputs_; }

  /// Runs once. Each pointer is to as many bytes as its spec says. Throws ProgramError where the
  /// runtime gives up.
  void run(const std::vector<const void*>& inputs, const std::vector<void*>& outputs);

  /// What edge-dnq's kernels did, as their JSON; empty where they were not asked.
  std::string kernels_report() const;
  /// Why edge-dnq's kernels do nothing although they were wanted; empty where they were asked.
  const std::string& kernels_problem() const { return kernels_problem_; }

 private:
  /// The functions and words that inputs and outputs differ in.
  struct Side;

  void load(const ProgramOptions& options, bool with_kernels);
  void create_environment(bool with_kernels);
  void compile(const ProgramOptions& options, bool with_kernels);
  void prepare();
  void bind(const Side& side);
  std::size_t find(const Side& side, Handle signature, const std::string& name) const;
  void compare(const TensorSpec& spec, Handle tensor, const RankedTensorType& type) const;

  const LiteRt& litert_;
  const std::vector<std::uint8_t> content_;
  const std::vector<TensorSpec> inputs_;
  const std::vector<TensorSpec> outputs_;
  const std::string report_key_;
  std::string kernels_problem_;
  std::mutex mutex_;
  // Destroyed from the last to the first: buffers before what they were made for.
  Owned environment_;
  Owned model_;
  Owned compiled_;
  std::vector<Owned> buffers_;
  // In the runtime's order, which need not be the specs'.
  std::vector<Handle> input_buffers_;
  std::vector<Handle> output_buffers_;
  // By spec: the place in the runtime's order.
  std::vector<std::size_t> input_places_;
  std::vector<std::size_t> output_places_;
};

}  // namespace edge_dnq::android
