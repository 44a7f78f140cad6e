// The section's name ends with the world's, as other tool chains write it.
#include "componentize/embed.h"

#include <fmt/format.h>

#include "wasm/decode/decode.h"
#include "wasm/encode/encode.h"

namespace sedge::componentize {

Result<std::vector<uint8_t>> embed(const wit::Resolve& resolve, wit::WorldId world, Bytes module,
                                   StringEncoding encoding) {
  SEDGE_TRY(wasm::decode(module, nullptr));
  std::vector<uint8_t> content = encode_world(resolve, world, encoding);
  wasm::Writer section;
  section.name(fmt::format("{}:{}", kWorldSection, resolve.worlds[world].name));
  section.bytes(content);
  wasm::Writer out;
  out.bytes(module);
  out.u8(0);
  out.u32(static_cast<uint32_t>(section.size()));
  out.bytes(section.out());
  return out.take();
}

Result<wit::WorldId> select_world(const wit::Resolve& resolve, wit::PackageId package,
                                  std::string_view name) {
  const wit::Package& root = resolve.packages[package];
  std::string known;
  for (const auto& [label, id] : root.worlds)
    known += fmt::format("{}`{}`", known.empty() ? "" : ", ", label);
  if (name.empty()) {
    if (root.worlds.size() == 1) return root.worlds.begin()->second;
    return fail(
        Error(ErrorCode::bad_argument, fmt::format(": package `{}` has {} worlds",
                                                   root.name.to_string(), root.worlds.size()))
            .with_remedy("name one with --world" + (known.empty() ? std::string() : ": " + known)));
  }
  if (const wit::WorldId* id = root.worlds.find(name)) return *id;
  for (const wit::Package& other : resolve.packages)
    for (const auto& [label, id] : other.worlds)
      if (other.name.item(label) == name) return id;
  return fail(ErrorCode::bad_argument,
              fmt::format(": there is no world `{}` in package `{}`; it has {}", name,
                          root.name.to_string(), known.empty() ? "none" : known));
}

}  // namespace sedge::componentize
