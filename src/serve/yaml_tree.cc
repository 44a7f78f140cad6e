// Building the tree. After the first mistake the remaining events are ignored: an event handler
// cannot stop yaml-cpp without throwing, and the file is small.
#include "serve/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "base/utf8.h"

namespace sedge::serve {
namespace {

Position place(Position inner, const YamlOrigin& origin) {
  if (!origin.exact) return {origin.lines + 1, origin.columns + 1};
  return {inner.line + origin.lines, inner.column + origin.columns};
}

Position position_of(const YAML::Mark& mark, const YamlOrigin& origin) {
  if (mark.is_null()) return place({}, origin);
  return place({static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(mark.column + 1)},
               origin);
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, std::string_view file, const YamlOrigin& origin)
      : text_(text), file_(file), origin_(origin) {}

  std::optional<Error> take_error() { return std::move(error_); }
  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.at = position_of(mark, origin_);
    add(std::move(node), mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(position_of(mark, origin_), "aliases (*name) are not accepted", "repeat the value");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.at = position_of(mark, origin_);
    node.quoted = tag == "!";
    node.literal = !mark.is_null() && static_cast<size_t>(mark.pos) < text_.size() &&
                   text_[static_cast<size_t>(mark.pos)] == '|';
    node.quoted |= node.literal;
    node.scalar = value;
    if (!node.quoted && (value == "~" || value == "null" || value == "Null" || value == "NULL"))
      node.kind = YamlNode::Kind::null;
    add(std::move(node), mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    YamlNode node;
    std::optional<YamlMember> pending;  // a key that waits for its value
  };

  void refuse(Position at, std::string message, std::string remedy) {
    if (!error_) error_ = config_error(file_, at, std::move(message), std::move(remedy));
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      refuse(position_of(mark, origin_), "anchors (&name) are not accepted", "remove it");
    if (levels_.size() >= kMaxYamlDepth)
      refuse(position_of(mark, origin_), fmt::format("nested deeper than {} levels", kMaxYamlDepth),
             {});
    if (error_) {
      ++ignored_;
      return;
    }
    Level level;
    level.node.kind = kind;
    level.node.at = position_of(mark, origin_);
    levels_.push_back(std::move(level));
  }

  void close() {
    if (ignored_ > 0) {
      --ignored_;
      return;
    }
    YamlNode node = std::move(levels_.back().node);
    levels_.pop_back();
    attach(std::move(node));
  }

  void add(YamlNode node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      refuse(position_of(mark, origin_), "anchors (&name) are not accepted", "remove it");
    if (!error_) attach(std::move(node));
  }

  void attach(YamlNode node) {
    if (++nodes_ > kMaxYamlNodes)
      return refuse(node.at, fmt::format("more than {} values", kMaxYamlNodes), {});
    if (levels_.empty()) {
      root_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::sequence) {
      level.node.items.push_back(std::move(node));
    } else if (level.pending) {
      level.pending->value = std::move(node);
      level.node.members.push_back(*std::move(level.pending));
      level.pending.reset();
    } else if (node.kind != YamlNode::Kind::scalar) {
      refuse(node.at, fmt::format("a key is a word, not {}", node.describe()), {});
    } else {
      if (const YamlNode* earlier = level.node.find(node.scalar))
        return refuse(node.at, fmt::format("`{}` is there twice", node.scalar),
                      fmt::format("the first one's value is at line {}: remove one of them",
                                  earlier->at.line));
      if (level.node.members.size() >= kMaxYamlMembers)
        return refuse(node.at, fmt::format("more than {} keys in one map", kMaxYamlMembers), {});
      level.pending = YamlMember{std::move(node.scalar), node.at, {}};
    }
  }

  std::string_view text_;
  std::string_view file_;
  const YamlOrigin& origin_;
  std::vector<Level> levels_;
  YamlNode root_;
  size_t nodes_ = 0;
  size_t ignored_ = 0;  // containers opened since the first error
  std::optional<Error> error_;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const YamlMember& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

std::string YamlNode::describe() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::sequence:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::scalar:
      break;
  }
  constexpr size_t kShown = 60;
  std::string_view shown = std::string_view(scalar).substr(0, kShown);
  shown = shown.substr(0, utf8_valid_prefix(shown));
  shown = shown.substr(0, shown.find('\n'));
  return fmt::format("`{}{}`", shown, shown.size() < scalar.size() ? "…" : "");
}

Error config_error(std::string_view file, Position at, std::string message, std::string remedy) {
  Error error(ErrorCode::config_syntax, ": " + std::move(message));
  error.add_context(fmt::format("{}:{}:{}", file, at.line, at.column));
  if (!remedy.empty()) error.set_remedy(std::move(remedy));
  return error;
}

Result<std::vector<YamlNode>> parse_yaml(std::string_view text, std::string_view file,
                                         YamlOrigin origin) {
  if (text.size() > kMaxYamlBytes)
    return fail(config_error(
        file, place({}, origin),
        fmt::format("the file has {} bytes, more than {}", text.size(), kMaxYamlBytes)));
  if (size_t good = utf8_valid_prefix(text); good < text.size()) {
    std::string_view before = text.substr(0, good);
    auto line = static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
    size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
    Position at{line, static_cast<uint32_t>(good - start + 1)};
    return fail(config_error(file, place(at, origin), "the file is not UTF-8", "save it as UTF-8"));
  }
  std::vector<YamlNode> documents;
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    for (;;) {
      TreeBuilder builder(text, file, origin);
      if (!parser.HandleNextDocument(builder)) break;
      if (std::optional<Error> error = builder.take_error()) return fail(*std::move(error));
      // A stray token such as a leading comma ends one empty document after another, forever.
      if (documents.size() == kMaxYamlDocuments) {
        return fail(config_error(file, place({1, 1}, origin),
                                 fmt::format("more than {} documents", kMaxYamlDocuments),
                                 "look for a stray `,`, `]` or `}` outside of any list or map"));
      }
      documents.push_back(builder.take_root());
    }
  } catch (const YAML::Exception& exception) {
    return fail(config_error(file, position_of(exception.mark, origin),
                             fmt::format("not YAML: {}", exception.msg)));
  }
  return documents;
}

}  // namespace sedge::serve
