// The part of TensorFlow Lite's C interface for delegates that this library uses.
//
// No package ships the C headers, so the layouts are declared here: names are ours, the order and
// the types of the fields are the interface's. They hold for the 64-bit data model where int has 32
// and long and pointers have 64 bits; the runtimes from tflite-runtime 2.14 to LiteRT 2.3 agree on
// every field named here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edge_dnq::tfl {

enum Status : int { kOk = 0, kError = 1, kDelegateError = 2 };

/// Element types of tensors.
enum Type : int { kFloat32 = 1, kInt32 = 2, kInt64 = 4, kInt8 = 9 };

/// Where a tensor's bytes live: in the model's file, in an arena, or allocated while running.
enum Allocation : int { kReadOnly = 1, kArena = 2, kPersistentArena = 3, kDynamic = 4 };

enum QuantizationType : int { kNoQuantization = 0, kAffine = 1 };

/// Operators by their codes in a model's file.
enum Builtin : std::int32_t {
  kAdd = 0,
  kConv2d = 3,
  kDepthwiseConv2d = 4,
  kFullyConnected = 9,
  kMaxPool2d = 17,
  kCustom = 32,
  kPad = 34,
  kMean = 40,
  kDelegateNode = 51,
  kPadV2 = 60,
};

enum PaddingKind : int { kSame = 1, kValid = 2 };
enum FusedActivation : int { kNone = 0, kRelu = 1, kReluN1To1 = 2, kRelu6 = 3 };

/// A counted array: `size` elements follow the header.
struct IntArray {
  int size;
  const int* data() const { return reinterpret_cast<const int*>(this + 1); }
};
struct FloatArray {
  int size;
  const float* data() const { return reinterpret_cast<const float*>(this + 1); }
};

struct Affine {
  FloatArray* scale;
  IntArray* zero_point;
  std::int32_t quantized_dimension;
};

struct Quantization {
  int type;  // QuantizationType
  void* params;
};

struct Delegate;
struct Context;

struct Tensor {
  int type;  // Type
  void* data;
  IntArray* dims;
  struct {
    float scale;
    std::int32_t zero_point;
  } params;
  int allocation_type;  // Allocation
  std::size_t bytes;
  const void* allocation;
  const char* name;
  Delegate* delegate;
  int buffer_handle;
  bool data_is_stale;
  bool is_variable;
  Quantization quantization;
  void* sparsity;
  const IntArray* dims_signature;  // -1 where a size is not fixed
};

struct Node {
  IntArray* inputs;
  IntArray* outputs;
  IntArray* intermediates;
  IntArray* temporaries;
  void* user_data;
  void* builtin_data;
  const void* custom_initial_data;
  int custom_initial_data_size;
  Delegate* delegate;
  bool might_have_side_effect;
};

/// An operator's functions. Runtimes differ in how many fields follow the named ones: when ours is
/// passed by value, one that reads fewer bytes than are passed does no harm; theirs is never
/// copied.
struct Registration {
  void* (*init)(Context*, const char* buffer, std::size_t length);
  void (*free)(Context*, void* buffer);
  Status (*prepare)(Context*, Node*);
  Status (*invoke)(Context*, Node*);
  const char* (*profiling_string)(const Context*, const Node*);
  std::int32_t builtin_code;
  const char* custom_name;
  int version;
  void* registration_external;
  void* async_kernel;
  std::uint64_t inplace_operator;
  std::uint64_t reserved[8];
};

struct Context {
  std::size_t tensors_size;
  Status (*GetExecutionPlan)(Context*, IntArray** plan);
  Tensor* tensors;
  void* impl;
  Status (*ResizeTensor)(Context*, Tensor*, IntArray* size);
  void (*ReportError)(Context*, const char* format, ...);
  Status (*AddTensors)(Context*, int count, int* first);
  Status (*GetNodeAndRegistration)(Context*, int index, Node**, Registration**);
  Status (*ReplaceNodeSubsetsWithDelegateKernels)(Context*, Registration, const IntArray* nodes,
                                                  Delegate*);
  int recommended_num_threads;  // -1 where the user did not say
};

struct Delegate {
  void* data;
  Status (*prepare)(Context*, Delegate*);
  void* copy_from_buffer_handle;
  void* copy_to_buffer_handle;
  void* free_buffer_handle;
  std::int64_t flags;
  void* opaque_builder;
  std::uint64_t reserved[8];
};

/// What the kernel that stands for a partition is initialised with.
struct DelegateParams {
  Delegate* delegate;
  IntArray* nodes_to_replace;
  IntArray* input_tensors;
  IntArray* output_tensors;
};

struct ConvParams {
  int padding;  // PaddingKind
  int stride_width;
  int stride_height;
  int activation;  // FusedActivation
  int dilation_width;
  int dilation_height;
};

struct DepthwiseConvParams {
  int padding;  // PaddingKind
  int stride_width;
  int stride_height;
  int depth_multiplier;
  int activation;  // FusedActivation
  int dilation_width;
  int dilation_height;
};

struct PoolParams {
  int padding;  // PaddingKind
  int stride_width;
  int stride_height;
  int filter_width;
  int filter_height;
  int activation;  // FusedActivation
};

struct FullyConnectedParams {
  int activation;      // FusedActivation
  int weights_format;  // 0: not shuffled
  bool keep_num_dims;
};

struct AddParams {
  int activation;  // FusedActivation
};

static_assert(sizeof(void*) == 8 && sizeof(int) == 4 && sizeof(bool) == 1, "LP64");
static_assert(sizeof(IntArray) == 4 && sizeof(FloatArray) == 4, "elements follow the size");
static_assert(sizeof(Affine) == 24 && offsetof(Affine, quantized_dimension) == 16, "Affine");
static_assert(sizeof(Tensor) == 112 && offsetof(Tensor, params) == 24 &&
                  offsetof(Tensor, bytes) == 40 && offsetof(Tensor, is_variable) == 77 &&
                  offsetof(Tensor, quantization) == 80 && offsetof(Tensor, dims_signature) == 104,
              "Tensor");
static_assert(sizeof(Node) == 80 && offsetof(Node, user_data) == 32 &&
                  offsetof(Node, builtin_data) == 40 && offsetof(Node, delegate) == 64,
              "Node");
static_assert(offsetof(Registration, builtin_code) == 40 && offsetof(Registration, version) == 56,
              "Registration");
static_assert(offsetof(Context, tensors) == 16 && offsetof(Context, GetNodeAndRegistration) == 56 &&
                  offsetof(Context, recommended_num_threads) == 72,
              "Context");
static_assert(offsetof(Delegate, flags) == 40 && offsetof(Delegate, opaque_builder) == 48,
              "Delegate");
static_assert(sizeof(DelegateParams) == 32, "DelegateParams");

}  // namespace edge_dnq::tfl
