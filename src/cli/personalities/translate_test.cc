// What each tool's line becomes: words of sedge, and notes.
#include "cli/personalities/personality.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

namespace sedge::cli {
namespace {

/// What a test sees of a line: "run --dir=a::b x.wasm", then each note, then the error.
std::string translated(const std::string& line, bool compilers = true) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  const Personality* tool = find_personality(words[0]);
  if (!tool) return "no such tool";
  std::vector<const char*> argv;
  for (size_t i = 1; i < words.size(); ++i) argv.push_back(words[i].c_str());
  Build build{
      [&](std::string_view tier) { return compilers || tier == "auto" || tier == "interp"; }};
  Result<Translation> result = translate(*tool, argv, build);
  if (!result) return result.error().message() + " | " + result.error().remedy();
  std::string out;
  if (result->help) out += "help ";
  if (result->version) out += "version ";
  for (const std::string& word : result->argv()) out += word + " ";
  if (!out.empty()) out.pop_back();
  for (const std::string& note : result->notes) out += "\n" + note;
  return out;
}

struct Case {
  const char* line;
  const char* becomes;
};

class Translate : public testing::TestWithParam<Case> {};
TEST_P(Translate, Line) { EXPECT_EQ(translated(GetParam().line), GetParam().becomes); }

INSTANTIATE_TEST_SUITE_P(
    Wasmedge, Translate,
    testing::Values(
        Case{"wasmedge --dir .:. svc.wasm handle_request",
             "run --dir=.::. svc.wasm handle_request"},
        Case{"wasmedge --dir /guest:/host a.wasm", "run --dir=/host::/guest a.wasm"},
        Case{"wasmedge --dir /guest:/host:readonly --dir=tmp a.wasm --dir x",
             "run --dir=/host::/guest::ro --dir=tmp::tmp a.wasm --dir x"},
        Case{"wasmedge --dir : a.wasm",
             "bad argument: `--dir :` has an empty side | `wasmedge --help` shows what it takes"},
        Case{"wasmedge run --env A=B --env=C=D a.wasm", "run --env=A=B --env=C=D a.wasm"},
        Case{"wasmedge --memory-page-limit 512 m.wasm", "run --max-memory=33554432 m.wasm"},
        Case{"wasmedge --memory-page-limit 70000 m.wasm",
             "bad argument: `--memory-page-limit 70000`: a number of pages of 64 KiB, from 0 to "
             "65536 | `wasmedge --help` shows what it takes"},
        Case{"wasmedge --dir /app:/app --preload lib:l.wasm --pool-size 10 m.wasm",
             "run --dir=/app::/app --preload=lib=l.wasm m.wasm\n"
             "wasmedge --pool-size 10: one run uses one instance; `sedge serve --pool-size` keeps "
             "instances ready"},
        Case{"wasmedge --reactor m.wasm add 1 -2", "run --invoke=add m.wasm 1 -2"},
        Case{"wasmedge --reactor m.wasm",
             "missing argument: the function to call | wasmedge --reactor FILE FUNC ARGS"},
        Case{"wasmedge --time-limit 500 --gas-limit 9 --force-interpreter m.wasm",
             "run --timeout=500ms --fuel=9 --tier=interp m.wasm"},
        Case{"wasmedge --disable-simd --wasm-2 --enable-tail-call m.wasm",
             "run --features=wasm2,-simd,+tail-call m.wasm"},
        Case{"wasmedgec in.wasm out.wasm", "compile --output=out.wasm in.wasm"},
        Case{"wasmedge compile --optimize 3 in.wasm out.so",
             "compile --level=3 --output=out.so in.wasm"},
        Case{"wasmedgec in.wasm",
             "missing argument: a module and the file to write | wasmedgec [OPTIONS] IN.wasm "
             "OUT.wasm"},
        Case{"wasmedge --memory-page-limt 5 m.wasm",
             "unknown option `--memory-page-limt` of wasmedge; did you mean "
             "`--memory-page-limit`? | `wasmedge --help` lists them"},
        Case{"wasmedge --dir",
             "missing argument: `--dir` needs a value | `wasmedge --help` shows what it takes"},
        Case{"wasmedgec --optimize 9 in.wasm out.so",
             "bad argument: `--optimize 9`: a level is 0, 1, 2, 3, s, z, none, speed or "
             "speed_and_size | `wasmedgec --help` shows what it takes"},
        Case{"wasmedge --nn-preload default:ONNX:CPU:m.onnx m.wasm",
             "run m.wasm\nwasmedge --nn-preload default:ONNX:CPU:m.onnx: wasi-nn is "
             "offered to "
             "every guest of a build that has it"},
        Case{"wasmedge m.wasm --ctx-size 9", "run m.wasm --ctx-size 9"},
        Case{"wasmedge --version", "version run"}, Case{"wasmedge -v", "version run"}));

INSTANTIATE_TEST_SUITE_P(
    Wasmtime, Translate,
    testing::Values(
        Case{"wasmtime run --wasi preview2 a.wasm", "run --wasi=preview2 --instantiate a.wasm"},
        Case{"wasmtime run --env --dir=/ a.wasm", "run --env=--dir=/ --instantiate a.wasm"},
        Case{"wasmtime run --wasi preview1 a.wasm", "run --wasi=preview1 --instantiate a.wasm"},
        Case{"wasmtime -S preview2=y,cli a.wasm", "run --instantiate a.wasm"},
        Case{"wasmtime run --cranelift --max-wasm-stack 1048576 --opt-level 2 a.wasm",
             "run --tier=auto --max-stack=1048576 --level=3 --instantiate a.wasm"},
        Case{"wasmtime compile --cranelift --opt-level speed m.wasm", "compile --level=3 m.wasm"},
        Case{"wasmtime compile -O opt-level=s -C compiler=winch m.wasm -o out.cwasm",
             "compile --level=2 --output=out.cwasm m.wasm\nwasmtime compile -C compiler=winch: "
             "what is "
             "compiled ahead of time is always optimised"},
        Case{"wasmtime --dir host::guest --dir . m.wasm",
             "run --dir=host::guest --dir=. --instantiate m.wasm"},
        Case{"wasmtime --mapdir guest::host m.wasm", "run --dir=host::guest --instantiate m.wasm"},
        Case{"wasmtime -W fuel=7,timeout=2,max-memory-size=65536 m.wasm -W x",
             "run --fuel=7 --timeout=2s --max-memory=65536 --instantiate m.wasm -W x"},
        Case{"wasmtime -Wsimd=n,threads -Sinherit-network m.wasm",
             "run --network --instantiate --features=-simd,+threads m.wasm"},
        Case{"wasmtime -S inherit-network=n m.wasm", "run --instantiate m.wasm"},
        Case{"wasmtime -S http,inherit-network,tcp=n -S udp=n m.wasm",
             "run --grant=http --network --grant=tcp=n --grant=udp=n --instantiate m.wasm"},
        Case{"wasmtime -S config,config-var=a=b,keyvalue,keyvalue-in-memory-data=k=v=w m.wasm",
             "run --grant=config --grant=config-var=a=b --grant=keyvalue "
             "--grant=keyvalue-in-memory-data=k=v=w --instantiate m.wasm"},
        Case{"wasmtime -S config-var m.wasm",
             "missing argument: `-S config-var` needs a value | write -S config-var=VALUE"},
        Case{"wasmtime -O m.wasm", "run --instantiate m.wasm"},
        Case{"wasmtime --invoke f --preload a=b.wasm m.wasm 1",
             "run --invoke=f --preload=a=b.wasm --instantiate m.wasm 1"},
        Case{"wasmtime -W fule=1 m.wasm",
             "unknown option `fule` of wasmtime -W; did you mean `fuel`? | `wasmtime --help` lists "
             "them"},
        Case{"wasmtime -W fuel m.wasm",
             "missing argument: `-W fuel` needs a value | write -W fuel=VALUE"},
        Case{"wasmtime -W simd=maybe m.wasm",
             "bad argument: `-W simd=maybe`: y or n | `wasmtime --help` shows what it takes"},
        Case{"wasmtime -C cache=n m.wasm",
             "run --instantiate m.wasm\nwasmtime -C cache=n: `sedge cache` is where compiled code "
             "is looked "
             "after"},
        Case{"wasmtime -W unknown-imports-trap m.wasm",
             "not available here: `wasmtime -W unknown-imports-trap` | an import that nothing "
             "provides is an error before anything runs"},
        Case{"wasmtime -W unknown-imports-trap=n m.wasm", "run --instantiate m.wasm"},
        Case{"wasmtime explore m.wasm",
             "not available here: `wasmtime explore` has no counterpart in sedge | `sedge print` "
             "shows a module's code"},
        Case{"wasmtime serve --addr 0.0.0.0:80 c.wasm", "serve --listen=0.0.0.0:80 c.wasm"},
        Case{"wasmtime serve -Scli c.wasm", "serve --listen=0.0.0.0:8080 c.wasm"},
        Case{"wasmtime compile --target aarch64-unknown-linux-gnu m.wasm",
             "compile --target=aarch64-linux m.wasm"},
        Case{"wasmtime compile --target x86_64-apple-darwin m.wasm",
             "bad argument: `--target x86_64-apple-darwin`: code is made for x86_64, aarch64 and "
             "riscv64, on Linux | `wasmtime compile --help` shows what it takes"},
        Case{"wasmtime wizer m.wasm -o w.wasm --init-func init",
             "snapshot --output=w.wasm --init=init m.wasm"},
        Case{"wasmtime -C cranelift-opt-level=none,cranelift-x=y m.wasm",
             "run --instantiate m.wasm\nwasmtime -C cranelift-opt-level=none: sedge decides this "
             "by itself\n"
             "wasmtime -C cranelift-x=y: sedge decides this by itself"},
        Case{"wasmtime -O pooling-total-gc-heaps=4 m.wasm",
             "run --instantiate m.wasm\nwasmtime -O pooling-total-gc-heaps=4: one run uses one "
             "instance; `sedge "
             "serve` pools instances"},
        Case{"wasmtime run -W help", "help run"}, Case{"wasmtime help compile", "help"},
        Case{"wasmtime help", "help"}, Case{"wasmtime help explore", "help"},
        Case{"wasmtime --version", "version run"}));

INSTANTIATE_TEST_SUITE_P(
    Wasmer, Translate,
    testing::Values(
        Case{"wasmer run --backend cranelift m.wasm", "run --tier=auto m.wasm"},
        Case{"wasmer run --backend singlepass m.wasm", "run --tier=baseline m.wasm"},
        Case{"wasmer --llvm m.wasm a", "run --tier=llvm m.wasm a"},
        Case{
            "wasmer run --backend crainlift m.wasm",
            "backend not available: `--backend crainlift`; did you mean `cranelift`? | the "
            "backends are auto, interp, baseline, llvm, interpreter, cranelift, singlepass, winch"},
        Case{"wasmer run --backend cranelift --net host m.wasm",
             "serve --tier=auto --cgi --listen=127.0.0.1:8000 m.wasm"},
        Case{"wasmer run --net=host --addr 0.0.0.0:9 m.wasm",
             "serve --cgi --listen=0.0.0.0:9 m.wasm"},
        Case{"wasmer run --net m.wasm", "run --network m.wasm"},
        Case{"wasmer run --net=dns:allow m.wasm", "run --network m.wasm"},
        Case{"wasmer run --mapdir /g:/h --volume /a:/b m.wasm",
             "run --dir=/h::/g --dir=/a::/b m.wasm"},
        Case{"wasmer compile --llvm m.wasm -o m.so", "compile --output=m.so m.wasm"},
        Case{"wasmer compile --cranelift -o m.wasmu m.wasm", "compile --output=m.wasmu m.wasm"},
        Case{"wasmer deploy --name s --module m.wasm --env A=1",
             "deploy --name=s --module=m.wasm --env=A=1"},
        Case{"wasmer compile --target aarch64-linux-gnu m.wasm -o m.so",
             "compile --target=aarch64-linux --output=m.so m.wasm"},
        Case{"wasmer run m.wasm --net --mapdir /g:/h a -- --dir b",
             "run --network --dir=/h::/g m.wasm a --dir b"},
        Case{"wasmer run m.wasm --volum a:b",
             "unknown option `--volum` of wasmer run; did you mean `--volume`? | if it is for the "
             "guest: -- --volum; `wasmer run --help` lists wasmer's own"},
        Case{"wasmer cache clean", "cache clear"},
        Case{"wasmer run --http-client m.wasm", "run --grant=http m.wasm"},
        Case{"wasmer run -q m.wasm",
             "run m.wasm\nwasmer run -q: sedge prints nothing but the guest's output "
             "and errors"},
        Case{"wasmer run --llvm=x m.wasm",
             "bad argument: `--llvm` takes no value | `wasmer run --help` shows what it takes"},
        Case{"wasmer login",
             "not available here: `wasmer login` has no counterpart in sedge | it is about "
             "Wasmer's registry; sedge runs files, and `sedge deploy` writes manifests"}));

INSTANTIATE_TEST_SUITE_P(
    WasmTools, Translate,
    testing::Values(
        Case{"wasm-tools component new core.wasm -o c.wasm",
             "component new --output=c.wasm core.wasm"},
        Case{"wasm-tools compose --component f.wasm --dependency calc:c.wasm -o out.wasm",
             "compose --component=f.wasm --dependency=calc:c.wasm --output=out.wasm"},
        Case{"wasm-tools validate --features all,-simd m.wasm",
             "validate --features=all,-simd m.wasm"},
        Case{"wasm-tools print -p m.wasm", "print --offsets --output=- m.wasm"},
        Case{"wasm-tools parse", "parse --output=- -"},
        Case{"wasm-tools strip m.wasm -o s.wasm", "opt --level=0 --output=s.wasm m.wasm"},
        Case{"wasm-tools metadata show --json m.wasm", "inspect --json m.wasm"},
        Case{"wasm-tools component embed wit core.wasm -w calc -o e.wasm",
             "component embed --world=calc --output=e.wasm --wit=wit core.wasm"},
        Case{"wasm-tools component targets wit c.wasm", "component targets --wit=wit c.wasm"},
        Case{"wasm-tools component new --skip-validation core.wasm",
             "component new --no-validate --output=- core.wasm"},
        Case{"wasm-tools component nwe m.wasm",
             "unknown command `component nwe` of wasm-tools; did you mean `component new`? | "
             "`wasm-tools --help` lists the commands"},
        Case{"wasm-opt -Oz -o out.wasm in.wasm", "opt --level=z --output=out.wasm in.wasm"},
        Case{"wasm-opt -o--tier in.wasm", "opt --output=--tier in.wasm"},
        Case{"wasm-opt -Os -S --enable-gc --disable-simd -o out.wat in.wasm",
             "opt --level=s --text --output=out.wat in.wasm\nwasm-opt --disable-simd: a module "
             "keeps "
             "the features that it uses"},
        Case{"wasm-opt -O2 --dce in.wasm",
             "opt --level=2 in.wasm\nwasm-opt --dce: the level of optimisation chooses the passes"},
        Case{"wasm-opt --asyncify in.wasm",
             "not available here: `wasm-opt --asyncify` | it changes what a module is; Binaryen's "
             "own wasm-opt has it"},
        Case{"wasm-opt in.wasm -O3 -g -oout.wasm",
             "opt --level=3 --debuginfo --output=out.wasm in.wasm"},
        Case{"wasm-tools", "help"}, Case{"wasm-tools --version", "version"}));

TEST(TranslateBuild, ACompilerThatTheBuildLacksIsNamed) {
  EXPECT_EQ(translated("wasmer run --backend llvm m.wasm", false),
            "run m.wasm\n"
            "wasmer run --backend llvm: there is no llvm compiler here; `sedge version --json` "
            "shows what runs the code instead");
  // What compiles says itself what it lacks.
  EXPECT_EQ(translated("wasmer compile --llvm m.wasm -o m.so", false),
            "compile --output=m.so m.wasm");
}

TEST(TranslateBuild, EnvironmentIsPassedByName) {
  ::setenv("SEDGE_TEST_VARIABLE", "x", 1);
  std::string line = translated("wasmtime -S inherit-env m.wasm");
  EXPECT_NE(line.find("--env=SEDGE_TEST_VARIABLE "), std::string::npos) << line;
}

TEST(Tables, AreSound) {
  for (const Personality* tool : personalities()) {
    EXPECT_FALSE(tool->verbs.empty());
    for (const ToolVerb& verb : tool->verbs) {
      EXPECT_NE(verb.to.empty(), verb.why.empty()) << tool->name << ' ' << verb.name.view();
      std::vector<std::string> letters;
      for (std::span<const Flag> table : verb.flags)
        for (const Flag& flag : table) {
          std::string where = std::string(tool->name) + " " + std::string(verb.name.view()) + " " +
                              std::string(flag.name.view());
          EXPECT_TRUE(flag.name.view().starts_with('-')) << where;
          EXPECT_EQ(flag.does == Does::group, !flag.keys.empty()) << where;
          bool says_why = flag.does == Does::note || flag.does == Does::refuse;
          if (says_why) EXPECT_FALSE(flag.to.empty()) << where;
          if (flag.does == Does::option) {
            EXPECT_TRUE(flag.to.view().starts_with("--")) << where;
            EXPECT_NE(flag.takes, Takes::nothing) << where;
          }
          for (const Flag& key : flag.keys) EXPECT_FALSE(key.name.view().starts_with('-')) << where;
        }
    }
  }
}

TEST(Words, MessagesNameTheToolsOwnFlags) {
  const ToolVerb& wasmedge = kWasmedge.verbs[0];
  EXPECT_EQ(in_words_of(kWasmedge, wasmedge, "raise --max-memory"), "raise --memory-page-limit");
  EXPECT_EQ(in_words_of(kWasmedge, wasmedge, "give it one: --dir HOST::GUEST"),
            "give it one: --dir GUEST:HOST");
  EXPECT_EQ(in_words_of(kWasmedge, wasmedge, "--dir HOST::/app without ::ro"),
            "--dir /app:HOST without :readonly");
  EXPECT_EQ(in_words_of(kWasmedge, wasmedge, "--features +simd"), "leave --disable-simd out");
  EXPECT_EQ(in_words_of(kWasmedge, wasmedge, "--features +threads"), "--enable-threads");
  EXPECT_EQ(in_words_of(kWasmtime, kWasmtime.verbs[0], "--features +gc"), "-W gc");
  const ToolVerb& wasmtime = kWasmtime.verbs[0];
  EXPECT_EQ(in_words_of(kWasmtime, wasmtime, "raise --max-stack"), "raise --max-wasm-stack");
  EXPECT_EQ(in_words_of(kWasmer, kWasmer.verbs[1], "name one: sedge run m.wasm FUNC"),
            "name one: wasmer run m.wasm FUNC");
  EXPECT_EQ(in_words_of(kWasmtime, wasmtime, "raise --max-memory-x"), "raise --max-memory-x");
}

TEST(Help, SaysWhatEachFlagMeans) {
  std::string help = tool_help(kWasmer, kWasmer.verbs[1]);
  EXPECT_TRUE(help.starts_with(
      "Wasmer's command line, answered by sedge\n\n"
      "Usage: wasmer run [OPTIONS] FILE [ARGS…] [-- ARGS…]    the same as sedge run\n"))
      << help;
  EXPECT_NE(help.find("  --stack-size VALUE                 sedge's `--max-stack`\n"),
            std::string::npos);
}

}  // namespace
}  // namespace sedge::cli
