// `wasmedge` and `wasmedgec` as of WasmEdge 0.14, and the flags of `wasmedge` that tutorials use.
#include "cli/personalities/rows.h"

namespace sedge::cli {
namespace {

using namespace rows;

constexpr Text kNoCore = "a trap is reported with its backtrace; no core file is written";
constexpr Text kCounts = "sedge counts nothing while a guest runs; --gas-limit sets a limit";

constexpr Flag kProposals[] = {
    {"--wasm-1", 0, Takes::nothing, Does::base, "wasm1"},
    {"--wasm-2", 0, Takes::nothing, Does::base, "wasm2"},
    {"--wasm-3", 0, Takes::nothing, Does::base, "wasm3"},
    feature("--disable-import-export-mut-globals", "-mutable-globals"),
    feature("--disable-non-trap-float-to-int", "-saturating-float-to-int"),
    feature("--disable-sign-extension-operators", "-sign-extension"),
    feature("--disable-multi-value", "-multi-value"),
    feature("--disable-bulk-memory", "-bulk-memory"),
    feature("--disable-reference-types", "-reference-types"),
    feature("--disable-simd", "-simd"),
    feature("--disable-tail-call", "-tail-call"),
    feature("--disable-extended-const", "-extended-const"),
    feature("--disable-multi-memory", "-multi-memory"),
    feature("--disable-function-reference", "-function-references"),
    feature("--disable-gc", "-gc"),
    feature("--disable-exception-handling", "-exceptions"),
    feature("--disable-relaxed-simd", "-relaxed-simd"),
    feature("--enable-multi-memory", "+multi-memory"),
    feature("--enable-tail-call", "+tail-call"),
    feature("--enable-extended-const", "+extended-const"),
    feature("--enable-function-reference", "+function-references"),
    feature("--enable-gc", "+gc"),
    feature("--enable-exception-handling", "+exceptions"),
    feature("--enable-relaxed-simd", "+relaxed-simd"),
    feature("--enable-threads", "+threads"),
    feature("--enable-memory64", "+memory64"),
    satisfied("--enable-all"),
    satisfied("--enable-component"),
};

constexpr Flag kStatistics[] = {
    note("--enable-instruction-count", 0, kCounts),
    note("--enable-gas-measuring", 0, kCounts),
    note("--enable-time-measuring", 0, "`sedge bench` measures time"),
    note("--enable-all-statistics", 0, kCounts),
    note_value("--log-level", 0, kNoLogging),
};

constexpr Flag kRun[] = {
    option("--dir", 0, "--dir", Convert::dir_guest_host),
    option("--env", 0, "--env"),
    {"--reactor", 0, Takes::nothing, Does::reactor, ""},
    option("--memory-page-limit", 0, "--max-memory", Convert::pages),
    option("--time-limit", 0, "--timeout", Convert::milliseconds),
    option("--gas-limit", 0, "--fuel"),
    option("--preload", 0, "--preload", Convert::name_file),
    note_value("--pool-size", 0,
               "one run uses one instance; `sedge serve --pool-size` keeps instances ready"),
    words("--force-interpreter", 0, "--tier interp"),
    words("--enable-jit", 0, "--tier llvm"),
    words("--allow-precompiled", 0, "--allow-precompiled"),
    note_value("--nn-preload", 0, "wasi-nn is offered to every guest of a build that has it"),
    note("--enable-coredump", 0, kNoCore),
    note("--coredump-for-wasmgdb", 0, kNoCore),
    note_value("--forbidden-plugin", 0, "sedge loads no plug-ins"),
    {"--allow-command", 0, Takes::value, Does::refuse, "guests of sedge cannot start processes"},
    {"--allow-command-all", 0, Takes::nothing, Does::refuse,
     "guests of sedge cannot start processes"},
    satisfied("--allow-af-unix"),
};

constexpr Flag kCompile[] = {
    option("--optimize", 0, "--level", Convert::level),
    note("--generic-binary", 0, "an artifact of sedge holds code for several processors"),
    note("--dump", 0, "the compiler's intermediate code is not shown"),
    note("--interruptible", 0,
         "limits of a run, such as --time-limit, need nothing from the compiler"),
};

constexpr ExitCodes kExit = {1, 1, 1};

constexpr ToolVerb kVerbs[] = {
    {"", "run", Shape::run, {kRun, kProposals, kStatistics}},
    {"run", "run", Shape::run, {kRun, kProposals, kStatistics}},
    {"compile", "compile", Shape::in_out, {kCompile, kProposals, kStatistics}},
    {"parse", "inspect", Shape::words, {}},
    {"validate", "validate", Shape::words, {kProposals}},
    {"instantiate", "validate", Shape::words, {kProposals}},
};
constexpr ToolVerb kCompilerVerbs[] = {
    {"", "compile", Shape::in_out, {kCompile, kProposals, kStatistics}},
};

}  // namespace

const Personality kWasmedge = {"wasmedge", "WasmEdge's command line", kVerbs, kExit};
const Personality kWasmedgec = {"wasmedgec", "WasmEdge's compiler", kCompilerVerbs, kExit};

}  // namespace sedge::cli
