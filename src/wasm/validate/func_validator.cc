// The walk over one body, operand and control stacks, locals; see func_validator.h.
#include "wasm/validate/func_validator.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::wasm::validation {
namespace {

/// Locals with a flat entry; those beyond are found by binary search, so that a body of a few bytes
/// that declares 50,000 locals costs no 200 KiB.
constexpr uint32_t kFlatLocals = 256;
constexpr size_t kInitialStack = 256;

}  // namespace

FuncValidator::FuncValidator(const Context& context, bool quick)
    : context_(context), features_(context.features), quick_(quick), reader_(Bytes(), 0) {
  if (!context.memories.empty()) address0_ = context.memories[0].is64 ? ValType::i64 : ValType::i32;
  fill_handlers();
  stack_.resize(kInitialStack);
  frames_.reserve(64);
}

Result<void> FuncValidator::body(const Func& func, const FuncType& type, bool last) {
  constant_ = false;
  type_ = &type;
  start(func.body, {&type, {}});
  if (setup_locals(func, type) && run(func.body.bytes) && finish(last)) return {};
  return std::unexpected(take_error());
}

Result<void> FuncValidator::constant(const Expr& expr, ValType expected, uint32_t visible_globals,
                                     std::vector<bool>& declared) {
  if (quick_ && plain_constant(expr.bytes, expected)) return {};
  constant_ = true;
  visible_globals_ = visible_globals;
  declared_ = &declared;
  type_ = nullptr;
  local_count_ = 0;
  start(expr, {nullptr, expected});
  if (run_slowly() && finish(true)) return {};
  return std::unexpected(take_error());
}

void FuncValidator::start(const Expr& expr, BlockSig sig) {
  reader_ = InstrReader(expr.bytes, expr.offset);
  instr_.offset = expr.offset;
  frames_.clear();
  inits_.clear();
  sp_ = stack_.data();
  limit_ = sp_ + stack_.size();
  Frame frame;
  frame.sig = sig;
  frames_.push_back(frame);
}

bool FuncValidator::setup_locals(const Func& func, const FuncType& type) {
  runs_.clear();
  locals_.assign(type.params.begin(), type.params.end());
  uint64_t count = type.params.size();
  bool all_default = true;
  for (const LocalRun& run : func.locals) {
    if (!value_type(run.type)) return false;
    all_default &= run.type.defaultable();
    if (run.count == 0) continue;
    if (count < kFlatLocals)
      locals_.insert(locals_.end(), std::min<uint64_t>(run.count, kFlatLocals - count),
                     run.type.defaultable() ? run.type : ValType());
    count += run.count;
    runs_.emplace_back(static_cast<uint32_t>(count), run.type);
  }
  if (count > kMaxLocals + type.params.size())
    return error(ErrorCode::too_many_locals, fmt::format(": more than {}", kMaxLocals));
  local_count_ = static_cast<uint32_t>(count);
  quick_locals_ = static_cast<uint32_t>(std::min<size_t>(locals_.size(), 0x80));
  initialised_.clear();
  if (!all_default) {
    initialised_.resize(count);
    std::fill_n(initialised_.begin(), type.params.size(), true);
  }
  return true;
}

bool FuncValidator::run(Bytes bytes) {
  const uint8_t* p = bytes.data();
  const uint8_t* const end = p + bytes.size();
  // Two bytes are always there to look at: opcode and a one-byte immediate.
  while (quick_ && end - p >= 2) {
    p = run_quickly(p, end);
    reader_.reader().seek(static_cast<size_t>(p - bytes.data()));
    if (end - p < 2) break;
    if (auto read = reader_.next(instr_); !read) return error(std::move(read.error()));
    if (!step(instr_)) return false;
    if (frames_.empty()) return true;
    p = bytes.data() + reader_.reader().position();
  }
  return run_slowly();
}

bool FuncValidator::run_slowly() {
  while (!frames_.empty() && !reader_.at_end()) {
    if (auto read = reader_.next(instr_); !read) return error(std::move(read.error()));
    if (!step(instr_)) return false;
  }
  return true;
}

bool FuncValidator::finish(bool last) {
  Location here = Location::at(reader_.offset());
  if (!frames_.empty())
    return error(Error(last ? ErrorCode::unexpected_end_of_section : ErrorCode::end_opcode_expected,
                       fmt::format(": {} block{} not closed", frames_.size(),
                                   frames_.size() == 1 ? " is" : "s are"),
                       here));
  if (!reader_.at_end())
    return error(
        Error(ErrorCode::section_size_mismatch, ": bytes follow the end of the function", here));
  return true;
}

// Errors
// -------------------------------------------------------------------------------------------

Error FuncValidator::take_error() {
  Error error = *std::move(error_);
  error_.reset();
  return error;
}

bool FuncValidator::error(Error error) {
  error_ = std::move(error);
  return false;
}

bool FuncValidator::error(ErrorCode code, std::string suffix) {
  return error(Error(code, std::move(suffix), Location::at(instr_.offset)));
}

bool FuncValidator::unknown(ErrorCode code, uint64_t index) {
  return error(code, fmt::format(" {}", index));
}

bool FuncValidator::mismatch_text(std::string_view text) {
  return error(ErrorCode::type_mismatch, fmt::format(": {}", text));
}

namespace {

std::string list(Types types, bool open = false) {
  std::string out = open ? "[..." : "[";
  for (ValType type : types) {
    if (out.size() > 1) out += ' ';
    out += type == ValType() ? "any" : to_string(type);
  }
  return out + "]";
}

}  // namespace

bool FuncValidator::mismatch(Types required) {
  size_t shown = std::min(required.size(), available());
  bool open = shown < required.size() && top().unreachable;
  return mismatch_text(fmt::format("instruction requires {} but stack has {}", list(required),
                                   list(Types(sp_ - shown, shown), open)));
}

// Operands
// -----------------------------------------------------------------------------------------

void FuncValidator::grow(size_t count) {
  size_t used = height();
  stack_.resize(std::max(stack_.size() * 2, used + count));
  sp_ = stack_.data() + used;
  limit_ = stack_.data() + stack_.size();
}

void FuncValidator::push_all(Types types) {
  if (static_cast<size_t>(limit_ - sp_) < types.size()) [[unlikely]]
    grow(types.size());
  sp_ = std::copy(types.begin(), types.end(), sp_);
}

bool FuncValidator::pop_all(Types expected) {
  size_t have = std::min(expected.size(), available());
  if (have < expected.size() && !top().unreachable) return mismatch(expected);
  for (size_t i = 1; i <= have; ++i)
    if (!matches(sp_[-static_cast<ptrdiff_t>(i)], expected[expected.size() - i]))
      return mismatch(expected);
  sp_ -= have;
  return true;
}

bool FuncValidator::pop_any(ValType& out) {
  if (available() == 0) {
    out = {};
    if (top().unreachable) return true;
    return mismatch_text("instruction requires [any] but stack has []");
  }
  out = *--sp_;
  return true;
}

bool FuncValidator::pop_ref(ValType& out) {
  if (!pop_any(out)) return false;
  if (out.is_ref() || out == ValType()) return true;
  return mismatch_text(
      fmt::format("instruction requires [(ref null any)] but stack has [{}]", to_string(out)));
}

bool FuncValidator::all_match(Types sub, Types super) const {
  return std::ranges::equal(sub, super, [&](ValType a, ValType b) { return matches(a, b); });
}

void FuncValidator::unreachable() {
  sp_ = stack_.data() + top().height;
  top().unreachable = true;
}

// Frames
// -------------------------------------------------------------------------------------------

void FuncValidator::push_frame(Op op, BlockSig sig) {
  enter(op, sig);
  push_all(sig.params());
}

bool FuncValidator::pop_frame(BlockSig& sig) {
  sig = top().sig;
  if (!pop_all(sig.results())) return false;
  if (available() != 0) {
    push_all(sig.results());
    return mismatch_text(fmt::format("block requires {} but stack has {}", list(sig.results()),
                                     list(Types(sp_ - available(), available()))));
  }
  reset_inits(top().inits);
  frames_.pop_back();
  return true;
}

void FuncValidator::reset_inits(uint32_t count) {
  for (; inits_.size() > count; inits_.pop_back()) {
    uint32_t index = inits_.back();
    initialised_[index] = false;
    if (index < locals_.size()) locals_[index] = {};
  }
}

bool FuncValidator::block_sig(const BlockType& type, BlockSig& out) {
  switch (type.kind) {
    case BlockType::Kind::empty:
      out = {};
      return true;
    case BlockType::Kind::value:
      out = {nullptr, type.value};
      return value_type(type.value);
    case BlockType::Kind::index:
      if (!features_.has(Feature::multi_value))
        return error(feature_error(Feature::multi_value, "a block with a function type",
                                   Location::at(instr_.offset)));
      out = {};
      return function_type(type.index, out.func);
  }
  return false;
}

bool FuncValidator::label(uint32_t depth, Types& out) {
  if (depth >= frames_.size()) return unknown(ErrorCode::unknown_label, depth);
  out = frames_[frames_.size() - 1 - depth].label();
  return true;
}

// Locals
// -------------------------------------------------------------------------------------------

ValType FuncValidator::local_type(uint32_t index) const {
  if (index < type_->params.size()) return type_->params[index];
  auto run = std::upper_bound(runs_.begin(), runs_.end(), index,
                              [](uint32_t i, const auto& entry) { return i < entry.first; });
  return run->second;
}

bool FuncValidator::local_get(uint32_t index) {
  if (index >= local_count_) return unknown(ErrorCode::unknown_local, index);
  ValType type = local_type(index);
  if (!type.defaultable() && !initialised_.empty() && !initialised_[index])
    return unknown(ErrorCode::uninitialized_local, index);
  push(type);
  return true;
}

bool FuncValidator::local_written(uint32_t index) {
  if (initialised_.empty() || initialised_[index]) return true;
  ValType type = local_type(index);
  if (type.defaultable()) return true;
  initialised_[index] = true;
  inits_.push_back(index);
  if (index < locals_.size()) locals_[index] = type;
  return true;
}

}  // namespace sedge::wasm::validation
