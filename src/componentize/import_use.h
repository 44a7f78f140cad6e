// What the imports of a core module ask of its component: functions of the world, canonical
// built-ins, functions of other modules.
#ifndef SEDGE_COMPONENTIZE_IMPORT_USE_H_
#define SEDGE_COMPONENTIZE_IMPORT_USE_H_

#include "componentize/abi.h"
#include "componentize/builder.h"
#include "componentize/core_module.h"

namespace sedge::componentize {

struct ImportUse {
  enum class Kind : uint8_t {
    lower,     ///< `function` of the world
    builtin,   ///< `canon`, its type given by the fields below
    adapter,   ///< a function that an adapter exports
    main,      ///< something that the main module exports
    memory,    ///< the memory that the component provides
    tls_base,  ///< a thread's base address, kept by the shim
    unused,    ///< nothing reaches it
  };
  Kind kind = Kind::lower;
  std::string module;
  std::string field;
  std::string given;  ///< what the module calls it now: a name of its own
  ExternKind sort = ExternKind::func;
  CoreSignature signature;

  std::string item;                         ///< key of the interface's import or export
  wit::InterfaceId interface = wit::kNone;  ///< of `function`; kNone: the world itself
  const wit::Function* function = nullptr;  ///< lower; also whose result task.return takes
  bool is_async = false;

  component::Canon canon;
  bool of_export = false;             ///< types are those of an exported interface
  bool standard = false;              ///< the module of the import has a name of "cm32p2"
  wit::TypeId resource = wit::kNone;  ///< resource.*
  std::optional<wit::Type> payload;   ///< stream.*, future.*: the element
  bool has_payload_type = false;      ///< a type index of a stream or future is needed
  bool is_stream = false;
};

/// Reads the names of imports against a world. Errors: no_component.
class ImportReader {
 public:
  ImportReader(const wit::Resolve& resolve, const wit::World& world)
      : resolve_(resolve), world_(world) {}

  /// An import of a function that is not an adapter's or the main module's.
  Result<ImportUse> read(std::string_view module, std::string_view field,
                         const FuncType& type) const;

 private:
  Result<ImportUse> function_import(ImportUse use, std::string_view name) const;
  Result<bool> builtin(ImportUse& use, std::string_view name) const;
  Result<bool> resource_builtin(ImportUse& use, component::CanonOp op,
                                std::string_view resource) const;
  Result<bool> payload_builtin(ImportUse& use, std::string_view name) const;
  const wit::Function* find_function(const ImportUse& use, std::string_view name) const;
  const wit::WorldItem* find_item(const ImportUse& use, std::string_view name) const;
  std::unexpected<Error> unknown(const ImportUse& use) const;

  const wit::Resolve& resolve_;
  const wit::World& world_;
};

/// "[i32, i64] -> [i32]".
std::string core_type_text(const FuncType& type);

}  // namespace sedge::componentize

#endif  // SEDGE_COMPONENTIZE_IMPORT_USE_H_
