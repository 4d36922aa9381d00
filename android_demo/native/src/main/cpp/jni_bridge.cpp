// The native methods of dev.edgednq.nativelib.NativeCalls.
#include <jni.h>

#include <string>
#include <vector>

#include "handles.h"
#include "litert/plugin.h"

namespace {

using edge_dnq::android::ElementType;
using edge_dnq::android::Grid;
using edge_dnq::android::Handles;
using edge_dnq::android::Program;
using edge_dnq::android::ProgramError;
using edge_dnq::android::RuntimeError;
using edge_dnq::android::TensorSpec;

constexpr jint kJniVersion = JNI_VERSION_1_6;
constexpr char kCallsClass[] = "dev/edgednq/nativelib/NativeCalls";
constexpr char kBundleException[] = "dev/edgednq/core/BundleException";
constexpr char kEdgeDnqException[] = "dev/edgednq/core/EdgeDnqException";
constexpr char kIllegalArgument[] = "java/lang/IllegalArgumentException";
constexpr char kIllegalState[] = "java/lang/IllegalStateException";

Handles& handles() {
  static Handles programs;
  return programs;
}

/// Java has an exception pending: the native method must return.
struct JavaException {};

void check_java(JNIEnv* env) {
  if (env->ExceptionCheck()) throw JavaException{};
}

[[noreturn]] void throw_java(JNIEnv* env, const char* kind, const std::string& message) {
  const jclass type = env->FindClass(kind);
  if (type != nullptr) env->ThrowNew(type, message.c_str());
  throw JavaException{};
}

/// Runs the body of a native method; what it throws becomes Java's exception.
template <typename Body, typename Result>
Result guarded(JNIEnv* env, Result on_error, Body body) {
  try {
    try {
      return body();
    } catch (const ProgramError& error) {
      throw_java(env, kBundleException, error.what());
    } catch (const RuntimeError& error) {
      throw_java(env, kEdgeDnqException, error.what());
    } catch (const std::bad_alloc&) {
      throw_java(env, "java/lang/OutOfMemoryError", "no memory for a program");
    } catch (const std::exception& error) {
      throw_java(env, kEdgeDnqException, error.what());
    }
  } catch (const JavaException&) {
    return on_error;
  }
}

std::string to_string(JNIEnv* env, jstring text) {
  const char* const characters = env->GetStringUTFChars(text, nullptr);
  check_java(env);
  const std::string copy = characters;
  env->ReleaseStringUTFChars(text, characters);
  return copy;
}

std::vector<jint> to_vector(JNIEnv* env, jintArray array) {
  std::vector<jint> values(static_cast<std::size_t>(env->GetArrayLength(array)));
  env->GetIntArrayRegion(array, 0, static_cast<jsize>(values.size()), values.data());
  check_java(env);
  return values;
}

std::vector<std::uint8_t> to_bytes(JNIEnv* env, jbyteArray array) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(env->GetArrayLength(array)));
  env->GetByteArrayRegion(array, 0, static_cast<jsize>(bytes.size()),
                          reinterpret_cast<jbyte*>(bytes.data()));
  check_java(env);
  return bytes;
}

/// Tensors as Java passes them: one array a property. A scale of 0 stands for none.
struct JavaTensors {
  jobjectArray names;
  jintArray types;
  jobjectArray shapes;
  jfloatArray scales;
  jintArray zero_points;
};

std::vector<TensorSpec> to_specs(JNIEnv* env, const JavaTensors& tensors) {
  const std::vector<jint> types = to_vector(env, tensors.types);
  const std::vector<jint> zero_points = to_vector(env, tensors.zero_points);
  std::vector<jfloat> scales(types.size());
  env->GetFloatArrayRegion(tensors.scales, 0, static_cast<jsize>(scales.size()), scales.data());
  check_java(env);
  std::vector<TensorSpec> specs;
  for (std::size_t index = 0; index < types.size(); ++index) {
    const auto at = static_cast<jsize>(index);
    const auto name = static_cast<jstring>(env->GetObjectArrayElement(tensors.names, at));
    const auto shape = static_cast<jintArray>(env->GetObjectArrayElement(tensors.shapes, at));
    check_java(env);
    TensorSpec spec{to_string(env, name), static_cast<ElementType>(types[index]),
                    to_vector(env, shape), std::nullopt};
    if (scales[index] != 0) spec.grid = Grid{scales[index], zero_points[index]};
    specs.push_back(std::move(spec));
    env->DeleteLocalRef(name);
    env->DeleteLocalRef(shape);
  }
  return specs;
}

jlong open(JNIEnv* env, jclass, jstring library, jbyteArray content, jobjectArray names,
           jintArray types, jobjectArray shapes, jfloatArray scales, jintArray zero_points,
           jint input_count, jint threads, jboolean kernels) {
  return guarded(env, jlong{0}, [&]() -> jlong {
    const auto& litert = edge_dnq::android::litert(to_string(env, library));
    std::vector<TensorSpec> inputs =
        to_specs(env, JavaTensors{names, types, shapes, scales, zero_points});
    const auto first_output = inputs.begin() + input_count;
    std::vector<TensorSpec> outputs(std::make_move_iterator(first_output),
                                    std::make_move_iterator(inputs.end()));
    inputs.erase(first_output, inputs.end());
    return handles().add(std::make_shared<Program>(
        litert, to_bytes(env, content), std::move(inputs), std::move(outputs),
        edge_dnq::android::ProgramOptions{threads, kernels != JNI_FALSE}));
  });
}

std::shared_ptr<Program> program_of(JNIEnv* env, jlong handle) {
  std::shared_ptr<Program> program = handles().find(handle);
  if (program == nullptr) throw_java(env, kIllegalState, "the program was closed");
  return program;
}

/// Returns where the bytes of direct buffers are; their sizes must be those of the tensors.
std::vector<void*> addresses(JNIEnv* env, jobjectArray buffers,
                             const std::vector<TensorSpec>& specs) {
  if (env->GetArrayLength(buffers) != static_cast<jsize>(specs.size())) {
    throw_java(env, kIllegalArgument, std::to_string(specs.size()) + " buffers are expected");
  }
  std::vector<void*> found;
  for (std::size_t index = 0; index < specs.size(); ++index) {
    const jobject buffer = env->GetObjectArrayElement(buffers, static_cast<jsize>(index));
    void* const address = buffer == nullptr ? nullptr : env->GetDirectBufferAddress(buffer);
    const auto bytes = static_cast<jlong>(specs[index].bytes());
    if (address == nullptr || env->GetDirectBufferCapacity(buffer) != bytes) {
      throw_java(
          env, kIllegalArgument,
          specs[index].name + " needs a direct buffer of " + std::to_string(bytes) + " bytes");
    }
    env->DeleteLocalRef(buffer);
    found.push_back(address);
  }
  return found;
}

void run(JNIEnv* env, jclass, jlong handle, jobjectArray inputs, jobjectArray outputs) {
  guarded(env, false, [&] {
    const std::shared_ptr<Program> program = program_of(env, handle);
    const std::vector<void*> from = addresses(env, inputs, program->inputs());
    program->run({from.begin(), from.end()}, addresses(env, outputs, program->outputs()));
    return true;
  });
}

jstring kernels_report(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, jstring{nullptr}, [&] {
    return env->NewStringUTF(program_of(env, handle)->kernels_report().c_str());
  });
}

jstring kernels_problem(JNIEnv* env, jclass, jlong handle) {
  return guarded(env, jstring{nullptr}, [&] {
    return env->NewStringUTF(program_of(env, handle)->kernels_problem().c_str());
  });
}

jboolean close(JNIEnv*, jclass, jlong handle) {
  return handles().close(handle) ? JNI_TRUE : JNI_FALSE;
}

jint open_handles(JNIEnv*, jclass) { return static_cast<jint>(handles().open()); }

jstring isa(JNIEnv* env, jclass) { return env->NewStringUTF(edge_dnq_isa_best()); }

jstring version(JNIEnv* env, jclass) { return env->NewStringUTF(edge_dnq_kernels_version()); }

JNINativeMethod method(const char* name, const char* signature, void* function) {
  return {const_cast<char*>(name), const_cast<char*>(signature), function};
}

}  // namespace

extern "C" JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* machine, void*) {
  JNIEnv* env = nullptr;
  if (machine->GetEnv(reinterpret_cast<void**>(&env), kJniVersion) != JNI_OK) return JNI_ERR;
  const jclass calls = env->FindClass(kCallsClass);
  if (calls == nullptr) return JNI_ERR;
  const JNINativeMethod methods[] = {
      method("open", "(Ljava/lang/String;[B[Ljava/lang/String;[I[[I[F[IIIZ)J",
             reinterpret_cast<void*>(open)),
      method("run", "(J[Ljava/nio/ByteBuffer;[Ljava/nio/ByteBuffer;)V",
             reinterpret_cast<void*>(run)),
      method("kernelsReport", "(J)Ljava/lang/String;", reinterpret_cast<void*>(kernels_report)),
      method("kernelsProblem", "(J)Ljava/lang/String;", reinterpret_cast<void*>(kernels_problem)),
      method("close", "(J)Z", reinterpret_cast<void*>(close)),
      method("openHandles", "()I", reinterpret_cast<void*>(open_handles)),
      method("isa", "()Ljava/lang/String;", reinterpret_cast<void*>(isa)),
      method("version", "()Ljava/lang/String;", reinterpret_cast<void*>(version)),
  };
  const jint count = sizeof methods / sizeof methods[0];
  return env->RegisterNatives(calls, methods, count) == JNI_OK ? kJniVersion : JNI_ERR;
}
