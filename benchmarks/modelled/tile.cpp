// Runs one tile of one micro-kernel, for a trace of its instructions.
//
//   tile KERNEL CHANNELS_IN CHANNELS_OUT   a 3x3 window; prints the MACs
//   tile                                   lists the kernels and their instruction sets
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/flush_bound.h"
#include "core/panels.h"

namespace edge_dnq {
namespace {

struct Precision {
  std::int32_t activation_max;
  std::int32_t weight_max;
};

/// What programs give the kernel: its name begins with conv_w<bits>.
Precision precision_of(const MicroKernel& kernel) {
  switch (std::atoi(kernel.name + std::strlen("conv_w"))) {
    case 2:
      return {3, 3};
    case 4:
      return {15, 15};
    default:
      return {kernel.format == Format::kS8 ? 128 : 127, 127};
  }
}

std::vector<const MicroKernel*> kernels() {
  std::vector<const MicroKernel*> found;
  for (const Isa isa : {Isa::kNeon, Isa::kNeonDot}) {
    std::size_t count = 0;
    const MicroKernel* table = kernels_of(isa, count);
    for (std::size_t i = 0; i < count; ++i) found.push_back(&table[i]);
  }
  return found;
}

/// Operands are all zero: no kernel's path depends on them.
void run(const MicroKernel& kernel, std::size_t channels, std::size_t out_channels) {
  const Window window{3, 3, channels};
  const Precision precision = precision_of(kernel);
  const std::size_t row_stride = 2 * window.row_bytes(kernel.format);
  const std::vector<std::uint8_t> activations(4 * row_stride + 64);
  std::vector<const std::uint8_t*> pixels;
  for (std::size_t row = 0; row < kernel.max_rows; ++row) {
    pixels.push_back(activations.data() + row * pixel_bytes(kernel.format, channels));
  }
  const std::size_t blocks = block_count(kernel, out_channels);
  const AlignedBytes panel(blocks * block_bytes(kernel, window) * kernel.expansion);
  const std::vector<std::int32_t> sums(kernel.max_rows);
  std::vector<std::int32_t> acc(kernel.max_rows * blocks * kernel.nr);

  Tile tile{};
  tile.pixels = pixels.data();
  tile.rows = kernel.max_rows;
  tile.row_stride = row_stride;
  tile.window_rows = window.height;
  tile.steps = window.steps(kernel);
  tile.panel = panel.data();
  tile.block_stride = block_bytes(kernel, window) * kernel.expansion;
  tile.blocks = blocks;
  tile.flush_steps = flush_bound(kernel, precision.activation_max, precision.weight_max);
  tile.sums = sums.data();
  tile.acc = acc.data();
  tile.acc_stride = blocks * kernel.nr;
  kernel.accumulate(tile);
  std::printf("%zu\n", kernel.max_rows * blocks * kernel.nr * 9 * channels);
}

}  // namespace
}  // namespace edge_dnq

int main(int argc, char** argv) {
  using namespace edge_dnq;
  for (const MicroKernel* kernel : kernels()) {
    if (argc < 4) {
      std::printf("%s %s\n", kernel->name, name(kernel->isa));
    } else if (std::strcmp(kernel->name, argv[1]) == 0) {
      run(*kernel, std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10));
      return 0;
    }
  }
  return argc < 4 ? 0 : 1;
}
