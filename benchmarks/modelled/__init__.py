"""What ARM cores would make of the kernels: modelled cycles and emulated instruction counts."""
