"""Networks with several precisions in one set of weights, and the policy that picks one."""
