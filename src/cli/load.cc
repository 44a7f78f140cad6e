// Reading modules for commands; the path becomes the context of every error.
#include "cli/load.h"

#include "base/file.h"
#include "wasm/decode/decode.h"
#include "wasm/text/text.h"

namespace sedge::cli {
namespace {

std::string_view as_text(const LoadedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes->data()), file.bytes->size()};
}

template <typename T>
Result<T> in_file(Result<T> result, const LoadedFile& file) {
  if (!result) result.error().add_context(file.path);
  return result;
}

}  // namespace

Result<LoadedFile> load_file(std::string_view path) {
  LoadedFile file;
  file.path = std::string(path);
  SEDGE_TRY_ASSIGN(file.bytes, read_file(file.path, wasm::kMaxModuleSize));
  file.kind = file_kind(*file.bytes);
  if (file.path == "-") file.path = "<stdin>";
  return file;
}

Result<std::shared_ptr<const std::vector<uint8_t>>> to_binary(const LoadedFile& file) {
  if (file.kind != FileKind::text) return file.bytes;
  SEDGE_TRY_ASSIGN(std::vector<uint8_t> binary, in_file(wasm::assemble(as_text(file)), file));
  return std::make_shared<const std::vector<uint8_t>>(std::move(binary));
}

Result<wasm::Module> decode_file(const LoadedFile& file) {
  SEDGE_TRY_ASSIGN(auto binary, to_binary(file));
  return in_file(wasm::decode(std::move(binary)), file);
}

Result<Module> load_module(const Engine& engine, const LoadedFile& file) {
  Result<Module> module =
      in_file(file.kind == FileKind::text ? Module::from_text(engine, as_text(file))
                                          : Module::from_binary(engine, *file.bytes, file.bytes),
              file);
  if (module && module->name().empty()) module->set_name(stem(file.path));
  return module;
}

std::string stem(std::string_view path) {
  path = path.substr(path.find_last_of('/') + 1);
  return std::string(path.substr(0, path.find_last_of('.')));
}

}  // namespace sedge::cli
