#include "bench/layers.h"

#include <algorithm>
#include <random>

#include "core/flush_bound.h"

namespace edge_dnq::bench {
namespace {

/// Any byte that the format can hold.
std::uint8_t random_byte(Format format, std::int32_t activation_max, std::mt19937& random) {
  switch (format) {
    case Format::kPair2:
      return static_cast<std::uint8_t>(random() & 0xF0U);
    case Format::kTriple2:
      return static_cast<std::uint8_t>(random() & 0x3FU);
    default:
      return static_cast<std::uint8_t>(random() % static_cast<unsigned>(activation_max + 1));
  }
}

/// Bell-shaped, as trained weights are: the spread of real codes decides how often bytes flush.
std::vector<std::int8_t> random_weights(Element element, std::size_t count, std::int32_t weight_max,
                                        std::mt19937& random) {
  std::normal_distribution<float> bell(0.0F, 36.0F);
  std::vector<std::int8_t> weights(count);
  for (std::int8_t& weight : weights) {
    const auto master = static_cast<std::int8_t>(std::clamp(bell(random), -127.0F, 127.0F));
    weight = holds_codes(element) ? nested2(master)
                                  : static_cast<std::int8_t>(master * weight_max / 128);
  }
  return weights;
}

}  // namespace

std::string Layer::name() const {
  const std::string side = std::to_string(kernel);
  return side + "x" + side + "/" + std::to_string(stride) + " " + std::to_string(in_channels) +
         "->" + std::to_string(out_channels) + " @" + std::to_string(out_size);
}

const std::vector<Layer>& layers() {
  static const std::vector<Layer> kLayers = {
      {"resnet18", 64, 64, 3, 1, 56, 4},   {"resnet18", 64, 128, 3, 2, 28, 1},
      {"resnet18", 64, 128, 1, 2, 28, 1},  {"resnet18", 128, 128, 3, 1, 28, 3},
      {"resnet18", 128, 256, 3, 2, 14, 1}, {"resnet18", 128, 256, 1, 2, 14, 1},
      {"resnet18", 256, 256, 3, 1, 14, 3}, {"resnet18", 256, 512, 3, 2, 7, 1},
      {"resnet18", 256, 512, 1, 2, 7, 1},  {"resnet18", 512, 512, 3, 1, 7, 3},
      {"stem", 3, 64, 7, 2, 112, 1},       {"small", 16, 16, 3, 1, 32, 1},
      {"small", 16, 32, 3, 2, 16, 1},      {"small", 32, 32, 3, 1, 16, 1},
  };
  return kLayers;
}

LayerRun::LayerRun(const MicroKernel& kernel, const Layer& layer, std::int32_t activation_max,
                   std::int32_t weight_max)
    : kernel_(kernel),
      layer_(layer),
      window_{layer.kernel, layer.kernel, layer.in_channels},
      pixel_bytes_(pixel_bytes(kernel.format, layer.in_channels)),
      flush_steps_(flush_bound(kernel, activation_max, weight_max)) {
  std::mt19937 random(1);
  const std::size_t in_size = (layer.out_size - 1) * layer.stride + layer.kernel;
  row_bytes_ = in_size * pixel_bytes_;
  input_ = AlignedBytes(in_size * row_bytes_);
  for (std::size_t i = 0; i < input_.size(); ++i) {
    input_.data()[i] = random_byte(kernel.format, activation_max, random);
  }
  const std::vector<std::int8_t> weights = random_weights(
      kernel.element, layer.out_channels * layer.kernel * layer.kernel * layer.in_channels,
      weight_max, random);
  panel_ = pack_panel(kernel, weights.data(), layer.out_channels, window_);
  if (kernel.accumulator == Accumulator::kUint8) {
    flush_steps_ = code_flush_bound(kernel, activation_max, panel_.data(),
                                    block_bytes(kernel, window_), layer.out_channels);
  }
  if (kernel.always_expand) {
    expanded_ = AlignedBytes(block_bytes(kernel, window_) * kernel.max_blocks * kernel.expansion);
  }
  acc_.resize(std::size_t{kernel.max_rows} * kernel.max_blocks * kernel.nr);
  sums_.resize(kernel.max_rows);
}

const std::uint8_t* LayerRun::window_at(std::size_t pixel) const {
  return input_.data() + pixel / layer_.out_size * layer_.stride * row_bytes_ +
         pixel % layer_.out_size * layer_.stride * pixel_bytes_;
}

void LayerRun::run() {
  const std::size_t blocks = block_count(kernel_, layer_.out_channels);
  for (std::size_t block = 0; block < blocks; block += kernel_.max_blocks) {
    run_group(block, std::min<std::size_t>(kernel_.max_blocks, blocks - block));
  }
}

void LayerRun::run_group(std::size_t first_block, std::size_t blocks) {
  const std::uint8_t* pixels[256];
  Tile tile{};
  tile.pixels = pixels;
  tile.row_stride = row_bytes_;
  tile.window_rows = window_.height;
  tile.steps = window_.steps(kernel_);
  tile.block_stride = block_bytes(kernel_, window_);
  tile.panel = panel_.data() + first_block * tile.block_stride;
  tile.blocks = blocks;
  tile.flush_steps = flush_steps_;
  tile.sums = sums_.data();
  tile.acc = acc_.data();
  tile.acc_stride = std::size_t{kernel_.max_blocks} * kernel_.nr;
  if (kernel_.always_expand) {
    kernel_.expand(static_cast<const std::int8_t*>(tile.panel), blocks * tile.block_stride, false,
                   expanded_.data());
    tile.panel = expanded_.data();
    tile.block_stride *= kernel_.expansion;
  }
  const std::size_t count = layer_.out_size * layer_.out_size;
  for (std::size_t pixel = 0; pixel < count; pixel += kernel_.max_rows) {
    tile.rows = std::min<std::size_t>(kernel_.max_rows, count - pixel);
    for (std::size_t row = 0; row < tile.rows; ++row) pixels[row] = window_at(pixel + row);
    kernel_.accumulate(tile);
  }
}

}  // namespace edge_dnq::bench
