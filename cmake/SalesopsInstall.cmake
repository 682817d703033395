# Component `core`: headers, library, CMake package and pkg-config file. The extension module is the
# component `python`, which is all a wheel holds.
include(CMakePackageConfigHelpers)

install(TARGETS salesops_core salesops EXPORT salesopsTargets COMPONENT core
  FILE_SET HEADERS COMPONENT core
  ARCHIVE COMPONENT core LIBRARY COMPONENT core RUNTIME COMPONENT core)
set(folder "${CMAKE_INSTALL_LIBDIR}/cmake/salesops")
install(EXPORT salesopsTargets NAMESPACE salesops:: DESTINATION "${folder}" COMPONENT core)

# A static library hands what it links privately on to whoever links it.
get_target_property(SALESOPS_TYPE salesops TYPE)
set(SALESOPS_NEEDS_ZLIB OFF)
set(SALESOPS_PC_REQUIRES "")
set(SALESOPS_PC_LIBS "")
if(SALESOPS_TYPE STREQUAL "STATIC_LIBRARY")
  set(SALESOPS_NEEDS_ZLIB "${ZLIB_FOUND}")
  set(SALESOPS_PC_LIBS "-pthread")
  if(ZLIB_FOUND)
    set(SALESOPS_PC_REQUIRES "zlib")
  endif()
endif()
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/salesopsConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/salesopsConfig.cmake" INSTALL_DESTINATION "${folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/salesopsConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/salesopsConfig.cmake" "${PROJECT_BINARY_DIR}/salesopsConfigVersion.cmake"
  "${CMAKE_CURRENT_LIST_DIR}/SalesopsBoost.cmake" DESTINATION "${folder}" COMPONENT core)

# CMAKE_INSTALL_LIBDIR may be relative or absolute (some distributions give it absolute).
foreach(kind IN ITEMS INCLUDEDIR LIBDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${kind}}")
    set(SALESOPS_PC_${kind} "${CMAKE_INSTALL_${kind}}")
  else()
    set(SALESOPS_PC_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}}")
  endif()
endforeach()
# Boost has no pkg-config file; its folder is named unless the compiler looks there anyway.
set(SALESOPS_PC_CFLAGS "")
get_target_property(boost_folders Boost::headers INTERFACE_INCLUDE_DIRECTORIES)
foreach(boost_folder IN LISTS boost_folders)
  if(NOT boost_folder IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    string(APPEND SALESOPS_PC_CFLAGS " -isystem ${boost_folder}")
  endif()
endforeach()
# The prefix is only known for certain when installing (cmake --install --prefix).
install(CODE "
  set(SALESOPS_PC_PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
  set(SALESOPS_PC_INCLUDEDIR [==[${SALESOPS_PC_INCLUDEDIR}]==])
  set(SALESOPS_PC_LIBDIR [==[${SALESOPS_PC_LIBDIR}]==])
  set(SALESOPS_PC_REQUIRES \"${SALESOPS_PC_REQUIRES}\")
  set(SALESOPS_PC_LIBS \"${SALESOPS_PC_LIBS}\")
  set(SALESOPS_PC_CFLAGS \"${SALESOPS_PC_CFLAGS}\")
  set(PROJECT_VERSION \"${PROJECT_VERSION}\")
  configure_file(\"${CMAKE_CURRENT_LIST_DIR}/salesops.pc.in\" \"${PROJECT_BINARY_DIR}/salesops.pc\" @ONLY)
" COMPONENT core)
install(FILES "${PROJECT_BINARY_DIR}/salesops.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT core)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/NOTICE"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/salesops" COMPONENT core)
