// `wasmtime` as of its version 30, and the flags of earlier versions that tutorials still use.
#include "cli/personalities/rows.h"

namespace sedge::cli {
namespace {

using namespace rows;

constexpr Text kLayout =
    "how memory is laid out does not change what a guest sees; "
    "sedge decides this by itself";
constexpr Text kPooling = "one run uses one instance; `sedge serve` pools instances";
constexpr Text kLimitsByItself = "sedge bounds what a guest's requests take by itself";
constexpr Text kCacheHere = "`sedge cache` is where compiled code is looked after";

// -W, --wasm
constexpr Flag kWasmKeys[] = {
    option("fuel", 0, "--fuel"),
    option("timeout", 0, "--timeout", Convert::seconds),
    option("max-wasm-stack", 0, "--max-stack"),
    option("max-memory-size", 0, "--max-memory"),
    key_note("epoch-interruption", "`timeout` needs no switch"),
    key_note("async-stack-size", kByItself),
    key_note("async-stack-zeroing", kByItself),
    key_note("nan-canonicalization", "every tier gives the same NaN on the same machine"),
    key_note("trap-on-grow-failure",
             "a refused memory.grow is remembered and explained when the guest fails"),
    key_note("max-table-elements", "tables are bounded by sedge itself"),
    key_note("max-instances", "a run makes one instance and those of --preload"),
    key_note("max-tables", "tables are bounded by sedge itself"),
    key_note("max-memories", "`max-memory-size` bounds all memories of a guest together"),
    {"unknown-imports-trap", 0, Takes::maybe, Does::refuse,
     "an import that nothing provides is an error before anything runs"},
    {"unknown-imports-default", 0, Takes::maybe, Does::refuse,
     "an import that nothing provides is an error before anything runs"},
    key_satisfied("unknown-exports-allow"),
    key_satisfied("all-proposals"),
    key_feature("bulk-memory", "bulk-memory"),
    key_feature("multi-memory", "multi-memory"),
    key_feature("multi-value", "multi-value"),
    key_feature("reference-types", "reference-types"),
    key_feature("simd", "simd"),
    key_feature("relaxed-simd", "relaxed-simd"),
    key_note("relaxed-simd-deterministic", "relaxed operators give one result on one machine"),
    key_feature("tail-call", "tail-call"),
    key_feature("threads", "threads"),
    key_satisfied("shared-memory"),
    key_feature("memory64", "memory64"),
    key_feature("function-references", "function-references"),
    key_feature("gc", "gc"),
    key_satisfied("gc-support"),
    key_feature("custom-page-sizes", "custom-page-sizes"),
    key_feature("wide-arithmetic", "wide-arithmetic"),
    key_feature("extended-const", "extended-const"),
    key_feature("exceptions", "exceptions"),
    key_feature("legacy-exceptions", "legacy-exceptions"),
    key_satisfied("branch-hinting"),
    key_satisfied("component-model*"),
    key_satisfied("concurrency-support"),
    key_note("gc-*", kByItself),
    key_note("stack-switching", "stack switching is not part of WebAssembly 3.0"),
    key_note("shared-everything-threads",
             "shared-everything threads are not part of WebAssembly 3.0"),
};

// -S, --wasi. The bare names of WASI's versions say what the file must be.
constexpr Flag kWasiKeys[] = {
    words("preview1", 0, "--wasi preview1"),
    words("p1", 0, "--wasi preview1"),
    words("preview2", 0, "--wasi preview2"),
    words("p2", 0, "--wasi preview2"),
    words("preview3", 0, "--wasi preview3"),
    {"preview2", 0, Takes::maybe, Does::satisfied, ""},
    {"p3", 0, Takes::maybe, Does::satisfied, ""},
    key_satisfied("cli"),
    key_satisfied("common"),
    key_satisfied("cli-exit-with-code"),
    key_satisfied("threads"),
    key_grant("http"),
    key_note("nn", "wasi-nn is offered to every guest of a build that has it"),
    key_note("nn-graph", "wasi-nn is offered to every guest of a build that has it"),
    key_grant("config"),
    key_grant("config-var", Takes::value),
    key_grant("keyvalue"),
    key_grant("keyvalue-in-memory-data", Takes::value),
    key_note("tls", "wasi:tls is offered to every guest of a build that has it"),
    key_words("inherit-network", "--network"),
    key_grant("tcp"),
    key_grant("udp"),
    key_grant("allow-ip-name-lookup"),
    key_note("network-error-code", kByItself),
    {"inherit-env", 0, Takes::maybe, Does::inherit_env, ""},
    key_satisfied("inherit-stdin"),
    key_satisfied("inherit-stdout"),
    key_satisfied("inherit-stderr"),
    key_satisfied("preview0"),
    key_note("max-*", kLimitsByItself),
    key_note("http-*", kByItself),
    key_note("hostcall-fuel", kByItself),
    {"listenfd", 0, Takes::maybe, Does::refuse, "sedge hands no sockets down to a guest"},
    {"tcplisten", 0, Takes::maybe, Does::refuse, "sedge hands no sockets down to a guest"},
};

// -O, --optimize
constexpr Flag kOptimizeKeys[] = {
    option("opt-level", 0, "--level", Convert::level),
    key_note("regalloc-algorithm", kByItself),
    key_note("memory-*", kLayout),
    key_note("gc-heap-*", kLayout),
    key_note("guard-before-linear-memory", kLayout),
    key_note("dynamic-memory-guard-size", kLayout),
    key_note("static-memory-maximum-size", kLayout),
    key_note("signals-based-traps", kLayout),
    key_note("table-lazy-init", kByItself),
    key_note("pooling-*", kPooling),
    key_note("mpk", kLayout),
};

// -C, --codegen
constexpr Flag kCodegenKeys[] = {
    option("compiler", 0, "--tier", Convert::tier),
    key_note("collector", "there is one collector"),
    key_note("cache", kCacheHere),
    key_note("cache-config", kCacheHere),
    key_note("parallel-compilation", kByItself),
    key_note("cranelift-*", kByItself),
    key_note("pcc", kByItself),
    key_note("inlining", kByItself),
    key_note("native-unwind-info", "backtraces of guests need none"),
};

// -D, --debug
constexpr Flag kDebugKeys[] = {
    key_note("debug-info", "backtraces show source lines without it"),
    key_note("guest-debug", "guests cannot be debugged step by step"),
    key_satisfied("address-map"),
    key_note("logging", kNoLogging),
    key_note("log-to-files", kNoLogging),
    key_note("coredump", "a trap is reported with its backtrace; no core file is written"),
};

constexpr Flag kCommon[] = {
    group("--wasm", 'W', kWasmKeys),
    group("--wasi", 'S', kWasiKeys),
    {"--optimize", 'O', Takes::maybe, Does::group, "", Convert::same, "", kOptimizeKeys},
    group("--codegen", 'C', kCodegenKeys),
    group("--debug", 'D', kDebugKeys),
    option("--opt-level", 0, "--level", Convert::level),
    words("--cranelift", 0, "--tier auto"),
    words("--winch", 0, "--tier baseline"),
    option("--target", 0, "--target", Convert::target),
    note_value("--config", 0, kCacheHere),
    note("--disable-cache", 0, kCacheHere),
    note("--disable-logging", 0, kNoLogging),
};

constexpr Flag kRun[] = {
    option("--dir", 0, "--dir"),
    option("--mapdir", 0, "--dir", Convert::dir_guest_host),
    option("--env", 0, "--env"),
    option("--invoke", 0, "--invoke"),
    option("--preload", 0, "--preload"),
    option("--fuel", 0, "--fuel"),
    option("--wasm-timeout", 0, "--timeout", Convert::seconds),
    option("--max-wasm-stack", 0, "--max-stack"),
    option("--max-memory-size", 0, "--max-memory"),
    option("--argv0", 0, "--argv0"),
    option("--profile", 0, "--profile"),
    words("--allow-precompiled", 0, "--allow-precompiled"),
    note("--epoch-interruption", 0, "--wasm-timeout needs no switch"),
    {"--trap-unknown-imports", 0, Takes::nothing, Does::refuse,
     "an import that nothing provides is an error before anything runs"},
};
constexpr Flag kOldFeatures[] = {
    {"--wasm-features", 0, Takes::value, Does::feature, "", Convert::one_feature},
    {"--wasi-modules", 0, Takes::value, Does::satisfied, ""},
    satisfied("--enable-simd"),
    satisfied("--enable-threads"),
    satisfied("--enable-multi-memory"),
    satisfied("--enable-multi-value"),
    satisfied("--enable-bulk-memory"),
    satisfied("--enable-reference-types"),
    satisfied("--enable-all"),
};
constexpr Flag kCompile[] = {
    option("--output", 'o', "--output"),
    note_value("--emit-clif", 0, "the compiler's intermediate code is not shown"),
};
constexpr Flag kServe[] = {
    option("--addr", 0, "--listen"),
    option("--dir", 0, "--dir"),
    option("--env", 0, "--env"),
    note_value("--shutdown-addr", 0, "SIGTERM ends the server when running requests have finished"),
    note("--no-logging-prefix", 0, "guests' output is marked with its route"),
    option("--max-instance-reuse-count", 0, "--reuse"),
    option("--max-instance-concurrent-reuse-count", 0, "--max-concurrency"),
    note_value("--idle-instance-timeout", 0, kByItself),
};
constexpr Flag kWizer[] = {
    option("--output", 'o', "--output"),
    option("--init-func", 'f', "--init"),
    option("--dir", 0, "--dir"),
    option("--env", 0, "--env"),
    note("--keep-init-func", 0, kByItself),
};
constexpr Flag kWast[] = {
    satisfied("--ignore-error-messages"),
};

constexpr ToolVerb kVerbs[] = {
    {"", "run", Shape::run, {kRun, kCommon, kOldFeatures}, "", "--instantiate"},
    {"run", "run", Shape::run, {kRun, kCommon, kOldFeatures}, "", "--instantiate"},
    {"compile", "compile", Shape::words, {kCompile, kCommon, kOldFeatures}},
    {"serve", "serve", Shape::words, {kServe, kCommon}, "", "--listen=0.0.0.0:8080"},
    {"wizer", "snapshot", Shape::words, {kWizer, kCommon}},
    {"wast", "wast", Shape::words, {kWast, kCommon}},
    {"completion", "completion", Shape::words, {}},
    {"objdump", "inspect", Shape::words, {}},
    {"explore", "", Shape::words, {}, "`sedge print` shows a module's code"},
    {"settings", "", Shape::words, {}, "`sedge version --json` shows what this build has"},
    {"config", "", Shape::words, {}, "sedge needs no configuration file"},
};

}  // namespace

const Personality kWasmtime = {"wasmtime", "Wasmtime's command line", kVerbs, {134, 1, 2, 125}};

}  // namespace sedge::cli
