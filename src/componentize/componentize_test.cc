// WIT to components and back, modules to components, and what is refused, without the suites.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "component/decode.h"
#include "component/text/text.h"
#include "component/validate.h"
#include "componentize/component_new.h"
#include "componentize/dummy_module.h"
#include "componentize/embed.h"
#include "componentize/package_docs.h"
#include "componentize/wit_decode.h"
#include "wasm/text/text.h"
#include "wit/json.h"
#include "wit/load.h"
#include "wit/print.h"

namespace sedge::componentize {
namespace {

wit::Loaded load(std::string_view text) {
  wit::Gates gates;
  gates.all = true;
  auto loaded = wit::load_text("a.wit", std::string(text), gates);
  if (!loaded) ADD_FAILURE() << loaded.error().render();
  return loaded ? *std::move(loaded) : wit::Loaded();
}

TEST(WitBinary, KeepsEverything) {
  wit::Loaded loaded = load(R"(
/// package docs
package a:b@1.0.0;

/// interface docs
@since(version = 0.9.0)
interface types {
  resource file {
    constructor(path: string);
    read: async func(n: u32) -> result<list<u8>, error>;
    open: static func(p: borrow<file>) -> option<file>;
  }
  /// variant docs
  variant error { none, code(u8), text(string) }
  enum color { red, green }
  flags perms { /// bit docs
    read, write }
  record all { a: bool, b: tuple<s8, f64>, c: list<u16, 4>, d: map<string, color>, e: perms }
  type s = stream<u8>;
  type f = future<all>;
  type handle = own<file>;
  type other = all;
  @unstable(feature = new)
  g: func(x: error-context, y: char) -> result;
}
interface user {
  use types.{file, all as everything};
  use other:pkg/base.{thing};
  h: func(f: file, t: thing) -> everything;
}
world w {
  import user;
  import cache: user;
  import inner: interface { use types.{color}; k: func(c: color); }
  use types.{color};
  record local { c: color }
  resource mine { m: func(); }
  import log: func(text: string) -> local;
  export user;
  export run: async func() -> mine;
}
package other:pkg {
  interface base { type thing = u32; }
}
)");
  std::vector<uint8_t> binary = encode_package(loaded.resolve, loaded.root);
  auto component = component::decode(Bytes(binary), nullptr);
  ASSERT_TRUE(component) << component.error().render();
  EXPECT_TRUE(is_wit_package(*component));
  auto decoded = decode_wit(*component);
  ASSERT_TRUE(decoded) << decoded.error().render();
  EXPECT_EQ(wit::print_package(decoded->resolve, decoded->root),
            wit::print_package(loaded.resolve, loaded.root));
  EXPECT_EQ(encode_package(decoded->resolve, decoded->root), binary);
}

TEST(WitBinary, DamagedDocsAreLeftOut) {
  wit::Loaded loaded = load("package a:b;\ninterface i { f: func(); }\n");
  std::string before = wit::print_package(loaded.resolve, loaded.root);
  for (std::string_view content :
       {std::string_view(""), std::string_view("\x01{"), std::string_view("\x07{\"docs\":\"x\"}"),
        std::string_view("\x01[]"),
        std::string_view("\x01{\"interfaces\":{\"j\":{\"docs\":\"x\"}}}"),
        std::string_view("\x01{\"interfaces\":{\"i\":{\"funcs\":{\"f\":{\"docs\":3}}}}}")}) {
    read_package_docs(loaded.resolve, loaded.root, content);
    EXPECT_EQ(wit::print_package(loaded.resolve, loaded.root), before) << content;
  }
  read_package_docs(loaded.resolve, loaded.root, "\x01{\"docs\":\"hello\"}");
  EXPECT_EQ(wit::print_package(loaded.resolve, loaded.root), "/// hello\n" + before);
}

std::string decode_message(std::string_view text) {
  auto component = component::parse_component(text);
  if (!component) return component.error().render();
  auto decoded = decode_wit(*component);
  return decoded ? wit::print_package(decoded->resolve, decoded->root) : decoded.error().render();
}

TEST(WitBinary, RefusesWhatHasNoForm) {
  EXPECT_EQ(decode_message("(component (type (export \"a\") (component)))"),
            "invalid WIT in binary form: `a` does not have one export");
  EXPECT_EQ(decode_message("(component (import \"a\" (component)))"),
            "invalid WIT in binary form: `a` is no function, instance or type");
  EXPECT_EQ(
      decode_message("(component (import \"f\" (func (param \"x\" (record (field \"a\" u8))))))"),
      "invalid WIT in binary form: a record, variant, enum, flags or resource type has no name");
}

TEST(WitBinary, ShowsTheWorldOfAComponent) {
  EXPECT_EQ(decode_message("(component (import \"f\" (func (param \"x\" (list u8)))))"),
            "package root:component;\n\nworld root {\n  import f: func(x: list<u8>);\n}\n");
}

// Each component holds two instances of the one before: the walk is bounded, not the nesting.
TEST(WitBinary, ExponentialComponentsAreRefused) {
  std::string text = "(component (component $c0 (import \"f\" (func)) (export \"g\" (func 0)))";
  for (int i = 1; i < 40; ++i)
    text += "(component $c" + std::to_string(i) + " (import \"f\" (func $f))" +
            "(instance $a (instantiate $c" + std::to_string(i - 1) + " (with \"f\" (func $f))))" +
            "(instance $b (instantiate $c" + std::to_string(i - 1) + " (with \"f\" (func $f))))" +
            "(export \"g\" (func $a \"g\")))";
  text +=
      "(import \"f\" (func $f)) (instance $i (instantiate $c39 (with \"f\" (func $f))))"
      "(export \"g\" (func $i \"g\")))";
  EXPECT_EQ(decode_message(text),
            "implementation limit exceeded: the types of the component are too large to list");
}

TEST(WitBinary, KeepsExternalIds) {
  constexpr std::string_view kText =
      "package a:b;\n\ninterface i {\n  @external-id(\"a type\")\n  type t = u32;\n\n"
      "  @external-id(\"a resource\")\n  resource r {\n    @external-id(\"a method\")\n"
      "    m: func();\n  }\n\n  @external-id(\"a function\")\n  f: func() -> t;\n}\n\n"
      "world w {\n  @external-id(\"an interface\")\n  import i;\n"
      "  @external-id(\"a use\")\n  use i.{t};\n\n"
      "  @external-id(\"a type of a world\")\n  type u = t;\n"
      "  @external-id(\"a function of a world\")\n  import g: func() -> u;\n}\n";
  wit::Loaded loaded = load(kText);
  EXPECT_EQ(wit::print_package(loaded.resolve, loaded.root), kText);
  std::vector<uint8_t> binary = encode_package(loaded.resolve, loaded.root);
  auto decoded = decode_wit(Bytes(binary));
  ASSERT_TRUE(decoded) << decoded.error().render();
  EXPECT_EQ(wit::print_package(decoded->resolve, decoded->root), kText);
}

// What compositions export besides functions and instances.
TEST(WitDecode, TypesThatAComponentExports) {
  auto shown = [](std::string_view text) {
    auto binary = component::assemble(text);
    if (!binary) return binary.error().render();
    auto component = component::decode(Bytes(*binary), nullptr);
    if (!component) return component.error().render();
    auto decoded = decode_wit(*component);
    if (!decoded) return decoded.error().render();
    return wit::print_package(decoded->resolve, decoded->root);
  };
  EXPECT_EQ(shown("(component (type $a (enum \"x\" \"y\")) (export $b \"b\" (type $a))"
                  " (type $f (func (param \"p\" $b))) (export \"f\" (type $f))"
                  " (type $i (instance (export \"g\" (func)))) (export \"i\" (type $i))"
                  " (import \"h\" (func $h)) (export \"k\" (func $h)))"),
            "package root:component;\n\nworld root {\n  enum b {\n    x,\n    y,\n  }\n"
            "  import h: func();\n\n  export k: func();\n}\n");
  // Types alone make no package of WIT: those are types of components.
  EXPECT_EQ(shown("(component (type $a u8) (export \"b\" (type $a)))"),
            "package root:component;\n\nworld root {\n  type b = u8;\n}\n");
}

struct Made {
  std::string world;  ///< WIT of the component, or the error
  bool valid = false;
};

Made make(std::string_view wit, std::string_view wat, std::string_view adapter_wit = {},
          std::string_view adapter_wat = {}) {
  auto embedded = [](std::string_view wit_text, std::string_view wat_text) {
    wit::Loaded loaded = load(wit_text);
    auto module = wasm::assemble(wat_text);
    if (!module) ADD_FAILURE() << module.error().render();
    auto world = select_world(loaded.resolve, loaded.root, "");
    if (!world) ADD_FAILURE() << world.error().render();
    return *embed(loaded.resolve, *world, Bytes(*module), StringEncoding::utf8);
  };
  std::vector<uint8_t> module = embedded(wit, wat);
  std::vector<uint8_t> adapter;
  std::vector<Adapter> adapters;
  if (!adapter_wat.empty()) {
    adapter = embedded(adapter_wit, adapter_wat);
    adapters.push_back({"old", Bytes(adapter)});
  }
  auto made = component_new(Bytes(module), adapters);
  if (!made) return {made.error().render(), false};
  auto component = component::decode(Bytes(*made), nullptr);
  if (!component) return {component.error().render(), false};
  auto valid = component::validate(*component, Features::all(), wasm::TypeRegistry::create());
  if (!valid) return {valid.error().render(), false};
  auto decoded = decode_wit(*component);
  if (!decoded) return {decoded.error().render(), true};
  return {wit::print_package(decoded->resolve, decoded->root), true};
}

constexpr std::string_view kWit =
    "package a:b;\n"
    "interface host { resource r { constructor(); m: func(s: string) -> list<u8>; } unused: "
    "func(); }\n"
    "interface api { use host.{r}; record rec { a: u32, s: string } f: func(x: rec) -> "
    "option<rec>;\n"
    "  resource mine { constructor(); get: func() -> u32; } }\n"
    "world w { import host; import idle: func(); export api; export run: func() -> string; }\n";
constexpr std::string_view kWat = R"((module
  (import "a:b/host" "[constructor]r" (func (result i32)))
  (import "a:b/host" "[method]r.m" (func (param i32 i32 i32 i32)))
  (import "a:b/host" "[resource-drop]r" (func (param i32)))
  (import "[export]a:b/api" "[resource-new]mine" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "a:b/api#f") (param i32 i32 i32) (result i32) unreachable)
  (func (export "a:b/api#[constructor]mine") (result i32) unreachable)
  (func (export "a:b/api#[method]mine.get") (param i32) (result i32) unreachable)
  (func (export "a:b/api#[dtor]mine") (param i32))
  (func (export "run") (result i32) unreachable)
  (func (export "cabi_post_run") (param i32))
  (func (export "_initialize"))))";

TEST(ComponentNew, ImportsWhatIsUsedAndExportsTheWorld) {
  Made made = make(kWit, kWat);
  EXPECT_TRUE(made.valid);
  EXPECT_EQ(made.world,
            "package root:component;\n\nworld root {\n  import a:b/host;\n\n"
            "  export run: func() -> string;\n  export a:b/api;\n}\n");
}

TEST(ComponentNew, StandardNames) {
  constexpr std::string_view kStandardWit =
      "package a:b@0.2.1;\n"
      "interface api { resource r { constructor(s: string); } f: func(x: r) -> string; }\n"
      "world w { import api; import g: func(); export api; export h: func() -> string; }\n";
  auto module = [](std::string_view interface, std::string_view suffix) {
    return fmt::format(R"((module
      (import "cm32p2" "g" (func))
      (import "cm32p2|{0}" "[constructor]r" (func (param i32 i32) (result i32)))
      (import "cm32p2|{0}" "f" (func (param i32 i32)))
      (import "cm32p2|{0}" "r_drop" (func (param i32)))
      (import "cm32p2|_ex_{0}" "r_drop" (func (param i32)))
      (import "cm32p2|_ex_{0}" "r_{1}" (func (param i32) (result i32)))
      (memory (export "cm32p2_memory") 1)
      (func (export "cm32p2|{0}|[constructor]r") (param i32 i32) (result i32) unreachable)
      (func (export "cm32p2|{0}|f") (param i32) (result i32) unreachable)
      (func (export "cm32p2|{0}|r_dtor") (param i32))
      (func (export "cm32p2||h") (result i32) unreachable)
      (func (export "cm32p2||h_post") (param i32))
      (func (export "cm32p2_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "cm32p2_initialize"))))",
                       interface, suffix);
  };
  Made made = make(kStandardWit, module("a:b/api@0.2", "new"));
  EXPECT_TRUE(made.valid);
  EXPECT_EQ(made.world,
            "package root:component;\n\nworld root {\n  import a:b/api@0.2.1;\n"
            "  import g: func();\n\n"
            "  export h: func() -> string;\n  export a:b/api@0.2.1;\n}\n");
  EXPECT_TRUE(make(kStandardWit, module("a:b/api@0.2", "rep")).valid);
  EXPECT_TRUE(make(kStandardWit, module("a:b/api@0.3", "new"))
                  .world.contains("of `cm32p2|a:b/api@0.3`, which world `w` does not have"));
  EXPECT_TRUE(make(kStandardWit, module("a:b/api@0.2", "old"))
                  .world.contains("imports `r_old` of `cm32p2|_ex_a:b/api@0.2`, which world"));
}

TEST(ComponentNew, DummyModules) {
  constexpr std::string_view kWorld =
      "package a:b@1.2.0;\n\ninterface i {\n  resource r {\n    constructor(s: string);\n"
      "    m: func(n: u64) -> list<u8>;\n  }\n\n"
      "  f: func(a: tuple<u8, f64>) -> result<u32, string>;\n}\n\n"
      "world w {\n  import i;\n  import g: func(s: stream<u8>);\n\n"
      "  export run: async func() -> string;\n  export i;\n}\n";
  wit::Loaded loaded = load(kWorld);
  auto world = select_world(loaded.resolve, loaded.root, "");
  ASSERT_TRUE(world);
  auto module = dummy_module(loaded.resolve, *world);
  ASSERT_TRUE(module) << module.error().render();
  auto whole = embed(loaded.resolve, *world, Bytes(*module), StringEncoding::utf8);
  ASSERT_TRUE(whole);
  auto made = component_new(Bytes(*whole), {});
  ASSERT_TRUE(made) << made.error().render();
  auto component = component::decode(Bytes(*made), nullptr);
  ASSERT_TRUE(component) << component.error().render();
  EXPECT_TRUE(component::validate(*component, Features::all(), wasm::TypeRegistry::create()));
  auto decoded = decode_wit(*component);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(wit::print_package(decoded->resolve, decoded->root),
            "package root:component;\n\nworld root {\n  import a:b/i@1.2.0;\n"
            "  import g: func(s: stream<u8>);\n\n"
            "  export run: async func() -> string;\n  export a:b/i@1.2.0;\n}\n");
}

TEST(ComponentNew, AdaptersProvideImports) {
  Made made = make("package a:b;\nworld w { export go: func(); }\n",
                   "(module (import \"old\" \"f\" (func (param i32)))"
                   "  (memory (export \"memory\") 1) (func (export \"go\")))",
                   "package a:b;\ninterface used { f: func(s: string); }\n"
                   "interface dead { g: func(s: string); }\n"
                   "world adapter { import used; import dead; }\n",
                   "(module (import \"env\" \"memory\" (memory 0))"
                   "  (import \"a:b/used\" \"f\" (func $f (param i32 i32)))"
                   "  (import \"a:b/dead\" \"g\" (func $g (param i32 i32)))"
                   "  (global $__stack_pointer (mut i32) (i32.const 0))"
                   "  (func (export \"f\") (param i32) (call $f (local.get 0) (i32.const 1)))"
                   "  (func (export \"h\") (call $g (i32.const 0) (i32.const 1))))");
  EXPECT_TRUE(made.valid);
  EXPECT_EQ(made.world,
            "package root:component;\n\nworld root {\n  import a:b/used;\n\n"
            "  export go: func();\n}\n");
}

TEST(ComponentNew, SaysWhatDoesNotFit) {
  std::string_view wit =
      "package a:b;\nworld w { import g: func(x: u32); export f: func() -> u32; }\n";
  constexpr std::string_view kUnknown =
      "\nhelp: add it to the world, or give an adapter that provides it: --adapt";
  EXPECT_EQ(make(wit, "(module)").world,
            "cannot make a component: the module does not export `f`, which world `w` has");
  EXPECT_EQ(make(wit, "(module (func (export \"f\")))").world,
            "cannot make a component: the module exports `f` as [] -> []; the world makes it "
            "[] -> [i32]");
  EXPECT_EQ(make(wit, "(module (import \"$root\" \"g\" (func (param i64))))").world,
            "cannot make a component: the module imports `g` of `$root` as [i64] -> []; the world "
            "makes it [i32] -> []");
  EXPECT_EQ(
      make(wit, "(module (import \"x\" \"g\" (func)))").world,
      "cannot make a component: the module imports `g` of `x`, which world `w` does not have" +
          std::string(kUnknown));
  EXPECT_EQ(make(wit, "(module (import \"x\" \"t\" (table 1 funcref)))").world,
            "cannot make a component: the module imports `t` of `x`, a table; only functions and "
            "the memory can come from outside");
  EXPECT_EQ(make("package a:b;\nworld w { export f: func() -> string; }\n",
                 "(module (func (export \"f\") (result i32) unreachable))")
                .world,
            "cannot make a component: the module exports no memory called `memory`, which lists, "
            "strings and large values need");
  std::vector<uint8_t> plain = *wasm::assemble("(module)");
  auto made = component_new(Bytes(plain), {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().render(),
            "cannot make a component: the module says no world: it has no custom section "
            "`component-type`\nhelp: name its WIT: `sedge component new --wit PATH FILE`");
}

TEST(ComponentNew, TakesPlainNamesWhereToldTo) {
  wit::Loaded loaded = load(
      "package a:b;\ninterface i { two-words: func(a: f64) -> f64; half: func(x: f64) -> "
      "result<f64>; }\nworld w { export i; }\n");
  auto made = [&](std::string_view half_type) {
    std::vector<uint8_t> module = *wasm::assemble(
        fmt::format("(module (memory (export \"memory\") 1)"
                    "  (func (export \"two_words\") (param f64) (result f64) (local.get 0))"
                    "  (func (export \"half\") (param f64) (result {}) unreachable))",
                    half_type));
    return *embed(loaded.resolve, *select_world(loaded.resolve, loaded.root, ""), Bytes(module),
                  StringEncoding::utf8);
  };
  EXPECT_TRUE(component_new(Bytes(made("i32")), {}, true));
  auto strict = component_new(Bytes(made("i32")), {});
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().render(),
            "cannot make a component: the module does not export `a:b/i#two-words`, which world "
            "`w` has");
  auto other_type = component_new(Bytes(made("i64")), {}, true);
  ASSERT_FALSE(other_type);
  EXPECT_EQ(other_type.error().render(),
            "cannot make a component: the module exports `half` as [f64] -> [i64]; the world makes "
            "it [f64] -> [i32]");
}

TEST(ComponentNew, DamagedModulesAreRefused) {
  wit::Loaded loaded = load(kWit);
  std::vector<uint8_t> module =
      *embed(loaded.resolve, 0, Bytes(*wasm::assemble(kWat)), StringEncoding::utf8);
  size_t made = 0;
  for (size_t at = 0; at < module.size(); ++at) {
    std::vector<uint8_t> damaged = module;
    damaged[at] ^= 0x41;
    auto result = component_new(Bytes(damaged), {});
    made += result.has_value();
    if (!result) EXPECT_FALSE(result.error().message().empty());
    damaged.resize(at);
    (void)component_new(Bytes(damaged), {});
  }
  EXPECT_LT(made, module.size());
}

TEST(Embed, WorldsAreChosenByName) {
  wit::Loaded loaded = load("package a:b;\nworld one {}\nworld two {}\n");
  auto none = select_world(loaded.resolve, loaded.root, "");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().render(),
            "bad argument: package `a:b` has 2 worlds\nhelp: name one with --world: `one`, `two`");
  EXPECT_EQ(*select_world(loaded.resolve, loaded.root, "two"), 1u);
  EXPECT_EQ(*select_world(loaded.resolve, loaded.root, "a:b/two"), 1u);
  auto unknown = select_world(loaded.resolve, loaded.root, "three");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().render(),
            "bad argument: there is no world `three` in package `a:b`; it has `one`, `two`");
}

}  // namespace
}  // namespace sedge::componentize
