// A program that embeds sedge as an installed one would: of the headers and the archive alone, one
// function of each part of the C++ API. What the archive lacks, this does not link.
#include <cstdio>

#include <sedge/component.h>
#include <sedge/component_async.h>
#include <sedge/sedge.h>
#include <sedge/snapshot.h>
#include <sedge/wasi.h>
#include <sedge/wasi_component.h>

namespace {

using namespace sedge;

Result<uint32_t> module_answer(const Engine& engine) {
  auto module = Module::from_text(
      engine, R"((module (memory 1) (func (export "answer") (result i32) i32.const 42)))");
  if (!module) return std::unexpected(module.error());
  Linker linker(engine);
  if (auto linked = wasi::link(engine, linker, *module); !linked)
    return std::unexpected(linked.error());
  Store store(engine);
  auto instance = linker.instantiate(store, *module);
  if (!instance) return std::unexpected(instance.error());
  auto kept = snapshot(store, *instance, {});
  if (!kept) return std::unexpected(kept.error());
  auto func = instance->get_typed<uint32_t()>(store, "answer");
  if (!func) return std::unexpected(func.error());
  return func->call(store);
}

Result<uint32_t> component_answer(const Engine& engine) {
  auto component = Component::from_text(engine, R"((component
    (core module $m (func (export "answer") (result i32) i32.const 42))
    (core instance $i (instantiate $m))
    (func (export "answer") (result u32) (canon lift (core func $i "answer")))))");
  if (!component) return std::unexpected(component.error());
  ComponentLinker linker;
  wasi::link(linker);
  Store store(engine);
  auto instance = linker.instantiate(store, *component);
  if (!instance) return std::unexpected(instance.error());
  const ComponentLoop loop = ComponentLoop::of(store);
  loop.remote().wake();
  auto results = instance->get_func("answer")->call(store, {});
  if (!results) return std::unexpected(results.error());
  return static_cast<uint32_t>(results->front().bits);
}

}  // namespace

int main() {
  auto engine = Engine::create({});
  if (!engine) return 1;
  for (const auto& answer : {module_answer(*engine), component_answer(*engine)}) {
    if (answer && *answer == 42) continue;
    std::fprintf(stderr, "%s\n", answer ? "another answer" : answer.error().message().c_str());
    return 1;
  }
  return 0;
}
