# libsedge_tls.so: src/tls/main.cc with OpenSSL's static libraries, beside the programs of the build
# folder. Its one symbol is sedge_tls.
foreach(archive IN ITEMS ssl crypto)
  find_library(SEDGE_LIB_${archive} NAMES lib${archive}.a REQUIRED)
endforeach()
add_library(sedge_tls_library SHARED src/tls/main.cc)
target_compile_options(sedge_tls_library PRIVATE ${SEDGE_WARNINGS})
target_include_directories(sedge_tls_library PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/src")
target_link_libraries(sedge_tls_library PRIVATE ${SEDGE_LIB_ssl} ${SEDGE_LIB_crypto}
                      ${CMAKE_DL_LIBS} Threads::Threads)
target_link_options(sedge_tls_library PRIVATE LINKER:--exclude-libs,ALL LINKER:-Bsymbolic)
set_target_properties(sedge_tls_library PROPERTIES OUTPUT_NAME sedge_tls
                      LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
add_dependencies(sedge_net sedge_tls_library)
# A server to test against.
if(TARGET net_tests)
  target_link_libraries(net_tests PRIVATE ${SEDGE_LIB_ssl} ${SEDGE_LIB_crypto})
endif()
