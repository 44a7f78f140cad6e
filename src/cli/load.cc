// Reading modules for commands; the path becomes the context of every error.
#include "cli/load.h"

#include <vector>

#include "component/decode.h"
#include "component/text/text.h"
#include "wasm/decode/decode.h"
#include "wasm/text/text.h"

namespace sedge::cli {
namespace {

template <typename T>
Result<T> in_file(Result<T> result, const LoadedFile& file) {
  if (!result) result.error().add_context(file.path);
  return result;
}

}  // namespace

Result<LoadedFile> load_file(std::string_view path) {
  LoadedFile file;
  file.path = std::string(path);
  SEDGE_TRY_ASSIGN(file.content, read_file(file.path, wasm::kMaxModuleSize));
  file.kind = file_kind(file.content.bytes);
  if (file.path == "-") file.path = "<stdin>";
  return file;
}

Result<FileContent> to_binary(const LoadedFile& file) {
  if (file.kind != FileKind::text) return file.content;
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary,
                   in_file(is_component(file) ? component::assemble(file.content.text())
                                              : wasm::assemble(file.content.text()),
                           file));
  auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(binary));
  return FileContent{*owner, owner};
}

Result<wasm::Module> decode_file(const LoadedFile& file) {
  SEDGE_TRY_ASSIGN(FileContent binary, to_binary(file));
  return in_file(wasm::decode(binary.bytes, binary.owner), file);
}

bool is_component(const LoadedFile& file) {
  return file.kind == FileKind::component ||
         (file.kind == FileKind::text && component::is_component_text(file.content.text()));
}

Result<Component> load_component(const Engine& engine, const LoadedFile& file) {
  return in_file(file.kind == FileKind::text
                     ? Component::from_text(engine, file.content.text())
                     : Component::from_binary(engine, file.content.bytes, file.content.owner),
                 file);
}

Result<Module> load_module(const Engine& engine, const LoadedFile& file) {
  Result<Module> module =
      in_file(file.kind == FileKind::text
                  ? Module::from_text(engine, file.content.text())
                  : Module::from_binary(engine, file.content.bytes, file.content.owner),
              file);
  if (!module) {
    Error& error = module.error();
    bool wrong = error.phase() == Phase::malformed || error.phase() == Phase::invalid;
    if (wrong && file.kind != FileKind::text && error.remedy().empty())
      error.set_remedy(
          "the file is damaged, or made for a later WebAssembly than 3.0: build it again");
    return module;
  }
  if (module->name().empty()) module->set_name(stem(file.path));
  return module;
}

std::string stem(std::string_view path) {
  path = path.substr(path.find_last_of('/') + 1);
  return std::string(path.substr(0, path.find_last_of('.')));
}

Result<void> write_wasm(const Arguments& arguments, const std::string& output, Bytes binary) {
  if (!arguments.has(kTextOption.name))
    return write_file(output, {reinterpret_cast<const char*>(binary.data()), binary.size()});
  if (file_kind(binary) == FileKind::component) {
    SEDGE_TRY_ASSIGN(component::Component component, component::decode(binary, nullptr));
    return write_file(output, component::print_component(component));
  }
  SEDGE_TRY_ASSIGN(wasm::Module module, wasm::decode(binary, nullptr));
  return write_file(output, wasm::print_module(module));
}

}  // namespace sedge::cli
