// Engine: configuration and everything that modules share.
#ifndef SEDGE_ENGINE_H_
#define SEDGE_ENGINE_H_

#include <cstdint>
#include <memory>

#include <sedge/error.h>
#include <sedge/feature.h>
#include <sedge/types.h>

namespace sedge {

/// How code is run. This build has the interpreter only; others: unsupported_file ("not
/// supported").
enum class Tier : uint8_t { automatic, interp, baseline, llvm };

struct Config {
  Features features = Features::all();
  Tier tier = Tier::automatic;
  /// Compile fuel counting into code; stores then start with 0 fuel (Store::set_fuel).
  bool fuel = false;
  /// Compile polls into code so that deadlines and Store::interrupter work inside loops.
  bool interruptible = false;
};

struct EngineImpl;

/// A handle to a shared, immutable, thread-safe engine.
class Engine {
 public:
  /// Error: unsupported_file for a tier that this build does not have.
  static Result<Engine> create(Config config = {});
  const Config& config() const;
  const std::shared_ptr<EngineImpl>& impl() const { return impl_; }

 private:
  explicit Engine(std::shared_ptr<EngineImpl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<EngineImpl> impl_;
};

/// The types of an import or export. Heap type indices are canonical ids of the engine.
struct ExternType {
  ExternKind kind = ExternKind::func;
  FuncType func;  ///< func, tag (parameters)
  TableType table;
  MemoryType memory;
  GlobalType global;
  uint32_t type_id = 0;  ///< canonical id of a function's or tag's type
};
/// "func [i32] -> []", "memory 1 2 shared", the way error messages show it.
std::string to_string(const ExternType& type);

}  // namespace sedge

#endif  // SEDGE_ENGINE_H_
