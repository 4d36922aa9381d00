// Included before every source file. Keeps the library loadable on systems older than the one that
// built it (glibc 2.28, GCC 8's libstdc++): binds to the older version where a new one exists.
#pragma once

#if defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
// GCC 12 gave this symbol a new version only because it became noexcept.
__asm__(
    ".symver _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE,"
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
#endif
