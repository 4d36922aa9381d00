"""Shows other runtimes a processor without AVX-512, VNNI and AMX.

Most runtimes choose their kernels from the CPUID instruction and have no switch for it. On a
machine with AVX-512 VNNI that hides how fast they are on the far more common AVX2 machines. Here a
copy of a runtime's libraries, made in a scratch folder, has every CPUID replaced by an undefined
instruction, and a preloaded library answers it: the processor's own answer without the bits of what
came after AVX2. Nothing else changes (the C library and its copying functions neither); what then
runs is the runtime's own AVX2 code at full speed.
"""
