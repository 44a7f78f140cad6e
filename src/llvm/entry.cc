// Entries: what other tiers call. Arguments come from cells, the body is called with its own
// prototype, results go back to cells.
#include <llvm/IR/IRBuilder.h>

#include "llvm/func_ir.h"

namespace sedge::llvmc {

void build_entry(ModuleIr& ir, uint32_t func_index) {
  const wasm::Module& module = ir.source.module;
  const FuncType& type = module.func_type(func_index);
  llvm::Function* entry = ir.entry(func_index);
  llvm::DISubprogram* scope = ir.wrapper_subprogram();
  entry->setSubprogram(scope);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(ir.context, "", entry));
  llvm::Value* fp = entry->getArg(2);
  auto cell = [&](uint32_t at) {
    return at == 0 ? fp : b.CreateConstInBoundsGEP1_64(ir.i64, fp, at);
  };
  std::vector<llvm::Value*> args;
  args.reserve(4 + type.params.size());
  for (unsigned i = 0; i < 4; i++) args.push_back(entry->getArg(i));
  uint32_t at = 0;
  for (ValType param : type.params) {
    llvm::Type* value = ir.type_of(kind_of(module, param));
    auto* load = b.CreateAlignedLoad(value, cell(at), llvm::Align(8));
    load->setMetadata(llvm::LLVMContext::MD_tbaa, ir.alias(Alias::cells));
    args.push_back(load);
    at += param.cells();
  }
  // The call alone: a place of this function's own would pass to what is inlined in it, once LLVM
  // makes one instruction of a load there and a cast here (spread_places).
  auto* call = b.CreateCall(ir.body(func_index), args);
  call->setDebugLoc(llvm::DILocation::get(ir.context, 0, 0, scope));
  ir.native_convention(call);
  call->setDoesNotThrow();
  if (type.results.size() != 1) {
    b.CreateRet(call);
    return;
  }
  llvm::Value* value = b.CreateExtractValue(call, 0);
  if (value->getType() == ir.f32) value = b.CreateBitCast(value, ir.i32);
  if (value->getType() == ir.i32) value = b.CreateZExt(value, ir.i64);
  auto* store = b.CreateAlignedStore(value, fp, llvm::Align(8));
  store->setMetadata(llvm::LLVMContext::MD_tbaa, ir.alias(Alias::cells));
  b.CreateRet(b.CreateExtractValue(call, 1));
}

}  // namespace sedge::llvmc
