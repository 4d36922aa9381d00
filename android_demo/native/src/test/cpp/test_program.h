// Programs that the tests are given: $EDGE_DNQ_PROGRAMS holds NAME.tflite and NAME.specs for each,
// $EDGE_DNQ_LITERT is the runtime.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "program.h"

namespace edge_dnq::android {

struct TestProgram {
  std::vector<std::uint8_t> content;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;

  std::unique_ptr<Program> open(const ProgramOptions& options = {}) const;
};

const LiteRt& runtime();

/// Reads a program; lines of its specs are "input|output NAME TYPE SCALE ZERO_POINT SIZES...", a
/// scale of 0 for none.
TestProgram read_program(const std::string& name);

/// Runs once on bytes that follow from `seed`; returns the outputs' bytes.
std::vector<std::vector<std::uint8_t>> run(Program& program, unsigned seed);

/// Bytes of this process that are in memory.
std::size_t resident_bytes();

}  // namespace edge_dnq::android
