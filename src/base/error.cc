// Error: composing the message from the row in error.def, the place, the context and the remedy.
#include <sedge/error.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace sedge {
namespace {

constexpr ErrorInfo kErrors[] = {
#define SEDGE_ERROR(number, name, phase, wording, exit_code, http_status, remedy) \
  {ErrorCode::name, #name, Phase::phase, wording, exit_code, http_status, remedy},
#include <sedge/error.def>
#undef SEDGE_ERROR
};

bool same_place(const Frame& a, const Frame& b) {
  return a.offset == b.offset && a.func_index == b.func_index && a.module == b.module;
}

std::string frame_text(size_t index, const Frame& frame) {
  std::string name =
      frame.func_name.empty() ? fmt::format("func[{}]", frame.func_index) : frame.func_name;
  std::string text = fmt::format("\n  {:>3}: 0x{:06x} {}!{}", index, frame.offset,
                                 frame.module.empty() ? "<module>" : frame.module, name);
  if (!frame.source.empty()) text += fmt::format("\n         at {}", frame.source);
  return text;
}

}  // namespace

const ErrorInfo& error_info(ErrorCode code) {
  const auto* row =
      std::lower_bound(std::begin(kErrors), std::end(kErrors), code,
                       [](const ErrorInfo& info, ErrorCode wanted) { return info.code < wanted; });
  return *row;
}

const std::vector<const ErrorInfo*>& all_errors() {
  static const std::vector<const ErrorInfo*> rows = [] {
    std::vector<const ErrorInfo*> all;
    for (const ErrorInfo& info : kErrors) all.push_back(&info);
    return all;
  }();
  return rows;
}

Error::Error(ErrorCode code, std::string suffix, Location location)
    : detail_(std::make_unique<Detail>(Detail{code, std::move(suffix), location, {}, {}, {}, 0})) {}

Error::Error(const Error& other) : detail_(std::make_unique<Detail>(*other.detail_)) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) detail_ = std::make_unique<Detail>(*other.detail_);
  return *this;
}

std::string Error::message() const { return info().wording + detail_->suffix; }

std::string Error::remedy() const {
  return detail_->remedy.empty() ? std::string(info().remedy) : detail_->remedy;
}

int Error::exit_code() const {
  return code() == ErrorCode::guest_exit ? detail_->guest_exit_status : info().exit_code;
}

std::string Error::render() const {
  std::string out;
  for (auto context = detail_->context.rbegin(); context != detail_->context.rend(); ++context)
    out += *context + ": ";
  out += message();
  switch (detail_->location.kind) {
    case Location::Kind::none:
      break;
    case Location::Kind::offset:
      out += fmt::format(" (at offset 0x{:x})", detail_->location.offset);
      break;
    case Location::Kind::line:
      out += fmt::format(" (line {}, column {})", detail_->location.line, detail_->location.column);
      break;
  }
  const std::vector<Frame>& frames = detail_->backtrace;
  for (size_t i = 0; i < frames.size();) {
    out += frame_text(i, frames[i]);
    // Deep recursion repeats one place: say so instead of filling the screen.
    size_t same = i + 1;
    while (same < frames.size() && same_place(frames[i], frames[same])) ++same;
    if (same - i > 3) {
      out += fmt::format("\n       … the same {} times more", same - i - 1);
      i = same;
    } else {
      ++i;
    }
  }
  if (std::string cure = remedy(); !cure.empty()) out += "\nhelp: " + cure;
  return out;
}

Error&& Error::at(Location location) && {
  if (detail_->location.kind == Location::Kind::none) detail_->location = location;
  return std::move(*this);
}

Error&& Error::with_context(std::string context) && {
  add_context(std::move(context));
  return std::move(*this);
}

void Error::add_context(std::string context) { detail_->context.push_back(std::move(context)); }

Error&& Error::with_remedy(std::string remedy) && {
  detail_->remedy = std::move(remedy);
  return std::move(*this);
}

}  // namespace sedge
