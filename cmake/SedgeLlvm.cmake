# Finds LLVM and lld for sedgec, to be linked statically: SEDGE_HAVE_LLVM, SEDGE_LLVM_INCLUDE,
# SEDGE_LLVM_LIBRARIES. Without them there is no sedgec, and the rest goes on.
find_program(SEDGE_LLVM_CONFIG NAMES llvm-config-22 llvm-config HINTS /usr/lib/llvm-22/bin)
if(SEDGE_LLVM_CONFIG)
  execute_process(COMMAND "${SEDGE_LLVM_CONFIG}" --version OUTPUT_VARIABLE _version
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND "${SEDGE_LLVM_CONFIG}" --libdir OUTPUT_VARIABLE _libdir
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND "${SEDGE_LLVM_CONFIG}" --includedir OUTPUT_VARIABLE _includedir
                  OUTPUT_STRIP_TRAILING_WHITESPACE)
  # lld needs lto and debuginfodwarf.
  execute_process(COMMAND "${SEDGE_LLVM_CONFIG}" --link-static --libfiles passes codegen asmprinter
                          x86codegen x86desc x86info x86asmparser
                          aarch64codegen aarch64desc aarch64info aarch64asmparser
                          riscvcodegen riscvdesc riscvinfo riscvasmparser lto dtlto option debuginfodwarf
                  OUTPUT_VARIABLE _libraries OUTPUT_STRIP_TRAILING_WHITESPACE)
  separate_arguments(_libraries)
endif()
find_library(SEDGE_LIBZ NAMES libz.a)
find_library(SEDGE_LIBZSTD NAMES libzstd.a)
if(NOT _version MATCHES "^22\\." OR NOT EXISTS "${_libdir}/liblldELF.a" OR
   NOT EXISTS "${_libdir}/libLLVMX86CodeGen.a" OR NOT SEDGE_LIBZ OR NOT SEDGE_LIBZSTD)
  message(STATUS "no sedgec: it needs llvm-22-dev, liblld-22-dev, zlib1g-dev, libzstd-dev")
  set(SEDGE_HAVE_LLVM OFF)
  return()
endif()
set(SEDGE_HAVE_LLVM ON)
set(SEDGE_LLVM_INCLUDE "${_includedir}")
set(SEDGE_LLVM_LIBRARIES "${_libdir}/liblldELF.a" "${_libdir}/liblldCommon.a" ${_libraries}
    ${SEDGE_LIBZ} ${SEDGE_LIBZSTD} ${CMAKE_DL_LIBS})
