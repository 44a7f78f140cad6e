// Ways in which execution can end early, as one byte: the rows of phase trap and exhaustion in
// error.def, in their order. What eval functions, handlers and compiled code pass around.
#ifndef SEDGE_WASM_TRAP_CODE_H_
#define SEDGE_WASM_TRAP_CODE_H_

#include <cstddef>
#include <cstdint>

#include <sedge/error.h>

namespace sedge::wasm {

// Expands a row of error.def to `SEDGE_TRAP_ROW_(name)` where its phase is trap or exhaustion.
#define SEDGE_TRAP_PHASE_usage(name)
#define SEDGE_TRAP_PHASE_malformed(name)
#define SEDGE_TRAP_PHASE_invalid(name)
#define SEDGE_TRAP_PHASE_unsupported(name)
#define SEDGE_TRAP_PHASE_link(name)
#define SEDGE_TRAP_PHASE_trap(name) SEDGE_TRAP_ROW_(name)
#define SEDGE_TRAP_PHASE_exhaustion(name) SEDGE_TRAP_ROW_(name)
#define SEDGE_TRAP_PHASE_exception(name)
#define SEDGE_TRAP_PHASE_io(name)
#define SEDGE_TRAP_PHASE_host(name)
#define SEDGE_ERROR(number, name, phase, wording, exit_code, http_status, remedy) \
  SEDGE_TRAP_PHASE_##phase(name)

/// Why execution ended; `none` (0) when it did not.
enum class TrapCode : uint8_t {
  none,
#define SEDGE_TRAP_ROW_(name) name,
#include <sedge/error.def>
#undef SEDGE_TRAP_ROW_
};

inline constexpr ErrorCode kTrapErrorCodes[] = {
    ErrorCode{},
#define SEDGE_TRAP_ROW_(name) ErrorCode::name,
#include <sedge/error.def>
#undef SEDGE_TRAP_ROW_
};

#undef SEDGE_ERROR
#undef SEDGE_TRAP_PHASE_usage
#undef SEDGE_TRAP_PHASE_malformed
#undef SEDGE_TRAP_PHASE_invalid
#undef SEDGE_TRAP_PHASE_unsupported
#undef SEDGE_TRAP_PHASE_link
#undef SEDGE_TRAP_PHASE_trap
#undef SEDGE_TRAP_PHASE_exhaustion
#undef SEDGE_TRAP_PHASE_exception
#undef SEDGE_TRAP_PHASE_io
#undef SEDGE_TRAP_PHASE_host

/// Trap codes including `none`.
inline constexpr size_t kTrapCodeCount = sizeof(kTrapErrorCodes) / sizeof(kTrapErrorCodes[0]);

/// The error of a trap code other than `none`.
constexpr ErrorCode to_error_code(TrapCode trap) {
  return kTrapErrorCodes[static_cast<size_t>(trap)];
}

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TRAP_CODE_H_
