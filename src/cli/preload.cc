// `--wasi` and `--preload` of `sedge run`.
#include "cli/preload.h"

#include <algorithm>

#include <fmt/format.h>

namespace sedge::cli {

Result<void> check_wasi_version(std::string_view wanted, const LoadedFile& file) {
  if (wanted == "auto" || file.kind == FileKind::not_wasm) return {};
  bool component = is_component(file);
  if (component == (wanted != "preview1")) return {};
  if (component)
    return fail(
        Error(ErrorCode::incompatible_wasi,
              fmt::format(": {} is a component (WASI preview2 or later), not a module of WASI "
                          "preview1",
                          file.path))
            .with_remedy("run it with --wasi preview2, or build it for preview1: cargo build "
                         "--target wasm32-wasip1"));
  return fail(Error(ErrorCode::incompatible_wasi,
                    fmt::format(": {} is a core module (WASI preview1), not a component of WASI {}",
                                file.path, wanted))
                  .with_remedy("run it with --wasi preview1, or build it for preview2: cargo build "
                               "--target wasm32-wasip2"));
}

Result<std::vector<Preload>> load_preloads(const Engine& engine,
                                           const std::vector<std::string_view>& items) {
  std::vector<Preload> out;
  for (std::string_view item : items) {
    size_t equals = item.find('=');
    std::string_view name = item.substr(0, equals);
    if (equals == std::string_view::npos || name.empty() || equals + 1 == item.size())
      return fail(Error(ErrorCode::bad_argument, fmt::format(": `--preload {}`", item))
                      .with_remedy("write --preload NAME=FILE: the module's imports from NAME then "
                                   "come from FILE"));
    if (std::ranges::find(out, name, &Preload::name) != out.end())
      return fail(ErrorCode::bad_argument,
                  fmt::format(": `--preload {}`: the name `{}` is taken", item, name));
    SEDGE_TRY_ASSIGN(LoadedFile file, load_file(item.substr(equals + 1)));
    SEDGE_TRY_ASSIGN(Module module, load_module(engine, file));
    out.push_back({std::string(name), std::move(module)});
  }
  return out;
}

Result<void> link_preloads(Store& store, Linker& linker, const std::vector<Preload>& preloads) {
  auto named = [](Error error, const Preload& preload) {
    error.add_context(fmt::format("preloaded module `{}`", preload.name));
    return fail(std::move(error));
  };
  for (const Preload& preload : preloads) {
    Result<Instance> instance = linker.instantiate(store, preload.module);
    if (!instance) return named(std::move(instance).error(), preload);
    if (auto initialize = instance->get_func(store, "_initialize"))
      if (auto done = initialize->call(store, {}); !done)
        return named(std::move(done).error(), preload);
    linker.instance(store, preload.name, *instance);
  }
  return {};
}

}  // namespace sedge::cli
