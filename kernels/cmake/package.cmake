# How the shared libraries are linked and where the Python package finds them.

# An editable install runs from the source tree, so that is where its libraries belong.
set(EDGE_DNQ_PACKAGE_DIR "edge_dnq/_native")
if(SKBUILD_STATE STREQUAL "editable")
  set(EDGE_DNQ_PACKAGE_DIR "${CMAKE_CURRENT_SOURCE_DIR}/../edge_dnq/_native")
endif()

foreach(library edge_dnq_litert edge_dnq_executorch)
  if(NOT TARGET ${library})
    continue()
  endif()
  target_sources(${library} PRIVATE ${CMAKE_CURRENT_LIST_DIR}/portable_symbols.cpp)
  target_link_options(${library} PRIVATE -Wl,-z,now -Wl,--as-needed)
  if(NOT EDGE_DNQ_SANITIZE)
    target_link_options(${library} PRIVATE -Wl,-z,defs)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_link_options(${library} PRIVATE -s)
  endif()
  install(TARGETS ${library} LIBRARY DESTINATION ${EDGE_DNQ_PACKAGE_DIR})
endforeach()
