// Pipelines: level 1 cleans up and vectorises, for input that an optimiser has already seen; 2 and
// 3 are LLVM's own, 2 without vectors made of straight-line code. Places are noted where the
// assembler sees the instructions: a label before every call and access whose place differs from
// that of the one before.
#include "llvm/codegen.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>

#include <llvm/ADT/DenseMap.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/CodeGen/AsmPrinter.h>
#include <llvm/CodeGen/AsmPrinterHandler.h>
#include <llvm/CodeGen/CodeGenTargetMachineImpl.h>
#include <llvm/CodeGen/MachineFunction.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineInstr.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCSectionELF.h>
#include <llvm/MC/MCStreamer.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Vectorize/LoopVectorize.h>
#include <llvm/Transforms/Vectorize/SLPVectorizer.h>

#include "llvm/module_ir.h"

namespace sedge::llvmc {

namespace {

/// Notes the places of calls and accesses while the module is printed.
class PlacesHandler : public llvm::AsmPrinterHandler {
 public:
  PlacesHandler(llvm::AsmPrinter& printer, ObjectCode& out, const wasm::Module& module,
                uint32_t partition)
      : printer_(printer), out_(out), module_(module), partition_(partition) {}

  void beginFunction(const llvm::MachineFunction*) override {
    functions_.push_back({printer_.CurrentFnSym, {}});
    current_ = nullptr;
    chain_ = chain({});
    functions_.back().places.emplace_back(printer_.CurrentFnSym, chain_);
  }
  void endFunction(const llvm::MachineFunction*) override {}

  void beginInstruction(const llvm::MachineInstr* instruction) override {
    if (instruction->isMetaInstruction()) return;
    const llvm::DILocation* location = instruction->getDebugLoc();
    const bool call = instruction->isCall();
    if (!call && (location == nullptr || !instruction->mayLoadOrStore())) return;
    if (location == current_) return;
    current_ = location;
    const uint32_t index = chain_of(location);
    if (index == chain_) return;
    chain_ = index;
    llvm::MCSymbol* label = printer_.OutContext.createTempSymbol();
    printer_.OutStreamer->emitLabel(label);
    functions_.back().places.emplace_back(label, index);
  }

  void endModule() override {
    printer_.OutStreamer->switchSection(
        printer_.OutContext.getELFSection(kPlacesSection, llvm::ELF::SHT_PROGBITS, 0));
    for (const Function& function : functions_) {
      printer_.OutStreamer->emitSymbolValue(function.symbol, 8);
      printer_.OutStreamer->emitInt32(static_cast<uint64_t>(function.places.size()));
      printer_.OutStreamer->emitInt32(partition_);
      for (const auto& [label, index] : function.places) {
        printer_.OutStreamer->emitAbsoluteSymbolDiff(label, function.symbol, 4);
        printer_.OutStreamer->emitInt32(index);
      }
    }
  }

 private:
  struct Function {
    llvm::MCSymbol* symbol;
    std::vector<std::pair<llvm::MCSymbol*, uint32_t>> places;
  };

  uint32_t chain(const std::vector<std::pair<uint32_t, uint64_t>>& frames) {
    auto [found, is_new] = known_.try_emplace(frames, static_cast<uint32_t>(out_.chains.size()));
    if (is_new) {
      std::vector<vm::CodePlace>& made = out_.chains.emplace_back();
      for (auto [func, offset] : frames) made.push_back({func, offset});
    }
    return found->second;
  }

  uint32_t chain_of(const llvm::DILocation* location) {
    auto known = by_location_.find(location);
    if (known != by_location_.end()) return known->second;
    std::vector<std::pair<uint32_t, uint64_t>> frames;
    for (const llvm::DILocation* at = location; at != nullptr; at = at->getInlinedAt()) {
      const llvm::DISubprogram* scope = at->getScope()->getSubprogram();
      if (scope->getName() == kWrapperName) continue;
      if (at != location && at->getColumn() == kTailCallColumn) continue;
      const uint32_t func = scope->getLine();
      uint64_t offset = at->getLine();
      if (offset == 0) {
        offset = module_.funcs[func - module_.imported_funcs.size()].body.offset;
      }
      frames.emplace_back(func, offset);
    }
    const uint32_t index = chain(frames);
    by_location_.emplace(location, index);
    return index;
  }

  llvm::AsmPrinter& printer_;
  ObjectCode& out_;
  const wasm::Module& module_;
  uint32_t partition_;
  std::vector<Function> functions_;
  std::map<std::vector<std::pair<uint32_t, uint64_t>>, uint32_t> known_;
  std::map<const llvm::DILocation*, uint32_t> by_location_;
  const llvm::DILocation* current_ = nullptr;
  uint32_t chain_ = 0;
};

/// Inlining drops llvm.fake.use. This one means the same to whoever does not count references.
constexpr llvm::Intrinsic::ID kHold = llvm::Intrinsic::objc_clang_arc_noop_use;

/// Takes the uses behind loads away (codegen.h).
struct ReleaseLoads : llvm::PassInfoMixin<ReleaseLoads> {
  static llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
    release(function);
    return llvm::PreservedAnalyses::none();
  }
  static void release(llvm::Function& function) {
    for (llvm::Instruction& instruction :
         llvm::make_early_inc_range(llvm::instructions(function))) {
      auto* use = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
      if (use == nullptr || use->getIntrinsicID() != kHold) continue;
      auto* load = llvm::dyn_cast<llvm::LoadInst>(use->getArgOperand(0));
      use->eraseFromParent();
      if (load != nullptr && load->use_empty()) load->setVolatile(true);
    }
  }
};

/// Level 1: what pays for itself soon.
llvm::FunctionPassManager short_pipeline(bool exact) {
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::LoopPassManager loops;
  loops.addPass(llvm::LoopRotatePass());
  loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops), true));
  passes.addPass(llvm::GVNPass());
  if (!exact) {
    passes.addPass(ReleaseLoads());
    passes.addPass(llvm::LoopVectorizePass());
  }
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::ADCEPass());
  return passes;
}

/// Nothing behind this looks at uses or traps: accesses of linear memory, which are the loads that
/// have a place, stay where they are.
void prepare_loads(llvm::Module& module) {
  for (llvm::Function& function : module) {
    ReleaseLoads::release(function);
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction);
      if (load != nullptr && load->getDebugLoc()) load->setVolatile(true);
    }
  }
}

/// Instruction selection may make one instruction of a load and what is computed from it alone,
/// which then has the place of the last: so these get the load's, where they have none of their
/// own. Of several loads the latest can be the one, because no load moves past another.
void spread_places(llvm::Function& function) {
  for (llvm::BasicBlock& block : function) {
    llvm::DenseMap<const llvm::Instruction*, unsigned> origins;
    unsigned loads = 0;
    for (llvm::Instruction& instruction : block) {
      if (llvm::isa<llvm::LoadInst>(instruction)) origins[&instruction] = ++loads;
      const unsigned origin = origins.lookup(&instruction);
      if (origin == 0 || !instruction.getDebugLoc() || !instruction.hasOneUse()) continue;
      auto* user = llvm::cast<llvm::Instruction>(instruction.user_back());
      const unsigned other = origins.lookup(user);
      if (user->getParent() != &block || llvm::isa<llvm::PHINode>(user) || other > origin ||
          (other == 0 && user->getDebugLoc()))
        continue;
      user->setDebugLoc(instruction.getDebugLoc());
      origins[user] = origin;
    }
  }
}

/// Preparation for instruction selection makes instructions, too: extensions without a place right
/// behind loads. Where it runs, this runs behind it.
class SpreadPlaces : public llvm::FunctionPass {
 public:
  SpreadPlaces() : FunctionPass(kId) {}
  bool runOnFunction(llvm::Function& function) override {
    spread_places(function);
    return false;
  }

 private:
  static inline char kId = 0;  // its address counts
};

/// Instructions of two operands may have been made of a load and what is computed from it; where
/// that turns out to need a copy, they are taken apart again, and the load is left without a place.
/// Behind that, this gives it the place of what uses it first.
class PlaceLoadsAgain : public llvm::MachineFunctionPass {
 public:
  PlaceLoadsAgain() : MachineFunctionPass(kId) {}
  bool runOnMachineFunction(llvm::MachineFunction& function) override {
    for (llvm::MachineBasicBlock& block : function) {
      for (llvm::MachineInstr& load : block) {
        if (load.getDebugLoc() || !load.mayLoad() || !load.hasOrderedMemoryRef() ||
            load.getNumExplicitDefs() != 1)
          continue;
        const llvm::Register loaded = load.getOperand(0).getReg();
        const auto user = std::find_if(
            std::next(llvm::MachineBasicBlock::iterator(load)), block.end(),
            [loaded](const llvm::MachineInstr& at) { return at.readsRegister(loaded, nullptr); });
        if (user != block.end()) load.setDebugLoc(user->getDebugLoc());
      }
    }
    return false;
  }

 private:
  static inline char kId = 0;  // its address counts
};

/// For aarch64: instruction selection makes `a > b ? a : b` into fmaxnm where it knows that one of
/// the two is no NaN, as if NaNs were all quiet; of a signalling one fmaxnm makes a NaN, the choice
/// gives the other. So what is compared is hidden from it there.
void keep_choices(llvm::Module& module) {
  for (llvm::Function& function : module) {
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* choice = llvm::dyn_cast<llvm::SelectInst>(&instruction);
      llvm::Value* left = nullptr;
      llvm::Value* right = nullptr;
      if (choice == nullptr ||
          llvm::matchSelectPattern(choice, left, right).NaNBehavior != llvm::SPNB_RETURNS_OTHER)
        continue;
      auto* comparison = llvm::cast<llvm::FCmpInst>(choice->getCondition());
      llvm::IRBuilder<> builder(comparison);
      for (llvm::Use& operand : comparison->operands()) {
        if (!llvm::isa<llvm::Constant>(operand))
          operand.set(builder.CreateArithmeticFence(operand, operand->getType()));
      }
    }
  }
}

/// RV64GC rounds by way of integers, and gives back what is too large for one, NaNs among it, as it
/// was: a signalling NaN, too. So a NaN goes through an addition, which quiets it.
void quiet_rounding(llvm::Module& module) {
  std::vector<llvm::IntrinsicInst*> found;
  for (llvm::Function& function : module)
    for (llvm::Instruction& instruction : llvm::instructions(function))
      if (auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction))
        switch (call->getIntrinsicID()) {
          case llvm::Intrinsic::ceil:
          case llvm::Intrinsic::floor:
          case llvm::Intrinsic::trunc:
          case llvm::Intrinsic::roundeven:
            found.push_back(call);
            break;
          default:
            break;
        }
  for (llvm::IntrinsicInst* call : found) {
    llvm::IRBuilder<> builder(call->getNextNode());
    llvm::Value* operand = call->getArgOperand(0);
    llvm::Value* is_nan = builder.CreateFCmpUNO(operand, operand);
    auto* choice = llvm::cast<llvm::Instruction>(
        builder.CreateSelect(is_nan, builder.CreateFAdd(operand, operand), call));
    call->replaceUsesWithIf(choice, [&](llvm::Use& use) { return use.getUser() != choice; });
  }
}

}  // namespace

void initialize() {
#define SEDGE_INITIALIZE(target)        \
  LLVMInitialize##target##TargetInfo(); \
  LLVMInitialize##target##Target();     \
  LLVMInitialize##target##TargetMC();   \
  LLVMInitialize##target##AsmPrinter();
  SEDGE_INITIALIZE(X86)
  SEDGE_INITIALIZE(AArch64)
  SEDGE_INITIALIZE(RISCV)
#undef SEDGE_INITIALIZE
}

void set_options() {
  // A fault is left through the frame pointer: no access before the prologue.
  // Preparation for instruction selection walks a function again for every change, unless it counts
  // as huge: then it looks at the blocks that changed.
  // Accesses of different places, made one instruction, would have no place that is right. A load
  // must not move to where its value is wanted: its trap would come too late, or not at all; nor
  // may a choice between a load and something else become a branch around the load. A load that
  // moves before the frame pointer's change, as scheduling behind the prologue lets it (aarch64),
  // faults in a frame that cannot be left.
  const char* arguments[] = {"sedgec",
                             "-enable-shrink-wrap=false",
                             "-cgpp-huge-func=0",
                             "-sink-common-insts=false",
                             "-hoist-common-insts=false",
                             "-enable-tail-merge=false",
                             "-instcombine-code-sinking=false",
                             "-enable-post-misched=false",
                             "-x86-cmov-converter-force-mem-operand=false"};
  llvm::cl::ResetAllOptionOccurrences();
  llvm::cl::ParseCommandLineOptions(static_cast<int>(std::size(arguments)), arguments);
}

namespace {

/// What LLVM calls an architecture, and what its processors have beyond the one that is named.
struct Machine {
  const char* triple;
  const char* features;
  const char* abi;
};
Machine machine_of(vm::ArtifactArch arch) {
  switch (arch) {
    case vm::ArtifactArch::aarch64:
      return {"aarch64-unknown-linux-gnu", "", ""};
    case vm::ArtifactArch::riscv64:
      // RV64GC; Linux promises programs that unaligned scalar accesses work.
      return {"riscv64-unknown-linux-gnu", "+m,+a,+f,+d,+c,+unaligned-scalar-mem", "lp64d"};
    default:
      return {"x86_64-unknown-linux-gnu", "", ""};
  }
}

/// Whether a function rotates so much that straight-line code of it must not become vectors: a
/// rotate is one instruction, of a vector three that wait for each other. Rounds of BLAKE or
/// ChaCha, in which all depends on what was before, take 1.6 times as long then.
bool rotates_much(const llvm::Function& function) {
  constexpr size_t kShare = 16;
  size_t rotates = 0, all = 0;
  for (const llvm::Instruction& instruction : llvm::instructions(function)) {
    all++;
    const auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
    if (call == nullptr) continue;
    const llvm::Intrinsic::ID id = call->getIntrinsicID();
    rotates += (id == llvm::Intrinsic::fshl || id == llvm::Intrinsic::fshr) &&
               call->getArgOperand(0) == call->getArgOperand(1);
  }
  return rotates * kShare > all;
}

}  // namespace

Result<std::unique_ptr<llvm::TargetMachine>> make_machine(vm::ArtifactTarget target,
                                                          unsigned level) {
  const Machine wanted = machine_of(target.arch);
  const llvm::Triple triple(wanted.triple);
  std::string message;
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(triple, message);
  if (found == nullptr) return fail(ErrorCode::compile_failed, ": " + message);
  llvm::TargetOptions options;
  options.EmitAddrsig = false;
  options.MCOptions.ABIName = wanted.abi;
  const auto effort = level == 0   ? llvm::CodeGenOptLevel::None
                      : level == 1 ? llvm::CodeGenOptLevel::Less
                      : level == 2 ? llvm::CodeGenOptLevel::Default
                                   : llvm::CodeGenOptLevel::Aggressive;
  std::unique_ptr<llvm::TargetMachine> machine(
      found->createTargetMachine(triple, target.cpu(), wanted.features, options, llvm::Reloc::PIC_,
                                 llvm::CodeModel::Small, effort));
  if (machine == nullptr) return fail(ErrorCode::compile_failed, ": no such target");
  return machine;
}

void hold_load(llvm::IRBuilderBase& builder, llvm::LoadInst* load) {
  builder.CreateIntrinsic(kHold, {load});
}

void optimize(llvm::Module& module, llvm::TargetMachine& machine, unsigned level, bool exact) {
  if (level == 0) return;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = !exact;
  // Loops are unrolled for it: without it they can be slower than baseline code.
  tuning.SLPVectorization = level > 1 && !exact;
  llvm::PassInstrumentationCallbacks callbacks;
  callbacks.registerShouldRunOptionalPassCallback([](llvm::StringRef pass, llvm::Any unit) {
    if (pass != llvm::SLPVectorizerPass::name()) return true;
    const auto* function = llvm::any_cast<const llvm::Function*>(&unit);
    return function == nullptr || !rotates_much(**function);
  });
  llvm::PassBuilder builder(&machine, tuning, {}, &callbacks);
  if (!exact) {
    builder.registerVectorizerStartEPCallback(
        [](llvm::FunctionPassManager& passes, llvm::OptimizationLevel) {
          passes.addPass(ReleaseLoads());
        });
  }
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  llvm::ModulePassManager passes;
  if (level == 1) {
    passes.addPass(llvm::createModuleToFunctionPassAdaptor(short_pipeline(exact)));
  } else {
    passes = builder.buildPerModuleDefaultPipeline(level == 2 ? llvm::OptimizationLevel::O2
                                                              : llvm::OptimizationLevel::O3);
  }
  passes.run(module, modules);
}

Result<ObjectCode> emit(llvm::Module& module, llvm::TargetMachine& machine,
                        const wasm::Module& wasm_module, uint32_t partition) {
  prepare_loads(module);
  for (llvm::Function& function : module) spread_places(function);
  if (machine.getTargetTriple().isAArch64()) keep_choices(module);
  if (machine.getTargetTriple().isRISCV64()) quiet_rounding(module);
  ObjectCode object;
  llvm::raw_svector_ostream stream(object.bytes);
  llvm::legacy::PassManager passes;
  auto& target = static_cast<llvm::CodeGenTargetMachineImpl&>(machine);
  passes.add(llvm::createTargetTransformInfoWrapperPass(machine.getTargetIRAnalysis()));
  auto* info = new llvm::MachineModuleInfoWrapperPass(&machine);
  llvm::TargetPassConfig* config = target.createPassConfig(passes);
  config->setDisableVerify(true);
  if (machine.getOptLevel() != llvm::CodeGenOptLevel::None) {
    const std::unique_ptr<llvm::Pass> preparation(llvm::createCodeGenPrepareLegacyPass());
    config->insertPass(preparation->getPassID(), new SpreadPlaces);  // `passes` will own it
  }
  config->insertPass(&llvm::TwoAddressInstructionPassID, new PlaceLoadsAgain);
  // There are no variables to follow: a fifteenth of the time.
  config->disablePass(&llvm::LiveDebugValuesID);
  passes.add(config);
  passes.add(info);
  if (config->addISelPasses()) return fail(ErrorCode::compile_failed, ": no instruction selection");
  config->addMachinePasses();
  config->setInitialized();
  auto streamer = target.createMCStreamer(stream, nullptr, llvm::CodeGenFileType::ObjectFile,
                                          info->getMMI().getContext());
  if (!streamer) {
    return fail(ErrorCode::compile_failed, ": " + llvm::toString(streamer.takeError()));
  }
  auto* printer = static_cast<llvm::AsmPrinter*>(
      machine.getTarget().createAsmPrinter(machine, std::move(*streamer)));
  if (printer == nullptr) return fail(ErrorCode::compile_failed, ": no printer");
  printer->addAsmPrinterHandler(
      std::make_unique<PlacesHandler>(*printer, object, wasm_module, partition));
  passes.add(printer);
  passes.add(llvm::createFreeMachineFunctionPass());
  passes.run(module);
  return object;
}

}  // namespace sedge::llvmc
