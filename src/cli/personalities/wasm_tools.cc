// `wasm-tools` as of its version 1.2xx with the document-style `compose`, and Binaryen's
// `wasm-opt`.
#include "cli/personalities/rows.h"

namespace sedge::cli {
namespace {

using namespace rows;

constexpr Flag kCommon[] = {
    option("--output", 'o', "--output"),

    words("--wat", 't', "--text"),
    {"--color", 0, Takes::value, Does::note, "colours follow NO_COLOR and the terminal"},
    note("--verbose", 'v', kNoLogging),
    note("--generate-dwarf", 0, "text keeps its lines without it"),
};
/// What wasm-tools finds in a folder `deps` alone.
constexpr Flag kPackages[] = {
    option("--deps", 0, "--deps"),
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
    {"--import-name", 0, Takes::value, Does::refuse,
     "name the import in the core module's own "
     "text: `sedge print`, `sedge parse`"},
    option("--wit", 0, "--wit"),
    option("--world", 'w', "--world"),
    note("--realloc-via-memory-grow", 0, "adapters of sedge need no memory of the module"),
    words("--skip-validation", 0, "--no-validate"),
    {"--merge-imports-based-on-semver", 0, Takes::maybe, Does::note,
     "imports of compatible versions become one"},
    satisfied("--return-call-ref"),
    option("--output", 'o', "--output"),
};
constexpr Text kSynchronousDummy = "functions of a dummy module trap before they could wait";
constexpr Flag kEmbed[] = {
    option("--world", 'w', "--world"),
    option("--encoding", 0, "--encoding"),
    words("--dummy", 0, "--dummy"),
    {"--dummy-names", 0, Takes::value, Does::words, "--dummy"},
    note("--async-callback", 0, kSynchronousDummy),
    note("--async-stackful", 0, kSynchronousDummy),
    {"--only-custom", 0, Takes::nothing, Does::refuse,
     "`sedge component wit --wasm` writes WIT "
     "in binary form"},
    words("--all-features", 0, "--features all"),
    option("--features", 0, "--features"),
    option("--output", 'o', "--output"),
};
constexpr Flag kWit[] = {
    option("--output", 'o', "--output"),
    option("--out-dir", 0, "--out-dir"),
    words("--wasm", 'w', "--wasm"),
    words("--json", 'j', "--json"),
    words("--all-features", 0, "--features all"),
    option("--features", 0, "--features"),
    satisfied("--no-docs"),
    satisfied("--skip-validation"),
    {"--importize", 0, Takes::nothing, Does::refuse, "write the world with its imports by hand"},
};
constexpr Flag kTargets[] = {
    option("--world", 'w', "--world"),
    words("--all-features", 0, "--features all"),
};
constexpr Flag kStrip[] = {
    words("--all", 'a', "--strip-producers"),
    {"--delete", 'd', Takes::value, Does::refuse,
     "debug information goes; --all takes away the "
     "`producers` section as well"},
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

constexpr Flag kMetadata[] = {
    words("--json", 0, "--json"),
};
constexpr Flag kWast[] = {
    satisfied("--ignore-error-messages"),
    option("--features", 'f', "--features"),
};
constexpr Text kNoUnbundle = "`sedge print` shows the modules inside of a component";

constexpr ToolVerb kVerbs[] = {
    {"parse", "parse", Shape::filter, {kCommon}},
    {"validate", "validate", Shape::input, {kValidate, kCommon}},
    {"print", "print", Shape::filter, {kPrint, kCommon}},
    {"objdump", "inspect", Shape::input, {kCommon}},
    {"dump", "inspect", Shape::input, {kCommon}},
    {"metadata show", "inspect", Shape::input, {kMetadata, kCommon}},
    {"metadata", "inspect", Shape::input, {kMetadata, kCommon}},
    {"component new", "component new", Shape::filter, {kNew, kCommon, kPackages}},
    {"component embed", "component embed", Shape::wit_input, {kEmbed, kCommon, kPackages}},
    {"component wit", "component wit", Shape::input, {kWit, kCommon, kPackages}},
    {"component targets", "component targets", Shape::wit_input, {kTargets, kCommon, kPackages}},
    {"compose", "compose", Shape::words, {kCompose, kCommon}},
    {"strip", "opt --level=0", Shape::filter, {kStrip, kCommon}},
    {"wast", "wast", Shape::words, {kWast, kCommon}},
    {"completion", "completion", Shape::words, {}},
    {"metadata add", "", Shape::words, {}, "`sedge inspect` shows metadata; a compiler writes it"},
    {"metadata unbundle", "", Shape::words, {}, kNoUnbundle},
    {"component unbundle", "", Shape::words, {}, kNoUnbundle},
    {"component link", "", Shape::words, {}, "wasm-ld links modules; `sedge compose` components"},
    {"component semver-check",
     "",
     Shape::words,
     {},
     "`sedge component targets` checks a component "
     "against a world"},
    {"json-from-wast", "", Shape::words, {}, "`sedge wast` runs scripts as they are"},
    {"demangle", "", Shape::words, {}, "the names of a module are shown as they are"},
    {"smith", "", Shape::words, {}, "sedge makes no random modules"},
    {"shrink", "", Shape::words, {}, "sedge reduces no test cases"},
    {"mutate", "", Shape::words, {}, "sedge makes no random modules"},
    {"addr2line", "", Shape::words, {}, "a trap's backtrace shows source lines"},
};

constexpr Text kPasses = "the level of optimisation chooses the passes";
constexpr Text kChanges = "it changes what a module is; Binaryen's own wasm-opt has it";

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
    words("--converge", 'c', "--converge"),
    words("--emit-text", 'S', "--text"),
    option("--optimize-level", 0, "--level"),
    option("-ol", 0, "--level"),
    note_value("--shrink-level", 0, kPasses),
    note_value("-s", 0, kPasses),
    satisfied("--all-features"),
    satisfied("-all"),
    satisfied("--detect-features"),
    satisfied("--enable-*"),
    note("--mvp-features", 0, "a module keeps the features that it uses"),
    note("--disable-*", 0, "a module keeps the features that it uses"),
    satisfied("--quiet", 'q'),
    note("--no-validation", 'n', "what sedge writes is validated"),
    note("--closed-world", 0, kPasses),
    note("--ignore-implicit-traps", 0, kPasses),
    note("--traps-never-happen", 0, kPasses),
    note("-tnh", 0, kPasses),
    note("--low-memory-unused", 0, kPasses),
    note("--fast-math", 0, kPasses),
    note("-ffm", 0, kPasses),
    note("--dce", 0, kPasses),
    note("--vacuum", 0, kPasses),
    note("--inlining", 0, kPasses),
    note("--inlining-optimizing", 0, kPasses),
    note("--coalesce-locals", 0, kPasses),
    note("--simplify-locals", 0, kPasses),
    note("--reorder-functions", 0, kPasses),
    note("--reorder-locals", 0, kPasses),
    note("--merge-blocks", 0, kPasses),
    note("--duplicate-function-elimination", 0, kPasses),
    note("--remove-unused-module-elements", 0, kPasses),
    note("--remove-unused-names", 0, kPasses),
    note("--remove-unused-brs", 0, kPasses),
    note("--precompute", 0, kPasses),
    note("--flatten", 0, kPasses),
    note("--rereloop", 0, kPasses),
    note("--gufa", 0, kPasses),
    note("--directize", 0, kPasses),
    note("--memory-packing", 0, kPasses),
    note("--optimize-instructions", 0, kPasses),
    {"--asyncify", 0, Takes::nothing, Does::refuse, kChanges},
    {"--instrument-*", 0, Takes::maybe, Does::refuse, kChanges},
    {"--fpcast-emu", 0, Takes::nothing, Does::refuse, kChanges},
    {"--legalize-js-interface", 0, Takes::nothing, Does::refuse, kChanges},
    {"--translate-to-*", 0, Takes::nothing, Does::refuse, kChanges},
};
constexpr ToolVerb kOptVerbs[] = {
    {"", "opt", Shape::input, {kOpt}},
};

}  // namespace

const Personality kWasmTools = {
    "wasm-tools", "the Bytecode Alliance's wasm-tools", kVerbs, {1, 1, 2}};
const Personality kWasmOpt = {"wasm-opt", "Binaryen's optimiser", kOptVerbs, {1, 1, 1}};

}  // namespace sedge::cli
