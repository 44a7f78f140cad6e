# `make install`: the program, the C++ headers with one static library, shell completions, manual
# pages, and the files by which pkg-config and CMake find them.
include(CMakePackageConfigHelpers)

# One archive of everything that the C++ API needs.
set(SEDGE_API_FOLDERS base wasm vm runtime interp baseline engine wit component net wasi)
set(_objects "")
foreach(folder IN LISTS SEDGE_API_FOLDERS)
  get_target_property(_type sedge_${folder} TYPE)
  if(_type STREQUAL "STATIC_LIBRARY")
    list(APPEND _objects $<TARGET_OBJECTS:sedge_${folder}>)
  endif()
endforeach()
add_library(sedge_archive STATIC ${_objects})
set_target_properties(sedge_archive PROPERTIES OUTPUT_NAME sedge EXPORT_NAME sedge
                      LINKER_LANGUAGE CXX)
target_compile_features(sedge_archive INTERFACE cxx_std_23)
target_include_directories(sedge_archive INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_include_directories(sedge_archive INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>)
# What the archive refers to, as a linker and sedge.pc name it.
set(SEDGE_API_LIBRARIES "")
if(SEDGE_HTTP2)
  list(APPEND SEDGE_API_LIBRARIES nghttp2)
endif()
if(SEDGE_SQLITE)
  list(APPEND SEDGE_API_LIBRARIES sqlite3)
endif()
target_link_libraries(sedge_archive INTERFACE Threads::Threads ${SEDGE_API_LIBRARIES})
list(TRANSFORM SEDGE_API_LIBRARIES PREPEND " -l" OUTPUT_VARIABLE SEDGE_PC_LIBRARIES)
string(JOIN "" SEDGE_PC_LIBRARIES ${SEDGE_PC_LIBRARIES})
if(SEDGE_TESTS)
  add_executable(archive_test test/archive/archive_main.cc)
  target_compile_options(archive_test PRIVATE ${SEDGE_WARNINGS})
  target_link_libraries(archive_test PRIVATE sedge_archive)
  add_test(NAME Archive.HasTheWholeApi COMMAND archive_test)
endif()

if(TARGET sedge)
  install(TARGETS sedge RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # Found from the program's own place.
  if(SEDGE_HAVE_LLVM)
    install(TARGETS sedgec RUNTIME DESTINATION libexec/sedge)
  endif()
  if(SEDGE_TLS)
    install(TARGETS sedge_tls_library LIBRARY DESTINATION libexec/sedge)
  endif()
  # The program writes its own completions and manual; a cross build, which cannot run it, goes
  # without.
  if(NOT CMAKE_CROSSCOMPILING)
    set(_data "${CMAKE_INSTALL_DATADIR}")
    install(CODE "
      set(root \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${_data}\")
      foreach(pair IN ITEMS bash:bash-completion/completions/sedge zsh:zsh/site-functions/_sedge
              fish:fish/vendor_completions.d/sedge.fish)
        string(REPLACE \":\" \";\" pair \"\${pair}\")
        list(GET pair 0 shell)
        list(GET pair 1 file)
        execute_process(COMMAND \"${CMAKE_BINARY_DIR}/sedge\" completion \${shell}
                        OUTPUT_VARIABLE text ERROR_QUIET RESULT_VARIABLE status)
        if(status EQUAL 0)
          message(STATUS \"Installing: \${root}/\${file}\")
          file(WRITE \"\${root}/\${file}\" \"\${text}\")
        endif()
      endforeach()
      set(man \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man1\")
      file(MAKE_DIRECTORY \"\${man}\")
      message(STATUS \"Installing: \${man}/sedge*.1\")
      execute_process(COMMAND \"${CMAKE_BINARY_DIR}/sedge\" man \"\${man}\" ERROR_QUIET)")
  endif()
endif()

install(TARGETS sedge_archive EXPORT sedge-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(EXPORT sedge-targets NAMESPACE sedge:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sedge)
configure_package_config_file("${CMAKE_CURRENT_SOURCE_DIR}/cmake/sedge-config.cmake.in"
  "${CMAKE_BINARY_DIR}/sedge-config.cmake"
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sedge)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/sedge-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/sedge-config.cmake"
  "${CMAKE_BINARY_DIR}/sedge-config-version.cmake"
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sedge)
# The .pc file finds its prefix from where it lies, so that any --prefix works.
file(RELATIVE_PATH SEDGE_PC_PREFIX "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
configure_file(cmake/sedge.pc.in "${CMAKE_BINARY_DIR}/sedge.pc" @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/sedge.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
