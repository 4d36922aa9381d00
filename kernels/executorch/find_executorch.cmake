# Sets EXECUTORCH_FOLDER and EXECUTORCH_VERSION where there is a package to build against.
#
# Looked for in the environment of the Python that builds: pip builds with that environment's
# packages hidden from Python, but its folders are the same.
set(EXECUTORCH_FOLDER "")
set(candidates ${EDGE_DNQ_EXECUTORCH})
if(NOT candidates AND NOT CMAKE_CROSSCOMPILING)
  foreach(interpreter ${Python_EXECUTABLE} ${Python3_EXECUTABLE} ${PYTHON_EXECUTABLE})
    execute_process(
      COMMAND ${interpreter} -c "import sysconfig; print(sysconfig.get_path('platlib'))"
      OUTPUT_VARIABLE site OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    list(APPEND candidates ${site}/executorch)
  endforeach()
endif()
foreach(candidate ${candidates})
  set(version_file ${candidate}/share/cmake/executorch-config-version.cmake)
  if(EXISTS ${version_file} AND EXISTS ${candidate}/lib/libexecutorch.so
     AND EXISTS ${candidate}/include/executorch/runtime/backend/backend_options_map.h)
    set(EXECUTORCH_FOLDER ${candidate})
    file(STRINGS ${version_file} version_line REGEX "^set\\(PACKAGE_VERSION ")
    string(REGEX MATCH "[0-9]+[0-9.]*" EXECUTORCH_VERSION "${version_line}")
    break()
  endif()
endforeach()
if(EDGE_DNQ_EXECUTORCH AND NOT EXECUTORCH_FOLDER)
  message(FATAL_ERROR "EDGE_DNQ_EXECUTORCH: no executorch package with C++ headers in "
                      "${EDGE_DNQ_EXECUTORCH}")
endif()
