// wasi:config/store: the names and values that the guest's user gave it.
#include <algorithm>

#include "edge/wasi/config/store.h"
#include "wasi/edge/edge.h"
#include "wasi/p2/guest.h"

namespace sedge::wasi::edge {
namespace {

namespace store = bindings::edge::wasi::config::store;
using host::Outcome;

struct ConfigHost final : store::Host {
  Result<Outcome<std::optional<std::string>, store::Error>> get(Store& guest,
                                                                std::string key) override {
    SEDGE_TRY_ASSIGN(Context * context, context_of(guest));
    const auto& variables = context->services().variables;
    // The last one counts, as on a command line.
    auto found = std::find_if(variables.rbegin(), variables.rend(),
                              [&](const auto& variable) { return variable.first == key; });
    if (found == variables.rend()) return std::optional<std::string>();
    return std::optional(found->second);
  }
  Result<Outcome<std::vector<std::tuple<std::string, std::string>>, store::Error>> get_all(
      Store& guest) override {
    SEDGE_TRY_ASSIGN(Context * context, context_of(guest));
    std::vector<std::tuple<std::string, std::string>> out;
    for (const auto& [name, value] : context->services().variables) {
      auto same = std::ranges::find(
          out, name, [](const auto& variable) -> const auto& { return std::get<0>(variable); });
      if (same != out.end())
        std::get<1>(*same) = value;
      else
        out.emplace_back(name, value);
    }
    return out;
  }
};

}  // namespace

void link_config(ComponentLinker& linker) {
  store::add_to_linker(linker, p2::single<ConfigHost, store::Host>);
}

}  // namespace sedge::wasi::edge
