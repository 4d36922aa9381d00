// What each instruction set's source files provide.
#pragma once

#include "micro/micro_kernel.h"
#include "micro/row_ops.h"

namespace edge_dnq {

const MicroKernel* scalar_kernels(std::size_t& count);
const RowOps& scalar_row_ops();
const MicroKernel* avx2_kernels(std::size_t& count);
const RowOps& avx2_row_ops();
const MicroKernel* avx512vnni_kernels(std::size_t& count);
const RowOps& avx512vnni_row_ops();
const MicroKernel* neon_kernels(std::size_t& count);
const RowOps& neon_row_ops();
const MicroKernel* neondot_kernels(std::size_t& count);

// RowOps::depthwise, in files of their own.
void avx2_depthwise(const DepthwiseRun& run, std::int32_t* acc);
void avx512vnni_depthwise(const DepthwiseRun& run, std::int32_t* acc);
void neon_depthwise(const DepthwiseRun& run, std::int32_t* acc);

}  // namespace edge_dnq
