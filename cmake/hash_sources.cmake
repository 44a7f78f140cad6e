# cmake -DSOURCES=file;... -DOUT=file.cc -P hash_sources.cmake, in the folder that the files are named from:
# a source that defines sedge::vm::compiler_sources, a hash of them. They are everything that decides
# what native code is made of a module: the compiler, the layouts that it shares with the engine, and
# the reader of modules.
set(all "")
foreach(source IN LISTS SOURCES)
  file(SHA256 "${source}" hash)
  string(APPEND all "${source} ${hash}\n")
endforeach()
string(SHA256 hash "${all}")
string(SUBSTRING "${hash}" 0 16 hash)
file(WRITE "${OUT}" "// Made by cmake/hash_sources.cmake.
#include <cstdint>
namespace sedge::vm {
extern const uint64_t compiler_sources;
const uint64_t compiler_sources = 0x${hash};
}  // namespace sedge::vm
")
