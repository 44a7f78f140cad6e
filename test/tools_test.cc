// The tools around components and modules as users meet them: compose, plug, component targets,
// opt, bench. Parts are written as text here; what needs guests of the shared folder says so when
// that is missing.
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/test_paths.h"
#include "json_value.h"
#include "program.h"

namespace sedge::test {
namespace {

constexpr std::string_view kGives = R"((component
  (core module $m (func (export "f") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (instance $x (export "f" (func $f)))
  (export "t:a/x@1.0.2" (instance $x))))";
constexpr std::string_view kTakes = R"((component
  (import "t:a/x@1.0.0" (instance $x (export "f" (func (result u32)))))
  (export "g" (func $x "f"))))";
constexpr std::string_view kTakesOther = R"((component
  (import "t:a/x@1.0.0" (instance $x (export "f" (func (result string)))))
  (export "g" (func $x "f"))))";

// Two functions that are the same, one that nothing calls, padded numbers and a name section.
constexpr std::string_view kWasteful = R"((module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func $one (param i32) (result i32) (local i32)
    (local.set 1 (i32.add (local.get 0) (i32.const 3)))
    (i32.mul (local.get 1) (i32.const 7)))
  (func $same (param i32) (result i32) (local i32)
    (local.set 1 (i32.add (local.get 0) (i32.const 3)))
    (i32.mul (local.get 1) (i32.const 7)))
  (func $unused (result i32) (i32.const 99))
  (table 2 funcref)
  (elem (i32.const 0) $one $same)
  (func (export "_start")
    (call $exit (i32.sub
      (call $one (i32.const 1))
      (call_indirect (param i32) (result i32) (i32.const 0) (i32.const 1)))))))";

class Tools : public testing::Test {
 protected:
  Outcome run(std::vector<std::string> args, std::vector<std::string> env = {"NO_COLOR=1"},
              std::string_view input = {}) {
    args.insert(args.begin(), program_path());
    return run_program(args, input, folder_.path(), env);
  }
  void expect(std::vector<std::string> args, int status, std::string_view out,
              std::string_view err) {
    Outcome outcome = run(std::move(args));
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_EQ(outcome.out, out);
    EXPECT_EQ(outcome.err, err);
  }
  void write(std::string_view name, std::string_view content) { folder_.write(name, content); }
  std::filesystem::path path(std::string_view name) const {
    return std::filesystem::path(folder_.path()) / name;
  }
  static bool contains(std::string_view text, std::string_view piece) {
    return text.find(piece) != std::string_view::npos;
  }

  TempFolder folder_;
  std::string guests_ = shared_path("guests/wasm").string() + "/";
};

TEST_F(Tools, ComposesByDependencies) {
  write("a.wat", kTakes);
  write("b.wat", kGives);
  expect({"compose", "a.wat", "--dependency", "x:b.wat", "-o", "c.wasm"}, 0, "", "");
  expect({"validate", "c.wasm"}, 0, "c.wasm: valid\n", "");
  EXPECT_TRUE(contains(run({"component", "wit", "c.wasm"}).out,
                       "world root {\n  export g: func() -> u32;\n}"));
  // The form of wasm-tools, and the same bytes.
  expect({"--as", "wasm-tools", "compose", "--component", "a.wat", "--dependency", "x:b.wat", "-o",
          "d.wasm"},
         0, "", "");
  EXPECT_EQ(read(path("c.wasm")), read(path("d.wasm")));
  expect({"plug", "a.wat", "--plug", "b.wat", "-o", "e.wasm"}, 0, "", "");
  EXPECT_EQ(read(path("c.wasm")), read(path("e.wasm")));
  // What is composed can be composed.
  write("h.wat", R"((component (import "g" (func (result u32)))))");
  expect({"compose", "h.wat", "-d", "c.wasm", "--closed", "-o", "f.wasm"}, 0, "", "");
}

TEST_F(Tools, ComposesByAConfiguration) {
  write("a.wat", kTakes);
  write("b.wat", kGives);
  write("c.yaml",
        "dependencies:\n  b: b.wat\ninstantiations:\n  $input:\n    arguments:\n"
        "      t:a/x@1.0.0:\n        instance: b\n        export: t:a/x@1.0.2\n");
  Outcome made = run({"compose", "a.wat", "--config", "c.yaml", "-o", "c.wasm"});
  if (contains(made.err, "unknown option")) GTEST_SKIP() << "this build has no YAML";
  EXPECT_EQ(made.status, 0) << made.err;
  expect({"validate", "c.wasm"}, 0, "c.wasm: valid\n", "");
  write("bad.yaml", "dependencys:\n  b: b.wat\n");
  made = run({"compose", "a.wat", "--config", "bad.yaml"});
  EXPECT_TRUE(contains(made.err,
                       "`dependencys` is no key of a composition; did you mean "
                       "`dependencies`?"))
      << made.err;
}

TEST_F(Tools, RefusesWhatDoesNotFit) {
  write("a.wat", kTakesOther);
  write("b.wat", kGives);
  Outcome outcome = run({"compose", "a.wat", "-d", "b.wat", "-o", "c.wasm"});
  EXPECT_EQ(outcome.status, 3);
  for (std::string_view piece :
       {"`a.wat` imports `t:a/x@1.0.0`, and is given `t:a/x@1.0.2` of an instance of `b.wat`",
        "in instance export `f`", "expected primitive `string` found primitive `u32`"})
    EXPECT_TRUE(contains(outcome.err, piece)) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(path("c.wasm")));
  write("core.wat", "(module)");
  expect({"compose", "a.wat", "-d", "core.wat"}, 3, "",
         "error: core.wat: not supported: this is a core module, not a component\n"
         "help: make one of it: sedge component new\n");
}

TEST_F(Tools, ComposesAWacFile) {
  write("a.wat", kTakes);
  write("b.wat", kGives);
  write("c.wac",
        "package t:whole;\nlet b = new t:b {};\nexport new t:user { x: b.x }.g as \"answer\";\n");
  expect({"compose", "c.wac", "--dep", "t:user=a.wat", "--dep", "t:b=b.wat", "-o", "c.wasm"}, 0, "",
         "");
  EXPECT_TRUE(contains(run({"component", "wit", "c.wasm"}).out, "export answer: func() -> u32;"));
  std::filesystem::create_directories(path("deps/t"));
  std::filesystem::rename(path("a.wat"), path("deps/t/user.wat"));
  std::filesystem::rename(path("b.wat"), path("deps/t/b.wat"));
  expect({"compose", "c.wac", "-o", "d.wasm"}, 0, "", "");
  EXPECT_EQ(read(path("c.wasm")), read(path("d.wasm")));
  write("e.wac", "package t:whole;\nlet b = new t:c {};\n");
  expect({"compose", "e.wac"}, 1, "",
         "error: e.wac:2:13: file not found: package `t:c`\n"
         "help: --dep t:c=FILE, or --deps-dir DIR with DIR/t/c.wasm\n");
}

TEST_F(Tools, WacFilesNameWorldsAndInterfaces) {
  write("b.wat", kGives);
  write("w.wit",
        "package t:w@1.0.0;\ninterface i { h: func(); }\nworld good { export g: func() -> "
        "u32; }\nworld bad { export g: func() -> string; }\n");
  std::string rest =
      ";\nimport i: t:w/i@1.0.0;\nlet b = new t:b {};\nexport b.x;\nexport b.x.f as g;\n";
  write("good.wac", "package t:whole targets t:w/good@1.0.0" + rest);
  write("bad.wac", "package t:whole targets t:w/bad@1.0.0" + rest);
  std::vector<std::string> deps{"--dep", "t:w=w.wit", "--dep", "t:b=b.wat", "-o", "c.wasm"};
  std::vector<std::string> args{"compose", "bad.wac"};
  args.insert(args.end(), deps.begin(), deps.end());
  Outcome outcome = run(args);
  EXPECT_TRUE(contains(outcome.err,
                       "export `g`: type mismatch with result type: expected "
                       "primitive `string` found primitive `u32`"))
      << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "import `t:w/i@1.0.0`: the world has no such import"));
}

TEST_F(Tools, WacFilesFindPackagesOfWit) {
  for (const char* folder : {"deps/t/io", "deps/t/two"})
    std::filesystem::create_directories(path(folder));
  write("deps/t/io/a.wit", "package t:io@0.2.0;\ninterface streams { f: func(); }\n");
  write("deps/t/one.wit", "package t:one;\ninterface i { g: func(); }\n");
  write("two.wit", "package t:two@1.0.0;\ninterface i { h: func(); }\n");
  write("deps/t/part.wat", "(component)");
  expect({"component", "wit", "--wasm", "two.wit", "-o", "deps/t/two/1.0.0.wasm"}, 0, "", "");
  write("a.wac",
        "package t:a;\nimport s: t:io/streams;\nimport o: t:one/i;\nimport w: t:two/i@1.0.0;\n");
  expect({"compose", "a.wac", "-o", "a.wasm"}, 0, "", "");
  EXPECT_TRUE(contains(run({"component", "wit", "a.wasm"}).out,
                       "  import t:io/streams;\n  import t:one/i;\n  import t:two/i@1.0.0;\n"));
  write("b.wac", "package t:a;\nimport s: t:part/i;\n");
  expect({"compose", "b.wac"}, 4, "",
         "error: b.wac:2:11: cannot make a component: deps/t/part.wat is a component, not the "
         "package of WIT `t:part`\nhelp: --dep t:part=PATH of its WIT\n");
  write("c.wac", "package t:a;\nimport s: t:none/i;\n");
  expect({"compose", "c.wac"}, 1, "",
         "error: c.wac:2:11: file not found: package `t:none`\n"
         "help: --dep t:none=FILE, or --deps-dir DIR with DIR/t/none/, .wit or .wasm\n");
}

TEST_F(Tools, ComponentTargets) {
  write("a.wat", kTakes);
  write("w.wit",
        "package t:a@1.0.5;\ninterface x { f: func() -> u32; more: func(); }\n"
        "world w { import x; export g: func() -> u32; }\n");
  expect({"component", "targets", "a.wat", "--wit", "w.wit", "--world", "w"}, 0,
         "a.wat targets t:a/w@1.0.5\n", "");
}

// The document's pattern 4 from its core modules, and its pitfall 5.
TEST_F(Tools, ComposesTheDocumentsCalculator) {
  if (!std::filesystem::exists(guests_ + "p4_formatter.core.wasm"))
    GTEST_SKIP() << "the shared guests are not there";
  for (auto [name, kind] :
       {std::pair("calculator", "reactor"), std::pair("formatter", "command")}) {
    std::string adapter =
        shared_path(fmt::format("guests/adapters/wasi_snapshot_preview1.{}.wasm", kind).c_str());
    Outcome made =
        run({"component", "new", fmt::format("{}p4_{}.core.wasm", guests_, name), "--adapt",
             "wasi_snapshot_preview1=" + adapter, "-o", fmt::format("{}.wasm", name)});
    ASSERT_EQ(made.status, 0) << made.err;
  }
  Outcome made = run({"compose", "formatter.wasm", "--dependency", "calculator:calculator.wasm",
                      "-o", "composed.wasm"});
  ASSERT_EQ(made.status, 0) << made.err;
  expect({"validate", "composed.wasm"}, 0, "composed.wasm: valid\n", "");
  std::string wit = run({"component", "wit", "composed.wasm"}).out;
  EXPECT_FALSE(contains(wit, "import toolsku:calculator/ops"));
  EXPECT_TRUE(contains(wit, "export toolsku:formatter/format;"));
  // Of the components that the document's tools made, a composition with the same world as theirs.
  made = run({"compose", guests_ + "p4_formatter.component.wasm", "--dependency",
              "calculator:" + guests_ + "p4_calculator.component.wasm", "-o", "theirs.wasm"});
  ASSERT_EQ(made.status, 0) << made.err;
  auto world = [&](const std::string& file) {
    std::string text = run({"component", "wit", file}).out;
    return text.substr(0, text.find("}\n"));
  };
  EXPECT_EQ(world("theirs.wasm"), world(guests_ + "p4_composed.component.wasm"));
  // All of them do the same.
  constexpr std::string_view kRequest =
      R"({"format_type":"csv-to-json","input":"name,price\npen,1.5\nbook,20"})";
  Outcome wanted = run({"run", guests_ + "p4_composed.component.wasm"}, {"NO_COLOR=1"}, kRequest);
  EXPECT_EQ(wanted.status, 0) << wanted.err;
  EXPECT_TRUE(contains(wanted.out, "book")) << wanted.out;
  EXPECT_EQ(run({"opt", "-Oz", "composed.wasm", "-o", "small.wasm"}).status, 0);
  for (const char* file : {"composed.wasm", "theirs.wasm", "small.wasm"}) {
    Outcome outcome = run({"run", file}, {"NO_COLOR=1"}, kRequest);
    EXPECT_EQ(outcome.status, 0) << file << outcome.err;
    EXPECT_EQ(outcome.out, wanted.out) << file;
  }
  Outcome refused = run({"compose", "formatter.wasm", "--dependency",
                         "calculator:" + guests_ + "p4_calculator_mismatch.component.wasm"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_TRUE(contains(refused.err, "expected primitive `f64` found primitive `s32`"))
      << refused.err;
}

TEST_F(Tools, TextInsteadOfBinaries) {
  folder_.write("w.wit", "package a:b;\nworld w { export f: func(n: u32) -> u32; }\n");
  folder_.write("m.wat", "(module (func (export \"f\") (param i32) (result i32) (local.get 0)))");
  struct Case {
    std::vector<std::string> words;
    std::string_view begins;
  };
  for (const Case& each : {
           Case{{"component", "wit", "w.wit", "--text"}, "(component\n"},
           Case{{"component", "embed", "m.wat", "--wit", "w.wit", "--text"}, "(module\n"},
           Case{{"component", "new", "m.wat", "--wit", "w.wit", "--text", "-o", "-"},
                "(component\n"},
           Case{{"opt", "m.wat", "--text"}, "(module\n"},
           Case{{"--as", "wasm-tools", "component", "wit", "-t", "w.wit"}, "(component\n"},
           Case{{"--as", "wasm-tools", "strip", "-t", "m.wat"}, "(module\n"},
       }) {
    Outcome outcome = run(each.words);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(outcome.out.starts_with(each.begins)) << outcome.out;
    folder_.write("out.wat", outcome.out);
    EXPECT_EQ(run({"validate", "-q", "out.wat"}).status, 0) << outcome.out;
  }
}

// What must be asked for where it runs need not be to make it.
TEST_F(Tools, WhatNeedsAFeatureIsMadeAndComposed) {
  write("w.wit", "package a:b;\nworld w { export f: async func(); }\n");
  write("m.wat", R"((module (import "[export]$root" "[task-return]f" (func $return))
    (func (export "[async-lift-stackful]f") (call $return))))");
  expect({"component", "embed", "m.wat", "--wit", "w.wit", "-o", "m.wasm"}, 0, "", "");
  expect({"component", "new", "m.wasm", "-o", "c.wasm"}, 0, "",
         "note: to run it takes a feature that is off by default: --features +cm-async-stackful\n");
  EXPECT_EQ(run({"run", "--invoke", "f()", "c.wasm"}).status, 3);
  expect({"run", "--features", "+cm-async-stackful", "--invoke", "f()", "c.wasm"}, 0, "", "");

  write("gives.wat", R"((component (value $a string "hi") (export "a" (value $a))))");
  write("takes.wat", R"((component (import "a" (value $a string)) (export "b" (value $a))))");
  for (const char* name : {"gives", "takes"})
    expect({"parse", "--features", "+cm-values", fmt::format("{}.wat", name)}, 0, "", "");
  expect({"plug", "takes.wasm", "--plug", "gives.wasm", "-o", "both.wasm"}, 0, "", "");
  expect({"run", "--features", "+cm-values", "--invoke", "b", "both.wasm"}, 0, "\"hi\"\n", "");
}

TEST_F(Tools, OptKeepsWhatAModuleDoes) {
  write("m.wat", kWasteful);
  expect({"parse", "m.wat", "-o", "m.wasm"}, 0, "", "");
  EXPECT_EQ(run({"run", "m.wasm"}).status, 7);
  Outcome made = run({"opt", "-Oz", "m.wasm", "-o", "small.wasm", "--tool", "none"});
  EXPECT_EQ(made.status, 0) << made.err;
  EXPECT_TRUE(contains(made.out, "bytes")) << made.out;
  EXPECT_TRUE(contains(made.out, "optimised by sedge\n")) << made.out;
  EXPECT_LT(read(path("small.wasm")).size() + 40, read(path("m.wasm")).size());
  expect({"validate", "small.wasm"}, 0, "small.wasm: valid\n", "");
  EXPECT_EQ(run({"run", "small.wasm"}).status, 7);
  std::string text = run({"print", "small.wasm"}).out;
  EXPECT_FALSE(contains(text, "i32.const 99")) << text;
  EXPECT_TRUE(contains(text, "local.tee")) << text;
  EXPECT_EQ(text.find("i32.mul"), text.rfind("i32.mul")) << text;
  EXPECT_EQ(run({"--as", "wasm-opt", "-Oz", "-o", "same.wasm", "m.wasm"}).status, 0);
  EXPECT_EQ(run({"run", "same.wasm"}).status, 7);
  // Nothing but debug information goes.
  EXPECT_EQ(run({"opt", "--strip-debug", "m.wasm", "-o", "stripped.wasm"}).status, 0);
  EXPECT_TRUE(contains(run({"print", "stripped.wasm"}).out, "i32.const 99"));
}

TEST_F(Tools, OptOfAComponent) {
  write("b.wat", kGives);
  Outcome made = run({"opt", "-Oz", "b.wat", "-o", "small.wasm", "--json", "--tool", "none"});
  ASSERT_EQ(made.status, 0) << made.err;
  auto json = JsonParser::parse(made.out);
  ASSERT_TRUE(json.has_value()) << made.out;
  EXPECT_LE(json->find("after")->find("bytes")->number,
            json->find("before")->find("bytes")->number);
  EXPECT_EQ(json->text_or("tool", ""), "sedge");
  expect({"validate", "small.wasm"}, 0, "small.wasm: valid\n", "");
  EXPECT_EQ(run({"component", "wit", "small.wasm"}).out, run({"component", "wit", "b.wat"}).out);
}

TEST_F(Tools, OptDoesNotTrustItsTool) {
  write("m.wat", kWasteful);
  write("tool",
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = -o ] && printf junk > \"$2\"; shift; "
        "done\n");
  ::chmod(path("tool").c_str(), 0755);
  std::vector<std::string> env{"SEDGE_WASM_OPT=" + path("tool").string(), "NO_COLOR=1"};
  Outcome made = run({"opt", "m.wat", "-o", "out.wasm"}, env);
  EXPECT_EQ(made.status, 0);
  EXPECT_TRUE(contains(made.err, "does not validate, and was thrown away")) << made.err;
  EXPECT_EQ(run({"run", "out.wasm"}).status, 7);
  write("tool", "#!/bin/sh\necho 'no such thing' >&2\nexit 3\n");
  made = run({"opt", "m.wat", "-o", "out.wasm"}, env);
  EXPECT_EQ(made.status, 0);
  EXPECT_TRUE(contains(made.err, "ended with status 3: no such thing")) << made.err;
  EXPECT_EQ(run({"run", "out.wasm"}).status, 7);
}

TEST_F(Tools, OptOfARealGuest) {
  std::string guest = guests_ + "p5_edge_function.wasm";
  if (!std::filesystem::exists(guest)) GTEST_SKIP() << "the shared guests are not there";
  Outcome made = run({"opt", "-Oz", guest, "-o", "small.wasm"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_LT(read(path("small.wasm")).size(), read(guest).size());
  std::string event =
      R"({"request_id":"r","source_ip":"10.0.0.1","path":"/api/cache","method":"GET","headers":{},"body":null,"query_params":{"max_age":"60"}})";
  Outcome before = run({"run", guest}, {"NO_COLOR=1"}, event);
  Outcome after = run({"run", "small.wasm"}, {"NO_COLOR=1"}, event);
  EXPECT_EQ(before.status, 0) << before.err;
  EXPECT_EQ(after.status, before.status) << after.err;
  EXPECT_EQ(after.out.size(), before.out.size());
}

TEST_F(Tools, Bench) {
  write("m.wat", R"((module (memory (export "memory") 1) (func (export "_start"))))");
  expect({"parse", "m.wat", "-o", "m.wasm"}, 0, "", "");
  Outcome made = run(
      {"bench", "m.wasm", "--engine", "sedge interp", "--runs", "2", "--json", "--svg", "m.svg"});
  ASSERT_EQ(made.status, 0) << made.err;
  auto json = JsonParser::parse(made.out);
  ASSERT_TRUE(json.has_value()) << made.out;
  EXPECT_EQ(json->items[0].text_or("file", ""), "m.wasm");
  const Json& engine = json->items[0].find("engines")->items[0];
  EXPECT_EQ(engine.text_or("name", ""), "sedge interp");
  const Json* least = engine.find("cold")->find("min_ns");
  ASSERT_TRUE(least) << made.out << made.err;  // null: it failed
  EXPECT_GT(least->number, 0);
  EXPECT_LE(least->number, engine.find("cold")->find("median_ns")->number);
  EXPECT_TRUE(contains(read(path("m.svg")), "<svg xmlns=")) << read(path("m.svg"));
  // What fails has no figures.
  write("bad.wat", R"((module (func (export "_start") unreachable)))");
  made = run({"bench", "bad.wat", "--engine", "sedge interp", "--runs", "1", "--json"});
  EXPECT_TRUE(contains(made.out, "\"cold\": null")) << made.out;
  expect({"bench"}, 2, "",
         "error: missing argument: PATH (a WASI command, or a folder of them)\n"
         "help: sedge bench PATH, or sedge bench --table\n");
  expect({"bench", "m.wasm", "--engine", "wasmtme"}, 2, "",
         "error: bad argument: `--engine wasmtme`; did you mean `wasmtime`?\n");
}

TEST_F(Tools, BenchTable) {
  Outcome made = run({"bench", "--table", "--engine", "sedge auto", "--runs", "1", "--warm-up", "0",
                      "--markdown"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_TRUE(contains(made.out, "| Dimension | sedge auto |")) << made.out;
  EXPECT_TRUE(contains(made.out, "| WASI 0.1 | yes |")) << made.out;
}

}  // namespace
}  // namespace sedge::test
