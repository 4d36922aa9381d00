#include "litert/options.h"

#include <cstdlib>
#include <stdexcept>

namespace edge_dnq {
namespace {

constexpr int kMaxThreads = 64;
constexpr const char* kVariable = "EDGE_DNQ_KERNELS";

int parse_int(const std::string& key, const std::string& text, int high) {
  char* end = nullptr;
  const long value = std::strtol(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < 0 || value > high) {
    throw std::invalid_argument("option " + key + " must be 0 to " + std::to_string(high) +
                                ", got '" + text + "'");
  }
  return static_cast<int>(value);
}

void set_isa(const std::string& source, const std::string& text, DelegateOptions& options) {
  options.off = text == "off";
  if (options.off) return;
  if (!parse_isa(text.c_str(), options.isa)) {
    throw std::invalid_argument(source +
                                " must be off, auto, scalar, avx2, avx512vnni, neon or neondot, "
                                "got '" +
                                text + "'");
  }
  if (!is_supported(options.isa)) {
    throw std::invalid_argument(source + ": this processor or this build has no " + text);
  }
}

}  // namespace

DelegateOptions parse_options(const char* const* keys, const char* const* values,
                              std::size_t count) {
  DelegateOptions options;
  std::string isa = "auto";
  for (std::size_t i = 0; i < count; ++i) {
    if (keys == nullptr || values == nullptr || keys[i] == nullptr || values[i] == nullptr) {
      throw std::invalid_argument("an option without a key or a value");
    }
    const std::string key = keys[i];
    const std::string value = values[i];
    if (key == "isa") {
      isa = value;
    } else if (key == "threads") {
      options.threads = parse_int(key, value, kMaxThreads);
    } else if (key == "verbose") {
      options.verbose = parse_int(key, value, 1) != 0;
    } else if (key == "profile") {
      options.profile = parse_int(key, value, 1) != 0;
    } else if (key == "report") {
      options.report = value;
    } else {
      throw std::invalid_argument("unknown option '" + key +
                                  "': there are isa, threads, verbose, profile and report");
    }
  }
  const char* variable = std::getenv(kVariable);
  if (isa != "auto") {
    set_isa("option isa", isa, options);
  } else if (variable != nullptr && *variable != '\0' && std::string(variable) != "auto") {
    set_isa(kVariable, variable, options);
  } else {
    options.isa = best_isa();
  }
  return options;
}

}  // namespace edge_dnq
