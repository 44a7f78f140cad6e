// The build's own way to put adapters into the program: adapters OUT [WIT KIND=MODULE...]. Each
// module gets the world called KIND; OUT becomes the C++ file that has them all.
#include <cstdio>

#include <fmt/format.h>

#include "base/file.h"
#include "componentize/embed.h"
#include "wasm/decode/decode.h"
#include "wit/load.h"

namespace {

using sedge::Result;

constexpr uint64_t kMost = 16 << 20;

Result<std::string> array_of(const std::string& wit, std::string_view kind,
                             const std::string& path) {
  SEDGE_TRY_ASSIGN(sedge::wit::Loaded loaded, sedge::wit::load(wit, {}));
  SEDGE_TRY_ASSIGN(sedge::wit::WorldId world,
                   sedge::componentize::select_world(loaded.resolve, loaded.root, kind));
  SEDGE_TRY_ASSIGN(sedge::FileContent file, sedge::read_file(path, kMost));
  SEDGE_TRY_ASSIGN(sedge::wasm::Module module, sedge::wasm::decode(file.bytes, nullptr));
  // Its memory is the module's that it is for.
  if (!module.datas.empty())
    return sedge::fail(sedge::ErrorCode::bad_argument,
                       fmt::format(": {} has data, which an adapter has no place for", path));
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> bytes,
                   sedge::componentize::embed(loaded.resolve, world, file.bytes,
                                              sedge::componentize::StringEncoding::utf8));
  std::string out = fmt::format("constexpr uint8_t k_{}[] = {{", kind);
  for (size_t i = 0; i < bytes.size(); ++i)
    out += fmt::format("{}{},", i % 24 == 0 ? "\n" : "", bytes[i]);
  return out + "\n};\n";
}

Result<void> run(int argc, char** argv) {
  std::string arrays, cases;
  for (int i = 3; i < argc; ++i) {
    std::string_view pair = argv[i];
    std::string_view kind = pair.substr(0, pair.find('='));
    SEDGE_TRY_ASSIGN(std::string array,
                     array_of(argv[2], kind, std::string(pair.substr(kind.size() + 1))));
    arrays += array;
    cases += fmt::format("  if (kind == Kind::{0}) return Bytes(k_{0});\n", kind);
  }
  return sedge::write_file(
      argv[1], fmt::format("#include \"adapters/builtin.h\"\n\nnamespace sedge::adapters {{\n"
                           "namespace {{\n{}}}\nBytes binary([[maybe_unused]] Kind kind) {{\n{}"
                           "  return {{}};\n}}\n}}\n",
                           arrays, cases));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    (void)std::fputs("usage: adapters OUT [WIT KIND=MODULE...]\n", stderr);
    return 2;
  }
  if (auto done = run(argc, argv); !done) {
    (void)std::fprintf(stderr, "%s\n", done.error().render().c_str());
    return 1;
  }
  return 0;
}
