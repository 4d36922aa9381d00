#include "accelerators.h"

#include "litert/plugin.h"

namespace edge_dnq::android {
namespace {

thread_local const KernelRequest* current_request = nullptr;

Status get_name(Handle, const char** name) {
  *name = "edge-dnq kernels";
  return kOk;
}

Status get_version(Handle, Version* version) {
  *version = Version{1, 0, 0};
  return kOk;
}

Status get_hardware(Handle, int* hardware) {
  *hardware = kCpu;
  return kOk;
}

Status compiles_just_in_time(Handle, bool* compiles) {
  *compiles = true;
  return kOk;
}

Status create_delegate(Handle, Handle, Handle, Handle, Handle* wrapper) {
  return current_request == nullptr ? kRuntimeFailure : current_request->create(wrapper);
}

void destroy_delegate(Handle delegate) {
  tflite_plugin_destroy_delegate(static_cast<tfl::Delegate*>(delegate));
}

/// The fields of a definition whose size and version were checked.
constexpr std::uint16_t kKnownVersion = 1;

void add(const LiteRt& litert, Handle environment, const AcceleratorDefinition& definition) {
  Handle accelerator = nullptr;
  if (litert.CreateAccelerator(&accelerator) != kOk) {
    throw RuntimeError("LiteRT makes no accelerator");
  }
  const bool described =
      litert.SetAcceleratorGetName(accelerator, definition.get_name) == kOk &&
      litert.SetAcceleratorGetVersion(accelerator, definition.get_version) == kOk &&
      litert.SetAcceleratorGetHardwareSupport(accelerator, definition.get_hardware) == kOk &&
      litert.SetIsAcceleratorDelegateResponsibleForJitCompilation(
          accelerator, definition.compiles_just_in_time) == kOk &&
      litert.SetDelegateFunction(accelerator, definition.create_delegate) == kOk;
  if (!described) {
    litert.DestroyAccelerator(accelerator);
    throw RuntimeError("LiteRT takes no description of an accelerator");
  }
  // The environment owns it from here on, also where it refuses.
  if (litert.RegisterAccelerator(environment, accelerator, nullptr, nullptr) != kOk) {
    throw RuntimeError("LiteRT registers no accelerator");
  }
}

}  // namespace

std::string kernels_problem(const LiteRt& litert) {
  const AcceleratorDefinition* const own = *litert.StaticLinkedAcceleratorCpuDef;
  if (own == nullptr) return "this LiteRT has no accelerator for processors";
  if (own->version != kKnownVersion || own->bytes < sizeof(AcceleratorDefinition)) {
    return "this LiteRT describes accelerators in a version that is not known";
  }
  return "";
}

void register_kernels(const LiteRt& litert, Handle environment) {
  AcceleratorDefinition kernels{};
  kernels.get_name = get_name;
  kernels.get_version = get_version;
  kernels.get_hardware = get_hardware;
  kernels.compiles_just_in_time = compiles_just_in_time;
  kernels.create_delegate = create_delegate;
  add(litert, environment, kernels);
  add(litert, environment, **litert.StaticLinkedAcceleratorCpuDef);
}

KernelRequest::KernelRequest(const LiteRt& litert, std::string report, int threads)
    : litert_(litert), report_(std::move(report)), threads_(std::to_string(threads)) {
  current_request = this;
}

KernelRequest::~KernelRequest() { current_request = nullptr; }

Status KernelRequest::create(Handle* wrapper) const {
  const char* const keys[] = {"isa", "threads", "report"};
  const char* const values[] = {"auto", threads_.c_str(), report_.c_str()};
  tfl::Delegate* const delegate = tflite_plugin_create_delegate(keys, values, 3, nullptr);
  if (delegate == nullptr) return kRuntimeFailure;
  const Status status = litert_.WrapDelegate(delegate, destroy_delegate, wrapper);
  if (status != kOk) tflite_plugin_destroy_delegate(delegate);
  return status;
}

}  // namespace edge_dnq::android
