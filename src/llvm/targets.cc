// lld's driver initialises every target that LLVM was built with, for link-time optimisation, which
// we do not use: the targets that sedgec does not generate code for are empty here, so that their
// libraries need not be linked.
#define SEDGE_REAL_X86 ~, 1
#define SEDGE_REAL_AArch64 ~, 1
#define SEDGE_REAL_RISCV ~, 1
#define SEDGE_SECOND(a, b, ...) b
#define SEDGE_IS_REAL(...) SEDGE_SECOND(__VA_ARGS__, 0, ~)
#define SEDGE_CAT_(a, b) a##b
#define SEDGE_CAT(a, b) SEDGE_CAT_(a, b)
#define SEDGE_STUB_0(name) \
  void name() {}
#define SEDGE_STUB_1(name)
#define SEDGE_STUB(target, name) SEDGE_CAT(SEDGE_STUB_, SEDGE_IS_REAL(SEDGE_REAL_##target))(name)

extern "C" {
#define LLVM_TARGET(T)                     \
  SEDGE_STUB(T, LLVMInitialize##T##Target) \
  SEDGE_STUB(T, LLVMInitialize##T##TargetInfo) SEDGE_STUB(T, LLVMInitialize##T##TargetMC)
#include <llvm/Config/Targets.def>
#define LLVM_ASM_PRINTER(T) SEDGE_STUB(T, LLVMInitialize##T##AsmPrinter)
#include <llvm/Config/AsmPrinters.def>
#define LLVM_ASM_PARSER(T) SEDGE_STUB(T, LLVMInitialize##T##AsmParser)
#include <llvm/Config/AsmParsers.def>
}
