// wasi:cli: arguments, environment, standard streams, terminals, exit.
#ifndef SEDGE_WASI_P2_CLI_H_
#define SEDGE_WASI_P2_CLI_H_

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <sedge/component.h>

#include "wasi/p2/guest.h"

namespace sedge::wasi::p2 {

// What WASI 0.3 has too.
Result<std::vector<std::tuple<std::string, std::string>>> environment_of(Store& store);
/// guest_exit.
Result<void> exit_with(int status);
/// Standard stream `number` (0 to 2) of the guest.
Result<std::shared_ptr<p1::Descriptor>> standard(Store& store, uint32_t number);
bool is_terminal(const p1::Descriptor& stream);
/// A resource `T` that says that stream `number` is a terminal, if it is one.
template <typename Interface, typename T>
Result<std::optional<std::unique_ptr<Interface>>> terminal(Store& store, uint32_t number) {
  SEDGE_TRY_ASSIGN(auto descriptor, standard(store, number));
  std::optional<std::unique_ptr<Interface>> out;
  if (is_terminal(*descriptor)) out = std::make_unique<T>();
  return out;
}

void link_cli(ComponentLinker& linker);

}  // namespace sedge::wasi::p2

#endif  // SEDGE_WASI_P2_CLI_H_
