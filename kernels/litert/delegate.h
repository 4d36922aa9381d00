// The delegate: claims what the engine can run, and runs it.
#pragma once

#include "litert/abi.h"
#include "litert/options.h"

namespace edge_dnq {

/// Made for one or several interpreters, which must not outlive it.
tfl::Delegate* create_delegate(const DelegateOptions& options);
void destroy_delegate(tfl::Delegate* delegate);

}  // namespace edge_dnq
