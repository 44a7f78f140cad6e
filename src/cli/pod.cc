// Recognising a pod by what Kubernetes gives every container, and an edge function by its answer.
#include "cli/pod.h"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/json_scan.h"
#include "cli/console.h"
#include "cli/environment.h"
#include "cli/tier_option.h"
#include "cli/units.h"
#if SEDGE_HAVE_SERVER
#include "serve/serve.h"
#endif

namespace sedge::cli {

bool in_pod_without_input() {
  if (!std::getenv("KUBERNETES_SERVICE_HOST")) return false;
  struct stat status{};
  if (::fstat(STDIN_FILENO, &status) != 0) return errno == EBADF;
  return S_ISCHR(status.st_mode) && status.st_rdev == ::makedev(1, 3);  // /dev/null
}

std::shared_ptr<OutputRecord> OutputRecord::create() { return std::make_shared<OutputRecord>(); }

wasi::Output OutputRecord::output_of(const std::shared_ptr<OutputRecord>& record) {
  return wasi::OutputCallback([record](std::string_view bytes) {
    if (bytes.size() > kKept - record->text_.size())
      record->whole_ = false;
    else
      record->text_ += bytes;
    return print(bytes).has_value();
  });
}

bool OutputRecord::is_edge_response() const {
  size_t begin = text_.find_first_not_of(" \t\r\n");
  if (!whole_ || begin == std::string::npos) return false;
  std::string_view text = std::string_view(text_).substr(begin);
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  auto members = is_json(text) ? json_members(text) : std::nullopt;
  if (!members) return false;
  for (const JsonMember& member : *members)
    if (member.name == "status_code") return json_number(member.value).has_value();
  return false;
}

Result<int> serve_in_pod(const Arguments& arguments, std::string_view function) {
#if SEDGE_HAVE_SERVER
  serve::ServeOptions options;
  options.file = std::string(arguments.positional(0));
  const char* port = std::getenv("PORT");
  options.listen = {fmt::format("0.0.0.0:{}", port && *port ? port : "8080")};
  options.workers = 1;
  options.single.function = std::string(function);
  options.single.pool_size = 2;
  for (std::string_view dir : arguments.all("--dir")) {
    SEDGE_TRY_ASSIGN(wasi::Preopen preopen, wasi::parse_preopen(dir));
    options.single.dirs.push_back(std::move(preopen));
  }
  SEDGE_TRY_ASSIGN(options.single.env, parse_env(arguments.all("--env")));
  if (auto memory = arguments.get("--max-memory")) {
    SEDGE_TRY_ASSIGN(uint64_t bytes, parse_size("--max-memory", *memory));
    options.single.memory_limit_mb = static_cast<uint32_t>(std::max<uint64_t>(bytes >> 20, 1));
  }
  optimize_in_background(arguments, options.engine);
  options.report = print_error;
  options.announce = print_note;
  print_note("this is a pod and there is no event on standard input: the function is served");
  return serve::serve_main(options);
#else
  (void)arguments;
  (void)function;
  return fail(ErrorCode::not_in_build,
              ": this build has no server, and there is no event on "
              "standard input");
#endif
}

}  // namespace sedge::cli
