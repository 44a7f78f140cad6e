// Values that the embedder gives to components and reads from them, and start functions of the
// host. test/wast/components has what passes between components.
#include "component/value.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "component/canon_abi.h"
#include "component/component_impl.h"

namespace sedge::component {
namespace {

ComponentVal number(uint64_t bits) {
  ComponentVal out;
  out.kind = ComponentVal::Kind::u32;
  out.bits = bits;
  return out;
}
ComponentVal text(std::string_view of) {
  ComponentVal out;
  out.kind = ComponentVal::Kind::string;
  out.text = of;
  return out;
}

class ComponentValues : public testing::TestWithParam<Tier> {
 protected:
  static Engine make_engine() {
    Config config;
    config.features = Features::parse("all,+cm-values").value();
    config.tier = GetParam();
    return Engine::create(config).value();
  }
  Result<ComponentInstance> instantiate(std::string_view source) {
    SEDGE_TRY_ASSIGN(sedge::Component component, sedge::Component::from_text(engine_, source));
    return linker_.instantiate(store_, component);
  }
  std::string refusal(std::string_view source) {
    auto made = instantiate(source);
    return made ? "made" : made.error().message();
  }
  static std::string shown(const Result<ComponentVal>& value) {
    return value ? to_string(*value) : value.error().message();
  }

  Engine engine_ = make_engine();
  Store store_{engine_};
  ComponentLinker linker_;
};

std::vector<Tier> tiers() {
  std::vector<Tier> out = {Tier::interp};
  if (Engine::has(Tier::baseline)) out.push_back(Tier::baseline);
  if (Engine::has(Tier::llvm)) out.push_back(Tier::llvm);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Tiers, ComponentValues, testing::ValuesIn(tiers()),
                         [](const auto& info) { return std::to_string(info.index); });

/// Adds ten to the value that it imports, in a start function.
constexpr std::string_view kAddsTen = R"((component
  (import "n" (value $n u32))
  (core module $m (func (export "f") (param i32) (result i32)
    (i32.add (local.get 0) (i32.const 10))))
  (core instance $i (instantiate $m))
  (func $f (param "n" u32) (result u32) (canon lift (core func $i "f")))
  (start $f (value $n) (result (value $sum)))
  (export "sum" (value $sum))))";

TEST_P(ComponentValues, GoInByTheLinkerAndComeOutOfTheInstance) {
  linker_.value("n", number(32));
  auto made = instantiate(kAddsTen);
  ASSERT_TRUE(made) << made.error().render();
  EXPECT_EQ(shown(made->get_value("sum")), "42");
  EXPECT_EQ(shown(made->get_value("sum")), "42");
  EXPECT_EQ(made->value_type("sum"), "u32");
  EXPECT_EQ(shown(made->get_value("n")), "unknown export \"n\": no such value");
  EXPECT_FALSE(made->value_type("n"));
}

TEST_P(ComponentValues, EachInstanceIsGivenThemAgain) {
  linker_.value("n", number(1));
  auto component = sedge::Component::from_text(engine_, kAddsTen).value();
  auto pre = linker_.instantiate_pre(component).value();
  for (int i = 0; i < 3; ++i) {
    Store store(engine_);
    EXPECT_EQ(shown(pre.instantiate(store).value().get_value("sum")), "11");
  }
}

/// A host gives values without the names of their parts; they come back with them.
TEST_P(ComponentValues, OfTheHostAreCompleted) {
  ComponentVal flags;
  flags.kind = ComponentVal::Kind::flags;
  flags.bits = 5;
  ComponentVal variant;
  variant.kind = ComponentVal::Kind::variant;
  variant.bits = 1;
  variant.items = {text("x")};
  ComponentVal list;
  list.kind = ComponentVal::Kind::list;
  list.items = {flags};
  ComponentVal record;
  record.kind = ComponentVal::Kind::record;
  record.items = {number(7), list, variant};
  linker_.value("host:given/values", "r", record);
  auto made = instantiate(R"((component
    (import "host:given/values" (instance $i
      (type $f' (flags "a" "b" "c")) (export "f" (type $f (eq $f')))
      (type $v' (variant (case "p") (case "q" string))) (export "v" (type $v (eq $v')))
      (type $t' (record (field "n" u32) (field "l" (list $f)) (field "v" $v)))
      (export "t" (type $t (eq $t')))
      (export "r" (value (type $t)))))
    (export "again" (instance $i))
    (alias export $i "r" (value $r))
    (export "r" (value $r))))");
  ASSERT_TRUE(made) << made.error().render();
  EXPECT_EQ(shown(made->get_value("r")), "{n: 7, l: [{a, c}], v: q(\"x\")}");
  EXPECT_EQ(made->value_type("r"),
            "record{n: u32, l: list<flags{a, b, c}>, v: variant{p, q(string)}}");
  // As it was given: nobody has looked at it.
  EXPECT_EQ(shown(made->get_value("again#r")), "{7, [{}], (\"x\")}");
}

TEST_P(ComponentValues, OfAnotherComponentAreTakenByTheirTypes) {
  linker_.value("n", number(1));
  auto first = instantiate(kAddsTen);
  ASSERT_TRUE(first) << first.error().render();
  linker_.instance("from:first/sums", *first);
  auto second = instantiate(R"((component
    (import "from:first/sums" (instance $i (export "sum" (value u32))))
    (alias export $i "sum" (value $v))
    (export "v" (value $v))))");
  ASSERT_TRUE(second) << second.error().render();
  EXPECT_EQ(shown(second->get_value("v")), "11");
  EXPECT_EQ(refusal(R"((component
              (import "from:first/sums" (instance $i (export "sum" (value string))))))"),
            "incompatible import type for \"sum\": the component asks for string, the value is "
            "u32");
}

TEST_P(ComponentValues, OfWrongTypesAndNoneAreRefused) {
  linker_.value("n", text("32"));
  EXPECT_EQ(refusal(kAddsTen),
            "incompatible import type for \"n\": the component asks for u32: bad argument: "
            "expected u32");
  ComponentVal record;
  record.kind = ComponentVal::Kind::record;
  record.items = {number(1)};
  record.labels = {"b"};
  linker_.value("r", record);
  constexpr std::string_view kTakesRecord = R"((component
    (type $t' (record (field "a" u32)))
    (import "t" (type $t (eq $t')))
    (import "r" (value $r (type $t)))
    (export "r-again" (value $r))))";
  EXPECT_EQ(refusal(kTakesRecord),
            "incompatible import type for \"r\": the component asks for record{a: u32}: bad "
            "argument: expected a record with the fields a");
  linker_.func("f", [](Store&, std::span<ComponentVal>) -> Result<std::vector<ComponentVal>> {
    return std::vector<ComponentVal>();
  });
  EXPECT_EQ(refusal(R"((component (import "f" (value $f u32)) (export "g" (value $f))))"),
            "incompatible import type for \"f\": it is no value, the component asks for u32");
  auto missing =
      ComponentLinker().instantiate(store_, sedge::Component::from_text(engine_, kAddsTen).value());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "unknown import \"n\": a value of type u32");
  EXPECT_EQ(missing.error().remedy(),
            "give it: `sedge run --value n=VALUE`, or ComponentLinker::value");
}

TEST_P(ComponentValues, AStartFunctionMayBeTheHosts) {
  constexpr std::string_view kStart = R"((component
    (import "f" (func $f (param "text" string) (result u32)))
    (import "text" (value $text string))
    (start $f (value $text) (result (value $size)))
    (export "size" (value $size))))";
  linker_.value("text", text("four"));
  linker_.func("f", [](Store&, std::span<ComponentVal> args) -> Result<std::vector<ComponentVal>> {
    return std::vector{number(args[0].text.size())};
  });
  auto made = instantiate(kStart);
  ASSERT_TRUE(made) << made.error().render();
  EXPECT_EQ(shown(made->get_value("size")), "4");

  linker_.func("f", [](Store&, std::span<ComponentVal>) -> Result<std::vector<ComponentVal>> {
    return std::vector{text("no number")};
  });
  EXPECT_EQ(refusal(kStart), "bad argument: expected u32");
  linker_.func("f", [](Store&, std::span<ComponentVal>) -> Result<std::vector<ComponentVal>> {
    return fail(ErrorCode::host_failure, ": not today");
  });
  auto failed = instantiate(kStart);
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().render().contains("start function of the component"))
      << failed.error().render();
}

TEST_P(ComponentValues, AStartFunctionOfTheHostMayComplete) {
  constexpr std::string_view kStart = R"((component
    (import "f" (func $f async (result u32)))
    (start $f (result (value $v)))
    (export "v" (value $v))))";
  std::thread later;
  linker_.async_func("f", [&](Store&, std::span<const ComponentVal>, ComponentCompletion done) {
    later = std::thread([done] { done.resolve({number(5)}); });
  });
  auto made = instantiate(kStart);
  if (later.joinable()) later.join();
  ASSERT_TRUE(made) << made.error().render();
  EXPECT_EQ(shown(made->get_value("v")), "5");

  linker_.async_func("f", [](Store&, std::span<const ComponentVal>, ComponentCompletion done) {
    done.cancelled();
  });
  EXPECT_EQ(refusal(kStart), "host function failed: the call was cancelled by the host");
}

TEST_P(ComponentValues, WithHandlesGoToTheFirstWhoTakesThem) {
  constexpr std::string_view kMakes = R"((component
    (type $r (resource (rep i32)))
    (export $r' "r" (type $r))
    (core func $new (canon resource.new $r))
    (core module $m (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 42))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func $make (result (own $r')) (canon lift (core func $i "make")))
    (start $make (result (value $made)))
    (export "made" (value $made))))";
  auto made = instantiate(kMakes);
  ASSERT_TRUE(made) << made.error().render();
  EXPECT_EQ(shown(made->get_value("made")), "own(42)");
  EXPECT_EQ(shown(made->get_value("made")),
            "wasm trap: a value with a handle or a stream was used before");
}

TEST(ComponentConstants, TakeNoMoreMemoryThanThereIsFor) {
  // Each of these is a byte of the binary, and a value of its own.
  constexpr uint32_t kCount = kMostHeld / sizeof(ComponentVal) + 1;
  std::vector<uint8_t> encoding;
  for (uint32_t left = kCount; left > 0; left >>= 7)
    encoding.push_back(static_cast<uint8_t>((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
  encoding.resize(encoding.size() + kCount);
  Types types(wasm::TypeRegistry::create());
  const ValType list = ValType::index(types.add(Defined{List{PrimType::bool_}}).value());
  Reader only_held_against_its_type{Bytes(encoding)};
  EXPECT_TRUE(read_constant(types, list, only_held_against_its_type, nullptr, nullptr));
  Reader reader{Bytes(encoding)};
  ComponentVal value;
  auto read = read_constant(types, list, reader, nullptr, &value);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(),
            "implementation limit exceeded: more than 512 MiB for a constant value");
}

TEST(ComponentConstants, CountTheNamesOfTheirParts) {
  // Each of a few bytes is a record, which has the label of its field.
  const std::string label(8u << 20, 'a');
  constexpr uint8_t kCount = 65;
  std::vector<uint8_t> encoding(1 + kCount);
  encoding[0] = kCount;
  Types types(wasm::TypeRegistry::create());
  Record record;
  record.fields = {{label, PrimType::bool_}};
  const ValType element = ValType::index(types.add(Defined{record}).value());
  const ValType list = ValType::index(types.add(Defined{List{element}}).value());
  Reader reader{Bytes(encoding)};
  ComponentVal without;
  ASSERT_TRUE(read_constant(types, list, reader, nullptr, &without, PartNames::without));
  EXPECT_EQ(without.items.size(), kCount);
  EXPECT_TRUE(without.items[0].labels.empty());
  reader.seek(0);
  ComponentVal named;
  auto read = read_constant(types, list, reader, nullptr, &named);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(),
            "implementation limit exceeded: more than 512 MiB for a constant value");
}

}  // namespace
}  // namespace sedge::component
