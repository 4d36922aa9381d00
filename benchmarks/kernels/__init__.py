"""How fast the kernels are, beside the runtimes people would otherwise use."""
