# Toolchain for another architecture with clang and Debian's cross packages: set SEDGE_CROSS to
# aarch64 or riscv64 (scripts/cross.sh does). libstdc++ and glibc come from g++-ARCH-linux-gnu, other
# libraries from Debian's archive of that architecture, in /usr/lib/ARCH-linux-gnu.
set(SEDGE_CROSS "" CACHE STRING "Architecture to build for: aarch64 or riscv64")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SEDGE_CROSS)
set(triple "${SEDGE_CROSS}-linux-gnu")
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR "${SEDGE_CROSS}")
set(CMAKE_C_COMPILER clang-22)
set(CMAKE_CXX_COMPILER clang++-22)
set(CMAKE_C_COMPILER_TARGET "${triple}")
set(CMAKE_CXX_COMPILER_TARGET "${triple}")
set(CMAKE_FIND_ROOT_PATH "/usr/${triple}")
# fmt is used as headers alone, which are the same everywhere.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY BOTH)
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-${SEDGE_CROSS}")
# Where Debian's archive of the architecture is installed, its loader is in its own place: the cross
# package's would open that C library, and threads of such a pair hang.
if(NOT EXISTS "/lib/${triple}/libc.so.6")
  list(APPEND CMAKE_CROSSCOMPILING_EMULATOR -L "/usr/${triple}")
endif()
