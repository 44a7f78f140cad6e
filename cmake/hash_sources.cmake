# cmake -DROOT=folder -DOUT=file.cc -P hash_sources.cmake: a source that defines
# sedge::vm::compiler_sources, a hash of everything that decides what native code is made of a module:
# the compiler, the layouts that it shares with the engine, and the reader of modules.
file(GLOB_RECURSE sources RELATIVE "${ROOT}" "${ROOT}/src/llvm/*" "${ROOT}/src/vm/*"
     "${ROOT}/src/wasm/*")
list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
list(SORT sources)
set(all "")
foreach(source IN LISTS sources)
  file(SHA256 "${ROOT}/${source}" hash)
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
