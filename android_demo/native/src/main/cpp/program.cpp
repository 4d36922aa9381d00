#include "program.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "accelerators.h"
#include "litert/plugin.h"

namespace edge_dnq::android {
namespace {

constexpr std::size_t kLeastBytes = 64;
constexpr std::size_t kIdentifierAt = 4;
constexpr char kIdentifier[] = "TFL3";

void check(Status status, const char* what) {
  if (status != kOk) {
    throw ProgramError("LiteRT cannot " + std::string(what) + ": status " + std::to_string(status));
  }
}

std::string next_report_key() {
  static std::atomic<std::uint64_t> count{0};
  return "program " + std::to_string(++count);
}

bool is_program(const std::vector<std::uint8_t>& content) {
  return content.size() >= kLeastBytes &&
         std::memcmp(content.data() + kIdentifierAt, kIdentifier, 4) == 0;
}

const char* name(int type) {
  return type == kInt8 ? "int8" : type == kFloat32 ? "float32" : "of another type";
}

std::string describe(int type, const std::int32_t* sizes, std::size_t rank) {
  std::string text = std::string(name(type)) + " [";
  for (std::size_t axis = 0; axis < rank; ++axis) {
    text += (axis == 0 ? "" : ", ") + std::to_string(sizes[axis]);
  }
  return text + "]";
}

/// Copies into or out of a buffer of the runtime.
template <typename Copy>
void with_content(const LiteRt& litert, Handle buffer, LockMode mode, Copy copy) {
  void* content = nullptr;
  check(litert.LockTensorBuffer(buffer, &content, mode), "lock a buffer");
  copy(content);
  check(litert.UnlockTensorBuffer(buffer), "unlock a buffer");
}

}  // namespace

std::size_t TensorSpec::bytes() const {
  std::size_t count = type == kFloat32 ? sizeof(float) : 1;
  for (const std::int32_t size : shape) count *= static_cast<std::size_t>(size);
  return count;
}

struct Program::Side {
  const char* word;
  const std::vector<TensorSpec>& specs;
  std::vector<Handle>& buffers;
  std::vector<std::size_t>& places;
  Status (*count)(Handle, std::size_t*);
  Status (*name)(Handle, std::size_t, const char**);
  Status (*tensor)(Handle, std::size_t, Handle*);
  Status (*requirements)(Handle, std::size_t, std::size_t, Handle*);
};

Program::Program(const LiteRt& litert, std::vector<std::uint8_t> content,
                 std::vector<TensorSpec> inputs, std::vector<TensorSpec> outputs,
                 const ProgramOptions& options)
    : litert_(litert),
      content_(std::move(content)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      report_key_(options.kernels ? next_report_key() : ""),
      environment_(nullptr, Destroyer{litert.DestroyEnvironment}),
      model_(nullptr, Destroyer{litert.DestroyModel}),
      compiled_(nullptr, Destroyer{litert.DestroyCompiledModel}) {
  if (!is_program(content_)) {
    throw ProgramError("not a TFLite program: the file's identifier is missing");
  }
  if (options.kernels) kernels_problem_ = android::kernels_problem(litert);
  if (!options.kernels || !kernels_problem_.empty()) {
    load(options, false);
  } else {
    try {
      load(options, true);
    } catch (const ProgramError& error) {
      // Slower, but it works; where the program itself is wrong, this fails as well.
      kernels_problem_ = std::string("the kernels failed: ") + error.what();
      load(options, false);
    }
  }
  bind(Side{"inputs", inputs_, input_buffers_, input_places_, litert.GetNumSignatureInputs,
            litert.GetSignatureInputName, litert.GetSignatureInputTensorByIndex,
            litert.GetCompiledModelInputBufferRequirements});
  bind(Side{"outputs", outputs_, output_buffers_, output_places_, litert.GetNumSignatureOutputs,
            litert.GetSignatureOutputName, litert.GetSignatureOutputTensorByIndex,
            litert.GetCompiledModelOutputBufferRequirements});
}

Program::~Program() = default;

void Program::load(const ProgramOptions& options, bool with_kernels) {
  compiled_.reset();
  model_.reset();
  create_environment(with_kernels);
  Handle model = nullptr;
  check(litert_.CreateModelFromBuffer(environment_.get(), content_.data(), content_.size(), &model),
        "read it");
  model_.reset(model);
  compile(options, with_kernels);
  prepare();
}

void Program::create_environment(bool with_kernels) {
  // Never more than the processor: what else the runtime finds on a device answers other bits.
  EnvironmentOption options[2]{};
  options[0].tag = kAutoRegisterAccelerators;
  options[0].value.type = kAnyInt;
  options[0].value.int_value = with_kernels ? kNoHardware : kCpu;
  options[1].tag = kMinLoggerSeverity;
  options[1].value.type = kAnyInt;
  options[1].value.int_value = kLogErrors;
  Handle environment = nullptr;
  if (litert_.CreateEnvironment(2, options, &environment) != kOk) {
    throw RuntimeError("LiteRT makes no environment");
  }
  environment_.reset(environment);
  if (with_kernels) register_kernels(litert_, environment);
}

void Program::compile(const ProgramOptions& options, bool with_kernels) {
  Handle made = nullptr;
  check(litert_.CreateOptions(&made), "make options");
  const Owned compilation(made, Destroyer{litert_.DestroyOptions});
  check(litert_.SetOptionsHardwareAccelerators(made, kCpu), "choose the processor");
  // The runtime's options of its accelerator for processors are a TOML text under this name.
  const std::string text = "num_threads = " + std::to_string(options.threads) + "\n";
  char* const content = strdup(text.c_str());
  Handle opaque = nullptr;
  const Status created = litert_.CreateOpaqueOptions("xnnpack", content, std::free, &opaque);
  if (created != kOk) std::free(content);
  check(created, "make options");
  const Status added = litert_.AddOpaqueOptions(made, opaque);
  if (added != kOk) litert_.DestroyOpaqueOptions(opaque);
  check(added, "take options");
  std::optional<KernelRequest> request;
  if (with_kernels) request.emplace(litert_, report_key_, options.threads);
  Handle compiled = nullptr;
  check(litert_.CreateCompiledModel(environment_.get(), model_.get(), made, &compiled), "load it");
  compiled_.reset(compiled);
}

void Program::prepare() {
  // Allocates, and packs the kernels' weights, now: the first frame is to take as long as others.
  Handle signature = nullptr;
  std::size_t count = 0;
  check(litert_.GetModelSignature(model_.get(), 0, &signature), "describe it");
  check(litert_.GetNumSignatureOutputs(signature, &count), "describe it");
  std::vector<Layout> layouts(count);
  check(
      litert_.GetCompiledModelOutputTensorLayouts(compiled_.get(), 0, count, layouts.data(), true),
      "prepare it");
}

void Program::bind(const Side& side) {
  Handle signature = nullptr;
  std::size_t count = 0;
  check(litert_.GetModelSignature(model_.get(), 0, &signature), "describe it");
  check(side.count(signature, &count), "describe it");
  if (count != side.specs.size()) {
    throw ProgramError("the program has " + std::to_string(count) + " " + side.word +
                       ", the manifest " + std::to_string(side.specs.size()));
  }
  side.buffers.resize(count);
  for (const TensorSpec& spec : side.specs) {
    const std::size_t place = find(side, signature, spec.name);
    if (side.buffers[place] != nullptr) {
      throw ProgramError("the manifest names the tensor " + spec.name + " twice");
    }
    Handle tensor = nullptr;
    Handle requirements = nullptr;
    RankedTensorType type{};
    std::size_t bytes = 0;
    check(side.tensor(signature, place, &tensor), "describe a tensor");
    check(litert_.GetRankedTensorType(tensor, &type), "describe a tensor");
    compare(spec, tensor, type);
    check(side.requirements(compiled_.get(), 0, place, &requirements), "plan a buffer");
    check(litert_.GetTensorBufferRequirementsBufferSize(requirements, &bytes), "plan a buffer");
    if (bytes < spec.bytes()) throw ProgramError("LiteRT plans too small a buffer");
    Handle buffer = nullptr;
    check(litert_.CreateManagedTensorBufferFromRequirements(environment_.get(), &type, requirements,
                                                            &buffer),
          "make a buffer");
    buffers_.emplace_back(buffer, Destroyer{litert_.DestroyTensorBuffer});
    side.buffers[place] = buffer;
    side.places.push_back(place);
  }
}

std::size_t Program::find(const Side& side, Handle signature, const std::string& name) const {
  std::string known;
  for (std::size_t index = 0; index < side.specs.size(); ++index) {
    const char* candidate = nullptr;
    check(side.name(signature, index, &candidate), "describe a tensor");
    if (name == candidate) return index;
    known += (known.empty() ? "" : ", ") + std::string(candidate);
  }
  throw ProgramError("the program has no tensor " + name + " among its " + side.word + ": " +
                     known);
}

void Program::compare(const TensorSpec& spec, Handle tensor, const RankedTensorType& type) const {
  const Layout& layout = type.layout;
  const bool equal = type.element_type == spec.type && layout.rank == spec.shape.size() &&
                     std::equal(spec.shape.begin(), spec.shape.end(), layout.dimensions);
  if (!equal) {
    throw ProgramError("tensor " + spec.name + " of the program is " +
                       describe(type.element_type, layout.dimensions, layout.rank) +
                       ", the manifest says " +
                       describe(spec.type, spec.shape.data(), spec.shape.size()));
  }
  if (!spec.grid) return;
  PerTensorQuantization quantization{};
  check(litert_.GetPerTensorQuantization(tensor, &quantization), "tell a tensor's scale");
  if (quantization.scale != spec.grid->scale || quantization.zero_point != spec.grid->zero_point) {
    throw ProgramError("tensor " + spec.name +
                       " of the program has another scale or zero point than the manifest says");
  }
}

void Program::run(const std::vector<const void*>& inputs, const std::vector<void*>& outputs) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (std::size_t index = 0; index < inputs_.size(); ++index) {
    with_content(litert_, input_buffers_[input_places_[index]], kWrite, [&](void* content) {
      std::memcpy(content, inputs[index], inputs_[index].bytes());
    });
  }
  check(litert_.RunCompiledModel(compiled_.get(), 0, input_buffers_.size(), input_buffers_.data(),
                                 output_buffers_.size(), output_buffers_.data()),
        "run it");
  for (std::size_t index = 0; index < outputs_.size(); ++index) {
    with_content(litert_, output_buffers_[output_places_[index]], kRead, [&](void* content) {
      std::memcpy(outputs[index], content, outputs_[index].bytes());
    });
  }
}

std::string Program::kernels_report() const {
  if (report_key_.empty()) return "";
  const std::size_t length = edge_dnq_litert_report(report_key_.c_str(), nullptr, 0);
  std::string text(length + 1, '\0');
  edge_dnq_litert_report(report_key_.c_str(), text.data(), text.size());
  text.resize(length);
  return text;
}

}  // namespace edge_dnq::android
