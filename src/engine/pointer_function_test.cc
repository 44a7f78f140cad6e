// Pointer functions: where the input goes, what counts as an answer, and whole messages of the
// rest.
#include "engine/pointer_function.h"

#include <gtest/gtest.h>

#include <sedge/engine.h>
#include <sedge/linker.h>

#include <string>

namespace sedge {
namespace {

class PointerFunction : public ::testing::Test {
 protected:
  // The answer, or the rendered error without its backtrace.
  std::string call(std::string_view wat, std::string_view input,
                   std::string_view name = "handle_request", StoreLimits limits = {}) {
    Result<Module> module = Module::from_text(engine_, wat);
    if (!module) return module.error().render();
    Store store(engine_, limits);
    Result<Instance> instance = Linker(engine_).instantiate(store, *module);
    if (!instance) return instance.error().render();
    Result<std::string> answer = call_pointer_function(store, *instance, name, input);
    if (answer) return *answer;
    std::string remedy = answer.error().remedy();
    return answer.error().message() + (remedy.empty() ? "" : " | " + remedy);
  }
  std::string candidates(std::string_view wat) {
    Result<Module> module = Module::from_text(engine_, wat);
    if (!module) return module.error().render();
    std::string out;
    for (const std::string& name : pointer_functions(*module)) out += name + " ";
    return out;
  }

  Engine engine_ = *Engine::create();
};

constexpr std::string_view kEcho = R"((module (memory (export "memory") 1)
  (func (export "handle_request") (param i32 i32) (result i32) local.get 0)))";

TEST_F(PointerFunction, PutsTheInputIntoGrownMemoryWithoutAnAllocator) {
  EXPECT_EQ(call(kEcho, R"({"a":[1,2]})"), R"({"a":[1,2]})");
  EXPECT_EQ(call(kEcho, "  7 "), "7");
  std::string large = "\"" + std::string(300'000, 'x') + "\"";
  EXPECT_EQ(call(kEcho, large), large);
}

TEST_F(PointerFunction, UsesTheModulesAllocator) {
  // Each allocator hands out its own place; the function answers with the pointer as a number.
  for (auto [name, params, place] : {std::tuple{"alloc", "(param i32)", "100"},
                                     {"malloc", "(param i32)", "200"},
                                     {"__wbindgen_malloc", "(param i32 i32)", "300"},
                                     {"cabi_realloc", "(param i32 i32 i32 i32)", "400"}}) {
    std::string wat = std::string(R"((module (memory (export "memory") 1)
      (func (export ")") +
                      name + "\") " + params + " (result i32) i32.const " + place + ")" + R"(
      (func (export "process") (param i32 i32) (result i32)
        (i32.store8 (i32.const 0x10) (i32.add (i32.const 48) (i32.div_u (local.get 0) (i32.const 100))))
        (i32.const 0x10))))";
    EXPECT_EQ(call(wat, "{}", "process"), std::string(1, place[0])) << name;
  }
}

TEST_F(PointerFunction, TakesTheOneValueThatBeginsAtThePointer) {
  auto answer = [&](std::string_view data) {
    return call(std::string(R"((module (memory (export "memory") 1) (data (i32.const 8) ")") +
                    std::string(data) + R"(")
      (func (export "handle_request") (param i32 i32) (result i32) i32.const 8)))",
                "");
  };
  EXPECT_EQ(answer(R"({\22a\22:1}garbage)"), R"({"a":1})");
  EXPECT_EQ(answer(R"([1]\00\ff)"), "[1]");
  EXPECT_EQ(answer("true"), "true");
  const std::string remedy = " | return a pointer to one complete JSON value of at most 1 MiB";
  EXPECT_EQ(answer(R"(oops \c3\a9\00 hidden)"),
            "bad answer: at the pointer that `handle_request` returned stands no JSON value but "
            "`oops \xc3\xa9`" +
                remedy);
  EXPECT_EQ(answer(R"({\22a\22:\ff)"),
            "bad answer: at the pointer that `handle_request` returned stands no JSON value but "
            "`{\"a\":`" +
                remedy);
  EXPECT_EQ(answer(R"(a\0ab)"),
            "bad answer: at the pointer that `handle_request` returned stands no JSON value but "
            "`a\\x0ab`" +
                remedy);
  EXPECT_EQ(answer(std::string(300, 'z')),
            "bad answer: at the pointer that `handle_request` returned stands no JSON value but `" +
                std::string(200, 'z') + "…`" + remedy);
}

TEST_F(PointerFunction, ChecksEveryPointer) {
  auto returning = [&](std::string_view pointer) {
    return call(std::string(R"((module (memory (export "memory") 1)
      (func (export "alloc") (param i32) (result i32) i32.const 16)
      (func (export "handle_request") (param i32 i32) (result i32) i32.const )") +
                    std::string(pointer) + "))",
                "{}");
  };
  EXPECT_EQ(returning("0"),
            "bad answer: `handle_request` returned the pointer 0x0, where its memory "
            "of 65536 bytes holds no answer");
  EXPECT_EQ(returning("65536"),
            "bad answer: `handle_request` returned the pointer 0x10000, where its "
            "memory of 65536 bytes holds no answer");
  EXPECT_EQ(returning("-1"),
            "bad answer: `handle_request` returned the pointer 0xffffffff, where its "
            "memory of 65536 bytes holds no answer");
  EXPECT_EQ(
      call(R"((module (memory (export "memory") 1)
      (func (export "alloc") (param i32) (result i32) i32.const 65535)
      (func (export "handle_request") (param i32 i32) (result i32) local.get 0)))",
           "{}"),
      "bad answer: the module's allocator returned 0xffff, which is outside its memory of 65536 "
      "bytes");
}

TEST_F(PointerFunction, NamesWhatIsMissing) {
  EXPECT_EQ(call(R"((module (memory (export "memory") 1 1)
      (func (export "handle_request") (param i32 i32) (result i32) local.get 0)))",
                 "{}"),
            "out of memory: wasm trap: the memory cannot grow by 2 bytes to take the input | raise "
            "--max-memory");
  EXPECT_EQ(call(R"((module (memory (export "memory") 1)
      (func (export "alloc") (param i32) (result i32) i32.const 0)
      (func (export "handle_request") (param i32 i32) (result i32) local.get 0)))",
                 "{}"),
            "out of memory: wasm trap: the module's `alloc` gave no memory for 2 bytes of input | "
            "raise --max-memory");
  EXPECT_EQ(
      call(R"((module (memory 1)
      (func (export "handle_request") (param i32 i32) (result i32) local.get 0)))",
           "{}"),
      "unknown export: `handle_request` needs the module's memory, which is not exported | link "
      "with --export-memory, which is the default of most linkers");
  EXPECT_EQ(call(kEcho, "{}", "nothing"), "unknown export: no function `nothing`");
  EXPECT_EQ(call(R"((module (memory (export "memory") 1) (func (export "f"))))", "{}", "f"),
            "wrong arguments: `f` is not a function (ptr, len) -> ptr");
  EXPECT_EQ(call(R"((module (memory (export "memory") 1)
      (func (export "handle_request") (param i32 i32) (result i32) unreachable)))",
                 "{}"),
            "unreachable");
}

TEST_F(PointerFunction, Takes64BitPointers) {
  EXPECT_EQ(call(R"((module (memory (export "memory") i64 1)
      (func (export "handle_request") (param i64 i64) (result i64) local.get 0)))",
                 "[64]"),
            "[64]");
}

TEST_F(PointerFunction, ListsCandidates) {
  EXPECT_EQ(candidates(R"((module (memory 1)
      (func (export "zeta") (param i32 i32) (result i32) local.get 0)
      (func (export "process") (param i32 i32) (result i32) local.get 0)
      (func (export "handle_request") (param i32 i32) (result i32) local.get 0)
      (func (export "realloc") (param i32 i32) (result i32) local.get 0)
      (func (export "dealloc") (param i32 i32))
      (func (export "one") (param i32) (result i32) local.get 0)
      (func (export "mixed") (param i32 i64) (result i32) local.get 0)))"),
            "handle_request process zeta ");
}

}  // namespace
}  // namespace sedge
