// Names of TensorFlow Lite's operators, for reports.
#pragma once

#include <string>

#include "litert/abi.h"

namespace edge_dnq {

/// The operator's name in the file format, such as CONV_2D; a custom operator's own name.
std::string operator_name(const tfl::Registration& registration);

}  // namespace edge_dnq
