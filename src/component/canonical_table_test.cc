// The canonical ABI as the specification's own definitions.py has it, row by row:
// testdata/canonical_abi.tsv, which scripts/canonical_table.py makes and explains. Each row is
// lifted and lowered, from the host too, and where it is an argument or a result, crosses in calls
// between two components, by way of values and fused.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "component/component_impl.h"
#include "component/twin_call.h"
#include "component/wave.h"

namespace sedge::component {
namespace {

using Encoding = AbiOptions::Encoding;
using Kind = ComponentVal::Kind;
using Bytes = std::vector<uint8_t>;
constexpr size_t kPage = 65536;
constexpr uint8_t kFromFill = 0xcc, kToFill = 0xdd;

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> out;
  if (text == "-") return out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(at, begin), text.size());
    out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

uint64_t number(std::string_view text, int base) {
  uint64_t out = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  EXPECT_TRUE(error == std::errc() && stop == text.data() + text.size()) << text;
  return out;
}

std::vector<uint64_t> numbers(std::string_view text) {
  std::vector<uint64_t> out;
  for (const std::string& each : split(text, ' ')) out.push_back(number(each, 16));
  return out;
}

Bytes memory_of(std::string_view text, uint8_t fill) {
  Bytes out(kPage, fill);
  for (const std::string& run : split(text, ' ')) {
    const size_t colon = run.find(':');
    const uint64_t at = number(std::string_view(run).substr(0, colon), 16);
    for (size_t i = colon + 1; i < run.size(); i += 2)
      out[at + (i - colon - 1) / 2] =
          static_cast<uint8_t>(number(std::string_view(run).substr(i, 2), 16));
  }
  return out;
}

struct SideText {
  Encoding encoding = Encoding::utf8;
  bool is64 = false;
  explicit SideText(std::string_view text) {
    is64 = text.ends_with("/64");
    if (text.starts_with("utf16")) encoding = Encoding::utf16;
    if (text.starts_with("latin1")) encoding = Encoding::latin1_utf16;
  }
};

/// A row that is no row of handles.
struct Row {
  std::string call;
  SideText from, to;
  std::vector<std::string> types;
  uint32_t skew = 0;
  std::optional<uint64_t> out;
  std::vector<uint64_t> cells, stored;
  Bytes memory, written;
  std::string value, calls;

  explicit Row(const std::vector<std::string>& columns)
      : call(columns[0]),
        from(columns[1]),
        to(columns[2]),
        types(split(columns[3], ';')),
        skew(static_cast<uint32_t>(number(columns[4], 10))),
        cells(numbers(columns[6])),
        stored(numbers(columns[10])),
        memory(memory_of(columns[7], kFromFill)),
        written(memory_of(columns[11], kToFill)),
        value(columns[8]),
        calls(columns[9]) {
    if (columns[5] != "-") out = number(columns[5], 16);
  }
  bool is_result() const { return call == "result" || call == "return"; }
  /// What traps, in lifting or in lowering; empty: nothing.
  std::string_view lift_trap() const { return trap_of(value); }
  std::string_view lower_trap() const { return trap_of(calls); }

 private:
  static std::string_view trap_of(std::string_view text) {
    return text.starts_with("trap ") ? text.substr(5) : std::string_view();
  }
};

std::vector<std::vector<std::string>> table(bool handles) {
  std::ifstream file(SEDGE_ROOT_DIR "/src/component/testdata/canonical_abi.tsv");
  EXPECT_TRUE(file.is_open());
  std::vector<std::vector<std::string>> out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::vector<std::string> columns = split(line, '\t');
    EXPECT_EQ(columns.size(), 12u) << line;
    if (columns.size() == 12 && (columns[0] == "handles") == handles)
      out.push_back(std::move(columns));
  }
  return out;
}

/// Whether an error is the trap that the table wants.
testing::AssertionResult is_trap_of(const Error& error, std::string_view why) {
  static const std::map<std::string_view, std::vector<std::string_view>> kWords = {
      {"unaligned", {"unaligned pointer"}},
      {"limit", {"out-of-bounds"}},
      {"bounds", {"out of bounds", "out-of-bounds"}},
      {"text", {"invalid utf-8", "invalid utf-16"}},
      {"case", {"invalid variant discriminant"}},
      {"char", {"invalid `char` bit pattern"}},
      {"handle", {""}}};
  const auto found = kWords.find(why);
  if (found != kWords.end() && error.code() == ErrorCode::component_trap &&
      std::ranges::any_of(found->second, [&](std::string_view words) {
        return error.message().find(words) != std::string::npos;
      }))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "wanted: trap " << why << "; got: " << error.message();
}

std::string calls_of(const twin::Guest& guest, Store& store) {
  const auto count = static_cast<uint32_t>(guest.calls->get(store).i32());
  std::string out;
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t call[4];
    std::memcpy(call, guest.log->bytes(store).data() + i * sizeof(call), sizeof(call));
    out +=
        fmt::format("{}{:x},{:x},{:x},{:x}", i == 0 ? "" : " ", call[0], call[1], call[2], call[3]);
  }
  return out.empty() ? "-" : out;
}

class CanonicalTable : public testing::Test {
 protected:
  static Engine make_engine(Tier tier) {
    Config config;
    config.features = Features::parse("all,+cm-fixed-length-lists,+cm64").value();
    config.tier = tier;
    return Engine::create(config).value();
  }

  /// The component of a row's types with memory of one width; the last ones are kept.
  const sedge::Component& component(const Row& row, bool is64) {
    const std::vector<std::string> one = {"u8"};
    const std::string text = twin::guest_text(row.is_result() ? one : row.types,
                                              row.is_result() ? row.types[0] : "u8", is64);
    auto& [known, made] = made_[is64];
    if (!made || known != text) {
      known = text;
      made = sedge::Component::from_text(engine_, text).value();
    }
    return *made;
  }

  void crossing(const Row& row);
  void call(const Row& row);

  Engine engine_ = make_engine(Tier::interp);
  std::pair<std::string, std::optional<sedge::Component>> made_[2];
};

void CanonicalTable::crossing(const Row& row) {
  Store store(engine_);
  const twin::Side source{component(row, row.from.is64), row.from.encoding, row.from.is64};
  const twin::Side target{component(row, row.to.is64), row.to.encoding, row.to.is64};
  const twin::Guest from = twin::instantiate(store, source).value();
  const FuncSig& sig = from.inst->type_arena().func(from.inst->info->spaces.types.back().id);
  const std::vector<ValType>& types = row.is_result() ? sig.results : sig.params;
  std::ranges::copy(row.memory, from.memory(store).begin());

  const uint32_t from_flat = row.call == "start"    ? kMaxFlatAsyncParams
                             : row.call == "result" ? kMaxFlatResults
                                                    : kMaxFlatParams;
  Crossing lifting(*from.inst, from.options);
  const uint64_t* cells = row.cells.data();
  auto lifted = lifting.lift(types, from_flat, cells);
  if (!row.lift_trap().empty()) {
    ASSERT_FALSE(lifted) << to_string((*lifted)[0]);
    EXPECT_TRUE(is_trap_of(lifted.error(), row.lift_trap()));
    return;
  }
  ASSERT_TRUE(lifted) << lifted.error().message();
  EXPECT_EQ(cells, row.cells.data() + row.cells.size());

  // The value as text.
  std::vector<ComponentVal> wanted;
  if (row.is_result()) {
    auto parsed = parse_wave(from.inst->type_arena(), types[0],
                             std::string_view(row.value).substr(1, row.value.size() - 2));
    ASSERT_TRUE(parsed) << parsed.error().message();
    wanted.push_back(*std::move(parsed));
  } else {
    auto function = std::make_shared<FuncValue>();
    function->component = from.inst->component;
    function->sig = from.inst->info->spaces.types.back().id;
    auto parsed = parse_wave_arguments(ComponentFunc{function}, row.value);
    ASSERT_TRUE(parsed) << parsed.error().message();
    wanted = *std::move(parsed);
  }
  ASSERT_EQ(lifted->size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_TRUE(check_value(from.inst->type_arena(), types[i], wanted[i]));
    EXPECT_TRUE(twin::same((*lifted)[i], wanted[i])) << to_string((*lifted)[i]);
  }

  // Values of the host are in UTF-8.
  const uint32_t to_flat = row.call == "return" ? 0
                           : row.is_result()    ? kMaxFlatResults
                                                : kMaxFlatParams;
  for (bool host : {false, true}) {
    if (host && row.from.encoding != Encoding::utf8) continue;
    SCOPED_TRACE(host ? "as values of the host" : "as lifted");
    const twin::Guest to = twin::instantiate(store, target).value();
    std::ranges::fill(to.memory(store), kToFill);
    ASSERT_TRUE(to.skew->set(store, Val(static_cast<int32_t>(row.skew))));
    Crossing lowering(*to.inst, to.options);
    FlatCells stored;
    auto done = lowering.lower(types, to_flat, host ? wanted : *lifted, row.out, stored);
    if (!row.lower_trap().empty()) {
      ASSERT_FALSE(done);
      EXPECT_TRUE(is_trap_of(done.error(), row.lower_trap()));
      continue;
    }
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(std::vector<uint64_t>(stored.data(), stored.data() + stored.size()), row.stored);
    EXPECT_EQ(calls_of(to, store), row.calls);
    EXPECT_TRUE(std::ranges::equal(to.memory(store), row.written));
  }
}

void CanonicalTable::call(const Row& row) {
  const twin::Side source{component(row, row.from.is64), row.from.encoding, row.from.is64};
  const twin::Side target{component(row, row.to.is64), row.to.encoding, row.to.is64};
  for (bool fuse : {false, true}) {
    SCOPED_TRACE(fuse ? "a fused call" : "a call by way of values");
    auto world = twin::World::make(engine_, row.is_result() ? target : source,
                                   row.is_result() ? source : target)
                     .value();
    const twin::Guest& to = row.is_result() ? world->caller() : world->callee();
    ASSERT_TRUE(to.skew->set(world->store(), Val(static_cast<int32_t>(row.skew))));
    twin::Given given;
    if (row.is_result()) {
      given.cells = {0, row.out.value_or(0)};
      given.core_result = row.cells[0];
      given.callee = row.memory;
      given.caller.assign(kPage, kToFill);
    } else {
      given.cells = row.cells;
      given.caller = row.memory;
      given.callee.assign(kPage, kToFill);
    }
    given.cells.resize(kMaxFlatParams + 1);
    const twin::Seen seen = world->run(given, fuse);
    const std::string_view trap = row.lift_trap().empty() ? row.lower_trap() : row.lift_trap();
    if (!trap.empty()) {
      EXPECT_NE(seen.error, "");
      continue;
    }
    ASSERT_EQ(seen.error, "");
    EXPECT_EQ(calls_of(to, world->store()), row.calls);
    if (row.is_result()) {
      EXPECT_EQ(seen.results, row.stored);
      EXPECT_TRUE(seen.caller == row.written);
    } else {
      EXPECT_EQ(seen.arguments, row.stored);
      EXPECT_TRUE(seen.callee == row.written);
    }
  }
}

TEST_F(CanonicalTable, ValuesCrossAsTheSpecificationHasIt) {
  size_t values = 0, traps = 0;
  for (const std::vector<std::string>& columns : table(false)) {
    SCOPED_TRACE(fmt::format("{}", fmt::join(columns, "  ")));
    const Row row(columns);
    crossing(row);
    if (row.call == "param" || row.call == "result") call(row);
    ++(row.lift_trap().empty() && row.lower_trap().empty() ? values : traps);
    if (HasFatalFailure()) break;
  }
  EXPECT_GT(values, 1500u);
  EXPECT_GT(traps, 500u);
}

// Handles

std::string handles_of(const twin::Guest& guest, const RuntimeResource* other) {
  std::string out;
  for (uint32_t index = 1; index < 10; ++index) {
    const auto handle = guest.inst->handles.get(index);
    if (!handle) continue;
    const char* kind = (*handle)->type == other                  ? "other"
                       : (*handle)->kind == Handle::Kind::borrow ? "borrow"
                                                                 : "own";
    out += fmt::format("{}{}:{}:{}:{}", out.empty() ? "" : " ", index, kind, (*handle)->rep,
                       (*handle)->lends);
  }
  return out.empty() ? "-" : out;
}

/// Fills a handle table; then those that are to be free become so, one after the other.
void set_handles(const twin::Guest& guest, std::string_view text, RuntimeResource* made,
                 RuntimeResource* other) {
  HandleTable& table = guest.inst->handles;
  std::vector<uint32_t> holes;
  for (const std::string& entry : split(text, ' ')) {
    const std::vector<std::string> parts = split(entry, ':');
    Handle handle;
    handle.kind = parts[1] == "borrow" ? Handle::Kind::borrow : Handle::Kind::own;
    handle.type = parts[1] == "other" ? other : made;
    handle.rep = number(parts[2], 10);
    handle.lends = static_cast<uint32_t>(number(parts[3], 10));
    const uint32_t index = table.add(handle).value();
    ASSERT_EQ(index, number(parts[0], 10));
    if (parts[1] == "free") holes.push_back(index);
  }
  for (uint32_t hole : holes) table.remove(hole);
}

TEST_F(CanonicalTable, HandlesCrossAsTheSpecificationHasIt) {
  const auto rows = table(true);
  EXPECT_GT(rows.size(), 80u);
  for (const std::vector<std::string>& columns : rows) {
    SCOPED_TRACE(fmt::format("{}", fmt::join(columns, "  ")));
    const std::vector<std::string> types = split(columns[3], ';');
    auto made = sedge::Component::from_text(engine_, twin::guest_text(types, "u8")).value();
    Store store(engine_);
    const twin::Guest from = twin::instantiate(store, twin::Side{made}).value();
    const twin::Guest to = twin::instantiate(store, twin::Side{made}).value();
    RuntimeResource* const resource = from.inst->types[0];
    RuntimeResource* const other = from.inst->types[1];
    // Both know the same resource type, which one of them defines.
    resource->owner = columns[4] == "1" ? to.inst : from.inst;
    for (auto& [id, known] : to.inst->resources)
      if (known == to.inst->types[0]) known = resource;
    set_handles(from, columns[1], resource, other);
    set_handles(to, columns[2], resource, other);

    const FuncSig& sig = from.inst->type_arena().func(from.inst->info->spaces.types.back().id);
    const std::vector<uint64_t> cells = numbers(columns[6]);
    const uint64_t* next = cells.data();
    Crossing lifting(*from.inst, from.options);
    auto values = lifting.lift(sig.params, kMaxFlatParams, next);
    if (columns[8].starts_with("trap")) {
      ASSERT_FALSE(values);
      EXPECT_TRUE(is_trap_of(values.error(), "handle"));
      continue;
    }
    ASSERT_TRUE(values) << values.error().message();
    EXPECT_EQ(handles_of(from, other), columns[7]);
    ComponentVal all;
    all.kind = Kind::tuple;
    all.items = *values;
    EXPECT_EQ(to_string(all), columns[8]);

    Crossing lowering(*to.inst, to.options);
    auto scope = std::make_shared<uint32_t>(0);
    lowering.set_borrow_scope(scope);
    FlatCells stored;
    auto done = lowering.lower(sig.params, kMaxFlatParams, *values, std::nullopt, stored);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(std::vector<uint64_t>(stored.data(), stored.data() + stored.size()),
              numbers(columns[10]));
    EXPECT_EQ(handles_of(to, other), columns[11]);
    EXPECT_EQ(fmt::format("{}", *scope), columns[5]);
  }
}

/// What a value was lifted from counts only while it is what was lifted.
TEST_F(CanonicalTable, AStringThatTheHostHasChangedIsItsOwn) {
  const std::vector<std::string> types = {"string"};
  auto made = sedge::Component::from_text(engine_, twin::guest_text(types, "u8")).value();
  const std::vector<ValType> list = {PrimType::string};
  for (const char* source : {"utf8", "utf16", "latin1+utf16"}) {
    for (const char* target : {"utf8", "utf16", "latin1+utf16"}) {
      for (const char* text : {"", "longer than that: \xc3\xa9 \xe2\x82\xac"}) {
        SCOPED_TRACE(fmt::format("{} {} `{}`", source, target, text));
        Store store(engine_);
        const twin::Guest from =
            twin::instantiate(store, {made, SideText(source).encoding}).value();
        from.memory(store)[0] = 'a';
        const uint64_t given[] = {0, 1};
        const uint64_t* cells = given;
        auto values = Crossing(*from.inst, from.options).lift(list, 16, cells).value();
        values[0].text = text;
        ComponentVal fresh;
        fresh.kind = Kind::string;
        fresh.text = text;
        std::string seen[2];
        for (int i = 0; i < 2; ++i) {
          const twin::Guest to =
              twin::instantiate(store, {made, SideText(target).encoding}).value();
          FlatCells stored;
          const ComponentVal& value = i == 0 ? values[0] : fresh;
          ASSERT_TRUE(Crossing(*to.inst, to.options)
                          .lower(list, 16, std::span(&value, 1), std::nullopt, stored));
          seen[i] = fmt::format("{:x} {:x} {}", stored[0], stored[1], calls_of(to, store));
        }
        EXPECT_EQ(seen[0], seen[1]);
      }
    }
  }
}

}  // namespace
}  // namespace sedge::component
