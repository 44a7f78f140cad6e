// Prototypes: vm/native.h for entries; bodies take context, instance, frame, base of memory 0 and
// their parameters, and give {result, status}, or the status alone with several results in the
// frame's first cells.
#include "llvm/module_ir.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

namespace sedge::llvmc {

ModuleIr::ModuleIr(const Source& the_source, llvm::LLVMContext& the_context,
                   const llvm::TargetMachine& machine, const std::string& name)
    : source(the_source), context(the_context), module(name, the_context), debug_(module) {
  module.setDataLayout(machine.createDataLayout());
  module.setTargetTriple(machine.getTargetTriple());
  module.setPICLevel(llvm::PICLevel::SmallPIC);
  module.setPIELevel(llvm::PIELevel::Small);
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  i1 = llvm::Type::getInt1Ty(context);
  i8 = llvm::Type::getInt8Ty(context);
  i16 = llvm::Type::getInt16Ty(context);
  i32 = llvm::Type::getInt32Ty(context);
  i64 = llvm::Type::getInt64Ty(context);
  i128 = llvm::Type::getInt128Ty(context);
  f32 = llvm::Type::getFloatTy(context);
  f64 = llvm::Type::getDoubleTy(context);
  v128 = llvm::FixedVectorType::get(i64, 2);
  void_type = llvm::Type::getVoidTy(context);
  ptr = llvm::PointerType::getUnqual(context);
  entry_type = llvm::FunctionType::get(i8, {ptr, ptr, ptr, ptr, i32, ptr}, false);

  llvm::MDBuilder metadata(context);
  alias_root_ = metadata.createTBAARoot("sedge");
  static const char* const kNames[] = {
      "memory", "heap", "table", "table elements", "context", "cells", "size", "slot", "fuel"};
  static_assert(std::size(kNames) == static_cast<size_t>(Alias::count));
  for (size_t i = 0; i < std::size(kNames); i++) alias_[i] = make_alias(kNames[i]);
  invariant_ = llvm::MDNode::get(context, {});
  cold_ = metadata.createBranchWeights(1, 1 << 20);
  likely_ = metadata.createBranchWeights(1 << 20, 1);

  file_ = debug_.createFile("wasm", "");
  debug_.createCompileUnit(llvm::DISourceLanguageName(llvm::dwarf::DW_LANG_C), file_, "sedge", true,
                           "", 0, "", llvm::DICompileUnit::NoDebug);
  subroutine_ = debug_.createSubroutineType(debug_.getOrCreateTypeArray({}));
}

llvm::MDNode* ModuleIr::make_alias(const std::string& name) {
  llvm::MDBuilder metadata(context);
  llvm::MDNode* type = metadata.createTBAAScalarTypeNode(name, alias_root_);
  return metadata.createTBAAStructTagNode(type, type, 0);
}

/// Imported mutable globals may be one and the same.
llvm::MDNode* ModuleIr::alias_of_global(uint32_t index) {
  const auto imported = static_cast<uint32_t>(source.module.imported_globals.size());
  if (index < imported) index = 0;
  llvm::MDNode*& node = alias_globals_[index];
  if (node == nullptr) node = make_alias("global " + std::to_string(index));
  return node;
}

llvm::Type* ModuleIr::type_of(Kind kind) const {
  switch (kind) {
    case Kind::i64:
      return i64;
    case Kind::f32:
      return f32;
    case Kind::f64:
      return f64;
    case Kind::v128:
      return v128;
    case Kind::func_ref:
      return ptr;
    default:
      return i32;
  }
}

llvm::Type* ModuleIr::result_type(const FuncType& type) {
  if (type.results.size() != 1) return i8;
  return llvm::StructType::get(context, {type_of(kind_of(source.module, type.results[0])), i8});
}

llvm::FunctionType* ModuleIr::body_type(const FuncType& type) {
  std::vector<llvm::Type*> params = {ptr, ptr, ptr, ptr};
  for (ValType param : type.params) params.push_back(type_of(kind_of(source.module, param)));
  return llvm::FunctionType::get(result_type(type), params, false);
}

llvm::Function* ModuleIr::declare(const std::string& name, llvm::FunctionType* type) {
  if (llvm::Function* found = module.getFunction(name)) return found;
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  function->setVisibility(llvm::GlobalValue::HiddenVisibility);
  function->setDSOLocal(true);
  native_convention(function);
  set_attributes(function);
  return function;
}

void ModuleIr::set_attributes(llvm::Function* function) const {
  function->setDoesNotThrow();
  function->addFnAttr("frame-pointer", "all");
  function->addFnAttr("no-builtins");
  function->addFnAttr("probe-stack", "inline-asm");
  // Return addresses are places; endless recursion has to exhaust the stack. musttail still counts.
  function->addFnAttr("disable-tail-calls", "true");
  function->addFnAttr("target-cpu", source.options.target.cpu());
}

llvm::Function* ModuleIr::body(uint32_t func_index) {
  const FuncAnalysis& func = source.analysis.funcs[func_index - source.imported()];
  if (func.cells_convention) return entry(func_index);
  return declare("b" + std::to_string(func_index), body_type(source.module.func_type(func_index)));
}

llvm::Function* ModuleIr::entry(uint32_t func_index) {
  return declare("e" + std::to_string(func_index), entry_type);
}

llvm::Function* ModuleIr::loop_entry(uint32_t func_index, uint32_t loop) {
  return declare("l" + std::to_string(func_index) + "." + std::to_string(loop), entry_type);
}

llvm::Function* ModuleIr::trap_stub() {
  auto* stub = declare("trap", llvm::FunctionType::get(i8, {ptr, i32}, false));
  stub->addFnAttr(llvm::Attribute::Cold);
  stub->addFnAttr(llvm::Attribute::NoInline);
  return stub;
}

llvm::Function* ModuleIr::throw_stub() {
  auto* stub = declare("throw", llvm::FunctionType::get(i8, {ptr}, false));
  stub->addFnAttr(llvm::Attribute::Cold);
  stub->addFnAttr(llvm::Attribute::NoInline);
  return stub;
}

/// The place is an address inside the call of the stub, the frame that of its caller.
void ModuleIr::define_stubs() {
  for (const bool trap : {true, false}) {
    llvm::Function* stub = trap ? trap_stub() : throw_stub();
    llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "", stub));
    llvm::Value* place = b.CreateIntrinsic(llvm::Intrinsic::returnaddress, {b.getInt32(0)});
    place = b.CreateGEP(i8, place, b.getInt64(-1));
    llvm::Value* caller = b.CreateIntrinsic(llvm::Intrinsic::frameaddress, {ptr}, {b.getInt32(1)});
    llvm::Value* builtins = b.CreateLoad(
        ptr, b.CreateConstGEP1_64(i8, stub->getArg(0), offsetof(vm::Context, builtins)));
    const auto index = static_cast<uint64_t>(trap ? Builtin::native_trap : Builtin::native_throw);
    llvm::Value* helper = b.CreateLoad(ptr, b.CreateConstGEP1_64(ptr, builtins, index));
    llvm::CallInst* call;
    if (trap) {
      auto* type = llvm::FunctionType::get(i8, {ptr, i8, ptr, ptr}, false);
      call = b.CreateCall(type, helper,
                          {stub->getArg(0), b.CreateTrunc(stub->getArg(1), i8), place, caller});
      call->addParamAttr(1, llvm::Attribute::ZExt);
    } else {
      auto* type = llvm::FunctionType::get(i8, {ptr, ptr, ptr}, false);
      call = b.CreateCall(type, helper, {stub->getArg(0), place, caller});
    }
    extend_narrow(call);
    b.CreateRet(call);
  }
}

llvm::GlobalVariable* ModuleIr::body_table() {
  if (auto* found = module.getNamedGlobal("bodies")) return found;
  auto* type = llvm::ArrayType::get(i32, source.module.funcs.size());
  auto* table = new llvm::GlobalVariable(module, type, true, llvm::GlobalValue::ExternalLinkage,
                                         nullptr, "bodies");
  table->setVisibility(llvm::GlobalValue::HiddenVisibility);
  table->setDSOLocal(true);
  return table;
}

void ModuleIr::define_body_table() {
  llvm::GlobalVariable* table = body_table();
  std::vector<llvm::Constant*> rows;
  auto* zero = llvm::ConstantInt::get(i32, 0);
  for (uint32_t i = 0; i < source.module.funcs.size(); i++) {
    if (!source.wanted[i] || source.analysis.funcs[i].cells_convention) {
      rows.push_back(zero);
      continue;
    }
    llvm::Constant* distance = llvm::ConstantExpr::getSub(
        llvm::ConstantExpr::getPtrToInt(body(source.imported() + i), i64),
        llvm::ConstantExpr::getPtrToInt(table, i64));
    rows.push_back(llvm::ConstantExpr::getTrunc(distance, i32));
  }
  table->setInitializer(
      llvm::ConstantArray::get(llvm::cast<llvm::ArrayType>(table->getValueType()), rows));
}

llvm::DISubprogram* ModuleIr::make_subprogram(const std::string& name, uint32_t line) {
  return debug_.createFunction(
      file_, name, "", file_, line, subroutine_, line, llvm::DINode::FlagZero,
      llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
}

llvm::DISubprogram* ModuleIr::subprogram(uint32_t func_index) {
  llvm::DISubprogram*& scope = subprograms_[func_index];
  if (scope == nullptr) scope = make_subprogram("f", func_index);
  return scope;
}

llvm::DISubprogram* ModuleIr::wrapper_subprogram() { return make_subprogram(kWrapperName, 0); }

}  // namespace sedge::llvmc
