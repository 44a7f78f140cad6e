// Module: validated code, ready to be instantiated any number of times.
#ifndef SEDGE_MODULE_H_
#define SEDGE_MODULE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sedge/engine.h>

namespace sedge {

namespace wasm {
struct Module;
}
struct ModuleImpl;

struct ImportType {
  std::string module;
  std::string name;
  ExternType type;
};
struct ExportType {
  std::string name;
  ExternType type;
};

/// A handle to a shared, immutable, thread-safe module; it keeps its engine alive.
class Module {
 public:
  /// Decodes and validates a binary module. The bytes are copied unless `owner` is given, which
  /// then keeps them alive. Errors: malformed, invalid, feature_disabled, with the byte offset.
  static Result<Module> from_binary(const Engine& engine, std::span<const uint8_t> bytes,
                                    std::shared_ptr<const void> owner = nullptr);
  /// Parses, encodes and validates text. Errors carry line and column, of validation too.
  static Result<Module> from_text(const Engine& engine, std::string_view text);
  /// Reads a file and tells text from binary by its content. Errors: file_not_found, io, and those
  /// above with the path as context.
  static Result<Module> from_file(const Engine& engine, const std::string& path);

  const std::vector<ImportType>& imports() const;
  const std::vector<ExportType>& exports() const;
  /// The export called `name`, or null.
  const ExportType* find_export(std::string_view name) const;
  /// From the name section, or what set_name said; may be empty.
  const std::string& name() const;
  void set_name(std::string name);
  /// What the user should know about how it was loaded: why native code inside was not used. Each
  /// is a sentence; mostly empty.
  const std::vector<std::string>& notes() const;
  /// The abstract syntax, for tools.
  const wasm::Module& syntax() const;
  const std::shared_ptr<ModuleImpl>& impl() const { return impl_; }

 private:
  explicit Module(std::shared_ptr<ModuleImpl> impl) : impl_(std::move(impl)) {}
  friend struct ModuleImpl;
  std::shared_ptr<ModuleImpl> impl_;
};

}  // namespace sedge

#endif  // SEDGE_MODULE_H_
