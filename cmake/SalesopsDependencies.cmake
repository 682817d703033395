# Where the headers come from, first hit wins: a config package (PyPI build requirement, conda, vcpkg,
# system), a plain include folder, or an error that names the remedies.

function(salesops_missing what)
  message(FATAL_ERROR "salesops needs ${what}. Any one of these mends it:\n"
    "  apt-get install libeigen3-dev libboost1.81-dev nlohmann-json3-dev zlib1g-dev\n"
    "  pip install pgm-build-deps scikit-build-core   (then pip install . without build isolation)\n"
    "  cmake -DCMAKE_PREFIX_PATH=<folder that holds them>")
endfunction()

# Headers of wheels whose CMake files lie under cmeel.prefix.
foreach(prefix IN LISTS CMAKE_PREFIX_PATH)
  if(EXISTS "${prefix}/cmeel.prefix")
    list(APPEND CMAKE_PREFIX_PATH "${prefix}/cmeel.prefix")
  endif()
endforeach()

include(SalesopsBoost)
if(NOT TARGET Boost::headers)
  salesops_missing("Boost 1.81 or newer (headers)")
endif()
find_package(Threads REQUIRED)

add_library(salesops_eigen INTERFACE)
find_package(Eigen3 CONFIG QUIET)
if(TARGET Eigen3::Eigen)
  target_link_libraries(salesops_eigen INTERFACE Eigen3::Eigen)
else()
  find_path(SALESOPS_EIGEN_INCLUDE Eigen/Core PATH_SUFFIXES eigen3)
  if(NOT SALESOPS_EIGEN_INCLUDE)
    salesops_missing("Eigen 3.4 or newer")
  endif()
  target_include_directories(salesops_eigen SYSTEM INTERFACE "${SALESOPS_EIGEN_INCLUDE}")
endif()
target_compile_definitions(salesops_eigen INTERFACE EIGEN_MPL2_ONLY)

add_library(salesops_json INTERFACE)
find_package(nlohmann_json CONFIG QUIET)
if(TARGET nlohmann_json::nlohmann_json)
  target_link_libraries(salesops_json INTERFACE nlohmann_json::nlohmann_json)
else()
  find_path(SALESOPS_JSON_INCLUDE nlohmann/json.hpp)
  if(NOT SALESOPS_JSON_INCLUDE)
    salesops_missing("nlohmann_json 3.11 or newer")
  endif()
  target_include_directories(salesops_json SYSTEM INTERFACE "${SALESOPS_JSON_INCLUDE}")
endif()

message(STATUS "Headers: Boost ${Boost_VERSION}, Eigen ${Eigen3_VERSION}, nlohmann_json ${nlohmann_json_VERSION}")

# zlib reads gzip; without it a .gz file gives an error that says so.
find_package(ZLIB QUIET)
