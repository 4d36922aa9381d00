#include "executorch/runner.h"

#include <executorch/extension/data_loader/buffer_data_loader.h>
#include <executorch/extension/module/module.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/report.h"
#include "executorch/backend.h"
#include "executorch/log_capture.h"
#include "executorch/stock_pool.h"

namespace {

namespace et = executorch::runtime;
using edge_dnq::LogCapture;
using executorch::aten::ScalarType;
using executorch::aten::Tensor;
using executorch::aten::TensorImpl;

constexpr const char* kMethod = "forward";

/// Throws what the runtime logged, or its error's number where it logged nothing.
void require(et::Error error, const LogCapture& log) {
  if (error == et::Error::Ok) return;
  if (!log.first().empty()) throw std::runtime_error(log.first());
  throw std::runtime_error("ExecuTorch error " + std::to_string(static_cast<int>(error)));
}

/// An input or output as the program describes it.
struct Slot {
  explicit Slot(const et::TensorInfo& info) : type(info.scalar_type()), bytes(info.nbytes()) {
    for (const auto size : info.sizes()) sizes.push_back(size);
    for (const auto axis : info.dim_order()) order.push_back(axis);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (order[i] != i) throw std::invalid_argument("a tensor that is not dense in axis order");
    }
    strides.resize(sizes.size());
    int stride = 1;
    for (std::size_t i = sizes.size(); i-- > 0; stride *= sizes[i]) strides[i] = stride;
  }

  ScalarType type;
  std::size_t bytes;
  std::vector<TensorImpl::SizesType> sizes;
  std::vector<TensorImpl::DimOrderType> order;
  std::vector<TensorImpl::StridesType> strides;
};

void write_problem(const std::string& problem, char* buffer, std::size_t size) {
  if (buffer == nullptr || size == 0) return;
  const std::size_t length = std::min(problem.find('\n'), std::min(problem.size(), size - 1));
  std::memcpy(buffer, problem.data(), length);
  buffer[length] = '\0';
}

}  // namespace

struct edge_dnq_executorch_program {
  edge_dnq_executorch_program(const void* data, std::size_t size, const char* isa, int threads,
                              const char* report, const LogCapture& log)
      : pool_(threads),
        module_(std::make_unique<executorch::extension::BufferDataLoader>(data, size)) {
    // The runtime takes the options over before it loads.
    et::BackendOptions<3> options;
    et::LoadBackendOptionsMap map;
    require(options.set_option(edge_dnq::kThreadsOption, threads), log);
    if (isa != nullptr) require(options.set_option(edge_dnq::kIsaOption, isa), log);
    if (report != nullptr) require(options.set_option(edge_dnq::kReportOption, report), log);
    require(map.set_options(edge_dnq::kBackendName, options.view()), log);
    require(module_.load(map, et::Program::Verification::InternalConsistency), log);
    require(module_.load_method(kMethod), log);
    const auto meta = module_.method_meta(kMethod);
    require(meta.error(), log);
    for (std::size_t i = 0; i < meta->num_inputs(); ++i) {
      slots_[0].push_back(slot(meta->input_tensor_meta(i), log));
    }
    for (std::size_t i = 0; i < meta->num_outputs(); ++i) {
      slots_[1].push_back(slot(meta->output_tensor_meta(i), log));
    }
    for (std::size_t i = 0; i < meta->num_backends(); ++i) {
      const auto name = meta->get_backend_name(i);
      require(name.error(), log);
      backends_.emplace_back(*name);
    }
    for (Slot& input : slots_[0]) {
      tensors_.push_back(std::make_unique<TensorImpl>(
          input.type, static_cast<ssize_t>(input.sizes.size()), input.sizes.data(), nullptr,
          input.order.data(), input.strides.data()));
      arguments_.emplace_back(Tensor(tensors_.back().get()));
    }
  }

  const Slot* slot(int output, std::size_t index) const {
    const auto& side = slots_[output != 0 ? 1 : 0];
    return index < side.size() ? &side[index] : nullptr;
  }

  const char* backend(std::size_t index) const {
    return index < backends_.size() ? backends_[index].c_str() : nullptr;
  }

  std::size_t count(int output) const { return slots_[output != 0 ? 1 : 0].size(); }

  void run(const void* const* inputs, void* const* outputs) {
    LogCapture log;
    // The runtime reads inputs only.
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      tensors_[i]->set_data(const_cast<void*>(inputs[i]));
    }
    const auto result = module_.execute(kMethod, arguments_);
    require(result.error(), log);
    if (result->size() != slots_[1].size()) throw std::runtime_error("another number of outputs");
    for (std::size_t i = 0; i < result->size(); ++i) {
      const Tensor& tensor = (*result)[i].toTensor();
      if (tensor.nbytes() != slots_[1][i].bytes)
        throw std::runtime_error("an output of another size");
      std::memcpy(outputs[i], tensor.const_data_ptr(), tensor.nbytes());
    }
  }

 private:
  static Slot slot(const et::Result<et::TensorInfo>& info, const LogCapture& log) {
    require(info.error(), log);
    return Slot(*info);
  }

  // Before the module, so that it outlives what uses it.
  edge_dnq::StockPoolUse pool_;
  executorch::extension::Module module_;
  std::vector<std::string> backends_;
  std::vector<Slot> slots_[2];
  std::vector<std::unique_ptr<TensorImpl>> tensors_;
  std::vector<et::EValue> arguments_;
};

const char* edge_dnq_executorch_version() { return EDGE_DNQ_EXECUTORCH_VERSION; }

edge_dnq_executorch_program* edge_dnq_executorch_load(const void* data, std::size_t size,
                                                      const char* isa, int threads,
                                                      const char* report, char* error,
                                                      std::size_t error_size) {
  try {
    const LogCapture log;
    return new edge_dnq_executorch_program(data, size, isa, std::max(threads, 1), report, log);
  } catch (const std::exception& problem) {
    write_problem(problem.what(), error, error_size);
  } catch (...) {
    write_problem("unknown error", error, error_size);
  }
  return nullptr;
}

void edge_dnq_executorch_close(edge_dnq_executorch_program* program) { delete program; }

std::size_t edge_dnq_executorch_count(const edge_dnq_executorch_program* program, int output) {
  return program->count(output);
}

std::size_t edge_dnq_executorch_tensor(const edge_dnq_executorch_program* program, int output,
                                       std::size_t index, int* type, int* rank,
                                       std::int64_t* sizes) {
  const Slot* slot = program->slot(output, index);
  if (slot == nullptr || slot->sizes.size() > EDGE_DNQ_MAX_RANK) return 0;
  *type = static_cast<int>(slot->type);
  *rank = static_cast<int>(slot->sizes.size());
  std::copy(slot->sizes.begin(), slot->sizes.end(), sizes);
  return slot->bytes;
}

const char* edge_dnq_executorch_backend(const edge_dnq_executorch_program* program,
                                        std::size_t index) {
  return program->backend(index);
}

int edge_dnq_executorch_run(edge_dnq_executorch_program* program, const void* const* inputs,
                            void* const* outputs, char* error, std::size_t error_size) {
  try {
    program->run(inputs, outputs);
    return 0;
  } catch (const std::exception& problem) {
    write_problem(problem.what(), error, error_size);
  } catch (...) {
    write_problem("unknown error", error, error_size);
  }
  return 1;
}

std::size_t edge_dnq_executorch_report(const char* report, char* buffer, std::size_t size) {
  return edge_dnq::write_report(report, buffer, size);
}
