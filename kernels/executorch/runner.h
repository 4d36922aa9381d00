// A C interface to ExecuTorch's runtime, for callers without torch. Functions do not throw and may
// be called from any thread, but one program from one thread at a time only. Problems are told in
// one line, cut to `error_size` bytes with the final zero.
#pragma once

#include <cstddef>
#include <cstdint>

#define EDGE_DNQ_EXPORT __attribute__((visibility("default")))

extern "C" {

/// Most dimensions of a tensor that edge_dnq_executorch_tensor tells.
enum { EDGE_DNQ_MAX_RANK = 8 };

struct edge_dnq_executorch_program;

/// Version of ExecuTorch that this library was built for, as in "1.5.1".
EDGE_DNQ_EXPORT const char* edge_dnq_executorch_version();

/// Makes the method `forward` of the program in `data`, which must outlive it, ready to run.
///
/// isa: instruction set of the integer kernels, null for the best. threads: for kernels and
/// runtime; the runtime's own kernels share one pool in the process, so an error while programs of
/// another number live. report: key for edge_dnq_executorch_report, may be null. Null on failure.
EDGE_DNQ_EXPORT edge_dnq_executorch_program* edge_dnq_executorch_load(
    const void* data, std::size_t size, const char* isa, int threads, const char* report,
    char* error, std::size_t error_size);

EDGE_DNQ_EXPORT void edge_dnq_executorch_close(edge_dnq_executorch_program* program);

/// Number of inputs (output = 0) or outputs (1).
EDGE_DNQ_EXPORT std::size_t edge_dnq_executorch_count(const edge_dnq_executorch_program* program,
                                                      int output);

/// Type, rank and sizes of a tensor. Returns the bytes it holds, 0 when there is no such tensor.
EDGE_DNQ_EXPORT std::size_t edge_dnq_executorch_tensor(const edge_dnq_executorch_program* program,
                                                       int output, std::size_t index, int* type,
                                                       int* rank, std::int64_t* sizes);

/// Name of the backend that runs a region of the program; null when there are no more.
EDGE_DNQ_EXPORT const char* edge_dnq_executorch_backend(const edge_dnq_executorch_program* program,
                                                        std::size_t index);

/// Runs once on dense buffers in the program's order. Returns 0, or 1 on failure.
EDGE_DNQ_EXPORT int edge_dnq_executorch_run(edge_dnq_executorch_program* program,
                                            const void* const* inputs, void* const* outputs,
                                            char* error, std::size_t error_size);

/// Writes what the integer kernels did for the program loaded with `report` as JSON. Returns its
/// length without the final zero, 0 when they did nothing.
EDGE_DNQ_EXPORT std::size_t edge_dnq_executorch_report(const char* report, char* buffer,
                                                       std::size_t size);

}  // extern "C"
