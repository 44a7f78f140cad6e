// `wasmer` as of its version 4, and the flags that tutorials add: `--backend`, `--net host` (the
// WCGI mode: the module answers HTTP), `deploy --module`.
#include "cli/personalities/rows.h"

namespace sedge::cli {
namespace {

using namespace rows;

constexpr Text kRegistry = "sedge runs files and fetches nothing from a registry";
constexpr Text kNoJournal =
    "sedge keeps no journal of a run; `sedge snapshot` saves an initialised module";
constexpr Text kServeCgi = "serve --cgi --listen 127.0.0.1:8000";

constexpr Flag kCompilers[] = {
    words("--singlepass", 0, "--tier baseline"),
    words("--cranelift", 0, "--tier auto"),
    words("--llvm", 0, "--tier llvm"),
    words("--wasmi", 0, "--tier interp"),
    words("--wamr", 0, "--tier interp"),
    note("--v8", 0, "sedge's own tiers run the module"),
    note("--jsc", 0, "sedge's own tiers run the module"),
    option("--backend", 0, "--tier", Convert::tier),
    note("--enable-verifier", 0, "what the compiler makes is verified as the build says"),
    note("--enable-pass-params-opt", 0, kByItself),
    note_value("--compiler-threads", 0, kByItself),
    note_value("--profiler", 0, "`sedge run --profile` names native code for perf"),
    note_value("--llvm-debug-dir", 0, "the compiler's intermediate code is not shown"),
    note_value("--compiler-debug-dir", 0, "the compiler's intermediate code is not shown"),
    satisfied("--enable-simd"),
    satisfied("--enable-threads"),
    satisfied("--enable-reference-types"),
    satisfied("--enable-multi-value"),
    satisfied("--enable-bulk-memory"),
    satisfied("--enable-tail-call"),
    satisfied("--enable-multi-memory"),
    satisfied("--enable-memory64"),
    satisfied("--enable-exceptions"),
    satisfied("--enable-relaxed-simd"),
    satisfied("--enable-extended-const"),
    satisfied("--enable-all"),
    feature("--disable-threads", "-threads"),
};

constexpr Flag kRun[] = {
    {"--dir", 0, Takes::value, Does::option, "--dir", Convert::same},
    option("--mapdir", 0, "--dir", Convert::dir_guest_host),
    option("--volume", 0, "--dir", Convert::dir_host_guest),
    option("--env", 0, "--env"),
    {"--forward-host-env", 0, Takes::nothing, Does::inherit_env, ""},
    words("--http-client", 'H', "--grant http"),
    option("--cwd", 0, "--dir"),
    words("--allow-precompiled", 0, "--allow-precompiled"),
    option("--invoke", 'i', "--invoke"),
    option("--stack-size", 0, "--max-stack"),
    {"--net", 0, Takes::value, Does::verb, kServeCgi, Convert::same, "host"},
    {"--net", 0, Takes::maybe, Does::words, "--network"},
    option("--addr", 'a', "--listen"),
    note_value("--use", 0, kRegistry),
    note_value("--include-webc", 0, kRegistry),
    note_value("--entrypoint", 'e', "it chooses among the commands of a package; a file has one"),
    note_value("--command-name", 0, "a guest's first argument is its file"),
    note_value("--map-command", 0, "guests of sedge cannot start processes"),
    note_value("--registry", 0, kRegistry),
    note_value("--token", 0, kRegistry),
    note_value("--cache-dir", 0, "`sedge cache` is where compiled code is looked after"),
    note_value("--wasmer-dir", 0, "sedge has no folder of its own"),
    note("--disable-cache", 0, "`sedge cache` is where compiled code is looked after"),
    note_value("--coredump-on-trap", 0,
               "a trap is reported with its backtrace; no core file is written"),
    note_value("--hash-algorithm", 0, "`sedge cache` is where compiled code is looked after"),
    note("--no-tty", 0, "sedge leaves the terminal as it is"),
    note("--enable-async-threads", 0, "threads need no switch"),
    note("--tty", 0, "sedge leaves the terminal as it is"),
    satisfied("--allow-multi-wasi-versions"),
    satisfied("--allow-multiple-wasi-versions"),
    note("--deny-multiple-wasi-versions", 0,
         "`--wasi preview1` says which version a file must have"),
    note("--use-system-linker", 0, "an artifact needs no linker"),
    {"--journal", 0, Takes::value, Does::refuse, kNoJournal},
    {"--journal-writable", 0, Takes::value, Does::refuse, kNoJournal},
    {"--snapshot-on", 0, Takes::value, Does::refuse, kNoJournal},
    {"--snapshot-interval", 0, Takes::value, Does::refuse, kNoJournal},
    {"--snapshot-period", 0, Takes::value, Does::refuse, kNoJournal},
    note("--quiet", 'q', "sedge prints nothing but the guest's output and errors"),
    note("--verbose", 'v', kNoLogging),
    note_value("--color", 0, "colours follow NO_COLOR and the terminal"),
};
constexpr Flag kCompile[] = {
    option("--output", 'o', "--output"),
    option("--target", 0, "--target", Convert::target),
    option("--cpu-features", 'm', "--cpu"),
    note_value("--hash-algorithm", 0, "`sedge cache` is where compiled code is looked after"),
};
constexpr Flag kDeploy[] = {
    option("--name", 0, "--name"),
    option("--app-name", 0, "--name"),
    option("--module", 0, "--module"),
    option("--path", 0, "--module"),
    option("--env", 0, "--env"),
    option("--namespace", 0, "--namespace"),
    option("--output", 'o', "--output"),
    note_value("--owner", 0, "the cluster's own accounts decide who may deploy"),
    note_value("--registry", 0, kRegistry),
    note_value("--token", 0, kRegistry),
    note("--publish-package", 0, kRegistry),
    note("--non-interactive", 0, "sedge asks nothing"),
    note("--no-wait", 0, "the files are written; kubectl applies them"),
    note("--no-default", 0, kRegistry),
    note("--no-persist-id", 0, kRegistry),
};
constexpr Flag kInspect[] = {
    words("--json", 0, "--json"),
};

constexpr Text kNoRegistry =
    "it is about Wasmer's registry; sedge runs files, and `sedge deploy` writes manifests";

constexpr ToolVerb kVerbs[] = {
    {"", "run", Shape::run_mixed, {kRun, kCompilers}},
    {"run", "run", Shape::run_mixed, {kRun, kCompilers}},
    {"compile", "compile", Shape::words, {kCompile, kCompilers}},
    {"validate", "validate", Shape::words, {kCompilers}},
    {"inspect", "inspect", Shape::words, {kInspect, kCompilers}},
    {"wast", "wast", Shape::words, {kCompilers}},
    {"deploy", "deploy", Shape::words, {kDeploy}},
    {"gen-completions", "completion", Shape::words, {}},
    {"cache clean", "cache clear", Shape::words, {}},
    {"cache dir", "", Shape::words, {}, "`sedge cache list` says where it is and what it holds"},
    {"create-exe", "", Shape::words, {}, "`sedge compile` makes artifacts that `sedge run` starts"},
    {"create-obj", "", Shape::words, {}, "`sedge compile` makes artifacts that `sedge run` starts"},
    {"config", "", Shape::words, {}, "`pkg-config sedge` gives the flags for embedding"},
    {"gen-manpage", "man", Shape::words, {}},
    {"binfmt",
     "",
     Shape::words,
     {},
     "sedge registers nothing with the kernel; `sedge FILE` runs a module"},
    {"self-update", "", Shape::words, {}, "install a newer sedge"},
    {"login", "", Shape::words, {}, kNoRegistry},
    {"logout", "", Shape::words, {}, kNoRegistry},
    {"publish", "", Shape::words, {}, kNoRegistry},
    {"package", "", Shape::words, {}, kNoRegistry},
    {"app", "", Shape::words, {}, kNoRegistry},
    {"namespace", "", Shape::words, {}, kNoRegistry},
    {"whoami", "", Shape::words, {}, kNoRegistry},
    {"add", "", Shape::words, {}, kNoRegistry},
    {"init", "", Shape::words, {}, kNoRegistry},
};

}  // namespace

const Personality kWasmer = {"wasmer", "Wasmer's command line", kVerbs, {1, 1, 2}};

}  // namespace sedge::cli
