#include "litert.h"

#include <dlfcn.h>

#include <mutex>

namespace edge_dnq::android {
namespace {

template <typename Function>
void find(void* library, const std::string& path, const char* name, Function& function) {
  void* const symbol = dlsym(library, name);
  if (symbol == nullptr) {
    throw RuntimeError(path + " has no " + name + ": it is not LiteRT 2.3");
  }
  function = reinterpret_cast<Function>(symbol);
}

LiteRt load(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    throw RuntimeError("cannot load LiteRT: " + std::string(reason ? reason : path));
  }
  LiteRt litert{};
#define EDGE_DNQ_FIND(name) find(library, path, "LiteRt" #name, litert.name)
  EDGE_DNQ_FIND(CreateEnvironment);
  EDGE_DNQ_FIND(DestroyEnvironment);
  EDGE_DNQ_FIND(CreateModelFromBuffer);
  EDGE_DNQ_FIND(DestroyModel);
  EDGE_DNQ_FIND(CreateOptions);
  EDGE_DNQ_FIND(DestroyOptions);
  EDGE_DNQ_FIND(SetOptionsHardwareAccelerators);
  EDGE_DNQ_FIND(CreateOpaqueOptions);
  EDGE_DNQ_FIND(DestroyOpaqueOptions);
  EDGE_DNQ_FIND(AddOpaqueOptions);
  EDGE_DNQ_FIND(CreateCompiledModel);
  EDGE_DNQ_FIND(DestroyCompiledModel);
  EDGE_DNQ_FIND(GetModelSignature);
  EDGE_DNQ_FIND(GetNumSignatureInputs);
  EDGE_DNQ_FIND(GetNumSignatureOutputs);
  EDGE_DNQ_FIND(GetSignatureInputName);
  EDGE_DNQ_FIND(GetSignatureOutputName);
  EDGE_DNQ_FIND(GetSignatureInputTensorByIndex);
  EDGE_DNQ_FIND(GetSignatureOutputTensorByIndex);
  EDGE_DNQ_FIND(GetRankedTensorType);
  EDGE_DNQ_FIND(GetPerTensorQuantization);
  EDGE_DNQ_FIND(GetCompiledModelInputBufferRequirements);
  EDGE_DNQ_FIND(GetCompiledModelOutputBufferRequirements);
  EDGE_DNQ_FIND(GetCompiledModelOutputTensorLayouts);
  EDGE_DNQ_FIND(GetTensorBufferRequirementsBufferSize);
  EDGE_DNQ_FIND(CreateManagedTensorBufferFromRequirements);
  EDGE_DNQ_FIND(DestroyTensorBuffer);
  EDGE_DNQ_FIND(LockTensorBuffer);
  EDGE_DNQ_FIND(UnlockTensorBuffer);
  EDGE_DNQ_FIND(RunCompiledModel);
  EDGE_DNQ_FIND(CreateAccelerator);
  EDGE_DNQ_FIND(DestroyAccelerator);
  EDGE_DNQ_FIND(SetAcceleratorGetName);
  EDGE_DNQ_FIND(SetAcceleratorGetVersion);
  EDGE_DNQ_FIND(SetAcceleratorGetHardwareSupport);
  EDGE_DNQ_FIND(SetIsAcceleratorDelegateResponsibleForJitCompilation);
  EDGE_DNQ_FIND(SetDelegateFunction);
  EDGE_DNQ_FIND(RegisterAccelerator);
  EDGE_DNQ_FIND(WrapDelegate);
  EDGE_DNQ_FIND(StaticLinkedAcceleratorCpuDef);
#undef EDGE_DNQ_FIND
  return litert;
}

}  // namespace

const LiteRt& litert(const std::string& library) {
  static std::mutex mutex;
  static std::string loaded;
  static LiteRt functions;
  const std::lock_guard<std::mutex> lock(mutex);
  if (loaded.empty()) {
    functions = load(library);
    loaded = library;
  } else if (loaded != library) {
    throw RuntimeError("LiteRT was loaded from " + loaded + " before, now asked for in " + library);
  }
  return functions;
}

}  // namespace edge_dnq::android
