// Pointer functions: exports `f(ptr, len) -> ptr` that take bytes and leave a JSON value in memory,
// as the edge services of many tutorials do (`handle_request`, `process`). Used by `sedge run FILE
// FUNC` and by the server.
#ifndef SEDGE_ENGINE_POINTER_FUNCTION_H_
#define SEDGE_ENGINE_POINTER_FUNCTION_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/extern.h>
#include <sedge/module.h>
#include <sedge/store.h>

namespace sedge {

/// No answer is longer: what has no end within this many bytes is no answer.
inline constexpr size_t kMaxPointerAnswer = 1 << 20;

/// Whether `module` exports `name` as `(i32, i32) -> i32` (or with i64s, for a 64-bit memory).
bool is_pointer_function(const Module& module, std::string_view name);

/// The exports that can be called this way. `handle_request` and `process` come first; names that
/// are known to be allocators do not count.
std::vector<std::string> pointer_functions(const Module& module);

/// Calls `name` with `input` placed in the instance's memory: through the module's own allocator
/// (`alloc`, `allocate`, `malloc`, `__wbindgen_malloc`, `cabi_realloc`), or in freshly grown pages
/// if it has none. Returns the text of the one JSON value that begins at the returned pointer. The
/// instance must be initialised (`_initialize`, if it has one, was called). Errors: unknown_export,
/// bad_answer, out_of_memory and those of Func::call.
Result<std::string> call_pointer_function(Store& store, const Instance& instance,
                                          std::string_view name, std::string_view input);

}  // namespace sedge

#endif  // SEDGE_ENGINE_POINTER_FUNCTION_H_
