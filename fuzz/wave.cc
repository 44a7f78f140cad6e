// Values as text, against their type. Text of any kind is read as a value, or as the arguments of a
// function: what is a value prints, and reads back as the same. Values that are made of the input
// print and read back, too.
#include <sedge/component.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/choices.h"
#include "component/canon_abi.h"
#include "component/component_impl.h"
#include "component/twin_call.h"
#include "component/wave.h"
#include "fuzz/require.h"

namespace {

using namespace sedge;
using component::Types;
using fuzz::require;
namespace twin = component::twin;

const Engine& engine() {
  static const Engine made = [] {
    Config config;
    config.features = Features::parse("all,+cm-fixed-length-lists,+cm-error-context").value();
    config.tier = Tier::interp;
    return Engine::create(config).value();
  }();
  return made;
}

/// Types with everything that the notation knows, and the keywords as labels.
constexpr const char* kTypes[] = {
    "bool",
    "u8",
    "s8",
    "u16",
    "s16",
    "u32",
    "s32",
    "u64",
    "s64",
    "f32",
    "f64",
    "char",
    "string",
    "(list string)",
    "(list u8)",
    "(list char 2)",
    "(map string f32)",
    R"((record (field "none" (option u8)) (field "some" (option string)) (field "b-c" bool)))",
    R"((tuple f64 char (option (option s8)) (result (result u8))))",
    R"((variant (case "ok") (case "err" string) (case "true" u64) (case "nan")))",
    R"((option (enum "none" "some" "inf" "x")))",
    R"((result (enum "ok" "err") (error (tuple u8))))",
    R"((option (variant (case "some" u8) (case "none"))))",
    R"((result f64 (error f32)))",
    "(result)",
    "(option (result u8))",
    R"((option (record (field "x" (option f64)))))",
    R"((flags "a" "inf" "false" "true" "nan"))",
    "(list (option (list (result string))))"};

/// A component whose one function has a parameter of each type, or of one.
sedge::Component component_of(const std::vector<std::string>& types) {
  return sedge::Component::from_text(engine(), twin::guest_text(types, "u8")).value();
}

uint32_t func_of(const sedge::Component& made) {
  return made.validated().components.at(&made.syntax()).spaces.types.back().id;
}

void survives(const Types& types, component::ValType type, const ComponentVal& value) {
  const std::string text = to_string(value);
  auto again = component::parse_wave(types, type, text);
  require(again.has_value(), "a value's text can be read");
  require(component::check_value(types, type, *again).has_value(), "what was read is of the type");
  require(twin::same(*again, value), "a value is what its text says");
  require(to_string(*again) == text, "a value has one text");
}

void read(const Types& types, component::ValType type, std::string_view text) {
  auto value = component::parse_wave(types, type, text);
  if (!value) return require(!value.error().message().empty(), "an error has a message");
  require(component::check_value(types, type, *value).has_value(), "what was read is of the type");
  survives(types, type, *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const sedge::Component all =
      component_of(std::vector<std::string>(std::begin(kTypes), std::end(kTypes)));
  static const Types& types = *all.validated().types;
  static const uint32_t sig = func_of(all);
  if (size == 0) return 0;
  const std::vector<component::ValType>& params = types.func(sig).params;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t which = data[0] % (params.size() + 2);
  if (which < params.size()) {
    read(types, params[which], text);
  } else if (which == params.size()) {
    const component::WaveCall call = component::split_wave_call(text);
    auto func = std::make_shared<component::FuncValue>();
    func->component = all.impl();
    func->sig = sig;
    auto values = component::parse_wave_arguments(ComponentFunc{func}, call.arguments);
    if (!values) {
      require(!values.error().message().empty(), "an error has a message");
    } else {
      require(values->size() == params.size(), "each parameter has a value");
      for (size_t i = 0; i < params.size(); ++i) {
        require(component::check_value(types, params[i], (*values)[i]).has_value(),
                "an argument is of its type");
        survives(types, params[i], (*values)[i]);
      }
    }
  } else {
    fuzz::Choices choices(data + 1, size - 1);
    const std::string type = twin::type_text(choices, 0);
    auto made = sedge::Component::from_text(engine(), twin::guest_text(type, "u8"));
    if (!made) return 0;  // too large
    const Types& of = *made->validated().types;
    const component::ValType param = of.func(func_of(*made)).params[0];
    ComponentVal value = twin::value_of(choices, of, param);
    if (component::check_value(of, param, value)) survives(of, param, value);
  }
  return 0;
}
