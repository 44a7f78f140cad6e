# Compiler and linker settings that every target of the project gets.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "sedge needs clang 19 or newer (musttail, preserve_none); "
                      "scripts/setup.sh installs clang-22")
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# x86-64-v2 (SSE4.2, POPCNT: processors since 2009) makes rounding, shuffles and popcnt single
# instructions, and rids the program of libm.
set(SEDGE_CPU "" CACHE STRING "Value for -march= in release builds (empty: x86-64-v2, or the target's default)")
if(SEDGE_CPU STREQUAL "" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(SEDGE_CPU_FLAG -march=x86-64-v2)
elseif(SEDGE_CPU)
  set(SEDGE_CPU_FLAG -march=${SEDGE_CPU})
endif()
if(SEDGE_CPU_FLAG)
  add_compile_options($<$<CONFIG:Release>:${SEDGE_CPU_FLAG}>)
endif()

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(SEDGE_CCACHE ccache)
  if(SEDGE_CCACHE)
    # Paths relative to the source tree: what one clone has compiled, another need not.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
        CCACHE_NOHASHDIR=1 ${SEDGE_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
endif()

# A contracted multiply-add rounds once where wasm says twice.
add_compile_options(-fno-omit-frame-pointer -ffunction-sections -fdata-sections -ffp-contract=off)
if(SEDGE_SANITIZE)
  add_compile_options(-fsanitize=${SEDGE_SANITIZE} -fno-sanitize-recover=all)
  # libFuzzer's own main comes only with the fuzz targets (see sedge_add_fuzz_targets).
  string(REPLACE "fuzzer-no-link" "" _link_sanitize "${SEDGE_SANITIZE}")
  string(REGEX REPLACE "^,|,$" "" _link_sanitize "${_link_sanitize}")
  string(REPLACE ",," "," _link_sanitize "${_link_sanitize}")
  add_link_options(-fsanitize=${_link_sanitize})
else()
  add_compile_options(-fstack-protector-strong $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
  # A dynamic libstdc++ alone costs a millisecond per start; only glibc stays dynamic.
  add_link_options(-static-libstdc++ -static-libgcc)
endif()
add_compile_options($<$<CONFIG:Debug>:-D_GLIBCXX_ASSERTIONS>)

find_program(SEDGE_LLD NAMES ld.lld-22 ld.lld)
if(SEDGE_LLD)
  add_link_options(-fuse-ld=${SEDGE_LLD})
endif()
include(CheckLinkerFlag)
# Packed relative relocations: 0.2 MB less to read at every start (glibc 2.36 and newer).
check_linker_flag(CXX -Wl,-z,pack-relative-relocs SEDGE_HAVE_RELR)
if(SEDGE_HAVE_RELR AND NOT SEDGE_SANITIZE)
  add_link_options(-Wl,-z,pack-relative-relocs)
endif()
if(SEDGE_LLD AND NOT SEDGE_SANITIZE)
  add_link_options(-Wl,--icf=safe)  # equal functions whose address nobody takes are one
endif()
add_link_options(-Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)

if(SEDGE_LTO)
  add_compile_options(-flto=thin)
  add_link_options(-flto=thin)
endif()

# Warnings go on our targets only. What -Wpedantic says about GNU extensions in use is off:
# statement expressions (SEDGE_TRY), labels as values and __COUNTER__.
set(SEDGE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    -Wimplicit-fallthrough -Wextra-semi -Wno-gnu-statement-expression -Wno-gnu-label-as-value
    -Wno-c2y-extensions -Wno-missing-field-initializers)
if(SEDGE_WERROR)
  list(APPEND SEDGE_WARNINGS -Werror)
endif()

find_package(Threads REQUIRED)
# fmt is used as headers; src/base/fmt_lib.cc is its one compiled file.
find_path(SEDGE_FMT_INCLUDE fmt/format-inl.h REQUIRED)

