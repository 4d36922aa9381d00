// The part of LiteRT's C interface that this library uses, looked up when the runtime is loaded.
//
// The prebuilt runtime comes without headers that belong to it, so the declarations are made here:
// names and types are the interface's (LiteRT 2.3). Nothing is linked against: where a symbol is
// missing, a person is told that the runtime is another version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace edge_dnq::android {

/// What a person is told when the runtime cannot be used at all.
class RuntimeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A handle of the runtime. The interface has a type for each kind; all are pointers.
using Handle = void*;
using Status = int;
constexpr Status kOk = 0;
constexpr Status kRuntimeFailure = 3;

enum ElementType : int { kFloat32 = 1, kInt8 = 9 };
enum HardwareSet : int { kNoHardware = 0, kCpu = 1 };
enum LockMode : int { kRead = 0, kWrite = 1 };

constexpr int kMaxRank = 8;

struct Layout {
  unsigned rank : 7;
  unsigned has_strides : 1;
  std::int32_t dimensions[kMaxRank];
  std::uint32_t strides[kMaxRank];
};

struct RankedTensorType {
  int element_type;
  Layout layout;
};

struct PerTensorQuantization {
  float scale;
  std::int64_t zero_point;
};

struct Version {
  int major;
  int minor;
  int patch;
};

enum EnvironmentTag : int { kAutoRegisterAccelerators = 24, kMinLoggerSeverity = 25 };
enum AnyType : int { kAnyInt = 2 };
constexpr std::int64_t kLogErrors = 3;

struct EnvironmentOption {
  int tag;
  struct {
    int type;
    union {
      std::int64_t int_value;
      const void* pointer_value;
    };
  } value;
};

/// The functions of an accelerator, which is a source of TFLite delegates.
using GetName = Status (*)(Handle accelerator, const char** name);
using GetVersion = Status (*)(Handle accelerator, Version* version);
using GetHardware = Status (*)(Handle accelerator, int* hardware);
using CompilesJustInTime = Status (*)(Handle accelerator, bool* compiles);
using CreateDelegate = Status (*)(Handle runtime, Handle environment, Handle accelerator,
                                  Handle options, Handle* wrapper);

/// How the runtime describes an accelerator that is linked into it. Size and version come first, so
/// that a reader can tell whether it knows the fields.
struct AcceleratorDefinition {
  std::uint16_t bytes;
  std::uint16_t version;
  std::uint32_t reserved;
  GetName get_name;
  GetVersion get_version;
  GetHardware get_hardware;
  CompilesJustInTime compiles_just_in_time;
  CreateDelegate create_delegate;
};

static_assert(sizeof(Layout) == 68 && sizeof(RankedTensorType) == 72, "tensor types");
static_assert(sizeof(PerTensorQuantization) == 16, "quantisation");
static_assert(sizeof(EnvironmentOption) == 24 && offsetof(EnvironmentOption, value) == 8, "option");
static_assert(offsetof(AcceleratorDefinition, create_delegate) == 40, "accelerator");

/// The functions, named as in the interface without its prefix LiteRt.
struct LiteRt {
  Status (*CreateEnvironment)(int count, const EnvironmentOption* options, Handle* environment);
  void (*DestroyEnvironment)(Handle environment);
  Status (*CreateModelFromBuffer)(Handle environment, const void* content, std::size_t bytes,
                                  Handle* model);
  void (*DestroyModel)(Handle model);
  Status (*CreateOptions)(Handle* options);
  void (*DestroyOptions)(Handle options);
  Status (*SetOptionsHardwareAccelerators)(Handle options, int hardware);
  Status (*CreateOpaqueOptions)(const char* name, void* content, void (*destroy)(void*),
                                Handle* opaque);
  void (*DestroyOpaqueOptions)(Handle opaque);
  Status (*AddOpaqueOptions)(Handle options, Handle opaque);
  Status (*CreateCompiledModel)(Handle environment, Handle model, Handle options, Handle* compiled);
  void (*DestroyCompiledModel)(Handle compiled);
  Status (*GetModelSignature)(Handle model, std::size_t index, Handle* signature);
  Status (*GetNumSignatureInputs)(Handle signature, std::size_t* count);
  Status (*GetNumSignatureOutputs)(Handle signature, std::size_t* count);
  Status (*GetSignatureInputName)(Handle signature, std::size_t index, const char** name);
  Status (*GetSignatureOutputName)(Handle signature, std::size_t index, const char** name);
  Status (*GetSignatureInputTensorByIndex)(Handle signature, std::size_t index, Handle* tensor);
  Status (*GetSignatureOutputTensorByIndex)(Handle signature, std::size_t index, Handle* tensor);
  Status (*GetRankedTensorType)(Handle tensor, RankedTensorType* type);
  Status (*GetPerTensorQuantization)(Handle tensor, PerTensorQuantization* quantization);
  Status (*GetCompiledModelInputBufferRequirements)(Handle compiled, std::size_t signature,
                                                    std::size_t index, Handle* requirements);
  Status (*GetCompiledModelOutputBufferRequirements)(Handle compiled, std::size_t signature,
                                                     std::size_t index, Handle* requirements);
  Status (*GetCompiledModelOutputTensorLayouts)(Handle compiled, std::size_t signature,
                                                std::size_t count, Layout* layouts, bool allocate);
  Status (*GetTensorBufferRequirementsBufferSize)(Handle requirements, std::size_t* bytes);
  Status (*CreateManagedTensorBufferFromRequirements)(Handle environment,
                                                      const RankedTensorType* type,
                                                      Handle requirements, Handle* buffer);
  void (*DestroyTensorBuffer)(Handle buffer);
  Status (*LockTensorBuffer)(Handle buffer, void** content, int mode);
  Status (*UnlockTensorBuffer)(Handle buffer);
  Status (*RunCompiledModel)(Handle compiled, std::size_t signature, std::size_t input_count,
                             Handle* inputs, std::size_t output_count, Handle* outputs);
  Status (*CreateAccelerator)(Handle* accelerator);
  Status (*DestroyAccelerator)(Handle accelerator);
  Status (*SetAcceleratorGetName)(Handle accelerator, GetName function);
  Status (*SetAcceleratorGetVersion)(Handle accelerator, GetVersion function);
  Status (*SetAcceleratorGetHardwareSupport)(Handle accelerator, GetHardware function);
  Status (*SetIsAcceleratorDelegateResponsibleForJitCompilation)(Handle accelerator,
                                                                 CompilesJustInTime function);
  Status (*SetDelegateFunction)(Handle accelerator, CreateDelegate function);
  Status (*RegisterAccelerator)(Handle environment, Handle accelerator, void* data,
                                void (*release)(void*));
  Status (*WrapDelegate)(Handle delegate, void (*destroy)(Handle), Handle* wrapper);
  /// The runtime's own accelerator for processors; null where there is none.
  const AcceleratorDefinition* const* StaticLinkedAcceleratorCpuDef;
};

/// Returns the runtime in `library`, a path or a name that the system's loader finds. It is loaded
/// once and stays; later calls may come from any thread and must name the same library.
/// Throws RuntimeError where it cannot be loaded or is another version.
const LiteRt& litert(const std::string& library);

}  // namespace edge_dnq::android
