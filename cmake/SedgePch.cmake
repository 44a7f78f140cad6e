# Standard headers, and GoogleTest for tests, read once per build instead of once per file: a quarter
# less per file. For builds that start from nothing each time (the sanitizers' in continuous
# integration): ccache keeps nothing across clones then, and a file that forgets an #include compiles.
# The release build and clang-tidy go without, and find that.
option(SEDGE_PCH "Precompile the standard headers" OFF)

# sedge_use_pch(TARGET [TESTS]): for what is compiled with the options of all targets.
function(sedge_use_pch TARGET)
  if(NOT SEDGE_PCH)
    return()
  endif()
  if("TESTS" IN_LIST ARGN)
    set(pch sedge_test_pch)
  else()
    set(pch sedge_pch)
  endif()
  if(NOT TARGET ${pch})
    set(source "${CMAKE_BINARY_DIR}/${pch}.cc")
    file(CONFIGURE OUTPUT "${source}" CONTENT "// Only for the header that is compiled with it.\n")
    add_library(${pch} OBJECT "${source}")
    target_include_directories(${pch} SYSTEM PRIVATE ${SEDGE_FMT_INCLUDE})
    target_precompile_headers(${pch} PRIVATE <algorithm> <array> <atomic> <chrono> <condition_variable>
      <cstdint> <cstring> <deque> <expected> <fstream> <functional> <map> <memory> <mutex>
      <optional> <ranges> <span> <sstream> <string> <string_view> <thread> <unordered_map>
      <unordered_set> <utility> <variant> <vector> <fmt/format.h>)
    if(pch STREQUAL "sedge_test_pch")
      # As programs are compiled.
      set_target_properties(${pch} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
      target_compile_options(${pch} PRIVATE -fPIE)
      target_link_libraries(${pch} PRIVATE GTest::gtest)
      target_precompile_headers(${pch} PRIVATE <gtest/gtest.h>)
    endif()
  endif()
  target_precompile_headers(${TARGET} REUSE_FROM ${pch})
endfunction()
