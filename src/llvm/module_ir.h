// One partition of a module as an llvm::Module: types, prototypes, alias metadata and the ways to
// reach what lies in instances and contexts (vm/layout.h).
#ifndef SEDGE_LLVM_MODULE_IR_H_
#define SEDGE_LLVM_MODULE_IR_H_

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include "llvm/analysis.h"
#include "llvm/options.h"
#include "vm/builtin.h"
#include "vm/native.h"
#include "wasm/module.h"
#include "wasm/type_registry.h"

namespace sedge::llvmc {

using vm::TrapCode;
using vm::TypeId;

/// What every partition of one compilation shares; outlives them.
struct Source {
  const wasm::Module& module;
  const wasm::TypeSet& types;
  const ModuleAnalysis& analysis;
  const CompileOptions& options;
  std::vector<bool> wanted;      ///< by defined function: is in the artifact
  std::vector<LoopEntry> loops;  ///< to be entered at
  uint32_t imported() const { return static_cast<uint32_t>(module.imported_funcs.size()); }
};

/// Index of a builtin in vm::Builtins.
enum class Builtin : uint32_t {
#define SEDGE_BUILTIN(result, name, parameters, gc) name,
#include "vm/builtin.def"
#undef SEDGE_BUILTIN
};

/// Kinds of memory that never overlap.
enum class Alias : uint8_t {
  memory,
  heap,
  table,
  table_elements,
  context,
  cells,
  size,
  slot,
  fuel,
  count
};

class ModuleIr {
 public:
  ModuleIr(const Source& the_source, llvm::LLVMContext& the_context,
           const llvm::TargetMachine& machine, const std::string& name);

  const Source& source;
  llvm::LLVMContext& context;
  llvm::Module module;

  // Types. References to the GC heap are i32, functions ptr, v128 two i64.
  llvm::Type *i1, *i8, *i16, *i32, *i64, *i128, *f32, *f64, *v128, *void_type;
  llvm::PointerType* ptr;
  llvm::Type* type_of(Kind kind) const;

  /// Prototype of NativeEntry.
  llvm::FunctionType* entry_type;
  /// Prototype of a function's body for calls inside the artifact; entry_type where it keeps to
  /// cells.
  llvm::FunctionType* body_type(const FuncType& type);
  /// Type of what a body with one result gives: {value, status}; else the status alone.
  llvm::Type* result_type(const FuncType& type);

  /// Body and entry of a defined function; declarations until they are built.
  llvm::Function* body(uint32_t func_index);
  llvm::Function* entry(uint32_t func_index);
  llvm::Function* loop_entry(uint32_t func_index, uint32_t loop);
  /// A trap: (context, code) → Exit::trap; its return address is the place.
  llvm::Function* trap_stub();
  /// An exception leaves: (context) → Exit::exception.
  llvm::Function* throw_stub();
  /// Defines the stubs; in one partition of an artifact.
  void define_stubs();
  /// Table of bodies with prototypes of their own, by defined function: distances from itself.
  llvm::GlobalVariable* body_table();
  void define_body_table();

  /// Sets what every function of the artifact needs.
  void set_attributes(llvm::Function* function) const;
  /// Gives a function, or a call, the convention of native code on this target (vm/native.h).
  template <typename T>
  void native_convention(T* callee) const {
    if (c_convention()) return extend_narrow(callee);
    callee->setCallingConv(llvm::CallingConv::PreserveNone);
  }
  /// The same for the C convention, where it wants narrow integers extended by the caller: on
  /// riscv64 every i32 by its sign. Elsewhere callers and callees rely on nothing.
  template <typename T>
  void extend_narrow(T* callee) const {
    if (!c_convention()) return;
    const llvm::FunctionType* type = callee->getFunctionType();
    for (unsigned i = 0; i < type->getNumParams(); i++) {
      if (type->getParamType(i) == i32) callee->addParamAttr(i, llvm::Attribute::SExt);
      if (type->getParamType(i) == i8) callee->addParamAttr(i, llvm::Attribute::ZExt);
    }
    if (type->getReturnType() == i32) callee->addRetAttr(llvm::Attribute::SExt);
    if (type->getReturnType() == i8) callee->addRetAttr(llvm::Attribute::ZExt);
  }

  llvm::MDNode* alias(Alias kind) const { return alias_[static_cast<size_t>(kind)]; }
  llvm::MDNode* alias_of_global(uint32_t index);
  llvm::MDNode* invariant() const { return invariant_; }
  llvm::MDNode* cold_branch() const { return cold_; }      ///< the first successor is unlikely
  llvm::MDNode* likely_branch() const { return likely_; }  ///< the first successor is likely

  /// Debug scope of a function: instructions with a location have a place there.
  llvm::DISubprogram* subprogram(uint32_t func_index);
  llvm::DISubprogram* wrapper_subprogram();
  void finish_debug() { debug_.finalize(); }

 private:
  /// Native code keeps to the C convention: there is no preserve_none.
  bool c_convention() const { return source.options.target.arch == vm::ArtifactArch::riscv64; }
  llvm::MDNode* make_alias(const std::string& name);
  llvm::Function* declare(const std::string& name, llvm::FunctionType* type);
  llvm::DISubprogram* make_subprogram(const std::string& name, uint32_t line);

  llvm::MDNode* alias_[static_cast<size_t>(Alias::count)];
  llvm::MDNode* alias_root_;
  std::map<uint32_t, llvm::MDNode*> alias_globals_;
  llvm::MDNode *invariant_, *cold_, *likely_;
  llvm::DIBuilder debug_;
  llvm::DIFile* file_;
  llvm::DISubroutineType* subroutine_;
  std::map<uint32_t, llvm::DISubprogram*> subprograms_;
};

/// Name that marks scopes of entries: they are no place in the module.
inline constexpr const char* kWrapperName = "entry";

}  // namespace sedge::llvmc

#endif  // SEDGE_LLVM_MODULE_IR_H_
