// Mixed stacks: interpreter, native code and host functions call each other, with native functions
// that are assembled by hand. Whatever the mix, results, traps and backtraces are the
// interpreter's.
#include <gtest/gtest.h>

#if defined(__x86_64__)

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sedge/sedge.h>

#include "engine/engine_impl.h"
#include "runtime/code_memory.h"

namespace sedge {
namespace {

/// Machine code of one function. Frame: rbp, then r12 to r15 below it.
class Code {
 public:
  Code& raw(std::initializer_list<int> bytes) {
    for (int byte : bytes) bytes_.push_back(static_cast<uint8_t>(byte));
    return *this;
  }
  Code& imm32(uint32_t value) {
    for (int i = 0; i < 4; ++i) bytes_.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return *this;
  }
  Code& prologue() {
    return raw({0x55, 0x48, 0x89, 0xe5})                         // push rbp; mov rbp, rsp
        .raw({0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57});  // push r12, r13, r14, r15
  }
  Code& restore() {  // r12 to r15 from the frame
    return raw({0x4c, 0x8b, 0x65, 0xf8, 0x4c, 0x8b, 0x6d, 0xf0})
        .raw({0x4c, 0x8b, 0x75, 0xe8, 0x4c, 0x8b, 0x7d, 0xe0});
  }
  /// Leaves with al as it is.
  Code& epilogue() { return raw({0x48, 0x89, 0xec, 0x5d, 0xc3}); }  // mov rsp, rbp; pop rbp; ret
  Code& returned() { return raw({0x31, 0xc0}); }                    // xor eax, eax

  /// The checks at a function's start; a trap has its place at the function's start.
  Code& check_room(uint32_t cells) {
    raw({0x49, 0x8d, 0x86}).imm32(cells * 8);  // lea rax, [r14 + 8 * cells]
    raw({0x49, 0x3b, 0x84, 0x24}).imm32(offsetof(vm::Context, stack_end));  // cmp rax, [r12 + ...]
    raw({0x0f, 0x87}).fixup();                                              // ja trap
    raw({0x49, 0x3b, 0xa4, 0x24}).imm32(offsetof(vm::Context, native_limit));  // cmp rsp, [r12 + …]
    raw({0x0f, 0x82}).fixup();                                                 // jb trap
    return raw({0x49, 0x89, 0x84, 0x24}).imm32(offsetof(vm::Context, sp));  // mov [r12 + sp], rax
  }
  /// The trap that check_room goes to.
  Code& exhausted() {
    for (size_t at : fixups_) {
      auto distance = static_cast<uint32_t>(bytes_.size() - at - 4);
      for (size_t i = 0; i < 4; ++i) bytes_[at + i] = static_cast<uint8_t>(distance >> (8 * i));
    }
    raw({0x4c, 0x89, 0xe7});                                                         // mov rdi, r12
    raw({0xbe}).imm32(static_cast<uint32_t>(wasm::TrapCode::call_stack_exhausted));  // mov esi, …
    raw({0x48, 0x8d, 0x15}).imm32(static_cast<uint32_t>(-static_cast<int>(bytes_.size()) - 4));
    raw({0x48, 0x89, 0xe9});                                               // mov rcx, rbp
    raw({0x48, 0x83, 0xe4, 0xf0});                                         // and rsp, -16
    raw({0x49, 0x8b, 0x84, 0x24}).imm32(offsetof(vm::Context, builtins));  // mov rax, [r12 + …]
    raw({0xff, 0x90}).imm32(offsetof(vm::Builtins, native_trap));          // call [rax + …]
    return raw({0xb8, 1, 0, 0, 0, 0x89, 0xc2}).epilogue();
  }
  /// rax = entry of the slot of defined function `index`; edi = its index
  Code& load_slot(uint32_t index, uint32_t imported = 0) {
    raw({0xbf}).imm32(index);
    raw({0x49, 0x8b, 0x85}).imm32(offsetof(vm::Instance, slots));
    return raw({0x48, 0x8b, 0x80}).imm32((index - imported) * sizeof(vm::NativeSlot));
  }
  Code& call() { return raw({0xff, 0xd0}); }
  Code& jump() { return raw({0xff, 0xe0}); }
  /// Copies the argument to cell 1 and makes that the frame of what is called next.
  Code& pass_argument() {
    return raw({0x49, 0x8b, 0x06, 0x49, 0x89, 0x46, 0x08, 0x49, 0x83, 0xc6, 0x08});
  }
  uint32_t size() const { return static_cast<uint32_t>(bytes_.size()); }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  void fixup() {
    fixups_.push_back(bytes_.size());
    imm32(0);
  }
  std::vector<uint8_t> bytes_;
  std::vector<size_t> fixups_;
};

/// f(x) = callee(x) + 1, where `callee` is a defined function; a failure is handed on.
Code add_one_to(uint32_t callee, uint32_t imported = 0) {
  Code code;
  code.prologue().check_room(4).pass_argument().load_slot(callee, imported).call().restore();
  code.raw({0x84, 0xc0, 0x75, 0x0c});        // test al, al; jnz out
  code.raw({0x49, 0x8b, 0x46, 0x08});        // mov rax, [r14 + 8]
  code.raw({0xff, 0xc0, 0x49, 0x89, 0x06});  // inc eax; mov [r14], rax
  code.raw({0x31, 0xc0, 0x90});              // xor eax, eax; nop
  return code.epilogue().exhausted();
}

/// f(n) = n == 0 ? 0 : return_call callee(n - 1)
Code count_down_in(uint32_t callee) {
  Code code;
  code.raw({0x41, 0x83, 0x3e, 0x00, 0x75, 0x03});  // cmp dword [r14], 0; jne on
  code.raw({0x31, 0xc0, 0xc3});                    // xor eax, eax; ret
  code.raw({0x41, 0xff, 0x0e});                    // on: dec dword [r14]
  return code.load_slot(callee).jump();
}

class Mixed : public testing::Test {
 protected:
  void load(std::string_view text, StoreLimits limits = {}, int32_t heat = 0) {
    auto engine = Engine::create({.tier = Tier::interp});
    ASSERT_TRUE(engine);
    // Slots and guard pages without a compiler.
    engine->impl()->tiers = {.native = true, .first_call = false, .heat = heat};
    engine->impl()->resources->memories =
        std::make_shared<runtime::MemoryPool>(runtime::best_memory_style());
    store_ = std::make_unique<Store>(*engine, limits);
    auto module = Module::from_text(*engine, text);
    ASSERT_TRUE(module) << module.error().render();
    module_ = *module;
    std::vector<Extern> imports;
    for (const ImportType& import : module->imports()) {
      imports.push_back(Func::wrap(
          *store_, import.type.func,
          [this](Caller&, std::span<const Val> args, std::span<Val> results) -> Result<void> {
            return on_host(args, results);
          }));
    }
    auto instance = Instance::create(*store_, *module, imports);
    ASSERT_TRUE(instance) << instance.error().render();
    instance_ = *instance;
    memory_ = std::make_unique<runtime::CodeMemory>(module->impl()->code.get());
  }

  void publish(uint32_t index, const Code& code,
               std::vector<std::pair<uint32_t, uint64_t>> places = {}) {
    const uint8_t* at = memory_->add(index, code.bytes(), places);
    ASSERT_NE(at, nullptr);
    module_->impl()->code->publish(index,
                                   reinterpret_cast<vm::NativeEntry>(const_cast<uint8_t*>(at)), 4);
  }

  /// The i32 result as text, or the message.
  std::string call(std::string_view name, int32_t arg) {
    auto func = instance_->get_func(*store_, name);
    if (!func) return "no such export";
    auto results = func->call(*store_, std::vector<Val>{Val(arg)});
    frames_.clear();
    if (results) return fmt::format("{}", static_cast<int32_t>((*results)[0].low()));
    for (const Frame& frame : results.error().backtrace())
      frames_.push_back(fmt::format("{}@{}", frame.func_name, frame.offset));
    return std::string(results.error().message());
  }

  std::function<Result<void>(std::span<const Val>, std::span<Val>)> on_host;
  std::vector<std::string> frames_;
  std::optional<Module> module_;
  std::unique_ptr<runtime::CodeMemory> memory_;
  std::unique_ptr<Store> store_;
  std::optional<Instance> instance_;
};

constexpr const char* kChain = R"((module
  (import "host" "f" (func $host (param i32) (result i32)))
  (tag $e (param i32))
  (func $a (export "a") (param i32) (result i32)
    (i32.add (call $b (local.get 0)) (i32.const 1)))
  (func $b (export "b") (param i32) (result i32)
    (i32.add (call $c (local.get 0)) (i32.const 1)))
  (func $c (export "c") (param i32) (result i32)
    (i32.add (call $d (local.get 0)) (i32.const 1)))
  (func $d (export "d") (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 13)) (then (throw $e (i32.const 99))))
    (i32.add (i32.div_u (i32.const 100) (local.get 0)) (call $host (local.get 0))))
  (func (export "catches") (param i32) (result i32)
    (block $caught (result i32)
      (try_table (result i32) (catch $e $caught) (call $a (local.get 0)))))
))";

/// The chain's native functions for the bits of `mask`: a, b, c; `offsets` are those of the calls.
template <typename Publish>
void publish_chain(Publish publish, unsigned mask, const std::vector<uint64_t>& offsets) {
  for (uint32_t i = 0; i < 3; ++i) {
    if ((mask >> i & 1) != 0) publish(i + 1, add_one_to(i + 2, 1), offsets[i]);
  }
}

TEST_F(Mixed, EveryMixOfTiersGivesTheSame) {
  std::vector<std::string> traps, errors, throws;
  std::vector<uint64_t> offsets;
  for (unsigned mask = 0; mask < 8; ++mask) {
    SCOPED_TRACE(mask);
    load(kChain);
    on_host = [](std::span<const Val> args, std::span<Val> results) -> Result<void> {
      if (args[0].i32() == 50) return fail(ErrorCode::host_failure, ": as asked");
      results[0] = Val(args[0].i32());
      return {};
    };
    publish_chain([this](uint32_t index, const Code& code,
                         uint64_t offset) { publish(index, code, {{0, offset}}); },
                  mask, offsets);
    EXPECT_EQ(call("a", 10), "23");
    EXPECT_EQ(call("catches", 10), "23");
    EXPECT_EQ(call("catches", 13), "99");
    EXPECT_EQ(call("c", 10), "21");
    EXPECT_EQ(call("a", 0), "integer divide by zero");
    if (mask == 0) {
      traps = frames_;
      ASSERT_EQ(traps.size(), 4u);
      for (size_t i = 3; i >= 1; --i) offsets.push_back(std::stoull(traps[i].substr(2)));
    }
    EXPECT_EQ(frames_, traps);
    EXPECT_EQ(call("a", 13), "uncaught exception");
    if (mask == 0) throws = frames_;
    EXPECT_EQ(frames_, throws);
    EXPECT_EQ(call("a", 50), "host function failed: as asked");
    if (mask == 0) errors = frames_;
    EXPECT_EQ(frames_, errors);
    EXPECT_EQ(frames_.size(), 4u);
    EXPECT_EQ(call("a", 10), "23");
  }
}

// The host function calls wasm again, which traps: frames of the inner call, then of the outer.
TEST_F(Mixed, HostFunctionsCallWasmAgain) {
  for (unsigned mask : {0u, 5u, 7u}) {
    SCOPED_TRACE(mask);
    load(kChain);
    int depth = 0;
    on_host = [&](std::span<const Val> args, std::span<Val> results) -> Result<void> {
      results[0] = args[0];
      if (++depth > 3) return {};
      auto inner = instance_->get_func(*store_, "a")->call(*store_, args);
      if (!inner) return fail(std::move(inner.error()));
      results[0] = (*inner)[0];
      return {};
    };
    publish_chain([this](uint32_t index, const Code& code,
                         uint64_t offset) { publish(index, code, {{0, offset}}); },
                  mask, {1, 2, 3});
    EXPECT_EQ(call("a", 10), "62");
    depth = 0;
    on_host = [&](std::span<const Val> args, std::span<Val> results) -> Result<void> {
      int32_t next = args[0].i32() == 10 ? 13 : 10;
      auto inner = instance_->get_func(*store_, "a")->call(*store_, std::vector<Val>{Val(next)});
      if (!inner) return fail(std::move(inner.error()));
      results[0] = (*inner)[0];
      return {};
    };
    EXPECT_EQ(call("catches", 10), "99");
  }
}

constexpr const char* kPingPong = R"((module
  (func $ping (export "ping") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (return_call $pong (i32.sub (local.get 0) (i32.const 1))))
  (func $pong (export "pong") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (return_call $ping (i32.sub (local.get 0) (i32.const 1))))
  (func (export "call_ping") (param i32) (result i32)
    (i32.add (call $ping (local.get 0)) (i32.const 5)))
  (func (export "call_pong") (param i32) (result i32)
    (i32.add (call $pong (local.get 0)) (i32.const 5)))
))";

TEST_F(Mixed, TailCallsGrowNoStack) {
  for (unsigned mask = 0; mask < 4; ++mask) {
    SCOPED_TRACE(mask);
    load(kPingPong);
    if ((mask & 1) != 0) publish(0, count_down_in(1));
    if ((mask & 2) != 0) publish(1, count_down_in(0));
    for (const char* name : {"ping", "pong"}) EXPECT_EQ(call(name, 10'000'000), "0");
    for (const char* name : {"call_ping", "call_pong"}) EXPECT_EQ(call(name, 10'000'000), "5");
  }
}

// A loop that gets hot goes on in native code, wherever its frame lies; so does the next call.
TEST_F(Mixed, HotLoopsChangeOver) {
  struct Request {
    uint32_t func, loop;
    bool operator==(const Request&) const = default;
  };
  static std::vector<Request> requests;
  static const uint8_t* loop_entry;
  load(R"((module
    (func $sum (export "sum") (param i32) (result i32) (local i32)
      (loop (nop))
      (loop $again
        (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))
    (func (export "outer") (param i32) (result i32)
      (i32.add (call $sum (local.get 0)) (i32.const 1)))))",
       {}, 3);
  // At the second loop's header: 1000 * local 1 + local 0.
  Code code;
  code.raw({0x49, 0x69, 0x46, 0x08}).imm32(1000);  // imul rax, [r14 + 8], 1000
  code.raw({0x49, 0x01, 0x06}).returned().raw({0xc3});
  loop_entry = memory_->add(0, code.bytes(), {});
  module_->impl()->engine->resources->hot = [](vm::Instance*, uint32_t func,
                                               uint32_t loop) -> const void* {
    requests.push_back({func, loop});
    return func == 0 && loop == 1 ? loop_entry : nullptr;
  };
  EXPECT_EQ(call("sum", 5), "5004");  // entry, loop 0, loop 1, and its second round
  EXPECT_EQ(requests, (std::vector<Request>{{0, 1}}));
  EXPECT_EQ(call("outer", 5), "6");  // entry, loop 0, then at once
  EXPECT_EQ(requests, (std::vector<Request>{{0, 1}, {0, UINT32_MAX}, {0, 0}, {0, 1}}));
  publish(0, code);
  EXPECT_EQ(call("outer", 5), "6");
  EXPECT_EQ(requests.size(), 4u);
}

constexpr const char* kRecursion = R"((module
  (func $even (export "even") (param i32) (result i32)
    (i32.add (call $odd (local.get 0)) (i32.const 1)))
  (func $odd (export "odd") (param i32) (result i32)
    (i32.add (call $even (local.get 0)) (i32.const 1)))
))";

TEST_F(Mixed, StacksEndInEveryTier) {
  for (uint64_t stack : {uint64_t{1} << 20, uint64_t{1} << 30}) {
    for (unsigned mask = 0; mask < 4; ++mask) {
      if (mask == 0 && stack > 1 << 20) continue;  // millions of interpreter frames: slow, not new
      SCOPED_TRACE(fmt::format("{} {}", mask, stack));
      load(kRecursion, {.stack_bytes = stack});
      if ((mask & 1) != 0) publish(0, add_one_to(1));
      if ((mask & 2) != 0) publish(1, add_one_to(0));
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(call("even", 0), "call stack exhausted");
        EXPECT_EQ(frames_.size(), vm::kMaxTrace);
      }
    }
  }
}

TEST_F(Mixed, GuardPagesTrap) {
  load(R"((module (memory (export "memory") 1 2)
    (func $load (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func $outer (export "outer") (param i32) (result i32)
      (i32.add (call $load (local.get 0)) (i32.const 1)))))");
  EXPECT_EQ(call("outer", 65533), "out of bounds memory access");
  const std::vector<std::string> frames = frames_;
  ASSERT_EQ(frames.size(), 2u);
  if (module_->impl()->engine->resources->memories->style(module_->syntax().memory_type(0)) !=
      vm::MemoryStyle::guarded)
    GTEST_SKIP() << "no address space for guard pages";
  Code load_code;
  load_code.prologue();
  const uint32_t before = load_code.size();
  load_code.raw({0x41, 0x8b, 0x06, 0x41, 0x8b, 0x04, 0x07});  // mov eax, [r14]; [r15 + rax]
  load_code.raw({0x49, 0x89, 0x06}).returned().epilogue();
  publish(0, load_code, {{0, 1}, {before, std::stoull(frames[0].substr(5))}});
  EXPECT_EQ(call("outer", 8), "1");
  EXPECT_EQ(call("load", 65532), "0");
  for (int32_t address : {65533, 65536, -1, -4, INT32_MIN}) {
    SCOPED_TRACE(address);
    EXPECT_EQ(call("outer", address), "out of bounds memory access");
    EXPECT_EQ(frames_, frames);
  }
  EXPECT_EQ(instance_->get_memory(*store_, "memory")->grow(*store_, 1), 1u);
  EXPECT_EQ(call("outer", 65533), "1");
  // The next memory gets this range again, smaller.
  store_ = nullptr;
}

// A fault that is none of ours stays a crash.
TEST_F(Mixed, OtherFaultsCrash) {
  load("(module (memory 1) (func (export \"f\") (param i32) (result i32) (local.get 0)))");
  Code code;
  code.prologue().raw({0x31, 0xc0, 0x8b, 0x00}).epilogue();  // xor eax, eax; mov eax, [rax]
  publish(0, code);
  EXPECT_DEATH(call("f", 1), "");
  EXPECT_DEATH(*static_cast<volatile int*>(nullptr) = 1, "");
}

}  // namespace
}  // namespace sedge

#endif
