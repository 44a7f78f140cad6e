// Interfaces of the host: resources with their table, types held against imports, versions, and
// values in WAVE notation.
#include <sedge/host.h>

#include <gtest/gtest.h>

#include "component/component_impl.h"
#include "component/wave.h"

namespace sedge::host {
namespace {

/// As bindgen would write it for `resource counter { next: func() -> u32; }` of test:h/counters.
struct Counter : Resource {
  static const HostResourceType kType;
  explicit Counter(int& alive, uint32_t first) : alive_(alive), value_(first) { ++alive_; }
  ~Counter() override { --alive_; }
  Result<uint32_t> next(Store&) { return value_++; }

 private:
  int& alive_;
  uint32_t value_;
};
const HostResourceType Counter::kType{"counter", drop_resource};

struct Counters {
  int alive = 0;
  std::string log;
  Result<std::unique_ptr<Counter>> make_counter(Store&, uint32_t first) {
    return std::make_unique<Counter>(alive, first);
  }
  Result<Outcome<uint32_t, std::string>> note(Store&, Bytes text) {
    log += text.data;
    if (text.data.size() > 4) return err(std::string("long"));
    return static_cast<uint32_t>(text.data.size());
  }
};

constexpr std::string_view kNoteType = "func(text: list<u8>) -> result<u32, string>";

void add_counters(ComponentLinker& linker, std::string_view interface, Counters& counters,
                  std::string_view note_type = kNoteType) {
  const Function functions[] = {
      {"[constructor]counter", "func(first: u32) -> own",
       Method<&Counters::make_counter>::of_interface},
      {"[method]counter.next", "func(self: borrow) -> u32", Method<&Counter::next>::of_resource},
      {"note", note_type, Method<&Counters::note>::of_interface}};
  static constexpr ResourceName kResources[] = {{"counter", &Counter::kType}};
  add_to_linker(linker, interface, functions, kResources,
                [&counters](Store&) -> void* { return &counters; });
}

/// Exports run(drops: bool) -> u32: makes a counter from 7, asks it twice, and may drop it;
/// say() -> u32: notes 3 bytes of memory.
constexpr std::string_view kGuest = R"((component
  (import "test:h/counters@1.2.0" (instance $h
    (export "counter" (type $c (sub resource)))
    (export "[constructor]counter" (func (param "first" u32) (result (own $c))))
    (export "[method]counter.next" (func (param "self" (borrow $c)) (result u32)))
    (export "note" (func (param "text" (list u8)) (result (result u32 (error string)))))))
  (alias export $h "counter" (type $c))
  (core module $libc
    (memory (export "mem") 1)
    (data (i32.const 64) "abc")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 512)))
  (core instance $l (instantiate $libc))
  (core func $make (canon lower (func $h "[constructor]counter")))
  (core func $next (canon lower (func $h "[method]counter.next")))
  (core func $note (canon lower (func $h "note") (memory (core memory $l "mem"))
    (realloc (core func $l "realloc"))))
  (core func $drop (canon resource.drop $c))
  (core module $m
    (import "l" "mem" (memory 1))
    (import "h" "make" (func $make (param i32) (result i32)))
    (import "h" "next" (func $next (param i32) (result i32)))
    (import "h" "note" (func $note (param i32 i32 i32)))
    (import "h" "drop" (func $drop (param i32)))
    (func (export "run") (param i32) (result i32) (local i32)
      (local.set 1 (call $make (i32.const 7)))
      (drop (call $next (local.get 1)))
      (call $next (local.get 1))
      (if (local.get 0) (then (call $drop (local.get 1)))))
    (func (export "again") (param i32) (result i32) (call $next (local.get 0)))
    (func (export "say") (param i32) (result i32)
      (call $note (i32.const 64) (local.get 0) (i32.const 0))
      (i32.load (i32.const 4))))
  (core instance $i (instantiate $m (with "l" (instance $l)) (with "h" (instance
    (export "make" (func $make)) (export "next" (func $next)) (export "note" (func $note))
    (export "drop" (func $drop))))))
  (func (export "run") (param "drops" bool) (result u32) (canon lift (core func $i "run")))
  (func (export "again") (param "handle" u32) (result u32) (canon lift (core func $i "again")))
  (func (export "say") (param "size" u32) (result u32) (canon lift (core func $i "say")))))";

class HostInterfaces : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Component::from_text(engine_, kGuest);
    ASSERT_TRUE(made) << made.error().render();
    guest_.emplace(*std::move(made));
  }
  Result<std::string> call(const ComponentInstance& instance, const char* name,
                           std::string_view arguments) {
    auto function = instance.get_func(name);
    SEDGE_TRY_ASSIGN(auto values, component::parse_wave_arguments(*function, arguments));
    SEDGE_TRY_ASSIGN(auto results, function->call(store_, values));
    return to_string(results.at(0));
  }

  Engine engine_ = Engine::create().value();
  Store store_{engine_};
  Counters counters_;
  std::optional<Component> guest_;
};

TEST_F(HostInterfaces, ResourcesLiveAsLongAsTheirHandles) {
  ComponentLinker linker;
  add_counters(linker, "test:h/counters@1.2.0", counters_);
  auto instance = linker.instantiate(store_, *guest_);
  ASSERT_TRUE(instance) << instance.error().render();
  EXPECT_EQ(call(*instance, "run", "(true)").value(), "8");
  EXPECT_EQ(counters_.alive, 0);
  EXPECT_EQ(call(*instance, "run", "(false)").value(), "8");
  EXPECT_EQ(counters_.alive, 1);
  EXPECT_EQ(call(*instance, "again", "(1)").value(), "9");
  auto guessed = call(*instance, "again", "(2)");
  ASSERT_FALSE(guessed);
  EXPECT_EQ(guessed.error().message(), "wasm trap: unknown handle index 2");
}

TEST_F(HostInterfaces, BytesAndResultsPass) {
  ComponentLinker linker;
  add_counters(linker, "test:h/counters@1.2.0", counters_);
  auto instance = linker.instantiate(store_, *guest_);
  ASSERT_TRUE(instance) << instance.error().render();
  EXPECT_EQ(call(*instance, "say", "(3)").value(), "3");
  EXPECT_EQ(counters_.log, "abc");
  EXPECT_EQ(call(*instance, "say", "(9)").value(), "512");  // the error's address
}

TEST_F(HostInterfaces, NewerCompatibleVersionsStandIn) {
  struct Row {
    const char* offered;
    bool fits;
  };
  for (Row row : {Row{"test:h/counters@1.9.3", true}, Row{"test:h/counters@1.2.0", true},
                  Row{"test:h/counters@2.0.0", false}, Row{"test:h/counters@1.9.0-rc.1", false},
                  Row{"test:h/counters", false}}) {
    ComponentLinker linker;
    add_counters(linker, row.offered, counters_);
    EXPECT_EQ(linker.has("test:h/counters@1.2.0"), row.fits) << row.offered;
    Store store(engine_);
    EXPECT_EQ(linker.instantiate(store, *guest_).has_value(), row.fits) << row.offered;
  }
}

TEST_F(HostInterfaces, AnotherTypeIsRefusedWithBoth) {
  ComponentLinker linker;
  add_counters(linker, "test:h/counters@1.2.0", counters_, "func(text: string) -> u8");
  auto instance = linker.instantiate(store_, *guest_);
  ASSERT_FALSE(instance);
  EXPECT_EQ(instance.error().message(),
            "incompatible import type for \"note\": the component asks for func(text: list<u8>) -> "
            "result<u32, string>, the host has func(text: string) -> u8");
}

TEST(ResourceTable, UsedUpRepresentationsFindNothing) {
  Engine engine = Engine::create().value();
  Store store(engine);
  ResourceTable& table = ResourceTable::of(store);
  int alive = 0;
  uint64_t first = table.add(std::make_unique<Counter>(alive, 0), Counter::kType).value();
  table.drop(first);
  table.drop(first);
  EXPECT_EQ(alive, 0);
  uint64_t second = table.add(std::make_unique<Counter>(alive, 0), Counter::kType).value();
  EXPECT_NE(first, second);
  auto gone = table.get(first, Counter::kType);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message(), "wasm trap: a counter that is gone");
  const HostResourceType other{"other", drop_resource};
  EXPECT_FALSE(table.get(second, other));
  EXPECT_TRUE(table.take(second, Counter::kType));
  EXPECT_FALSE(table.take(second, Counter::kType));
}

/// The type of the export `f` of a component that only passes it through.
class Wave : public testing::Test {
 protected:
  void define(const std::string& types, const std::string& type) {
    auto made = Component::from_text(
        engine_, "(component " + types + " (import \"f\" (func (param \"v\" " + type + "))))");
    ASSERT_TRUE(made) << made.error().render();
    component_.emplace(*std::move(made));
  }
  std::string read(std::string_view text) {
    const component::Types& types = *component_->validated().types;
    uint32_t sig = component_->validated().components.at(&component_->syntax()).sig;
    const auto& import = *types.component(sig).imports.begin();
    for (const auto& item : types.component(sig).imports)
      if (item.name == "f") {
        auto value =
            component::parse_wave(types, types.func(item.entity.id).type.params[0].type, text);
        return value ? to_string(*value) : value.error().message();
      }
    return std::string(import.name);
  }
  Engine engine_ = Engine::create().value();
  std::optional<Component> component_;
};

TEST_F(Wave, Numbers) {
  define("", "u8");
  EXPECT_EQ(read(" 255 // most"), "255");
  EXPECT_EQ(read("256"), "bad argument: column 1: expected a number of u8, found `256`");
  EXPECT_EQ(read("-1"), "bad argument: column 1: expected a number of u8, found `-1`");
  EXPECT_EQ(read("1 2"), "bad argument: column 3: expected the end, found `2`");
  define("", "s16");
  EXPECT_EQ(read("-32768"), "-32768");
  EXPECT_EQ(read("32768"), "bad argument: column 1: expected a number of s16, found `32768`");
  define("", "f64");
  for (const char* number : {"1.5", "-0.25", "inf", "-inf", "nan"}) EXPECT_EQ(read(number), number);
  EXPECT_EQ(read("one"), "bad argument: column 1: expected a number of f64, found `one`");
}

TEST_F(Wave, Text) {
  define("", "string");
  EXPECT_EQ(read(R"("a\"b\n\u{e9}")"), R"("a\"b\né")");
  EXPECT_EQ(read("\"open"), "bad argument: column 6: expected `\"`, found the end");
  EXPECT_EQ(read(R"("\u{d800}")"),
            "bad argument: column 3: expected a Unicode scalar value, found `u{d800}\"`");
  define("", "char");
  EXPECT_EQ(read("'é'"), "'é'");
  EXPECT_EQ(read("'ab'"), "bad argument: column 1: expected one character in '…', found `'ab'`");
}

TEST_F(Wave, Compounds) {
  define("(type $l (list u8)) (type $o (option $l)) (type $t (tuple $o bool))", "$t");
  EXPECT_EQ(read("(some([1, 2,]), true)"), "(some([1, 2]), true)");
  EXPECT_EQ(read("([], false)"), "(some([]), false)");
  EXPECT_EQ(read("(none, true,)"), "(none, true)");
  EXPECT_EQ(read("(none)"), "bad argument: column 6: expected true or false, found `)`");
  define("(type $r (result u8 (error string)))", "$r");
  EXPECT_EQ(read("3"), "ok(3)");
  EXPECT_EQ(read("err(\"x\")"), "err(\"x\")");
}

TEST_F(Wave, NamedTypes) {
  const std::string types =
      "(type $e' (enum \"err\" \"b\")) (import \"e\" (type $e (eq $e')))"
      "(type $f' (flags \"x\" \"y\")) (import \"fl\" (type $f (eq $f')))"
      "(type $o (option u8))"
      "(type $r' (record (field \"e\" $e) (field \"f\" $f) (field \"o\" $o)))"
      "(import \"r\" (type $r (eq $r')))";
  define(types, "$r");
  EXPECT_EQ(read("{f: {y, x}, e: %err}"), "{e: %err, f: {y, x}, o: none}");
  EXPECT_EQ(read("{e: b, o: 7, f: {}}"), "{e: b, f: {}, o: some(7)}");
  EXPECT_EQ(read("{e: b}"),
            "bad argument: column 7: expected a record with its field `f`, found the end");
  EXPECT_EQ(read("{e: c}"), "bad argument: column 5: expected a case of the enum, found `c}`");
  EXPECT_EQ(read("{e: b, e: b}"),
            "bad argument: column 8: expected a field of the record, each once, found `e: b}`");
}

}  // namespace
}  // namespace sedge::host
