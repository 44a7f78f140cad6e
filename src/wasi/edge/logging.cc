// wasi:logging/logging: lines on the guest's standard error.
#include <iterator>

#include <fmt/format.h>

#include "edge/wasi/logging/logging.h"
#include "wasi/edge/edge.h"
#include "wasi/p2/cli.h"
#include "wasi/p2/streams.h"

namespace sedge::wasi::edge {
namespace {

namespace logging = bindings::edge::wasi::logging::logging;

constexpr size_t kMaxContext = 256;      // bytes of the context that are shown
constexpr size_t kMaxMessage = 8 << 10;  // and of the message

/// Where `text` may be cut: at most `most` bytes, no character in two.
size_t cut_at(std::string_view text, size_t most) {
  if (text.size() <= most) return text.size();
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return most;
}

/// The controls of C0, DEL and C1, and the separators that end a line, as escapes.
void append_escaped(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (byte == '\n')
      out += "\\n";
    else if (byte == '\t')
      out += "\\t";
    else if (byte < 0x20 || byte == 0x7f)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    else if (byte == 0xc2 && next < 0xa0)  // U+0080 to U+009F
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(text[++i]) & 0xff);
    else
      out += text[i];
  }
}

void append_bounded(std::string& out, std::string_view text, size_t most) {
  size_t shown = cut_at(text, most);
  append_escaped(out, text.substr(0, shown));
  if (shown < text.size())
    fmt::format_to(std::back_inserter(out), "… ({} bytes more)", text.size() - shown);
}

std::string_view name_of(logging::Level level) {
  constexpr std::string_view kNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"};
  return kNames[static_cast<size_t>(level)];
}

struct LoggingHost final : logging::Host {
  Result<void> log(Store& store, logging::Level level, std::string context,
                   std::string message) override {
    SEDGE_TRY_ASSIGN(auto descriptor, p2::standard(store, 2));
    auto stream = p2::output_of(std::move(descriptor));
    // Whether anybody reads it is not the guest's business.
    SEDGE_TRY(stream->blocking_write_and_flush(
        store, host::Bytes{log_line(name_of(level), context, message)}));
    return {};
  }
};

}  // namespace

std::string log_line(std::string_view level, std::string_view context, std::string_view message) {
  std::string out(level);
  if (!context.empty()) {
    out += ' ';
    append_bounded(out, context, kMaxContext);
  }
  out += ": ";
  append_bounded(out, message, kMaxMessage);
  out += '\n';
  return out;
}

void link_logging(ComponentLinker& linker) {
  logging::add_to_linker(linker, p2::single<LoggingHost, logging::Host>);
}

}  // namespace sedge::wasi::edge
