// MACs per cycle of every micro-kernel on the layers of ResNet-18 at 224 pixels, against the limit
// of its instruction mix. One thread; the fastest of several short runs.
//
//   edge_dnq_micro_bench [--json] [--seconds S] [KERNEL ...]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "bench/instruction_mix.h"
#include "bench/layers.h"
#include "core/flush_bound.h"

namespace edge_dnq::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  bool json = false;
  double seconds = 0.2;  ///< per kernel and layer
  std::vector<std::string> kernels;
};

double seconds_of(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Cycles a second now: additions that wait for each other take one cycle each.
double clock_rate() {
  constexpr std::size_t kAdditions = 100000;
  return kAdditions / seconds_of([] {
           std::size_t value = 0;
           for (std::size_t i = 0; i < kAdditions; i += 8) {
             for (int j = 0; j < 8; ++j) {
               value += i;
               asm volatile("" : "+r"(value));
             }
           }
         });
}

/// The highest rate seen: other work on the machine can only make it look lower.
double highest_clock_rate() {
  static double highest = 0.0;
  for (int i = 0; i < 5; ++i) highest = std::max(highest, clock_rate());
  return highest;
}

/// The fewest cycles that `work` took in `budget` seconds.
double fewest_cycles(double budget, const std::function<void()>& work) {
  double fewest = seconds_of(work);
  const auto start = Clock::now();
  do {
    fewest = std::min(fewest, seconds_of(work));
  } while (std::chrono::duration<double>(Clock::now() - start).count() < budget);
  return fewest * highest_clock_rate();
}

/// MACs per cycle of the kernel's instruction mix, or 0 where it is not known.
double limit_of(const MicroKernel& kernel) {
  for (const InstructionMix& mix : instruction_mixes()) {
    if (mix.isa != kernel.isa ||
        std::strncmp(kernel.name, mix.kernel, std::strlen(mix.kernel)) != 0)
      continue;
    constexpr std::size_t kIterations = 5000;
    return mix.macs * kIterations / fewest_cycles(0.1, [&] { mix.run(kIterations); });
  }
  return 0.0;
}

struct Precision {
  const char* name;
  std::int32_t activation_max;
  std::int32_t weight_max;
};

/// The program that the kernel is made for.
Precision precision_of(const MicroKernel& kernel) {
  if (holds_codes(kernel.element)) return {"w2a2", 3, 3};
  if (flush_bound(kernel, 255, 128) > 0) return {"w8a8", 255, 128};
  return {"w4a4", 15, 15};
}

class Printer {
 public:
  explicit Printer(bool json) : json_(json) {
    if (json_) {
      std::printf("[");
    } else {
      std::printf("%-28s %-5s %-22s %8s %10s %7s %6s\n", "kernel", "bits", "layer", "ms",
                  "MAC/cycle", "limit", "share");
    }
  }
  ~Printer() {
    if (json_) std::printf("\n]\n");
  }

  void line(const MicroKernel& kernel, const char* bits, const std::string& layer, double cycles,
            double macs, double limit, double rate) {
    const double reached = macs / cycles;
    if (json_) {
      std::printf(
          "%s\n  {\"kernel\": \"%s\", \"program\": \"%s\", \"layer\": \"%s\", \"ms\": %.4f, "
          "\"macs_per_cycle\": %.2f, \"limit\": %.2f}",
          first_ ? "" : ",", kernel.name, bits, layer.c_str(), cycles / rate * 1e3, reached, limit);
    } else {
      std::printf("%-28s %-5s %-22s %8.3f %10.1f %7.1f %5.0f%%\n", kernel.name, bits, layer.c_str(),
                  cycles / rate * 1e3, reached, limit, limit > 0.0 ? 100.0 * reached / limit : 0.0);
    }
    std::fflush(stdout);
    first_ = false;
  }

 private:
  bool json_;
  bool first_ = true;
};

void bench_kernel(const MicroKernel& kernel, const Options& options, Printer& printer) {
  const Precision precision = precision_of(kernel);
  const double limit = limit_of(kernel);
  const double rate = highest_clock_rate();
  double network_cycles = 0.0;
  double network_macs = 0.0;
  for (const Layer& layer : layers()) {
    if (holds_codes(kernel.element) && std::strcmp(layer.network, "stem") == 0) continue;
    LayerRun run(kernel, layer, precision.activation_max, precision.weight_max);
    const double cycles = fewest_cycles(options.seconds, [&] { run.run(); });
    const auto macs = static_cast<double>(layer.macs());
    printer.line(kernel, precision.name, layer.name(), cycles, macs, limit, rate);
    if (std::strcmp(layer.network, "resnet18") == 0) {
      network_cycles += cycles * static_cast<double>(layer.count);
      network_macs += macs * static_cast<double>(layer.count);
    }
  }
  printer.line(kernel, precision.name, "ResNet-18 body", network_cycles, network_macs, limit, rate);
}

bool is_wanted(const MicroKernel& kernel, const Options& options) {
  if (options.kernels.empty()) return kernel.isa != Isa::kScalar;
  return std::any_of(options.kernels.begin(), options.kernels.end(), [&](const std::string& name) {
    return std::string(kernel.name).find(name) != std::string::npos;
  });
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--seconds" && i + 1 < argc) {
      options.seconds = std::strtod(argv[++i], nullptr);
    } else if (argument.rfind("--", 0) == 0) {
      return false;
    } else {
      options.kernels.push_back(argument);
    }
  }
  return true;
}

int run(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "usage: %s [--json] [--seconds S] [KERNEL ...]\n", argv[0]);
    return 2;
  }
  Printer printer(options.json);
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512Vnni, Isa::kNeon, Isa::kNeonDot}) {
    if (!is_supported(isa)) continue;
    std::size_t count = 0;
    const MicroKernel* kernels = kernels_of(isa, count);
    for (std::size_t i = 0; i < count; ++i) {
      if (is_wanted(kernels[i], options)) bench_kernel(kernels[i], options, printer);
    }
  }
  return 0;
}

}  // namespace
}  // namespace edge_dnq::bench

int main(int argc, char** argv) { return edge_dnq::bench::run(argc, argv); }
