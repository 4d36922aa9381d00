#include "test_program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

namespace edge_dnq::android {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string("set ") + name);
  return value;
}

}  // namespace

const LiteRt& runtime() { return litert(variable("EDGE_DNQ_LITERT")); }

TestProgram read_program(const std::string& name) {
  const std::string path = variable("EDGE_DNQ_PROGRAMS") + "/" + name;
  std::ifstream content(path + ".tflite", std::ios::binary);
  TestProgram program;
  program.content.assign(std::istreambuf_iterator<char>(content), {});
  std::ifstream specs(path + ".specs");
  std::string line;
  while (std::getline(specs, line)) {
    std::istringstream words(line);
    std::string side;
    TensorSpec spec;
    int type = 0;
    Grid grid{};
    words >> side >> spec.name >> type >> grid.scale >> grid.zero_point;
    spec.type = static_cast<ElementType>(type);
    if (grid.scale != 0) spec.grid = grid;
    for (std::int32_t size; words >> size;) spec.shape.push_back(size);
    (side == "input" ? program.inputs : program.outputs).push_back(spec);
  }
  if (program.inputs.empty()) throw std::runtime_error("no program in " + path);
  return program;
}

std::unique_ptr<Program> TestProgram::open(const ProgramOptions& options) const {
  return std::make_unique<Program>(runtime(), content, inputs, outputs, options);
}

std::vector<std::vector<std::uint8_t>> run(Program& program, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::vector<std::uint8_t>> inputs;
  std::vector<std::vector<std::uint8_t>> outputs;
  std::vector<const void*> from;
  std::vector<void*> to;
  for (const TensorSpec& spec : program.inputs()) {
    std::vector<std::uint8_t>& bytes = inputs.emplace_back(spec.bytes());
    for (std::size_t at = 0; at < bytes.size(); at += spec.type == kFloat32 ? 4 : 1) {
      if (spec.type == kFloat32) {
        const float value = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
        std::memcpy(&bytes[at], &value, sizeof value);
      } else {
        bytes[at] = static_cast<std::uint8_t>(random());
      }
    }
  }
  for (const TensorSpec& spec : program.outputs()) outputs.emplace_back(spec.bytes());
  for (const auto& bytes : inputs) from.push_back(bytes.data());
  for (auto& bytes : outputs) to.push_back(bytes.data());
  program.run(from, to);
  return outputs;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace edge_dnq::android
