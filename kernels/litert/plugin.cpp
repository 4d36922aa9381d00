#include "litert/plugin.h"

#include <exception>
#include <string>

#include "core/report.h"
#include "litert/delegate.h"
#include "micro/halve.h"
#include "micro/resize.h"

namespace {

std::string supported_isas() {
  using edge_dnq::Isa;
  std::string names;
  for (const Isa isa : {Isa::kAvx512Vnni, Isa::kAvx2, Isa::kNeonDot, Isa::kNeon, Isa::kScalar}) {
    if (!edge_dnq::is_supported(isa)) continue;
    if (!names.empty()) names += ',';
    names += edge_dnq::name(isa);
  }
  return names;
}

}  // namespace

// The runtimes pass the count as int; only its lower half is sure to be set.
edge_dnq::tfl::Delegate* tflite_plugin_create_delegate(const char* const* keys,
                                                       const char* const* values, std::size_t count,
                                                       void (*report_error)(const char*)) {
  std::string problem;
  try {
    const auto options = static_cast<std::size_t>(static_cast<unsigned>(count));
    return edge_dnq::create_delegate(edge_dnq::parse_options(keys, values, options));
  } catch (const std::exception& error) {
    problem = error.what();
  } catch (...) {
    problem = "unknown error";
  }
  if (report_error != nullptr) report_error(("edge-dnq kernels: " + problem).c_str());
  return nullptr;
}

void tflite_plugin_destroy_delegate(edge_dnq::tfl::Delegate* delegate) {
  edge_dnq::destroy_delegate(delegate);
}

const char* edge_dnq_kernels_version() { return EDGE_DNQ_VERSION; }

const char* edge_dnq_isa_best() { return edge_dnq::name(edge_dnq::best_isa()); }

const char* edge_dnq_isas() {
  static const std::string names = supported_isas();
  return names.c_str();
}

std::size_t edge_dnq_litert_report(const char* key, char* buffer, std::size_t size) {
  return edge_dnq::write_report(key, buffer, size);
}

void edge_dnq_halve_rgb(const std::uint8_t* picture, std::size_t stride, std::size_t height,
                        std::size_t width, unsigned times, std::uint8_t* result) {
  edge_dnq::halve_rgb(picture, stride, height, width, times, result);
}

void edge_dnq_resize_rgb(const std::uint8_t* picture, std::size_t stride, std::size_t side,
                         std::size_t size, std::uint8_t* result) {
  edge_dnq::resize_rgb(picture, stride, side, size, result);
}
