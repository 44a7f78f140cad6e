// The table of imports against the witx files themselves: every function is there, with the
// signature that lowering its witx type gives.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/test_paths.h"
#include "wasi/p1/call.h"

namespace sedge::wasi::p1 {
namespace {

/// An S-expression: an atom or a list.
struct Node {
  std::string atom;
  std::vector<Node> list;
  bool is(std::string_view head) const { return !list.empty() && list[0].atom == head; }
};

class Parser {
 public:
  explicit Parser(std::string text) : text_(std::move(text)) {}
  std::vector<Node> all() {
    std::vector<Node> out;
    while (skip()) out.push_back(one());
    return out;
  }

 private:
  bool skip() {
    while (at_ < text_.size()) {
      if (::isspace(static_cast<unsigned char>(text_[at_])))
        ++at_;
      else if (text_[at_] == ';')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        return true;
    }
    return false;
  }
  Node one() {
    Node out;
    if (text_[at_] != '(') {
      size_t end = text_.find_first_of(" \t\n();", at_);
      out.atom = text_.substr(at_, end - at_);
      at_ = end;
      return out;
    }
    ++at_;
    while (skip() && text_[at_] != ')') out.list.push_back(one());
    ++at_;
    return out;
  }
  std::string text_;
  size_t at_ = 0;
};

std::vector<Node> parse_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return Parser(text.str()).all();
}

using Types = std::map<std::string, Node>;

/// The wasm values that one parameter becomes.
void lower(const Types& types, const Node& type, std::vector<ValType>& out) {
  if (!type.atom.empty()) {
    if (type.atom == "u64" || type.atom == "s64") return out.push_back(ValType::i64);
    if (type.atom.starts_with('$')) return lower(types, types.at(type.atom), out);
    out.push_back(ValType::i32);
    if (type.atom == "string") out.push_back(ValType::i32);
    return;
  }
  if (type.is("list")) out.push_back(ValType::i32);  // and its length below
  if (type.is("flags") || type.is("enum")) {
    bool wide = type.list[1].list.back().atom == "u64";
    return out.push_back(wide ? ValType::i64 : ValType::i32);
  }
  out.push_back(ValType::i32);  // handles, pointers, lengths
}

FuncType signature(const Types& types, const Node& func) {
  FuncType out;
  for (const Node& part : func.list) {
    if (part.is("param")) lower(types, part.list[2], out.params);
    if (!part.is("result")) continue;
    out.results.push_back(ValType::i32);
    // (expected VALUE? (error $errno)): each value is written to where a further argument points.
    const Node& expected = part.list[2];
    if (expected.list.size() < 3) continue;
    const Node& value = expected.list[1];
    size_t count = value.is("tuple") ? value.list.size() - 1 : 1;
    out.params.insert(out.params.end(), count, ValType(ValType::i32));
  }
  return out;
}

class WitxTest : public testing::TestWithParam<bool> {};

TEST_P(WitxTest, EveryFunctionHasItsSignature) {
  bool unstable = GetParam();
  std::filesystem::path dir = test::shared_path(unstable ? "wit/p0" : "wit/p1");
  if (!std::filesystem::exists(dir)) GTEST_SKIP() << "missing: " << dir;
  Types types;
  for (const Node& node : parse_file(dir / "typenames.witx"))
    if (node.is("typename")) types[node.list[1].atom] = node.list[2];
  auto file = parse_file(dir / (unstable ? "wasi_unstable.witx" : "wasi_snapshot_preview1.witx"));

  size_t functions = 0;
  for (const Node& module : file) {
    if (!module.is("module")) continue;
    for (const Node& func : module.list) {
      if (!func.is("@interface")) continue;
      std::string name = func.list[2].list[1].atom;
      name = name.substr(1, name.size() - 2);  // quoted
      ++functions;
      FuncType wanted = signature(types, func);
      bool found = false;
      for (const ImportRow& row : import_rows()) {
        if (row.name != name || (unstable && !row.unstable) || found) continue;
        EXPECT_EQ(to_string(row.type), to_string(wanted)) << name;
        found = true;
      }
      EXPECT_TRUE(found) << name;
    }
  }
  EXPECT_EQ(functions, unstable ? 45u : 46u);
}

INSTANTIATE_TEST_SUITE_P(Editions, WitxTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "unstable" : "preview1"; });

}  // namespace
}  // namespace sedge::wasi::p1
