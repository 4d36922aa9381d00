"""What the JNI library asks of the C library: no more than Android's has at the oldest level."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.android.debian_sdk import call
from tests.android.native_build import LIBRARY, build_native

pytestmark = pytest.mark.xdist_group("android")

# Of bionic's functions, what it had by level 23. Another name belongs here only after a look at the
# level that brought it: aligned_alloc, for one, came with 28.
BIONIC = {
    "dlerror", "dlopen", "dlsym", "fmaxf", "fminf", "fprintf", "free", "frexpf", "getauxval",
    "getenv", "ldexpf", "llround", "memcmp", "memcpy", "memmove", "memset", "nearbyintf",
    "posix_memalign", "pthread_mutex_lock", "pthread_mutex_unlock", "snprintf", "stderr",
    "strcmp", "strdup", "strlen", "strtol", "syscall",
}  # fmt: skip
# The C++ library is linked into an app's own; the rest is the compiler's, or glibc's alone.
RUNTIME = re.compile(
    r"_Z\w+|__cxa_\w+|__gxx_\w+|_Unwind_\w+|_ITM_\w+|__gmon_start__|__tls_get_addr"
    r"|__libc_single_threaded|__stack_chk_fail|__getauxval"
)


def test_the_oldest_android_has_what_the_library_needs(
    jdk: None, require_tools: Callable[..., None]
) -> None:
    require_tools("cmake", "ninja", "c++", "nm")
    library = build_native("android-host", ("edge_dnq_jni",)) / LIBRARY
    lines = call("nm", "-D", "--undefined-only", library).splitlines()
    names = {line.split()[-1].partition("@")[0] for line in lines}
    assert len(names) > 20
    assert {name for name in names if not RUNTIME.fullmatch(name)} <= BIONIC
