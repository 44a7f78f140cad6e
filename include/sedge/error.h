// Errors as values. Every failure in sedge is one `Error`: a code from error.def, the place it was
// found, and what was expected there. Library code returns it, never throws, prints or aborts.
#ifndef SEDGE_ERROR_H_
#define SEDGE_ERROR_H_

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sedge {

/// When an error was found. The order is the order of the way through the engine.
enum class Phase : uint8_t {
  usage,        ///< The command line or a configuration file.
  malformed,    ///< Bytes or text that are no module (spec: malformed).
  invalid,      ///< A module that does not validate (spec: invalid).
  unsupported,  ///< Valid, but needs something this build or configuration does not have.
  link,         ///< Imports that do not resolve (spec: unlinkable).
  trap,         ///< Execution trapped.
  exhaustion,   ///< A resource limit ended execution.
  exception,    ///< A wasm exception that no frame caught.
  io,           ///< The operating system refused something.
  host,         ///< A host function or the embedder failed.
};

/// Every error sedge can report; one row each in error.def.
enum class ErrorCode : uint16_t {
#define SEDGE_ERROR(number, name, phase, wording, exit_code, http_status, remedy) name = number,
#include <sedge/error.def>
#undef SEDGE_ERROR
};

/// The fixed part of an error: its row in error.def.
struct ErrorInfo {
  ErrorCode code;
  const char* name;  ///< Identifier, for example `out_of_bounds_memory_access`.
  Phase phase;
  const char* wording;  ///< The specification's own words where it has any.
  int exit_code;        ///< What `sedge` exits with.
  int http_status;      ///< What `sedge serve` answers with.
  const char* remedy;   ///< What the user can do about it; may be empty.
};

/// The row of `code`; every code has one.
const ErrorInfo& error_info(ErrorCode code);
/// All rows, in the order of error.def.
const std::vector<const ErrorInfo*>& all_errors();

/// A place in the input: a byte offset, or a line and column (both from 1), or nothing.
struct Location {
  enum class Kind : uint8_t { none, offset, line };
  Kind kind = Kind::none;
  uint64_t offset = 0;
  uint32_t line = 0;
  uint32_t column = 0;

  static Location none() { return {}; }
  static Location at(uint64_t offset) { return {Kind::offset, offset, 0, 0}; }
  static Location at(uint32_t line, uint32_t column) { return {Kind::line, 0, line, column}; }
};

/// One frame of a wasm backtrace, innermost first.
struct Frame {
  std::string module;     ///< Module name, or empty.
  uint32_t func_index;    ///< Function index in its module.
  std::string func_name;  ///< Name section or export name, demangled by no one; or empty.
  uint64_t offset;        ///< Byte offset of the instruction in the module binary.
  std::string source;     ///< `file:line` from DWARF, or empty.
};

/// A failure. One pointer wide; a moved-from Error may only be destroyed or assigned to.
class [[nodiscard]] Error {
 public:
  /// `suffix` continues the wording of `code` ("unknown memory" + " 0: the module has none").
  explicit Error(ErrorCode code, std::string suffix = {}, Location location = {});
  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  ErrorCode code() const { return detail_->code; }
  const ErrorInfo& info() const { return error_info(detail_->code); }
  Phase phase() const { return info().phase; }
  const Location& location() const { return detail_->location; }
  /// Wording and suffix, without place, context or remedy; begins with the specification's words.
  std::string message() const;
  /// Everything for a person: context, message, place, backtrace, remedy; lines without a final
  /// newline.
  std::string render() const;
  /// What to do about it: the error's own remedy, else that of its row; may be empty.
  std::string remedy() const;
  const std::vector<Frame>& backtrace() const { return detail_->backtrace; }
  int exit_code() const;

  /// Says where: kept if the error has no location yet.
  Error&& at(Location location) &&;
  /// Replaces the location (an offset that turned out to be a line of text).
  void set_location(Location location) { detail_->location = location; }
  /// Adds the view of a caller ("in function 3", "while reading app.wasm"); outermost last.
  Error&& with_context(std::string context) &&;
  void add_context(std::string context);
  /// Replaces the row's remedy.
  Error&& with_remedy(std::string remedy) &&;
  void set_remedy(std::string remedy) { detail_->remedy = std::move(remedy); }
  void set_backtrace(std::vector<Frame> frames) { detail_->backtrace = std::move(frames); }
  /// For `proc_exit`: the status the guest asked for (code `guest_exit` only).
  int guest_exit_status() const { return detail_->guest_exit_status; }
  void set_guest_exit_status(int status) { detail_->guest_exit_status = status; }

 private:
  struct Detail {
    ErrorCode code;
    std::string suffix;
    Location location;
    std::string remedy;
    std::vector<std::string> context;
    std::vector<Frame> backtrace;
    int guest_exit_status = 0;
  };
  std::unique_ptr<Detail> detail_;
};

/// A value or an Error.
template <typename T = void>
using Result = std::expected<T, Error>;

/// `return fail(ErrorCode::unknown_memory, " 0", offset)` in a function that returns a Result.
inline std::unexpected<Error> fail(ErrorCode code, std::string suffix = {},
                                   Location location = {}) {
  return std::unexpected<Error>(Error(code, std::move(suffix), location));
}
inline std::unexpected<Error> fail(Error&& error) {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace sedge

#define SEDGE_CONCAT_(a, b) a##b
#define SEDGE_CONCAT(a, b) SEDGE_CONCAT_(a, b)
/// Evaluates an expression of type Result; returns its error from the enclosing function.
#define SEDGE_TRY(...)                                             \
  do {                                                             \
    if (auto sedge_try_ = (__VA_ARGS__); !sedge_try_) [[unlikely]] \
      return std::unexpected(std::move(sedge_try_).error());       \
  } while (false)
/// `SEDGE_TRY_ASSIGN(auto x, f());` declares or assigns x from f()'s value, or returns its error.
#define SEDGE_TRY_ASSIGN(lhs, ...) \
  SEDGE_TRY_ASSIGN_(SEDGE_CONCAT(sedge_try_, __LINE__), lhs, __VA_ARGS__)
#define SEDGE_TRY_ASSIGN_(tmp, lhs, ...)            \
  auto tmp = (__VA_ARGS__);                         \
  if (!tmp) [[unlikely]]                            \
    return std::unexpected(std::move(tmp).error()); \
  lhs = *std::move(tmp)

#endif  // SEDGE_ERROR_H_
