// WASI 0.2 and 0.3 into a linker, and commands to their end.
#include <sedge/wasi_component.h>

#include <algorithm>

#include <fmt/format.h>

#include <sedge/component_async.h>

#include "component/ast.h"
#include "p2/wasi/io/error.h"
#include "wasi/edge/edge.h"
#include "wasi/p2/cli.h"
#include "wasi/p2/clocks.h"
#include "wasi/p2/filesystem.h"
#include "wasi/p2/http.h"
#include "wasi/p2/sockets.h"
#include "wasi/p2/streams.h"
#include "wasi/p3/cli.h"
#include "wasi/p3/filesystem.h"
#include "wasi/p3/http.h"
#include "wasi/p3/sockets.h"

namespace sedge::wasi {
namespace {

// A component with both is one for 0.3: its 0.2 is what its tool chain leaves over.
constexpr std::string_view kRuns[] = {"wasi:cli/run@0.3.", "wasi:cli/run@0.2."};

std::optional<ComponentFunc> find_run(const ComponentInstance& instance) {
  for (std::string_view run : kRuns)
    for (const std::string& name : instance.exports())
      if (name.starts_with(run)) return instance.get_func(name + "#run");
  return std::nullopt;
}

Result<ComponentFunc> run_of(const ComponentInstance& instance) {
  if (auto function = find_run(instance)) return *std::move(function);
  return fail(ErrorCode::unknown_export, ": the component does not export wasi:cli/run");
}

/// The exit status of how a call of it, or a task that it has left, has ended.
Result<int> status_of(Result<std::vector<ComponentVal>> called) {
  if (called) return !called->empty() && called->front().bits != 0 ? 1 : 0;
  Error& error = called.error();
  if (error.code() == ErrorCode::guest_exit) return error.guest_exit_status();
  return fail(std::move(error));
}

}  // namespace

void link(ComponentLinker& linker) {
  namespace wasi = bindings::p2::wasi;
  wasi::io::error::add_to_linker(linker);
  wasi::io::poll::add_to_linker(linker, p2::poll_host);
  wasi::io::streams::add_to_linker(linker);
  wasi::filesystem::types::add_to_linker(linker, p2::filesystem_host);
  wasi::filesystem::preopens::add_to_linker(linker, p2::preopens_host);
  p2::link_cli(linker);
  p2::link_clocks(linker);
  p2::link_random(linker);
  p2::link_sockets(linker);
  p2::link_http(linker);
  p3::link_cli(linker);
  p3::link_clocks(linker);
  p3::link_filesystem(linker);
  p3::link_sockets(linker);
  p3::link_http(linker);
  edge::link_config(linker);
  edge::link_keyvalue(linker);
  edge::link_logging(linker);
}

Result<void> check_grants(const Component& component, const Config& config) {
  if (config.keyvalue) return {};
  for (const component::Definition& item : component.syntax().definitions)
    if (const auto* import = std::get_if<component::Import>(&item.node);
        import && import->name.name.starts_with("wasi:keyvalue/"))
      return fail(
          Error(ErrorCode::unknown_import,
                fmt::format(" `{}`: the component was given no key-value store", import->name.name))
              .with_remedy(
                  "--keyvalue FILE gives it one, --keyvalue memory one that ends with it"));
  return {};
}

bool is_command(const ComponentInstance& instance) { return find_run(instance).has_value(); }

Result<int> run(Store& store, const ComponentInstance& instance) {
  SEDGE_TRY_ASSIGN(ComponentFunc function, run_of(instance));
  Result<int> status = status_of(function.call(store, {}));
  if (!status) return status;
  if (auto rest = ComponentLoop::of(store).finish(); !rest)
    return status_of(fail(std::move(rest).error()));
  return status;
}

Result<void> start(Store& store, const ComponentInstance& instance,
                   std::function<void(Result<int>)> then) {
  SEDGE_TRY_ASSIGN(ComponentFunc function, run_of(instance));
  return function.start(
      store, {}, [then = std::move(then)](auto called) { then(status_of(std::move(called))); });
}

}  // namespace sedge::wasi
