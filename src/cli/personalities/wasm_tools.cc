// `wasm-tools` as of its version 1.2xx with the document-style `compose`, and Binaryen's
// `wasm-opt`.
#include "cli/personalities/rows.h"

namespace sedge::cli {
namespace {

using namespace rows;

constexpr Flag kCommon[] = {
    option("--output", 'o', "--output"),
    note("--wat", 't', "`sedge print` writes text"),
    {"--color", 0, Takes::value, Does::note, "colours follow NO_COLOR and the terminal"},
    note("--verbose", 'v', kNoLogging),
    note("--generate-dwarf", 0, "text keeps its lines without it"),
};
constexpr Flag kValidate[] = {
    {"--features", 'f', Takes::value, Does::feature, "", Convert::one_feature},
};
constexpr Flag kPrint[] = {
    option("--output", 'o', "--output"),
    words("--print-offsets", 'p', "--offsets"),
    words("--skeleton", 0, "--skeleton"),
    note("--fold-instructions", 'f', "instructions are printed one to a line"),
    note("--name-unnamed", 0, "what has no name is printed with its index"),
};
constexpr Flag kNew[] = {
    option("--adapt", 0, "--adapt"),
    option("--import-name", 0, "--import-name"),
    option("--wit", 0, "--wit"),
    option("--world", 'w', "--world"),
    words("--realloc-via-memory-grow", 0, "--realloc-via-memory-grow"),
    words("--skip-validation", 0, "--skip-validation"),
    option("--output", 'o', "--output"),
};
constexpr Flag kEmbed[] = {
    option("--world", 'w', "--world"),
    option("--encoding", 0, "--encoding"),
    words("--dummy", 0, "--dummy"),
    words("--only-custom", 0, "--only-custom"),
    words("--all-features", 0, "--all-features"),
    option("--output", 'o', "--output"),
};
constexpr Flag kWit[] = {
    option("--output", 'o', "--output"),
    option("--out-dir", 0, "--out-dir"),
    words("--wasm", 'w', "--wasm"),
    words("--json", 'j', "--json"),
    words("--all-features", 0, "--all-features"),
    words("--no-docs", 0, "--no-docs"),
    words("--importize", 0, "--importize"),
};
constexpr Flag kTargets[] = {
    option("--world", 'w', "--world"),
    option("--wit", 0, "--wit"),
    words("--all-features", 0, "--features all"),
};
constexpr Flag kStrip[] = {
    words("--all", 'a', "--strip-producers"),
    option("--output", 'o', "--output"),
};
constexpr Flag kCompose[] = {
    option("--component", 0, "--component"),
    option("--dependency", 0, "--dependency"),
    option("--definitions", 'd', "--definitions"),
    option("--search-path", 'p', "--search-path"),
    option("--config", 'c', "--config"),
    option("--output", 'o', "--output"),
    note("--skip-validation", 0, "what sedge writes is validated"),
    note("--import-components", 0, "what sedge writes has its dependencies inside"),
    words("--disallow-imports", 0, "--closed"),
};

constexpr ToolVerb kVerbs[] = {
    {"parse", "parse", Shape::words, {kCommon}},
    {"validate", "validate", Shape::words, {kValidate, kCommon}},
    {"print", "print", Shape::words, {kPrint, kCommon}},
    {"objdump", "inspect", Shape::words, {kCommon}},
    {"dump", "inspect", Shape::words, {kCommon}},
    {"metadata", "inspect", Shape::words, {kCommon}},
    {"component new", "component new", Shape::words, {kNew, kCommon}},
    {"component embed", "component embed", Shape::words, {kEmbed, kCommon}},
    {"component wit", "component wit", Shape::words, {kWit, kCommon}},
    {"component targets", "component targets", Shape::words, {kTargets, kCommon}},
    {"compose", "compose", Shape::words, {kCompose, kCommon}},
    {"strip", "opt --level=0", Shape::words, {kStrip, kCommon}},
    {"demangle", "", Shape::words, {}, "the names of a module are shown as they are"},
    {"smith", "", Shape::words, {}, "sedge makes no random modules"},
    {"shrink", "", Shape::words, {}, "sedge reduces no test cases"},
    {"mutate", "", Shape::words, {}, "sedge makes no random modules"},
    {"addr2line", "", Shape::words, {}, "a trap's backtrace shows source lines"},
};

constexpr Flag kOpt[] = {
    words("-O", 0, "--level s"),
    words("-O0", 0, "--level 0"),
    words("-O1", 0, "--level 1"),
    words("-O2", 0, "--level 2"),
    words("-O3", 0, "--level 3"),
    words("-O4", 0, "--level 4"),
    words("-Os", 0, "--level s"),
    words("-Oz", 0, "--level z"),
    option("--output", 'o', "--output"),
    words("--debuginfo", 'g', "--debuginfo"),
    words("--strip-debug", 0, "--strip-debug"),
    words("--strip-producers", 0, "--strip-producers"),
    words("--converge", 0, "--converge"),
    satisfied("--all-features"),
    satisfied("-all"),
    satisfied("--enable-bulk-memory"),
    satisfied("--enable-simd"),
    satisfied("--enable-threads"),
    satisfied("--enable-sign-ext"),
    satisfied("--enable-mutable-globals"),
    satisfied("--enable-nontrapping-float-to-int"),
    satisfied("--enable-reference-types"),
    satisfied("--enable-multivalue"),
};
constexpr ToolVerb kOptVerbs[] = {
    {"", "opt", Shape::words, {kOpt}},
};

}  // namespace

const Personality kWasmTools = {
    "wasm-tools", "the Bytecode Alliance's wasm-tools", kVerbs, {1, 1, 2}};
const Personality kWasmOpt = {"wasm-opt", "Binaryen's optimiser", kOptVerbs, {1, 1, 1}};

}  // namespace sedge::cli
