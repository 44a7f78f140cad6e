// The handler only classifies and redirects: to a stub that captures the backtrace and leaves the
// frame as every trap does (vm/native.h). It runs where the system puts it: code that faults for
// us has vm::Context::native_limit's reserve below it, so no stack of our own is needed.
#include "runtime/fault_handler.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mapping.h"
#include "runtime/code_registry.h"
#include "runtime/store_impl.h"

namespace sedge::runtime {
namespace {

// A main thread without a limit on its stack is taken to have this much.
constexpr size_t kUnlimitedStack = 64 << 20;

using detail::running;
using detail::ThreadStack;

/// The stack of the main thread grows down to its limit from where the kernel put the program's
/// file name. (pthread_getattr_np would read /proc/self/maps for this.)
ThreadStack main_stack() {
  rlimit limit{};
  ::getrlimit(RLIMIT_STACK, &limit);
  uintptr_t top = ::getauxval(AT_EXECFN);
  top = (top + page_size() - 1) & ~uintptr_t{page_size() - 1};
  size_t size = limit.rlim_cur == RLIM_INFINITY ? kUnlimitedStack : limit.rlim_cur;
  return {.low = reinterpret_cast<const uint8_t*>(top - std::min<size_t>(size, top)),
          .high = reinterpret_cast<const uint8_t*>(top)};
}

ThreadStack find_stack() {
  if (::gettid() == ::getpid() && ::getauxval(AT_EXECFN) != 0) return main_stack();
  ThreadStack stack;
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return stack;
  void* low = nullptr;
  size_t size = 0;
  if (::pthread_attr_getstack(&attributes, &low, &size) == 0) {
    stack.low = static_cast<const uint8_t*>(low);
    stack.high = stack.low + size;
  }
  ::pthread_attr_destroy(&attributes);
  return stack;
}

#if defined(__x86_64__) || defined(__aarch64__)

struct sigaction previous_segv, previous_bus;

/// Called by the stub with what the handler put into the registers.
extern "C" [[gnu::used]] void sedge_native_fault(vm::Context* context, const void* place,
                                                 const void* frame) {
  context->builtins->native_trap(context, wasm::TrapCode::out_of_bounds_memory_access, place,
                                 frame);
}

static_assert(static_cast<int>(vm::Exit::trap) == 1);

#if defined(__x86_64__)

/// Where a redirected fault goes on: rdi, rsi, rdx are sedge_native_fault's, r8 is its address.
[[gnu::naked]] void fault_stub() {
  asm volatile(
      "call *%r8\n\t"
      "movq %rbp, %rsp\n\t"
      "popq %rbp\n\t"
      "movl $1, %eax\n\t"
      "movl $1, %edx\n\t"
      "ret");
}

const void* fault_pc(const ucontext_t& machine) {
  return reinterpret_cast<const void*>(machine.uc_mcontext.gregs[REG_RIP]);
}

void go_to_stub(ucontext_t& machine, vm::Context* context) {
  auto& registers = machine.uc_mcontext.gregs;
  registers[REG_RDI] = reinterpret_cast<greg_t>(context);
  registers[REG_RSI] = registers[REG_RIP];
  registers[REG_RDX] = registers[REG_RBP];
  registers[REG_R8] = reinterpret_cast<greg_t>(&sedge_native_fault);
  registers[REG_RIP] = reinterpret_cast<greg_t>(&fault_stub);
  registers[REG_RSP] = registers[REG_RSP] & ~greg_t{15};
  registers[REG_EFL] &= ~greg_t{0x400};  // direction flag, as the C convention wants it
}

#else

/// The same: x0, x1, x2 are sedge_native_fault's, x8 is its address.
[[gnu::naked]] void fault_stub() {
  asm volatile(
      "blr x8\n\t"
      "mov sp, x29\n\t"
      "ldp x29, x30, [sp], #16\n\t"
      "mov w0, #1\n\t"
      "mov w1, #1\n\t"
      "ret");
}

const void* fault_pc(const ucontext_t& machine) {
  return reinterpret_cast<const void*>(machine.uc_mcontext.pc);
}

void go_to_stub(ucontext_t& machine, vm::Context* context) {
  constexpr size_t kFrame = 29;
  auto& registers = machine.uc_mcontext;
  registers.regs[0] = reinterpret_cast<uint64_t>(context);
  registers.regs[1] = registers.pc;
  registers.regs[2] = registers.regs[kFrame];
  registers.regs[8] = reinterpret_cast<uint64_t>(&sedge_native_fault);
  registers.pc = reinterpret_cast<uint64_t>(&fault_stub);
}

#endif

/// Whether the fault is an access of wasm beyond its memory; then redirects it.
bool redirect(const siginfo_t& info, ucontext_t& machine) {
  vm::Context* context = running;
  if (context == nullptr) return false;
  if (CodeLookup().find(fault_pc(machine)) == nullptr) return false;
  if (!StoreImpl::of(*context).reserves(info.si_addr)) return false;
  go_to_stub(machine, context);
  return true;
}

void on_fault(int signal, siginfo_t* info, void* machine) {
  if (redirect(*info, *static_cast<ucontext_t*>(machine))) return;
  const struct sigaction& previous = signal == SIGSEGV ? previous_segv : previous_bus;
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, machine);
  } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    // The instruction runs again and ends the process as if we had never been here.
    ::sigaction(signal, &previous, nullptr);
    if (info->si_code <= 0) ::raise(signal);  // sent by somebody: nothing runs again
  } else {
    previous.sa_handler(signal);
  }
}

void install() {
  struct sigaction action{};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGSEGV, &action, &previous_segv);
  ::sigaction(SIGBUS, &action, &previous_bus);
}

#else

// Code checks every access: vm::ArtifactTarget::has_guard_pages.
void install() {}

#endif

}  // namespace

void install_fault_handler() {
  static std::once_flag once;
  std::call_once(once, install);
}

namespace detail {

constinit thread_local vm::Context* running = nullptr;
constinit thread_local ThreadStack thread_stack;

// The empty statement keeps optimisers of the whole program from seeing that they are pure.
[[gnu::noinline]] vm::Context*& running_here() {
  asm volatile("" ::: "memory");
  return running;
}
[[gnu::noinline]] ThreadStack& stack_here() {
  asm volatile("" ::: "memory");
  return thread_stack;
}

const uint8_t* find_native_limit(const uint8_t* here) {
  ThreadStack& stack = thread_stack;
  if (stack.high == nullptr) {
    stack = find_stack();
    stack.limit =
        stack.low + std::min(kNativeReserve, static_cast<size_t>(stack.high - stack.low) / 2);
  }
  // Else a stack that an embedder made.
  return here >= stack.low && here < stack.high ? stack.limit : here - kNativeReserve / 2;
}

}  // namespace detail

}  // namespace sedge::runtime
