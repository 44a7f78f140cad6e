// Decoder, encoder, text, validator and calls together, on components small enough to read.
#include <sedge/component.h>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "component/decode.h"
#include "component/encode.h"
#include "component/names.h"
#include "component/text/text.h"

namespace sedge::component {
namespace {

Engine engine_with(std::string_view features) {
  Config config;
  config.features = Features::parse(features).value();
  return Engine::create(config).value();
}

std::string refusal(std::string_view text, std::string_view features = "all") {
  auto component = sedge::Component::from_text(engine_with(features), text);
  return component ? "valid" : component.error().message();
}

TEST(ComponentText, BinaryAndBackIsStable) {
  constexpr std::string_view kText = R"((component $c
    (import "ns:pkg/api@1.2.3" (instance $api
      (export "r" (type $r (sub resource)))
      (export "[method]r.get" (func (param "self" (borrow $r)) (result (list string))))))
    (core module $m
      (memory (export "mem") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
      (func (export "run") (param i32 i32)))
    (core instance $i (instantiate $m))
    (type $shape (variant (case "circle" f64) (case "none")))
    (export $shape' "shape" (type $shape))
    (func (export "run") (param "s" (list $shape'))
      (canon lift (core func $i "run") (memory (core memory $i "mem"))
        (realloc (core func $i "realloc"))))))";
  std::vector<uint8_t> binary = assemble(kText).value();
  Component decoded = decode(binary, nullptr).value();
  EXPECT_EQ(encode(decoded), binary);
  std::string printed = print_component(decoded);
  EXPECT_EQ(assemble(printed).value(), binary) << printed;
  EXPECT_EQ(decoded.names.component, "c");
  EXPECT_EQ(refusal(kText), "valid");
}

TEST(ComponentText, WhatStandsInsideKeepsBothOfItsNames) {
  constexpr std::string_view kText = R"((component
    (component $a (@name "own"))
    (component $own)
    (component (@name "own"))
    (component (@name ""))
    (component)
    (core module $m (@name "mine"))
    (core module $mine)
    (core module $n (@name ""))
    (core module (@name "mine"))))";
  std::vector<uint8_t> binary = assemble(kText).value();
  Component decoded = decode(binary, nullptr).value();
  EXPECT_EQ(encode(decoded), binary);
  EXPECT_EQ(binary, assemble(print_component(decoded)).value());
  EXPECT_EQ(decoded.names.of(Sort::component).find(0)->second, "a");
  EXPECT_EQ(std::get<std::unique_ptr<Component>>(decoded.definitions[0].node)->names.component,
            "own");
  EXPECT_FALSE(decoded.names.of(Sort::component).contains(2));
  EXPECT_EQ(decoded.names.of(Sort::core_module).find(0)->second, "m");

  // Names need not be unique, as ids must: the second becomes another, and stays it.
  decoded.names.of(Sort::component).find(1)->second = "a";
  decoded.names.of(Sort::core_module).find(1)->second = "m";
  const std::string first = print_component(decoded);
  EXPECT_TRUE(first.contains("(component $a.1 (@name \"own\")")) << first;
  EXPECT_TRUE(first.contains("(core module $m.1 (@name \"mine\")")) << first;
  binary = assemble(first).value();
  EXPECT_EQ(assemble(print_component(decode(binary, nullptr).value())).value(), binary);
}

TEST(ComponentDecode, WhatIsNoComponentIsRefusedWithItsPlace) {
  struct Row {
    std::string_view bytes, message;
    uint64_t offset;
  };
  using namespace std::string_view_literals;
  const Row rows[] = {
      {"\0asm"sv, "unexpected end-of-file", 4},
      {"\0asm\1\0\0\0"sv,
       "malformed component: expected a version header for a component, found that of a core "
       "module",
       4},
      {"\0asm\x0c\0\1\0"sv, "unknown binary version 0xc, layer 1", 4},
      {"\0asm\x0d\0\1\0\x0d\0"sv, "malformed section id 13", 8},
      {"\0asm\x0d\0\1\0\7\2\1\x62"sv, "invalid leading byte (0x62) for component defined type", 11},
      {"\0asm\x0d\0\1\0\7\2\2\x73"sv, "unexpected end-of-file", 12},
  };
  for (const Row& row : rows) {
    Bytes bytes(reinterpret_cast<const uint8_t*>(row.bytes.data()), row.bytes.size());
    auto decoded = decode(bytes, nullptr);
    ASSERT_FALSE(decoded) << row.message;
    EXPECT_EQ(decoded.error().message(), row.message);
    EXPECT_EQ(decoded.error().location().offset, row.offset) << row.message;
  }
}

TEST(ComponentValidate, TypesOfAnInstanceHaveTheNamesOfItsArguments) {
  constexpr std::string_view kInner = R"((component
    (import "a" (instance $a (export "r" (type (sub resource)))))
    {}
    (component $inner
      (import "a" (instance $a (export "r" (type (sub resource)))))
      (alias export $a "r" (type $r))
      (core module $m (func (export "f") (param i32)))
      (core instance $c (instantiate $m))
      (func $f (param "x" (own $r)) (canon lift (core func $c "f")))
      (export "g" (func $f)))
    (instance $x (instantiate $inner (with "a" (instance ${}))))
    (alias export $x "g" (func $g))
    (export "g" (func $g))))";
  EXPECT_EQ(refusal(fmt::format(kInner, "", "a")), "valid");
  // A resource that has no name outside stays without one.
  EXPECT_EQ(refusal(fmt::format(kInner,
                                "(type $own (resource (rep i32))) "
                                "(instance $own (export \"r\" (type $own)))",
                                "own")),
            "type not valid to be used: func not valid to be used as export: `g` refers to a type "
            "that is not named there");
}

TEST(ComponentDecode, NestingIsBounded) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "(component ";
  text += std::string(200, ')');
  EXPECT_EQ(refusal(text), "nesting too deep: more than 100 components and types");
}

TEST(ComponentValidate, SaysWhatIsWrong) {
  struct Row {
    std::string_view text, message;
  };
  const Row rows[] = {
      {R"((component (type (list 7))))", "unknown type 7: type index out of bounds"},
      {R"((component (type (record))))",
       "invalid component: record type must have at least one field"},
      {R"((component (type (flags "a" "A"))))",
       "duplicate name: flag name `A` conflicts with previous flag name `a`"},
      {R"((component (import "aBc" (func))))",
       "invalid name: `aBc` is not a valid extern name: `aBc` is not in kebab case"},
      {R"((component (type $t u8) (import "f" (func (type $t)))))",
       "wrong kind: type index 0 is not a function type"},
      {R"((component (type $r (resource (rep i32))) (import "f" (func (result (own $r))))))",
       "type not valid to be used: func not valid to be used as import: `f` refers to a type that "
       "is not named there"},
      {R"((component (type (list u8 3))))",
       "feature not enabled: cm-fixed-length-lists (a list of fixed length)"},
      {R"((component
           (component $c (import "f" (func (param "a" f64))))
           (import "g" (func $g (param "a" s32)))
           (instance (instantiate $c (with "f" (func $g))))))",
       "type mismatch for import `f`: type mismatch in function parameter `a`: expected primitive "
       "`f64` found primitive `s32`"},
  };
  for (const Row& row : rows) EXPECT_EQ(refusal(row.text), row.message);
}

TEST(ComponentValidate, CoreInstancesExportCoreSorts) {
  for (const char* sort : {"func", "value", "type", "component", "instance"})
    EXPECT_TRUE(
        refusal(fmt::format(R"((component (core module $m (global (export "g") i32 (i32.const 0)))
                  (core instance $i (instantiate $m)) (alias core export $i "g" ({}))))",
                            sort))
            .ends_with(fmt::format(": a core instance has no export of the sort {}", sort)));
}

TEST(ComponentNames, Versions) {
  for (const char* version : {"1.2.3", "0.0.0", "1.2.3-rc.1+build.5"})
    EXPECT_TRUE(check_semver(version)) << version;
  for (const char* version : {"", "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3x"})
    EXPECT_FALSE(check_semver(version)) << version;
  EXPECT_TRUE(is_canonical_version("0.2"));
  EXPECT_FALSE(is_canonical_version("0.2.0"));
}

ComponentVal string_value(std::string text) {
  ComponentVal out;
  out.kind = ComponentVal::Kind::string;
  out.text = std::move(text);
  return out;
}

TEST(ComponentCall, StringsCrossBothWays) {
  // The guest gives back what it got, through a host function that the component imports.
  constexpr std::string_view kText = R"((component
    (import "shout" (func $shout (param "s" string) (result string)))
    (core module $libc
      (memory (export "mem") 1)
      (global $next (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $next))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at)))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "mem" (core memory $mem))
    (alias core export $libc "realloc" (core func $realloc))
    (core func $shout' (canon lower (func $shout) (memory $mem) (realloc $realloc)))
    (core module $m
      (import "" "shout" (func $shout (param i32 i32 i32)))
      (func (export "run") (param i32 i32) (result i32)
        (call $shout (local.get 0) (local.get 1) (i32.const 16))
        (i32.const 16)))
    (core instance $i (instantiate $m (with "" (instance (export "shout" (func $shout'))))))
    (func (export "run") (param "s" string) (result string)
      (canon lift (core func $i "run") (memory $mem) (realloc $realloc)))))";
  Engine engine = engine_with("all");
  auto component = sedge::Component::from_text(engine, kText);
  ASSERT_TRUE(component) << component.error().render();
  ComponentLinker linker;
  linker.func("shout",
              [](Store&, std::span<const ComponentVal> args) -> Result<std::vector<ComponentVal>> {
                return std::vector<ComponentVal>{string_value(args[0].text + "!")};
              });
  Store store(engine);
  auto instance = linker.instantiate(store, *component);
  ASSERT_TRUE(instance) << instance.error().render();
  auto run = instance->get_func("run");
  ASSERT_TRUE(run);
  auto results = run->call(store, std::vector{string_value("grüße")});
  ASSERT_TRUE(results) << results.error().render();
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ(to_string((*results)[0]), "\"grüße!\"");
  auto wrong = run->call(store, {});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(), "bad argument: 0 arguments, the function takes 1");
}

TEST(ComponentCall, LyingPointersTrap) {
  constexpr std::string_view kText = R"((component
    (core module $m
      (memory (export "mem") 1)
      (func (export "f") (result i32)
        (i32.store (i32.const 0) (i32.const 65000))
        (i32.store (i32.const 4) (i32.const 4000))
        (i32.const 0)))
    (core instance $i (instantiate $m))
    (func (export "f") (result (list u8))
      (canon lift (core func $i "f") (memory (core memory $i "mem"))))))";
  Engine engine = engine_with("all");
  auto component = sedge::Component::from_text(engine, kText);
  ASSERT_TRUE(component) << component.error().render();
  Store store(engine);
  auto instance = ComponentLinker().instantiate(store, *component);
  ASSERT_TRUE(instance) << instance.error().render();
  auto result = instance->get_func("f")->call(store, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "wasm trap: list content out-of-bounds");
  // What trapped cannot be entered again.
  result = instance->get_func("f")->call(store, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(), "wasm trap: cannot enter component instance");
}

TEST(ComponentLinker, MissingImportsAreNamed) {
  Engine engine = engine_with("all");
  auto component = sedge::Component::from_text(engine, R"((component (import "f" (func))))");
  ASSERT_TRUE(component) << component.error().render();
  Store store(engine);
  auto instance = ComponentLinker().instantiate(store, *component);
  ASSERT_FALSE(instance);
  EXPECT_EQ(instance.error().message(), "unknown import \"f\"");
}

}  // namespace
}  // namespace sedge::component
