// Scripts: a list of commands, each of which becomes one Command. Modules stay text until they are
// run. Spec: interpreter/README.md of the specification repository, section "Scripts".
#include "wasm/text/script.h"

#include <fmt/format.h>

#include "wasm/text/keyword.h"
#include "wasm/text/lexer.h"
#include "wasm/text/script_parser.h"

namespace sedge::wasm {

Result<std::vector<Command>> parse_script(std::string_view text) {
  if (text.size() > uint64_t{1} << 31)
    return fail(ErrorCode::limit_exceeded, fmt::format(": a script of {} bytes", text.size()));
  Tokens tokens(text);
  return ScriptParser(tokens).run();
}

Result<std::vector<Command>> ScriptParser::run() {
  std::vector<Command> out;
  if (at_module_field()) {  // the fields of one module and nothing else
    Command command;
    command.line = location().line;
    size_t begin = peek().begin;
    command.module.line = location().line;
    command.module.column = location().column;
    while (!at(Token::Kind::eof))
      if (!skip_form()) return unexpected_token();
    command.module.text = tokens().text().substr(begin);
    out.push_back(std::move(command));
    return out;
  }
  while (!at(Token::Kind::eof)) {
    SEDGE_TRY_ASSIGN(Command next, command(false));
    out.push_back(std::move(next));
  }
  return out;
}

bool ScriptParser::at_module_field() const {
  for (std::string_view word : {"type", "rec", "import", "export", "func", "table", "memory",
                                "global", "tag", "start", "elem", "data"})
    if (at_open(word)) return true;
  return at(Token::Kind::custom);
}

std::optional<std::string> ScriptParser::optional_id() {
  if (!at(Token::Kind::id)) return std::nullopt;
  std::string_view id = text();
  advance();
  if (id.starts_with("$\"")) return "$" + decode_string(id.substr(1));
  return std::string(id);
}

Result<Command> ScriptParser::command(bool in_thread) {
  Command out;
  out.line = location().line;
  if (!at(Token::Kind::lparen)) return unexpected_token();
  if (at_open("module") || at_open("component")) {
    SEDGE_TRY(module_command(out));
    return out;
  }
  if (at_open("invoke") || at_open("get")) {
    out.kind = Command::Kind::action;
    SEDGE_TRY_ASSIGN(out.action, action());
    return out;
  }
  if (take_open("register")) {
    out.kind = Command::Kind::register_;
    SEDGE_TRY_ASSIGN(out.name, string());
    out.id = optional_id();
  } else if (!in_thread && take_open("thread")) {
    SEDGE_TRY(thread(out));
  } else if (take_open("wait")) {
    out.kind = Command::Kind::wait;
    out.id = optional_id();
    if (!out.id) return unexpected_token();
  } else {
    SEDGE_TRY_ASSIGN(bool found, assertion(out));
    if (!found) return unexpected_token(1);
  }
  SEDGE_TRY(expect_close());
  return out;
}

/// (thread $t (shared (module $m))* command*)
Result<void> ScriptParser::thread(Command& out) {
  out.kind = Command::Kind::thread;
  out.id = optional_id();
  if (!out.id) return unexpected_token();
  while (take_open("shared")) {
    SEDGE_TRY(expect_open("module"));
    std::optional<std::string> id = optional_id();
    if (!id) return unexpected_token();
    out.shared.push_back(*std::move(id));
    SEDGE_TRY(expect_close());
    SEDGE_TRY(expect_close());
  }
  while (at(Token::Kind::lparen)) {
    SEDGE_TRY_ASSIGN(Command inner, command(true));
    out.commands.push_back(std::move(inner));
  }
  return {};
}

/// The forms of "(module …" and "(component …" as a command: with (module instance $i $m) among
/// them.
Result<void> ScriptParser::module_command(Command& out) {
  out.component = at_open("component");
  if (at_keyword("instance", 2)) {
    seek(position() + 3);
    out.kind = Command::Kind::instance;
    out.id = optional_id();
    out.id2 = optional_id();
    return expect_close();
  }
  SEDGE_TRY_ASSIGN(out.module, module());
  return {};
}

Result<ScriptModule> ScriptParser::module() {
  ScriptModule out;
  const Token& open = peek();
  size_t begin_position = position();
  out.component = take_open("component");
  if (!out.component) SEDGE_TRY(expect_open("module"));
  std::optional<Token> definition;
  if (at_keyword("definition")) {
    out.definition = true;
    definition = advance();
  }
  out.id = optional_id();
  while (at(Token::Kind::name)) advance();
  out.line = location(open).line;
  out.column = location(open).column;
  bool binary = at_keyword("binary");
  if (binary || at_keyword("quote")) {
    advance();
    out.form = binary ? ScriptModule::Form::binary : ScriptModule::Form::quote;
    std::string content;
    while (at(Token::Kind::string)) content += decode_string(tokens().text(advance()));
    if (binary)
      out.bytes.assign(content.begin(), content.end());
    else
      out.text = std::move(content);
    SEDGE_TRY(expect_close());
    return out;
  }
  seek(begin_position);
  if (!skip_form()) return unexpected_token();
  size_t end = tokens()[position() - 1].end;
  out.text = tokens().text().substr(open.begin, end - open.begin);
  // The word `definition` is the script's, not the module's; blanks keep columns in place.
  if (definition)
    out.text.replace(definition->begin - open.begin, definition->end - definition->begin,
                     definition->end - definition->begin, ' ');
  return out;
}

Result<Action> ScriptParser::action() {
  Action out;
  if (take_open("invoke")) {
    out.kind = Action::Kind::invoke;
  } else {
    SEDGE_TRY(expect_open("get"));
    out.kind = Action::Kind::get;
  }
  out.module = optional_id();
  SEDGE_TRY_ASSIGN(out.field, string());
  while (out.kind == Action::Kind::invoke && at(Token::Kind::lparen)) {
    SEDGE_TRY_ASSIGN(ScriptValue value, argument());
    out.args.push_back(value);
  }
  SEDGE_TRY(expect_close());
  return out;
}

/// The assertion that begins here, without its closing parenthesis; false if there is none.
Result<bool> ScriptParser::assertion(Command& out) {
  if (take_open("assert_return")) {
    out.kind = Command::Kind::assert_return;
    SEDGE_TRY_ASSIGN(out.action, action());
    while (at(Token::Kind::lparen)) {
      SEDGE_TRY_ASSIGN(ScriptPattern pattern, result(true));
      out.results.push_back(std::move(pattern));
    }
    return true;
  }
  if (take_open("assert_exception")) {
    out.kind = Command::Kind::assert_exception;
    SEDGE_TRY_ASSIGN(out.action, action());
    return true;
  }
  if (at_open("assert_trap") || at_open("assert_exhaustion")) {
    bool trap = at_open("assert_trap");
    seek(position() + 2);
    if (trap && (at_open("module") || at_open("component"))) {
      out.kind = Command::Kind::assert_trap_module;
      SEDGE_TRY_ASSIGN(out.module, module());
    } else {
      out.kind = trap ? Command::Kind::assert_trap : Command::Kind::assert_exhaustion;
      SEDGE_TRY_ASSIGN(out.action, action());
    }
    SEDGE_TRY_ASSIGN(out.name, string());
    return true;
  }
  struct Row {
    std::string_view word;
    Command::Kind kind;
  };
  static constexpr Row kRows[] = {
      {"assert_malformed", Command::Kind::assert_malformed},
      {"assert_invalid", Command::Kind::assert_invalid},
      {"assert_unlinkable", Command::Kind::assert_unlinkable},
      {"assert_malformed_custom", Command::Kind::assert_malformed_custom},
      {"assert_invalid_custom", Command::Kind::assert_invalid_custom},
  };
  for (const Row& row : kRows) {
    if (!take_open(row.word)) continue;
    out.kind = row.kind;
    SEDGE_TRY_ASSIGN(out.module, module());
    SEDGE_TRY_ASSIGN(out.name, string());
    return true;
  }
  return false;
}

}  // namespace sedge::wasm
