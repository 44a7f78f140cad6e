// Expressions. Open structures, folded and flat, are frames on an explicit stack, so nesting is
// bounded by memory only. A folded operator waits in pending_ until its operands are written.
// Spec: text format, section "Instructions".
#include "wasm/text/keyword.h"
#include "wasm/text/module_parser.h"

namespace sedge::wasm {

Result<Expr> ModuleParser::expression(Extent extent) {
  body_.out().clear();
  pending_.clear();
  frames_.clear();
  labels_.clear();
  // label_ids_ is empty: every label was popped, or parsing had ended. Clearing it would cost time
  // by the largest body so far.
  SEDGE_TRY(instructions(extent));
  SEDGE_TRY(emit_op(peek(), Op::end));
  return Expr{arena_->store(Bytes(body_.out())), 0};
}

Result<void> ModuleParser::instructions(Extent extent) {
  if (extent == Extent::one_folded && !at(Token::Kind::lparen)) return unexpected_token();
  do {
    switch (kind()) {
      case Token::Kind::lparen:
        SEDGE_TRY(open_folded());
        break;
      case Token::Kind::rparen:
        if (hint_) return error(ErrorCode::branch_hint_annotation, ": no instruction follows");
        if (frames_.empty()) return {};
        SEDGE_TRY(close_folded());
        break;
      case Token::Kind::keyword:
        SEDGE_TRY(flat_instruction());
        break;
      case Token::Kind::branch_hint:
        SEDGE_TRY(branch_hint());
        break;
      default:
        return unexpected_token();
    }
  } while (extent == Extent::until_close || !frames_.empty());
  return {};
}

Result<void> ModuleParser::emit(const Token& token, Op op, Bytes bytes,
                                const std::optional<Hint>& hint) {
  auto offset = static_cast<uint32_t>(body_.size());
  if (source_) {
    Location where = tokens().location(token.begin, line_);
    source_->push_back({offset, where.line, where.column});
  }
  if (hint) {
    if (op != Op::if_ && op != Op::br_if)
      return fail(ErrorCode::branch_hint_target, {}, location(hint->token));
    module_.branch_hints[*func_][offset] = hint->taken;
  }
  body_.bytes(bytes);
  return {};
}

Result<void> ModuleParser::emit_op(const Token& token, Op op) {
  const auto code = static_cast<uint8_t>(op_info(op).code);
  return emit(token, op, Bytes(&code, 1), std::nullopt);
}

/// (@metadata.code.branch_hint "\00" or "\01")
Result<void> ModuleParser::branch_hint() {
  const Token& token = peek();
  if (!func_) return unexpected_token();
  if (hint_) return error(ErrorCode::branch_hint_annotation, ": duplicate annotation");
  Tokens content(tokens(), token);
  Cursor cursor(content);
  if (!cursor.at(Token::Kind::string))
    return error(ErrorCode::branch_hint_annotation, ": string expected");
  std::string value = decode_string(cursor.text());
  cursor.advance();
  if (!cursor.at(Token::Kind::eof))
    return error(ErrorCode::branch_hint_annotation, ": unexpected token");
  if (value.size() != 1 || static_cast<uint8_t>(value[0]) > 1)
    return error(ErrorCode::branch_hint_annotation, ": the value is \"\\00\" or \"\\01\"");
  hint_ = Hint{value[0] == 1, token};
  advance();
  return {};
}

// Labels

void ModuleParser::push_label(std::string_view id) {
  Label label{id, std::nullopt};
  auto position = static_cast<uint32_t>(labels_.size());
  if (!id.empty()) {
    auto [found, added] = label_ids_.emplace(id, position);
    if (!added) label.outer = std::exchange(found->second, position);
  }
  labels_.push_back(label);
}

void ModuleParser::pop_label() {
  const Label& label = labels_.back();
  if (label.outer)
    label_ids_[label.id] = *label.outer;
  else if (!label.id.empty())
    label_ids_.erase(label.id);
  labels_.pop_back();
}

Result<void> ModuleParser::closing_label(const Frame& frame) {
  if (!at(Token::Kind::id)) return {};
  if (frame.id.empty() || id_text(peek()) != frame.id) return error(ErrorCode::mismatching_label);
  advance();
  return {};
}

// Blocks

/// Label, block type and catch clauses; the instruction is left in scratch_.
Result<void> ModuleParser::block_head(Frame& frame) {
  if (at(Token::Kind::id)) {
    frame.id = id_text(advance());
    frame.name = frame.id;
  }
  if (at(Token::Kind::name)) {
    SEDGE_TRY_ASSIGN(frame.name, name_annotation(advance()));
  }
  scratch_.out().clear();
  scratch_.u8(static_cast<uint8_t>(op_info(frame.op).code));
  SEDGE_TRY(block_type());
  if (frame.op == Op::try_table) SEDGE_TRY(catch_clauses());
  return {};
}

/// Writes the instruction that begins a block and makes its label known.
Result<void> ModuleParser::open_block(Frame& frame, Bytes bytes) {
  SEDGE_TRY(emit(frame.token, frame.op, bytes, frame.hint));
  if (func_) {
    if (frame.name) module_.names.labels[*func_].emplace(label_count_, arena_->store(*frame.name));
    ++label_count_;
  }
  push_label(frame.id);
  return {};
}

Result<void> ModuleParser::block_type() {
  SEDGE_TRY_ASSIGN(TypeUse use, type_use(false));
  if (!use.index && use.type.params.empty() && use.type.results.size() <= 1) {
    if (use.type.results.empty())
      scratch_.u8(0x40);
    else
      scratch_.val_type(use.type.results[0]);
    return {};
  }
  SEDGE_TRY_ASSIGN(TypeIdx type_index, resolve(use));
  scratch_.s64(type_index);
  return {};
}

/// (catch x l), (catch_ref x l), (catch_all l), (catch_all_ref l); labels are those outside.
Result<void> ModuleParser::catch_clauses() {
  static constexpr std::string_view kWords[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
  size_t at_count = scratch_.size();
  uint32_t count = 0;
  for (bool found = true; found;) {
    found = false;
    for (uint8_t i = 0; i < 4; ++i) {
      if (!take_open(kWords[i])) continue;
      scratch_.u8(i);
      if (i < 2) SEDGE_TRY(index_operand(tags_));
      SEDGE_TRY(label());
      SEDGE_TRY(expect_close());
      ++count;
      found = true;
      break;
    }
  }
  Writer length;
  length.u32(count);
  auto& out = scratch_.out();
  out.insert(out.begin() + static_cast<ptrdiff_t>(at_count), length.out().begin(),
             length.out().end());
  return {};
}

// Flat instructions

Result<void> ModuleParser::flat_instruction() {
  if (!frames_.empty()) {
    Frame::Kind open = frames_.back().kind;
    if (open == Frame::Kind::plain || open == Frame::Kind::if_ || open == Frame::Kind::try_)
      return unexpected_token();  // operands are folded
  }
  std::optional<Op> op = find_mnemonic(text());
  if (!op) return unexpected_token();
  const Token& token = advance();
  switch (*op) {
    case Op::block:
    case Op::loop:
    case Op::if_:
    case Op::try_:
    case Op::try_table:
      return flat_block(*op, token);
    case Op::else_:
      return flat_else(token);
    case Op::catch_:
    case Op::catch_all:
      return flat_catch(*op, token);
    case Op::delegate:
      return flat_delegate(token);
    case Op::end:
      return flat_end(token);
    default:
      break;
  }
  std::optional<Hint> hint = take_hint();
  SEDGE_TRY_ASSIGN(Op exact, operator_(*op));
  return emit(token, exact, scratch_.out(), hint);
}

Result<void> ModuleParser::flat_block(Op op, const Token& token) {
  Frame frame;
  frame.kind = Frame::Kind::flat;
  frame.op = op;
  frame.token = token;
  frame.hint = take_hint();
  SEDGE_TRY(block_head(frame));
  SEDGE_TRY(open_block(frame, scratch_.out()));
  frames_.push_back(frame);
  return {};
}

Result<void> ModuleParser::flat_else(const Token& token) {
  if (frames_.empty() || frames_.back().kind != Frame::Kind::flat || frames_.back().op != Op::if_ ||
      frames_.back().state != Frame::State::begin) {
    seek(position() - 1);
    return unexpected_token();
  }
  SEDGE_TRY(closing_label(frames_.back()));
  frames_.back().state = Frame::State::other;
  return emit_op(token, Op::else_);
}

Result<void> ModuleParser::flat_catch(Op op, const Token& token) {
  if (frames_.empty() || frames_.back().kind != Frame::Kind::flat ||
      frames_.back().op != Op::try_ || frames_.back().state == Frame::State::last) {
    seek(position() - 1);
    return unexpected_token();
  }
  frames_.back().state = op == Op::catch_ ? Frame::State::other : Frame::State::last;
  SEDGE_TRY_ASSIGN(Op exact, operator_(op));
  return emit(token, exact, scratch_.out(), std::nullopt);
}

Result<void> ModuleParser::flat_delegate(const Token& token) {
  if (frames_.empty() || frames_.back().kind != Frame::Kind::flat ||
      frames_.back().op != Op::try_ || frames_.back().state != Frame::State::begin) {
    seek(position() - 1);
    return unexpected_token();
  }
  frames_.pop_back();
  return delegate(token);
}

/// `delegate` ends its block and names a label outside of it.
Result<void> ModuleParser::delegate(const Token& token) {
  pop_label();
  SEDGE_TRY_ASSIGN(Op op, operator_(Op::delegate));
  return emit(token, op, scratch_.out(), std::nullopt);
}

Result<void> ModuleParser::flat_end(const Token& token) {
  if (frames_.empty() || frames_.back().kind != Frame::Kind::flat) {
    seek(position() - 1);
    return unexpected_token();
  }
  SEDGE_TRY(closing_label(frames_.back()));
  frames_.pop_back();
  pop_label();
  return emit_op(token, Op::end);
}

// Folded instructions

Result<void> ModuleParser::open_folded() {
  if (!frames_.empty() && frames_.back().kind == Frame::Kind::try_) return folded_try_part();
  if (!frames_.empty() && frames_.back().kind == Frame::Kind::if_) {
    SEDGE_TRY_ASSIGN(bool is_part, folded_if_part());
    if (is_part) return {};
  }
  if (kind(1) != Token::Kind::keyword) return unexpected_token(1);
  std::optional<Op> op = find_mnemonic(text(1));
  if (!op) return unexpected_token(1);
  advance();
  const Token& token = advance();
  Frame frame;
  frame.op = *op;
  frame.token = token;
  frame.hint = take_hint();
  frame.pending = static_cast<uint32_t>(pending_.size());
  switch (*op) {
    case Op::block:
    case Op::loop:
    case Op::try_:
    case Op::try_table:
      frame.kind = *op == Op::try_ ? Frame::Kind::try_ : Frame::Kind::block;
      SEDGE_TRY(block_head(frame));
      SEDGE_TRY(open_block(frame, scratch_.out()));
      frames_.push_back(frame);
      return {};
    case Op::else_:
    case Op::catch_:
    case Op::catch_all:
    case Op::delegate:
    case Op::end:
      seek(position() - 1);
      return unexpected_token();
    case Op::if_:
      frame.kind = Frame::Kind::if_;
      SEDGE_TRY(block_head(frame));
      break;
    default:
      SEDGE_TRY_ASSIGN(frame.op, operator_(*op));
      break;
  }
  pending_.insert(pending_.end(), scratch_.out().begin(), scratch_.out().end());
  frames_.push_back(frame);
  return {};
}

/// (then … and (else …; false if an operand comes instead.
Result<bool> ModuleParser::folded_if_part() {
  Frame& frame = frames_.back();
  const Token& token = peek(1);
  Frame part;
  part.kind = Frame::Kind::part;
  if (frame.state == Frame::State::begin) {
    if (!take_open("then")) return false;
    SEDGE_TRY(open_block(frame, Bytes(pending_).subspan(frame.pending)));
    pending_.resize(frame.pending);
    frame.state = Frame::State::first;
  } else {
    if (frame.state != Frame::State::first || !take_open("else")) return unexpected_token(1);
    SEDGE_TRY(emit_op(token, Op::else_));
    frame.state = Frame::State::other;
  }
  frames_.push_back(part);
  return true;
}

/// (do …), then (delegate l), or (catch x …)* (catch_all …)?
Result<void> ModuleParser::folded_try_part() {
  Frame& frame = frames_.back();
  const Token& token = peek(1);
  Frame part;
  part.kind = Frame::Kind::part;
  if (frame.state == Frame::State::begin) {
    if (!take_open("do")) return unexpected_token(1);
    frame.state = Frame::State::first;
  } else if (frame.state == Frame::State::first && take_open("delegate")) {
    frame.state = Frame::State::closed;
    SEDGE_TRY(delegate(token));
    return expect_close();
  } else if (frame.state < Frame::State::last && (at_open("catch") || at_open("catch_all"))) {
    bool all = at_open("catch_all");
    seek(position() + 2);
    frame.state = all ? Frame::State::last : Frame::State::other;
    SEDGE_TRY_ASSIGN(Op op, operator_(all ? Op::catch_all : Op::catch_));
    SEDGE_TRY(emit(token, op, scratch_.out(), std::nullopt));
  } else {
    return unexpected_token(1);
  }
  frames_.push_back(part);
  return {};
}

Result<void> ModuleParser::close_folded() {
  Frame& frame = frames_.back();
  switch (frame.kind) {
    case Frame::Kind::flat:
      return unexpected_token();  // `end` is missing
    case Frame::Kind::plain:
      SEDGE_TRY(emit(frame.token, frame.op, Bytes(pending_).subspan(frame.pending), frame.hint));
      pending_.resize(frame.pending);
      break;
    case Frame::Kind::if_:
    case Frame::Kind::try_:
      if (frame.state == Frame::State::begin) return unexpected_token();
      [[fallthrough]];
    case Frame::Kind::block:
      if (frame.state != Frame::State::closed) {
        SEDGE_TRY(emit_op(peek(), Op::end));
        pop_label();
      }
      break;
    case Frame::Kind::part:
      break;
  }
  frames_.pop_back();
  advance();
  return {};
}

}  // namespace sedge::wasm
