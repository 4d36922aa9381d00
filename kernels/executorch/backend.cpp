#include "executorch/backend.h"

#include <executorch/runtime/core/evalue.h>
#include <executorch/runtime/platform/log.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/engine.h"
#include "core/report.h"
#include "executorch/blob.h"

namespace edge_dnq {
namespace {

namespace et = executorch::runtime;

constexpr int kMaxThreads = 64;

std::size_t element_count(const Tensor& tensor) {
  return static_cast<std::size_t>(tensor.height) * static_cast<std::size_t>(tensor.width) *
         static_cast<std::size_t>(tensor.channels);
}

/// One delegated region.
class Region {
 public:
  Region(const BlobGraph& blob, const EngineOptions& options, std::shared_ptr<AdapterReport> report)
      : engine_(Engine::build(blob.graph, options)), report_(std::move(report)) {
    for (const int tensor : blob.graph.inputs) input_sizes_.push_back(size(blob.graph, tensor));
    for (const int tensor : blob.graph.outputs) output_sizes_.push_back(size(blob.graph, tensor));
    inputs_.resize(input_sizes_.size());
    outputs_.resize(output_sizes_.size());
    const int nodes = static_cast<int>(blob.graph.ops.size());
    report_->set_graph({this, nodes, nodes, {}, {}});
    report_->set_partition(this, {this, nodes, options.threads, engine_->ops(), engine_->memory()});
  }

  void run(et::Span<et::EValue*> arguments) {
    if (arguments.size() != inputs_.size() + outputs_.size()) {
      throw std::invalid_argument("another number of tensors than the integer graph has");
    }
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i] = codes(*arguments[i], input_sizes_[i]);
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      outputs_[i] = codes(*arguments[inputs_.size() + i], output_sizes_[i]);
    }
    engine_->run(inputs_.data(), outputs_.data());
  }

 private:
  static std::size_t size(const Graph& graph, int tensor) {
    return element_count(graph.tensors[static_cast<std::size_t>(tensor)]);
  }

  static std::int8_t* codes(et::EValue& value, std::size_t size) {
    if (!value.isTensor()) throw std::invalid_argument("an argument that is no tensor");
    const auto& tensor = value.toTensor();
    if (tensor.scalar_type() != executorch::aten::ScalarType::Char || tensor.nbytes() != size) {
      throw std::invalid_argument("a tensor of another type or size than the integer graph says");
    }
    // Inputs are only read; the runtime gives both sides as one list.
    auto* data = static_cast<std::int8_t*>(tensor.mutable_data_ptr());
    if (data == nullptr) throw std::invalid_argument("a tensor without memory");
    return data;
  }

  std::unique_ptr<Engine> engine_;
  std::shared_ptr<AdapterReport> report_;
  std::vector<std::size_t> input_sizes_;
  std::vector<std::size_t> output_sizes_;
  std::vector<const std::int8_t*> inputs_;
  std::vector<std::int8_t*> outputs_;
};

EngineOptions engine_options(et::BackendInitContext& context) {
  EngineOptions options;
  if (const auto isa = context.get_runtime_spec<const char*>(kIsaOption); isa.ok()) {
    if (!parse_isa(*isa, options.isa) || !is_supported(options.isa)) {
      throw std::invalid_argument("this processor or this build has no " + std::string(*isa));
    }
  }
  if (const auto threads = context.get_runtime_spec<int>(kThreadsOption); threads.ok()) {
    options.threads = std::clamp(*threads, 1, kMaxThreads);
  }
  return options;
}

class IntegerBackend final : public et::BackendInterface {
 public:
  bool is_available() const override { return true; }

  et::Result<et::DelegateHandle*> init(et::BackendInitContext& context,
                                       et::FreeableBuffer* processed,
                                       et::ArrayRef<et::CompileSpec> /*specs*/) const override {
    try {
      const EngineOptions options = engine_options(context);
      auto report = std::make_shared<AdapterReport>(name(options.isa), false);
      const BlobGraph blob = read_blob(processed->data(), processed->size());
      auto region = std::make_unique<Region>(blob, options, report);
      if (const auto key = context.get_runtime_spec<const char*>(kReportOption); key.ok()) {
        publish_report(*key, report);
      }
      processed->Free();
      return static_cast<et::DelegateHandle*>(region.release());
    } catch (const std::bad_alloc&) {
      ET_LOG(Error, "edge-dnq kernels: out of memory");
      return et::Error::MemoryAllocationFailed;
    } catch (const std::exception& error) {
      ET_LOG(Error, "edge-dnq kernels: %s", error.what());
      return et::Error::DelegateInvalidCompatibility;
    }
  }

  et::Error execute(et::BackendExecutionContext& /*context*/, et::DelegateHandle* handle,
                    et::Span<et::EValue*> arguments) const override {
    try {
      static_cast<Region*>(handle)->run(arguments);
      return et::Error::Ok;
    } catch (const std::exception& error) {
      ET_LOG(Error, "edge-dnq kernels: %s", error.what());
      return et::Error::InvalidArgument;
    }
  }

  void destroy(et::DelegateHandle* handle) const override { delete static_cast<Region*>(handle); }
};

}  // namespace

bool register_integer_backend() {
  static IntegerBackend backend;
  const et::BackendInterface* known = et::get_backend_class(kBackendName);
  if (known == nullptr) return et::register_backend({kBackendName, &backend}) == et::Error::Ok;
  return known == &backend;
}

namespace {

// Programs that name the backend load as soon as this library is.
[[maybe_unused]] const bool registered = register_integer_backend();

}  // namespace
}  // namespace edge_dnq
