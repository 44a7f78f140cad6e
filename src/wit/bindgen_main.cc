// The build's own way to generate_bindings: bindgen WIT WORLD NAMESPACE DIR.
#include <cstdio>

#include "wit/bindgen.h"
#include "wit/load.h"

namespace {

sedge::Result<void> run(char** argv) {
  sedge::wit::LoadOptions load;
  load.gates.all = true;
  SEDGE_TRY_ASSIGN(sedge::wit::Loaded loaded, sedge::wit::load(argv[1], load));
  sedge::wit::BindgenOptions options;
  options.world = argv[2];
  options.name_space = argv[3];
  SEDGE_TRY_ASSIGN(auto files, sedge::wit::generate_bindings(loaded.resolve, loaded.root, options));
  return sedge::wit::write_bindings(files, argv[4]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    (void)std::fputs("usage: bindgen WIT WORLD NAMESPACE DIR\n", stderr);
    return 2;
  }
  if (auto done = run(argv); !done) {
    (void)std::fprintf(stderr, "%s\n", done.error().render().c_str());
    return 1;
  }
  return 0;
}
