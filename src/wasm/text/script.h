// Spec test scripts (.wast): modules, actions and assertions as data. Spec: interpreter/README.md
// of the specification repository, section "Scripts".
#ifndef SEDGE_WASM_TEXT_SCRIPT_H_
#define SEDGE_WASM_TEXT_SCRIPT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sedge/error.h>

#include "wasm/module.h"
#include "wasm/text/text.h"

namespace sedge::wasm {

/// A module or component in a script. Text is parsed only when run: a malformed quote is data until
/// then.
struct ScriptModule {
  enum class Form : uint8_t { text, binary, quote };
  Form form = Form::text;
  bool component = false;         ///< `(component …)`
  bool definition = false;        ///< `(module definition $id …)`: not instantiated
  std::optional<std::string> id;  ///< "$M"
  std::string text;               ///< text and quote: source; for text the slice of the script
  std::vector<uint8_t> bytes;     ///< binary
  uint32_t line = 0, column = 0;  ///< of `text` in the script
};

/// A value of a component as written: `(record.const (field "a" u8.const 1))` is the word
/// record.const with one child, whose word is `field`. Which type it has is for the one who uses
/// it.
struct ScriptTree {
  std::string word;
  std::vector<std::string> strings;  ///< decoded
  std::string scalar;                ///< a number, `true`, …
  std::vector<ScriptTree> children;
};

/// A literal argument: a constant, ref.null/ref.host/ref.extern with a number, or a value of a
/// component.
struct ScriptValue {
  enum class Kind : uint8_t { i32, i64, f32, f64, v128, ref_null, ref_extern, ref_host, component };
  Kind kind = Kind::i32;
  uint64_t bits = 0;
  std::array<uint8_t, 16> v128{};
  HeapType heap = HeapType::any;           ///< ref_null
  std::shared_ptr<const ScriptTree> tree;  ///< component
};

/// An expected result: a constant, a NaN pattern per lane, or a kind of reference; `either` holds
/// alternatives. A float or vector without a NaN pattern is a `value`; its lanes are filled, too.
struct ScriptPattern {
  enum class Kind : uint8_t {
    value,
    f32,
    f64,
    v128,  // f32, f64: one lane; v128: `lanes` of shape
    ref_null,
    ref_null_any,
    ref_extern,
    ref_extern_any,
    ref_host,
    ref_func,
    ref_any,
    ref_eq,
    ref_i31,
    ref_struct,
    ref_array,
    ref_exn,
    either
  };
  enum class Nan : uint8_t { none, canonical, arithmetic };
  struct Lane {
    uint64_t bits = 0;
    Nan nan = Nan::none;
  };
  Kind kind = Kind::value;
  ScriptValue value;      ///< value, ref_extern, ref_host
  uint8_t lane_bits = 0;  ///< f32: 32, f64: 64, v128: 8…64
  bool lane_float = false;
  std::vector<Lane> lanes;
  HeapType heap = HeapType::any;  ///< ref_null
  std::vector<ScriptPattern> either;
};

struct Action {
  enum class Kind : uint8_t { invoke, get };
  Kind kind = Kind::invoke;
  std::optional<std::string> module;
  std::string field;
  std::vector<ScriptValue> args;
};

struct Command {
  enum class Kind : uint8_t {
    module,
    instance,
    register_,
    action,
    assert_return,
    assert_trap,
    assert_exhaustion,
    assert_exception,
    assert_malformed,
    assert_invalid,
    assert_unlinkable,
    assert_malformed_custom,
    assert_invalid_custom,
    assert_trap_module,
    thread,
    wait
  };
  Kind kind = Kind::module;
  uint32_t line = 0;
  ScriptModule module;             ///< module, assert_malformed/invalid/unlinkable/…_module
  bool component = false;          ///< instance: of a component
  std::optional<std::string> id;   ///< instance: new name; register_: module; thread, wait: thread
  std::optional<std::string> id2;  ///< instance: the definition
  std::string name;                ///< register_: the name; assert_*: the expected words
  Action action;
  std::vector<ScriptPattern> results;
  std::vector<std::string> shared;  ///< thread: modules shared with it
  std::vector<Command> commands;    ///< thread: its body
};

/// Parses a whole script. Errors: malformed, with line and column.
Result<std::vector<Command>> parse_script(std::string_view text);

}  // namespace sedge::wasm

#endif  // SEDGE_WASM_TEXT_SCRIPT_H_
