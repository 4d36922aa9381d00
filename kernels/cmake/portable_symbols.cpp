// Own, hidden definitions of what newer headers expect and older systems lack; linked into the
// shared library only.
#include <new>

#define EDGE_DNQ_HIDDEN __attribute__((visibility("hidden")))

namespace std {

// libstdc++ has it since GCC 11; every std::vector may call it.
[[noreturn]] EDGE_DNQ_HIDDEN void __throw_bad_array_new_length() {
  throw std::bad_array_new_length();
}

}  // namespace std

// glibc has it since 2.32. Zero: reference counts are always atomic, which is right everywhere.
extern "C" EDGE_DNQ_HIDDEN char __libc_single_threaded;
char __libc_single_threaded = 0;
