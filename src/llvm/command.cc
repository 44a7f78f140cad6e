// Arguments of sedgec, and the same through a pipe.
#include "llvm/command.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "vm/code_cache.h"
#include "vm/ran_funcs.h"
#include "wasm/decode/decode.h"

namespace sedge::llvmc {

namespace {

constexpr int kClaimFd = 3, kRanFd = 4;
/// How long the end of the program is waited for.
constexpr int kRanMs = 10'000;

Result<uint64_t> number(std::string_view option, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::bad_argument,
                ": " + std::string(option) + " takes a number, not '" + std::string(text) + "'");
  }
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Result<void> parse_loops(std::string_view text, std::vector<LoopEntry>& loops) {
  for (std::string_view part : split(text, ',')) {
    const size_t colon = part.find(':');
    if (colon == part.npos) return fail(ErrorCode::bad_argument, ": --loops takes FUNC:LOOP");
    SEDGE_TRY_ASSIGN(const uint64_t func, number("--loops", part.substr(0, colon)));
    SEDGE_TRY_ASSIGN(const uint64_t loop, number("--loops", part.substr(colon + 1)));
    loops.push_back({static_cast<uint32_t>(func), static_cast<uint32_t>(loop)});
  }
  return {};
}

}  // namespace

Result<Command> parse_command(const std::vector<std::string>& arguments) {
  Command command;
  CompileOptions& options = command.options;
  options.target = vm::host_target();
  for (size_t i = 0; i < arguments.size(); i++) {
    const std::string& argument = arguments[i];
    auto value = [&]() -> Result<std::string_view> {
      if (i + 1 == arguments.size()) {
        return fail(ErrorCode::missing_argument, ": " + argument + " takes a value");
      }
      return std::string_view(arguments[++i]);
    };
    auto numeric = [&]() -> Result<uint64_t> {
      SEDGE_TRY_ASSIGN(const std::string_view text, value());
      return number(argument, text);
    };
    if (argument == "--fast") {
      options.mode.exact = false;
    } else if (argument == "--checked") {
      options.mode.guarded = false;
    } else if (argument == "--fuel") {
      options.mode.fuel = true;
    } else if (argument == "--interruptible") {
      options.mode.interruptible = true;
    } else if (argument == "--serve") {
      command.serve = true;
    } else if (argument == "--emit-ir") {
      command.emit_ir = true;
    } else if (argument == "-v") {
      command.verbose = true;
    } else if (argument == "-o") {
      SEDGE_TRY_ASSIGN(command.output, value());
    } else if (argument == "-O") {
      SEDGE_TRY_ASSIGN(const uint64_t level, numeric());
      if (level < 1 || level > 3) return fail(ErrorCode::bad_argument, ": -O takes 1, 2 or 3");
      options.level = static_cast<unsigned>(level);
    } else if (argument == "--target") {
      SEDGE_TRY_ASSIGN(const std::string_view name, value());
      const auto target = vm::find_target(name);
      if (!target)
        return fail(ErrorCode::bad_argument,
                    ": --target '" + std::string(name) + "': it is " + vm::target_names());
      options.target = *target;
    } else if (argument == "--threads") {
      SEDGE_TRY_ASSIGN(const uint64_t threads, numeric());
      options.threads = static_cast<unsigned>(std::min<uint64_t>(threads, 256));
    } else if (argument == "--all-loops") {
      options.all_loops = true;
    } else if (argument == "--share-loops") {
      SEDGE_TRY_ASSIGN(options.share_loops, numeric());
    } else if (argument == "--code-only") {
      command.code_only = true;
    } else if (argument == "--cache") {
      SEDGE_TRY_ASSIGN(command.cache, value());
    } else if (argument == "--whole-after") {
      SEDGE_TRY_ASSIGN(command.whole_after, numeric());
    } else if (argument == "--ran-after") {
      SEDGE_TRY_ASSIGN(command.ran_after, numeric());
    } else if (argument == "--begin-after") {
      SEDGE_TRY_ASSIGN(const uint64_t time, numeric());
      command.begin_after_ms = static_cast<uint32_t>(std::min<uint64_t>(time, INT32_MAX));
    } else if (argument == "--cache-size") {
      SEDGE_TRY_ASSIGN(command.cache_bytes, numeric());
    } else if (argument == "--background") {
      command.background = true;
    } else if (argument == "--dies-with-parent") {
      command.dies_with_parent = true;
    } else if (argument == "--max-wall") {
      SEDGE_TRY_ASSIGN(command.max_wall_s, numeric());
    } else if (argument == "--max-memory") {
      SEDGE_TRY_ASSIGN(command.max_memory_mib, numeric());
    } else if (argument == "--max-time") {
      SEDGE_TRY_ASSIGN(command.max_time_s, numeric());
    } else if (argument == "--funcs") {
      SEDGE_TRY_ASSIGN(const std::string_view text, value());
      for (std::string_view part : split(text, ',')) {
        SEDGE_TRY_ASSIGN(const uint64_t func, number(argument, part));
        options.funcs.push_back(static_cast<uint32_t>(func));
      }
    } else if (argument == "--loops") {
      SEDGE_TRY_ASSIGN(const std::string_view text, value());
      SEDGE_TRY(parse_loops(text, options.loops));
    } else if (argument.size() > 1 && argument[0] == '-') {
      return fail(ErrorCode::unknown_option, ": " + argument);
    } else if (command.input.empty()) {
      command.input = argument;
    } else {
      return fail(ErrorCode::unexpected_argument, ": " + argument);
    }
  }
  if (!options.target.has_guard_pages()) options.mode.guarded = false;
  return command;
}

namespace {

/// Puts the code into the cache.
Result<void> keep(const Command& command, const CompiledFile& compiled, Bytes code_only) {
  SEDGE_TRY_ASSIGN(const vm::CodeCache cache,
                   vm::CodeCache::open(command.cache, vm::CodeCache::Access::create));
  const CompileOptions& options = command.options;
  return cache.put(compiled.code_part, options.target, options.mode, options.funcs.empty(),
                   code_only, command.cache_bytes);
}

}  // namespace

Result<CommandResult> run_command(const Command& command, Bytes module) {
  CommandResult result;
  if (command.emit_ir) {
    SEDGE_TRY_ASSIGN(const std::string text, print_ir(module, command.options));
    result.bytes.assign(text.begin(), text.end());
    return result;
  }
  SEDGE_TRY_ASSIGN(const CompiledFile compiled, compile_file(module, command.options));
  for (uint32_t func : compiled.left_out) {
    result.report += "left out: function " + std::to_string(func) + "\n";
  }
  std::vector<uint8_t> code_only;
  if (command.code_only || !command.cache.empty())
    code_only = vm::write_code_only(compiled.artifact);
  if (!command.cache.empty()) {
    if (auto kept = keep(command, compiled, code_only); !kept)
      result.report += kept.error().message() + "\n";
  }
  result.bytes = command.code_only ? std::move(code_only)
                                   : vm::write_artifact(compiled.original, compiled.artifact);
  return result;
}

namespace {

bool read_all(int fd, void* to, size_t size) {
  auto* at = static_cast<uint8_t*>(to);
  while (size > 0) {
    const ssize_t got = ::read(fd, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}
bool write_all(int fd, const void* from, size_t size) {
  const auto* at = static_cast<const uint8_t*>(from);
  while (size > 0) {
    const ssize_t put = ::write(fd, at, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

/// Whether another request, or the end of them, comes in this time.
bool wait_for_request(int in, int patience_ms) {
  pollfd wanted{in, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&wanted, 1, patience_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

Result<CommandResult> answer(const std::string& text, Bytes module, Command& command, int in) {
  std::vector<std::string> arguments;
  for (std::string_view part : split(text, '\0')) arguments.emplace_back(part);
  SEDGE_TRY_ASSIGN(command, parse_command(arguments));
  if (command.begin_after_ms != 0) wait_for_request(in, static_cast<int>(command.begin_after_ms));
  return run_command(command, module);
}

/// Adds to the functions of `options` what has run, up to `most` bytes of bodies altogether; false
/// if there is nothing to add.
bool add_ran(CompileOptions& options, const wasm::Module& module, uint64_t most) {
  const size_t imported = module.imported_funcs.size();
  std::set<uint32_t> funcs(options.funcs.begin(), options.funcs.end());
  auto bytes = [&](uint32_t func) { return module.funcs[func - imported].body.bytes.size(); };
  uint64_t size = 0;
  for (uint32_t func : funcs) size += bytes(func);
  for (uint32_t func : vm::RanFuncs::read(kRanFd, imported + module.funcs.size())) {
    if (func < imported || funcs.contains(func) || size + bytes(func) > most) continue;
    size += bytes(func);
    funcs.insert(func);
  }
  if (funcs.size() == options.funcs.size()) return false;
  options.funcs.assign(funcs.begin(), funcs.end());
  return true;
}

/// What Command::whole_after and Command::ran_after say.
Result<void> keep_more(Command command, Bytes original, int in) {
  const Bytes bytes = vm::without_artifact(original);
  SEDGE_TRY_ASSIGN(const wasm::Module module, wasm::decode(bytes, nullptr));
  const bool whole = module.body_bytes() <= command.whole_after;
  if (!whole && command.ran_after == 0) return {};
  SEDGE_TRY_ASSIGN(const vm::CodeCache cache,
                   vm::CodeCache::open(command.cache, vm::CodeCache::Access::create));
  const Bytes code_part = vm::CodeCache::code_part(module);
  CompileOptions& options = command.options;
  // Until it ends the program has the processors, and may claim the entry for what is hot next.
  ::close(kClaimFd);
  wait_for_request(in, kRanMs);
  if (whole) {
    options.funcs.clear();
  } else if (!add_ran(options, module, command.ran_after)) {
    return {};
  }
  SEDGE_TRY_ASSIGN(const Fd claim, cache.claim(code_part, options.target, options.mode));
  if (!claim) return {};
  SEDGE_TRY_ASSIGN(const auto found, cache.find(code_part, options.mode));
  if (found && found->whole) return {};
  options.loops.clear();
  SEDGE_TRY_ASSIGN(const CompiledFile compiled, compile_file(bytes, options));
  return keep(command, compiled, vm::write_code_only(compiled.artifact));
}

constexpr uint32_t kMaxArguments = 64u << 20;
constexpr int kIdleMs = 2000;

}  // namespace

int serve(int in, int out) {
  uint32_t arguments_size = 0;
  while (wait_for_request(in, kIdleMs) && read_all(in, &arguments_size, sizeof(arguments_size))) {
    uint64_t module_size = 0;
    if (arguments_size > kMaxArguments) return 2;
    std::string arguments(arguments_size, '\0');
    if (!read_all(in, arguments.data(), arguments.size())) return 2;
    if (!read_all(in, &module_size, sizeof(module_size))) return 2;
    if (module_size > wasm::kMaxModuleSize) return 2;
    std::vector<uint8_t> module(module_size);
    if (!read_all(in, module.data(), module.size())) return 2;
    Command command;
    auto result = answer(arguments, module, command, in);
    const bool goes_on = result && command.whole_after != 0 && !command.cache.empty();
    uint32_t code = 0;
    if (!result) {
      code = static_cast<uint32_t>(result.error().exit_code());
      const std::string message = result.error().render();
      result = CommandResult{{message.begin(), message.end()}, {}};
    }
    const auto report_size = static_cast<uint32_t>(result->report.size());
    const uint64_t size = result->bytes.size();
    const bool told =
        write_all(out, &code, sizeof(code)) && write_all(out, &report_size, sizeof(report_size)) &&
        write_all(out, &size, sizeof(size)) && write_all(out, result->report.data(), report_size) &&
        write_all(out, result->bytes.data(), size);
    // There is nobody to tell what becomes of it.
    const bool kept = goes_on && keep_more(std::move(command), module, in).has_value();
    if (!told) return kept ? 0 : 1;
  }
  return 0;
}

}  // namespace sedge::llvmc
