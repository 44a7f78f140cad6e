// What functions at the edge are given beside WASI: wasi:config, wasi:keyvalue and wasi:logging.
#ifndef SEDGE_WASI_EDGE_EDGE_H_
#define SEDGE_WASI_EDGE_EDGE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sedge/component.h>
#include <sedge/wasi.h>

namespace sedge::wasi {

/// One guest's part of it.
struct GuestServices {
  std::vector<std::pair<std::string, std::string>> variables;  ///< of wasi:config
  std::shared_ptr<KeyValueStore> keyvalue;                     ///< null: none
};

namespace edge {

/// One line: "LEVEL context: message", without characters that a terminal would act on, and cut
/// where it is too long.
std::string log_line(std::string_view level, std::string_view context, std::string_view message);

void link_config(ComponentLinker& linker);
void link_keyvalue(ComponentLinker& linker);
void link_logging(ComponentLinker& linker);

}  // namespace edge
}  // namespace sedge::wasi

#endif  // SEDGE_WASI_EDGE_EDGE_H_
