# How the shared library is linked and where the Python package finds it.
if(NOT TARGET edge_dnq_litert)
  return()
endif()

target_sources(edge_dnq_litert PRIVATE ${CMAKE_CURRENT_LIST_DIR}/portable_symbols.cpp)
target_link_options(edge_dnq_litert PRIVATE -Wl,-z,now -Wl,--as-needed)
if(NOT EDGE_DNQ_SANITIZE)
  target_link_options(edge_dnq_litert PRIVATE -Wl,-z,defs)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_link_options(edge_dnq_litert PRIVATE -s)
endif()

# An editable install runs from the source tree, so that is where its library belongs.
set(EDGE_DNQ_PACKAGE_DIR "edge_dnq/_native")
if(SKBUILD_STATE STREQUAL "editable")
  set(EDGE_DNQ_PACKAGE_DIR "${CMAKE_CURRENT_SOURCE_DIR}/../edge_dnq/_native")
endif()
install(TARGETS edge_dnq_litert LIBRARY DESTINATION ${EDGE_DNQ_PACKAGE_DIR})
