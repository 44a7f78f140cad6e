// Building the tree from libyaml's events, one by one: it ends at the first mistake.
#include "serve/yaml_tree.h"

#include <yaml.h>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/utf8.h"

namespace sedge::serve {
namespace {

Position place(Position inner, const YamlOrigin& origin) {
  if (!origin.exact) return {origin.lines + 1, origin.columns + 1};
  return {inner.line + origin.lines, inner.column + origin.columns};
}

/// Where the character before byte `offset` ends.
Position position_of(std::string_view text, size_t offset) {
  std::string_view before = text.substr(0, offset);
  auto line = static_cast<uint32_t>(std::ranges::count(before, '\n') + 1);
  size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {line, static_cast<uint32_t>(before.size() - start + 1)};
}

class Parser {
 public:
  explicit Parser(std::string_view text) {
    good_ = yaml_parser_initialize(&parser_) != 0;
    if (!good_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  ~Parser() {
    if (good_) yaml_parser_delete(&parser_);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool next(yaml_event_t& event) { return good_ && yaml_parser_parse(&parser_, &event) != 0; }

  Position problem_at(std::string_view text) const {
    if (!good_ || parser_.error == YAML_MEMORY_ERROR) return {};
    if (parser_.error == YAML_READER_ERROR) return position_of(text, parser_.problem_offset);
    return {static_cast<uint32_t>(parser_.problem_mark.line + 1),
            static_cast<uint32_t>(parser_.problem_mark.column + 1)};
  }
  std::string problem() const {
    if (!good_ || parser_.error == YAML_MEMORY_ERROR) return "out of memory";
    if (!parser_.problem) return "not YAML";
    return parser_.context ? fmt::format("not YAML: {}, {}", parser_.context, parser_.problem)
                           : fmt::format("not YAML: {}", parser_.problem);
  }

 private:
  yaml_parser_t parser_;
  bool good_ = false;
};

class TreeBuilder {
 public:
  TreeBuilder(std::string_view file, const YamlOrigin& origin) : file_(file), origin_(origin) {}

  /// False: a mistake, see take_error().
  bool take(const yaml_event_t& event) {
    const Position at = place({static_cast<uint32_t>(event.start_mark.line + 1),
                               static_cast<uint32_t>(event.start_mark.column + 1)},
                              origin_);
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return unanchored(event.data.scalar.anchor, at) && attach(scalar(event, at));
      case YAML_SEQUENCE_START_EVENT:
        return unanchored(event.data.sequence_start.anchor, at) &&
               open(YamlNode::Kind::sequence, at);
      case YAML_MAPPING_START_EVENT:
        return unanchored(event.data.mapping_start.anchor, at) && open(YamlNode::Kind::map, at);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: {
        YamlNode node = std::move(levels_.back().node);
        levels_.pop_back();
        return attach(std::move(node));
      }
      case YAML_ALIAS_EVENT:
        return refuse(at, "aliases (*name) are not accepted", "repeat the value");
      default:
        return true;
    }
  }

  Error take_error() { return *std::move(error_); }
  std::vector<YamlNode> take_documents() { return std::move(documents_); }

 private:
  struct Level {
    YamlNode node;
    std::optional<YamlMember> pending;  // a key that waits for its value
  };

  bool refuse(Position at, std::string message, std::string remedy) {
    error_ = config_error(file_, at, std::move(message), std::move(remedy));
    return false;
  }

  bool unanchored(const yaml_char_t* anchor, Position at) {
    return !anchor || refuse(at, "anchors (&name) are not accepted", "remove it");
  }

  static YamlNode scalar(const yaml_event_t& event, Position at) {
    const auto& from = event.data.scalar;
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.at = at;
    node.quoted = from.style != YAML_PLAIN_SCALAR_STYLE;
    node.literal = from.style == YAML_LITERAL_SCALAR_STYLE;
    node.scalar.assign(reinterpret_cast<const char*>(from.value), from.length);
    constexpr std::string_view kNull[] = {"", "~", "null", "Null", "NULL"};
    if (!node.quoted && std::ranges::find(kNull, node.scalar) != std::end(kNull))
      node.kind = YamlNode::Kind::null;
    return node;
  }

  bool open(YamlNode::Kind kind, Position at) {
    if (levels_.size() >= kMaxYamlDepth)
      return refuse(at, fmt::format("nested deeper than {} levels", kMaxYamlDepth), {});
    Level level;
    level.node.kind = kind;
    level.node.at = at;
    levels_.push_back(std::move(level));
    return true;
  }

  bool attach(YamlNode node) {
    if (++nodes_ > kMaxYamlNodes)
      return refuse(node.at, fmt::format("more than {} values", kMaxYamlNodes), {});
    if (levels_.empty()) {
      documents_.push_back(std::move(node));
      return true;
    }
    Level& level = levels_.back();
    if (level.node.kind == YamlNode::Kind::sequence) {
      level.node.items.push_back(std::move(node));
    } else if (level.pending) {
      level.pending->value = std::move(node);
      level.node.members.push_back(*std::move(level.pending));
      level.pending.reset();
    } else if (node.kind != YamlNode::Kind::scalar) {
      return refuse(node.at, fmt::format("a key is a word, not {}", node.describe()), {});
    } else {
      if (const YamlNode* earlier = level.node.find(node.scalar))
        return refuse(node.at, fmt::format("`{}` is there twice", node.scalar),
                      fmt::format("the first one's value is at line {}: remove one of them",
                                  earlier->at.line));
      if (level.node.members.size() >= kMaxYamlMembers)
        return refuse(node.at, fmt::format("more than {} keys in one map", kMaxYamlMembers), {});
      level.pending = YamlMember{std::move(node.scalar), node.at, {}};
    }
    return true;
  }

  std::string_view file_;
  const YamlOrigin& origin_;
  std::vector<Level> levels_;
  std::vector<YamlNode> documents_;
  size_t nodes_ = 0;
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
  if (size_t good = utf8_valid_prefix(text); good < text.size())
    return fail(config_error(file, place(position_of(text, good), origin), "the file is not UTF-8",
                             "save it as UTF-8"));
  Parser parser(text);
  TreeBuilder builder(file, origin);
  for (bool more = true; more;) {
    yaml_event_t event;
    if (!parser.next(event))
      return fail(config_error(file, place(parser.problem_at(text), origin), parser.problem()));
    const bool good = builder.take(event);
    more = event.type != YAML_STREAM_END_EVENT && event.type != YAML_NO_EVENT;
    yaml_event_delete(&event);
    if (!good) return fail(builder.take_error());
  }
  return builder.take_documents();
}

}  // namespace sedge::serve
