// Modules' imports find their functions: by name, edition and signature.
#include <gtest/gtest.h>
#include <sedge/sedge.h>
#include <sedge/wasi.h>

namespace sedge::wasi {
namespace {

class Link : public testing::Test {
 protected:
  /// Links and instantiates `text`; calls `_start` if there is one.
  Result<int> run(std::string_view text, bool with_context = true) {
    SEDGE_TRY_ASSIGN(Module module, Module::from_text(engine, text));
    EXPECT_TRUE(wants_wasi(module));
    Linker linker(engine);
    SEDGE_TRY(link(engine, linker, module));
    Store store(engine);
    Result<Instance> instance = fail(ErrorCode::usage);
    if (with_context) {
      SEDGE_TRY_ASSIGN(auto context, Context::create({}));
      instance = instantiate(engine, store, linker, module, std::move(context));
    } else {
      instance = linker.instantiate(store, module);
    }
    if (!instance) return fail(std::move(instance).error());
    return wasi::run(store, *instance);
  }
  std::string error(std::string_view text, bool with_context = true) {
    auto result = run(text, with_context);
    EXPECT_FALSE(result.has_value());
    return result ? "" : result.error().message() + "\n" + result.error().remedy();
  }

  Engine engine = *Engine::create();
};

constexpr const char* kEmptyStart = R"((func (export "_start")))";

std::string importing(std::string_view module, std::string_view name, std::string_view type) {
  return "(module (import \"" + std::string(module) + "\" \"" + std::string(name) + "\" (func " +
         std::string(type) + "))" + kEmptyStart + ")";
}

TEST_F(Link, ExitStatus) {
  auto status = run(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (func (export "_start") (call $exit (i32.const 42)) unreachable)))");
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 42);
}

TEST_F(Link, TheOlderEdition) {
  // poll_oneoff with the longer subscription: the clock's id stands at 24.
  auto status = run(R"((module
    (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
    (import "wasi_unstable" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (i64.store (i32.const 0) (i64.const 77))
      (i64.store (i32.const 16) (i64.const -1))
      (i32.store (i32.const 24) (i32.const 1))
      (if (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200))
        (then (call $exit (i32.const 1))))
      (call $exit (i32.load (i32.const 100))))))");
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 77);
}

TEST_F(Link, OneNameTwoSignatures) {
  constexpr const char* kModule = "wasi_snapshot_preview1";
  for (const char* type : {"(param i32 i32) (result i32)", "(param i32 i32 i32) (result i32)"})
    EXPECT_TRUE(run(importing(kModule, "sock_accept", type)).has_value()) << type;
  for (const char* name : {"sock_getlocaladdr", "sock_getpeeraddr"})
    for (const char* type :
         {"(param i32 i32 i32 i32) (result i32)", "(param i32 i32 i32) (result i32)"})
      EXPECT_TRUE(run(importing(kModule, name, type)).has_value()) << name << type;
  EXPECT_TRUE(error(importing(kModule, "sock_accept", "(param i32)"))
                  .starts_with("incompatible import type"));
}

TEST_F(Link, AnUnknownNameHasANearest) {
  EXPECT_EQ(error(importing("wasi_snapshot_preview1", "fd_raed", "(param i32)")),
            "unknown import `wasi_snapshot_preview1` `fd_raed` (func [i32] -> [])\n"
            "`wasi_snapshot_preview1` has `fd_read`: is that what is meant?");
  // The older edition has no sock_accept.
  EXPECT_TRUE(error(importing("wasi_unstable", "sock_accept", "(param i32 i32 i32) (result i32)"))
                  .starts_with("unknown import `wasi_unstable` `sock_accept`"));
}

TEST_F(Link, AStoreWithoutAContext) {
  EXPECT_TRUE(error(R"((module
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (func (export "_start") (drop (call $yield)))))",
                    false)
                  .starts_with("host function failed: the store has no WASI context"));
}

TEST_F(Link, AModuleWithoutMemoryOrStart) {
  // Without memory every pointer is bad.
  auto status = run(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (func (export "_start") (call $exit (call $sizes (i32.const 0) (i32.const 4))))))");
  ASSERT_TRUE(status.has_value()) << status.error().render();
  EXPECT_EQ(*status, 21);  // fault
  EXPECT_TRUE(error(R"((module
    (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))))")
                  .starts_with("unknown export: the module has no function \"_start\""));
}

}  // namespace
}  // namespace sedge::wasi
