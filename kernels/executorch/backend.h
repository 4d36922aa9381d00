// The ExecuTorch backend: a region of a program that the engine runs as one.
#pragma once

#include <executorch/runtime/backend/interface.h>

namespace edge_dnq {

/// What programs call it; the lowering's class has the same name.
constexpr const char* kBackendName = "EdgeDnqBackend";

/// Options of Module::load for this backend.
constexpr char kIsaOption[] = "isa";          ///< string, default the best that the processor has
constexpr char kThreadsOption[] = "threads";  ///< int, default 1
constexpr char kReportOption[] = "report";    ///< string, see find_report

/// Makes the backend known to the runtime, once however often it is called and however many copies
/// of this library there are. False when another library's backend has the name.
bool register_integer_backend();

}  // namespace edge_dnq
