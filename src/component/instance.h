// Component instances at run time: their index spaces, handle tables, and the functions that cross
// between them. Specification: CanonicalABI.md, "Embedding" and "Canonical Definitions".
#ifndef SEDGE_COMPONENT_INSTANCE_H_
#define SEDGE_COMPONENT_INSTANCE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include <sedge/component_async.h>
#include <sedge/extern.h>
#include <sedge/module.h>

#include "component/component_impl.h"
#include "component/types.h"

namespace sedge::component {

struct ComponentInst;
struct ComponentStore;
class HostCall;
class Scheduler;
struct Thread;

/// A resource type at run time: one for each evaluation of its definition.
struct RuntimeResource {
  ComponentInst* owner = nullptr;  ///< null: the host
  std::optional<Func> destructor;
  const HostResourceType* host = nullptr;  ///< of the host's
};

/// Options of a lift or lower, resolved against the instance that it stands in.
struct AbiOptions {
  enum class Encoding : uint8_t { utf8, utf16, latin1_utf16 };
  Encoding encoding = Encoding::utf8;
  std::optional<Memory> memory;
  std::optional<Func> realloc;
  std::optional<Func> post_return;
  std::optional<Func> callback;
  bool is64 = false;
  bool async_ = false;
};

/// A component function: lifted from core code, or the host's.
struct FuncValue : std::enable_shared_from_this<FuncValue> {
  std::shared_ptr<const ComponentImpl> component;  ///< keeps types and names
  uint32_t sig = 0;                                ///< FuncSig in component->validated.types
  ComponentInst* inst = nullptr;                   ///< of the lift; null: the host
  Func callee;
  AbiOptions options;
  ComponentHostCallback host;
  std::string_view host_type;         ///< as func_text gives it; empty: not known
  ComponentAsyncCallback async_host;  ///< instead of `host`
};

struct Item;
/// What an instance exports.
struct InstanceValue {
  std::vector<std::pair<std::string, Item>> exports;
  const Item* find(std::string_view name) const;
};

/// A component as a value: its syntax, and the instance that it was defined in.
struct ComponentValue {
  std::shared_ptr<const ComponentImpl> component;
  const Component* syntax = nullptr;
  ComponentInst* outer = nullptr;
};

/// Something that components import and export.
struct Item {
  std::variant<std::monostate, std::shared_ptr<const FuncValue>,
               std::shared_ptr<const InstanceValue>, ComponentValue, Module, RuntimeResource*>
      value;
};

/// What handle tables hold besides resources.
class TableObject {
 public:
  enum class Kind : uint8_t {
    waitable_set,
    subtask,
    stream_reader,
    stream_writer,
    future_reader,
    future_writer,
    error_context,
  };
  explicit TableObject(Kind of) : kind(of) {}
  virtual ~TableObject() = default;
  TableObject(const TableObject&) = delete;
  TableObject& operator=(const TableObject&) = delete;
  const Kind kind;
};

/// An entry of a handle table.
struct Handle {
  enum class Kind : uint8_t { free, own, borrow, object };
  Kind kind = Kind::free;
  RuntimeResource* type = nullptr;
  uint64_t rep = 0;
  uint32_t lends = 0;
  /// borrow: counts the borrows of the call that it was made for; outlives the call if that fails
  std::shared_ptr<uint32_t> scope;
  std::shared_ptr<TableObject> object;  ///< kind object
};

/// Handles by index, from 1. Errors: component_trap.
class HandleTable {
 public:
  Result<uint32_t> add(const Handle& handle);
  Result<Handle*> get(uint32_t index);
  Result<Handle*> get(uint32_t index, const RuntimeResource* type);
  void remove(uint32_t index);
  Result<uint32_t> add(std::shared_ptr<TableObject> object);
  /// `what` names the kind in the error: "a waitable set".
  Result<std::shared_ptr<TableObject>> get_object(uint32_t index, const char* what,
                                                  bool (*is)(TableObject::Kind));
  bool empty() const { return handles_.size() == free_.size() + 1; }
  /// Forgets all handles. False, without doing so, if some are no resources.
  bool clear();

 private:
  // The specification allows 2^28 - 1, which would be 20 GB here.
  static constexpr size_t kMaxHandles = 1u << 20;
  std::vector<Handle> handles_{1};
  std::vector<uint32_t> free_;
};

/// Threads of an instance by index, from 1. Errors: component_trap.
class ThreadTable {
 public:
  Result<uint32_t> add(std::shared_ptr<Thread> thread);
  Result<std::shared_ptr<Thread>> get(uint32_t index) const;
  void remove(uint32_t index);
  const std::vector<std::shared_ptr<Thread>>& entries() const { return threads_; }
  bool empty() const { return threads_.size() == free_.size() + 1; }

 private:
  static constexpr size_t kMaxThreads = (1u << 28) - 1;
  std::vector<std::shared_ptr<Thread>> threads_{1};
  std::vector<uint32_t> free_;
};

/// A core instance: of a module, or exports tupled together.
struct CoreInstanceValue {
  std::optional<sedge::Instance> made;
  std::unordered_map<std::string_view, Extern> tuple;  ///< without `made`

  std::optional<Extern> find(const Store& store, std::string_view name) const {
    if (made) return made->get_export(store, name);
    auto found = tuple.find(name);
    return found == tuple.end() ? std::nullopt : std::optional(found->second);
  }
};

struct ComponentInst {
  std::shared_ptr<const ComponentImpl> component;
  const Component* syntax = nullptr;
  const ComponentInfo* info = nullptr;
  ComponentInst* parent = nullptr;  ///< the instance that instantiated it; null: the host
  ComponentInst* outer = nullptr;   ///< the instance that its component was defined in
  ComponentStore* home = nullptr;
  HandleTable handles;
  bool may_leave = true;
  bool has_context = false;  ///< it has context.get or context.set
  uint64_t context[2] = {};  ///< of a call that is no task
  bool entered = false;      ///< a call into it is on the stack
  bool poisoned = false;     ///< a call into it trapped

  // Tasks. Only an instance that uses asynchronous features has them: calls of any other are
  // nothing but calls.
  bool async_ = false;
  ThreadTable threads;
  uint32_t backpressure = 0;
  uint32_t waiting_to_enter = 0;
  Thread* exclusive = nullptr;                        ///< the one thread of tasks that take turns
  std::deque<std::shared_ptr<Thread>> entry_waiters;  ///< tasks that may not begin yet
  std::deque<std::shared_ptr<Thread>> exclusive_waiters;

  // Index spaces.
  std::vector<Func> core_funcs;
  std::vector<Memory> core_memories;
  std::vector<Table> core_tables;
  std::vector<Global> core_globals;
  std::vector<Tag> core_tags;
  std::vector<Module> core_modules;
  std::vector<CoreInstanceValue> core_instances;
  std::vector<std::shared_ptr<const FuncValue>> funcs;
  std::vector<std::shared_ptr<const InstanceValue>> instances;
  std::vector<ComponentValue> components;
  std::vector<RuntimeResource*> types;  ///< null for all but resources
  std::unordered_map<ResourceId, RuntimeResource*> resources;

  const Types& type_arena() const { return *component->validated.types; }
  /// Whether it is `around` or an instance that was made inside of it.
  bool is_inside(const ComponentInst& around) const {
    const ComponentInst* at = this;
    while (at && at != &around) at = at->parent;
    return at != nullptr;
  }
  /// Whether no call runs or waits in it, and none has trapped.
  bool is_quiet() const;
};

/// Everything of components that lives in one store.
struct ComponentStore {
  explicit ComponentStore(Store& of);
  ~ComponentStore();
  ComponentStore(const ComponentStore&) = delete;
  ComponentStore& operator=(const ComponentStore&) = delete;
  static ComponentStore& of(Store& store);
  static ComponentStore& of(const ComponentInst& inst) { return *inst.home; }

  Scheduler& scheduler() const { return *scheduler_; }
  /// Whether no thread, no call and nothing from outside is waited for.
  bool is_quiet() const;
  /// Whether it is quiet and no instance has changed since it was made.
  bool is_new() const;
  /// Whether making its instances ran code of theirs.
  bool runs_code_at_start() const;
  /// Makes the instances what they were at first, handles and all. False if something waits, or if
  /// a guest has trapped.
  bool forget_calls();
  std::vector<std::unique_ptr<ComponentInst>> instances;
  std::vector<std::unique_ptr<RuntimeResource>> resources;
  std::shared_ptr<ComponentLoopImpl> loop;

 private:
  std::unique_ptr<Scheduler> scheduler_;
};

using Imports = std::map<std::string, Item, std::less<>>;

/// Instantiates with imports by name. `parent` is null for the host.
Result<std::shared_ptr<const InstanceValue>> instantiate(Store& store,
                                                         const ComponentValue& component,
                                                         const Imports& imports,
                                                         ComponentInst* parent);

/// Whether `item` can stand for an import of the outermost component: the right kind of thing, with
/// everything that the import's type asks of an instance, and functions of components with the same
/// type. Error: incompatible_import.
Result<void> check_import(const Types& types, std::string_view name, const Entity& wanted,
                          const Item& item);

/// Whether two value types of different validations are the same, resources aside.
bool same_shape(const Types& a_types, const std::optional<ValType>& a, const Types& b_types,
                const std::optional<ValType>& b);

/// component_trap with these words.
std::unexpected<Error> trap(std::string text);

}  // namespace sedge::component

#endif  // SEDGE_COMPONENT_INSTANCE_H_
