# Helpers that turn a folder into a target, so that adding a file needs no edit here.
include(GoogleTest)
if(SEDGE_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
endif()

# One line per library for scripts/check_layers.py: "<folder> <dependency>...".
set(_layers_file "${CMAKE_BINARY_DIR}/layers.txt")
file(WRITE "${_layers_file}" "")

set(SEDGE_TEST_ENVIRONMENT
    "SEDGE_SHARED=${SEDGE_SHARED};SEDGE_ROOT=${CMAKE_CURRENT_SOURCE_DIR}"
    "SEDGE_BIN=${CMAKE_BINARY_DIR}/sedge"
    "ASAN_OPTIONS=detect_stack_use_after_return=0:allocator_may_return_null=1"
    "UBSAN_OPTIONS=print_stacktrace=1" "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")

# Above these nobody would catch what is thrown, std::bad_alloc: the program's own parts, and functions
# that guests call, because native code has no tables for unwinding. A fifth of their size.
set(SEDGE_NOTHROW_OPTIONS -fno-exceptions -fno-unwind-tables -fno-asynchronous-unwind-tables)

# sedge_add_library(NAME [DIR src/NAME] [NOTHROW] [SMALL [REGEX]] [DEPS ...] [LIBRARIES ...]
#                   [SYSTEM_INCLUDES ...] [DEFINITIONS ...])
# Static library sedge_NAME of every *.cc below DIR; *_test.cc files become NAME_tests, and
# *_main.cc / main.cc are left to executables. An empty folder gives an INTERFACE library.
# SMALL compiles for size: everything, or files whose path below DIR begins with REGEX. It is for what
# runs once a command or a module, not once a call. NOTHROW compiles it without exceptions.
function(sedge_add_library NAME)
  cmake_parse_arguments(A "NOTHROW" "DIR" "SMALL;DEPS;LIBRARIES;SYSTEM_INCLUDES;DEFINITIONS" ${ARGN})
  if(NOT A_DIR)
    set(A_DIR src/${NAME})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${A_DIR}/*.cc")
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|/main|_main)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  string(REPLACE ";" " " deps_line "${A_DEPS}")
  file(APPEND "${_layers_file}" "${NAME} ${deps_line}\n")

  set(deps "")
  foreach(dep IN LISTS A_DEPS)
    list(APPEND deps sedge_${dep})
  endforeach()
  if(sources)
    add_library(sedge_${NAME} STATIC ${sources})
    set(scope PUBLIC)
    target_compile_options(sedge_${NAME} PRIVATE ${SEDGE_WARNINGS})
    if(A_NOTHROW AND CMAKE_BUILD_TYPE STREQUAL "Release")
      target_compile_options(sedge_${NAME} PRIVATE ${SEDGE_NOTHROW_OPTIONS})
    else()
      sedge_use_pch(sedge_${NAME})
    endif()
    target_compile_definitions(sedge_${NAME} PRIVATE SEDGE_VERSION="${PROJECT_VERSION}")
    if("SMALL" IN_LIST A_KEYWORDS_MISSING_VALUES)
      target_compile_options(sedge_${NAME} PRIVATE $<$<CONFIG:Release>:-Os>)
    elseif(A_SMALL)
      list(FILTER sources INCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${A_DIR}/(${A_SMALL})")
      set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)
    endif()
  else()
    add_library(sedge_${NAME} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(sedge_${NAME} ${scope} "${CMAKE_CURRENT_SOURCE_DIR}/include"
                             "${CMAKE_CURRENT_SOURCE_DIR}/src")
  target_include_directories(sedge_${NAME} SYSTEM ${scope} ${SEDGE_FMT_INCLUDE}
                             ${A_SYSTEM_INCLUDES})
  target_compile_definitions(sedge_${NAME} ${scope} ${A_DEFINITIONS})
  target_link_libraries(sedge_${NAME} ${scope} ${deps} ${A_LIBRARIES} Threads::Threads)

  if(SEDGE_TESTS AND tests)
    sedge_add_test_executable(${NAME}_tests SOURCES ${tests} DEPS ${NAME})
  endif()
endfunction()

# sedge_add_test_executable(TARGET SOURCES ... DEPS ...): GoogleTest executable, each test
# registered with ctest. Tests run in the project's root.
function(sedge_add_test_executable TARGET)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${TARGET} ${A_SOURCES})
  target_compile_options(${TARGET} PRIVATE ${SEDGE_WARNINGS})
  sedge_use_pch(${TARGET} TESTS)
  target_compile_definitions(${TARGET} PRIVATE SEDGE_VERSION="${PROJECT_VERSION}"
    SEDGE_SHARED_DIR="${SEDGE_SHARED}" SEDGE_ROOT_DIR="${CMAKE_CURRENT_SOURCE_DIR}"
    SEDGE_BIN_PATH="${CMAKE_BINARY_DIR}/sedge")
  foreach(dep IN LISTS A_DEPS)
    target_link_libraries(${TARGET} PRIVATE sedge_${dep})
  endforeach()
  target_link_libraries(${TARGET} PRIVATE GTest::gtest GTest::gtest_main)
  # For what hangs, on a machine that is busy with something else. Sanitizers take ten times as long.
  set(timeout 900)
  if(SEDGE_SANITIZE)
    set(timeout 3600)
  endif()
  gtest_discover_tests(${TARGET} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 600
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" PROPERTIES TIMEOUT ${timeout})
  # gtest_discover_tests takes no list as the value of a property: it would set the first variable only.
  set(environment "${CMAKE_BINARY_DIR}/${TARGET}_environment.cmake")
  file(WRITE "${environment}" "if(${TARGET}_TESTS)
  set_tests_properties(\${${TARGET}_TESTS} PROPERTIES ENVIRONMENT \"${SEDGE_TEST_ENVIRONMENT}\")
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${environment}")
endfunction()

# sedge_add_executable(TARGET MAIN file DEPS ...): the program itself, at the top of the build
# folder. Before its main file exists, a configure only says so.
function(sedge_add_executable TARGET)
  cmake_parse_arguments(A "" "MAIN" "DEPS" ${ARGN})
  # The glob makes a build notice the file when it appears.
  file(GLOB main CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${A_MAIN}")
  if(NOT main)
    message(STATUS "${A_MAIN} is not there: no ${TARGET} executable")
    return()
  endif()
  add_executable(${TARGET} ${main})
  target_compile_options(${TARGET} PRIVATE ${SEDGE_WARNINGS})
  target_compile_definitions(${TARGET} PRIVATE SEDGE_VERSION="${PROJECT_VERSION}")
  set_target_properties(${TARGET} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
  # Functions of the way from main to a guest's first instruction lie side by side: 25 page faults
  # fewer per start. scripts/startup_order.sh rewrites the list; names that are gone do no harm.
  if(SEDGE_LLD)
    set(order "${CMAKE_CURRENT_SOURCE_DIR}/cmake/startup_order.txt")
    target_link_options(${TARGET} PRIVATE "LINKER:--symbol-ordering-file=${order}"
                        LINKER:--no-warn-symbol-ordering)
    set_target_properties(${TARGET} PROPERTIES LINK_DEPENDS "${order}")
  endif()
  foreach(dep IN LISTS A_DEPS)
    target_link_libraries(${TARGET} PRIVATE sedge_${dep})
  endforeach()
endfunction()

# Tests that cross folders: each <dir>/**/*_test.cc, all in one executable.
function(sedge_add_integration_tests DIR)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${DIR}/*_test.cc")
  if(tests)
    sedge_add_test_executable(integration_tests SOURCES ${tests} DEPS cli)
    if(TARGET sedge)
      add_dependencies(integration_tests sedge)
    endif()
    if(TARGET sedgec)
      add_dependencies(integration_tests sedgec)
    endif()
  endif()
  if(TARGET cli_tests AND TARGET sedge)
    add_dependencies(cli_tests sedge)
  endif()
endfunction()

# Each fuzz/NAME.cc is a libFuzzer program fuzz_NAME. The libraries must have been built with
# SEDGE_SANITIZE=fuzzer-no-link,... (the fuzz preset does that).
function(sedge_add_fuzz_targets DIR)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${DIR}/*.cc")
  add_custom_target(fuzzers)
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable(fuzz_${name} "${source}")
    target_compile_options(fuzz_${name} PRIVATE ${SEDGE_WARNINGS})
    target_include_directories(fuzz_${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(fuzz_${name} PRIVATE sedge_cli)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz_${name})
  endforeach()
endfunction()

# Each bench/NAME_bench.cc is a Google Benchmark program.
function(sedge_add_benchmarks DIR)
  find_package(benchmark REQUIRED)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${DIR}/*_bench.cc")
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    target_compile_options(${name} PRIVATE ${SEDGE_WARNINGS})
    target_compile_definitions(${name} PRIVATE
                               SEDGE_BENCH_DIR="${CMAKE_CURRENT_SOURCE_DIR}/${DIR}")
    target_link_libraries(${name} PRIVATE sedge_component benchmark::benchmark)
  endforeach()
endfunction()
