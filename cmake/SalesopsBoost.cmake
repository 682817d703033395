# Boost::headers from Boost's own package, or from a plain include folder. Used by the build and by
# the installed package, so both accept the same places.
if(NOT TARGET Boost::headers)
  find_package(Boost 1.81 CONFIG QUIET)
endif()
if(NOT TARGET Boost::headers)
  find_path(SALESOPS_BOOST_INCLUDE boost/unordered/unordered_flat_map.hpp HINTS "${Boost_INCLUDE_DIR}")
  if(SALESOPS_BOOST_INCLUDE)
    add_library(Boost::headers INTERFACE IMPORTED)
    set_target_properties(Boost::headers PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${SALESOPS_BOOST_INCLUDE}")
  endif()
endif()
