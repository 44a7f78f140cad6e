// Warm instances: whatever a guest did, the next one finds what instantiation makes.
#include <gtest/gtest.h>
#include <sedge/sedge.h>

#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/page_image.h"
#include "engine/engine_impl.h"

namespace sedge {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

// `state` is a number that tells whether everything is as instantiation makes it; the other
// functions change something each, and all but `trap` return.
constexpr const char* kGuest = R"((module
  (import "host" "note" (func $note (param i32)))
  (memory (export "memory") 3 400)
  (table $t (export "table") 8 40 funcref)
  (table $any 4 externref)
  (global $g (mut i32) (i32.const 11))
  (global $v (mut v128) (v128.const i64x2 5 6))
  (global $f (mut funcref) (ref.func $one))
  (elem (table $t) (i32.const 1) func $one $two)
  (elem $passive func $two)
  (data (i32.const 100) "first")
  (data (i32.const 102) "RS")
  (data (i32.const 70000) "second")
  (data $kept "passive")
  (type $number (func (result i32)))
  (func $one (type $number) i32.const 1)
  (func $two (type $number) i32.const 2)
  (func (export "state") (result i32) (local $sum i32) (local $at i32)
    ;; memory: every byte counts by its place
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                               (i32.load8_u (local.get $at))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1)))
                             (i32.const 196608))))
    (local.set $sum (i32.add (local.get $sum) (memory.size)))
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (table.size $t)))
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (global.get $g)))
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                             (i32x4.extract_lane 2 (global.get $v))))
    (table.set $t (i32.const 0) (global.get $f))
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                             (call_indirect $t (type $number) (i32.const 0))))
    (table.set $t (i32.const 0) (ref.null func))
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                             (call_indirect $t (type $number) (i32.const 2))))
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                             (ref.is_null (table.get $t (i32.const 5)))))
    (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                             (ref.is_null (table.get $any (i32.const 1)))))
    ;; the passive segments are still there (this leaves bytes behind)
    (memory.init $kept (i32.const 5000) (i32.const 0) (i32.const 7))
    (table.init $t $passive (i32.const 6) (i32.const 0) (i32.const 1))
    (i32.add (local.get $sum) (i32.load8_u (i32.const 5006))))
  (func (export "write_data") (i32.store (i32.const 101) (i32.const -1)))
  (func (export "write_everywhere") (memory.fill (i32.const 0) (i32.const 7) (i32.const 196608)))
  (func (export "write_page_ends") (local $at i32)
    (loop $next
      (i32.store8 (i32.add (local.get $at) (i32.const 4095)) (i32.const 1))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8192)))
                             (i32.const 196608)))))
  (func (export "grow") (drop (memory.grow (i32.const 7)))
    (i32.store (i32.const 655000) (i32.const 1))
    (i32.store (i32.const 196608) (i32.const 1)))
  (func (export "grow_much") (drop (memory.grow (i32.const 200)))
    (memory.fill (i32.const 100) (i32.const 3) (i32.const 13000000)))
  (func (export "set_globals")
    (global.set $g (i32.const 12)) (global.set $v (v128.const i64x2 7 8))
    (global.set $f (ref.func $two)))
  (func (export "change_tables")
    (table.set $t (i32.const 2) (ref.func $one))
    (table.fill $t (i32.const 3) (ref.func $two) (i32.const 5))
    (drop (table.grow $t (ref.func $one) (i32.const 9))))
  (func (export "drop_segments") (data.drop $kept) (elem.drop $passive))
  (func (export "trap") (call $note (i32.const 1)) (i32.store (i32.const 64) (i32.const 9))
    (global.set $g (i32.const 1)) (table.set $t (i32.const 1) (ref.null func)) unreachable)
  (func $deep (export "deep") (i32.store (i32.const 4) (i32.const 1)) (call $deep))
  (func (export "nothing"))))";

Engine make_engine() { return Engine::create().value(); }

struct Fixture {
  Engine engine = make_engine();
  Module module;
  Linker linker{engine};
  InstancePre pre;
  int notes = 0;

  explicit Fixture(const char* text = kGuest) : module(Module::from_text(engine, text).value()) {
    linker.func("host", "note", [](Caller& caller, int32_t n) { *caller.data<int>() += n; });
    pre = linker.instantiate_pre(module).value();
  }
};

int32_t call(Store& store, const Instance& instance, const char* name) {
  uint64_t cells[1] = {0};
  auto result = instance.get_func(store, name)->call_raw(store, cells);
  EXPECT_TRUE(result) << name << ": " << result.error().render();
  return static_cast<int32_t>(cells[0]);
}

int32_t fresh_state(const Fixture& fixture) {
  Store store(fixture.engine);
  Instance instance = fixture.linker.instantiate(store, fixture.module).value();
  return call(store, instance, "state");
}

TEST(WarmInstancesTest, WhatAGuestDidIsGone) {
  for (const char* change :
       {"nothing", "write_data", "write_everywhere", "write_page_ends", "grow", "grow_much",
        "set_globals", "change_tables", "drop_segments", "trap", "deep", "state"}) {
    SCOPED_TRACE(change);
    Fixture fixture;
    const int32_t expected = fresh_state(fixture);
    InstanceImpl* last = nullptr;
    for (int round = 0; round < 5; ++round) {
      auto notes = std::make_shared<int>(0);
      Store store(fixture.engine);
      store.set_data(notes);
      Instance instance = fixture.pre.instantiate(store).value();
      // The first is made as any other; from the second on it is one and the same.
      if (round > 1) EXPECT_EQ(instance.ptr, last);
      last = instance.ptr;
      EXPECT_EQ(store.memory_bytes(), 3u << 16);
      EXPECT_EQ(instance.get_memory(store, "memory")->size_pages(store), 3u);
      EXPECT_EQ(instance.get_table(store, "table")->size(store), 8u);
      EXPECT_EQ(call(store, instance, "state"), expected) << round;
      auto result = instance.get_func(store, change)->call(store, {});
      EXPECT_EQ(static_cast<bool>(result),
                std::string_view(change) != "trap" && std::string_view(change) != "deep");
      EXPECT_EQ(*notes, std::string_view(change) == "trap" ? 1 : 0);
    }
  }
}

TEST(WarmInstancesTest, WhatTheHostDidIsGone) {
  Fixture fixture;
  const int32_t expected = fresh_state(fixture);
  for (int round = 0; round < 4; ++round) {
    Store store(fixture.engine);
    Instance instance = fixture.pre.instantiate(store).value();
    EXPECT_EQ(call(store, instance, "state"), expected);
    instance.get_memory(store, "memory")->bytes(store)[71000] = 1;
    Table table = instance.get_table(store, "table").value();
    ASSERT_TRUE(table.set(store, 2, instance.get_func(store, "nothing")->to_val(store)));
    ASSERT_TRUE(table.grow(store, 3, Val::null(HeapType::func)));
    ASSERT_TRUE(instance.get_memory(store, "memory")->grow(store, 1));
  }
}

TEST(WarmInstancesTest, TablesAreThereWhenTheHostLooksFirst) {
  Fixture fixture;
  for (int round = 0; round < 3; ++round) {
    Store store(fixture.engine);
    Instance instance = fixture.pre.instantiate(store).value();
    Table table = instance.get_table(store, "table").value();
    auto two = Func::from_val(store, table.get(store, 2).value());
    ASSERT_TRUE(two);
    EXPECT_EQ(two->call(store, {})->front().i32(), 2);
  }
}

TEST(WarmInstancesTest, AnInstanceMadeWhileCodeRunsHasItsTables) {
  Engine engine = make_engine();
  Module inner = Module::from_text(engine, R"((module
    (table 1 funcref) (elem (i32.const 0) func $f) (type $n (func (result i32)))
    (func $f (result i32) i32.const 5)
    (func (export "f") (result i32) (call_indirect (type $n) (i32.const 0)))))")
                     .value();
  Module outer = Module::from_text(engine, R"((module
    (import "host" "make" (func $make)) (type $n (func (result i32)))
    (table (export "table") 1 funcref)
    (func (export "f") (result i32) (call $make) (call_indirect (type $n) (i32.const 0)))))")
                     .value();
  Linker linker(engine);
  InstancePre pre = linker.instantiate_pre(inner).value();
  linker.func("host", "make", [&pre](Caller& caller) -> Result<void> {
    SEDGE_TRY_ASSIGN(Instance made, pre.instantiate(caller.store()));
    Val f = made.get_func(caller.store(), "f")->to_val(caller.store());
    return caller.instance()->get_table(caller.store(), "table")->set(caller.store(), 0, f);
  });
  for (int round = 0; round < 3; ++round) {
    Store store(engine);
    Instance instance = linker.instantiate(store, outer).value();
    EXPECT_EQ(call(store, instance, "f"), 5) << round;
  }
}

TEST(WarmInstancesTest, StartFunctionsRunEachTime) {
  Fixture fixture(R"((module
    (import "host" "note" (func $note (param i32)))
    (global $g (mut i32) (i32.const 1))
    (memory 1) (table 1 funcref) (elem (i32.const 0) func $f) (type $v (func))
    (func $f (i32.store (i32.const 8) (i32.const 1)))
    (func $start (call_indirect (type $v) (i32.const 0))
      (call $note (i32.add (global.get $g) (i32.load (i32.const 8))))
      (global.set $g (i32.const 5)))
    (start $start)))");
  for (int round = 0; round < 4; ++round) {
    auto notes = std::make_shared<int>(0);
    Store store(fixture.engine);
    store.set_data(notes);
    ASSERT_TRUE(fixture.pre.instantiate(store));
    EXPECT_EQ(*notes, 2);
  }
}

TEST(WarmInstancesTest, LimitsOfTheStoreHold) {
  Fixture fixture;
  for (int round = 0; round < 3; ++round) {
    {
      Store unlimited(fixture.engine);
      ASSERT_TRUE(fixture.pre.instantiate(unlimited));
    }
    Store small(fixture.engine, {.memory_bytes = 100'000});
    EXPECT_EQ(
        fixture.pre.instantiate(small).error().message(),
        "out of memory: wasm trap: the module asks for 3 pages (196608 bytes) of memory at the "
        "start, the limit is 100000 bytes");
    Store few(fixture.engine, {.instances = 1});
    ASSERT_TRUE(fixture.pre.instantiate(few));
    EXPECT_EQ(fixture.pre.instantiate(few).error().code(), ErrorCode::instance_limit);
    Store flat(fixture.engine, {.tables = 1});
    EXPECT_EQ(fixture.pre.instantiate(flat).error().code(), ErrorCode::table_limit);
  }
}

TEST(WarmInstancesTest, HandlesOfTheStoreBeforeAreRefused) {
  Fixture fixture;
  Func stale;
  for (int round = 0; round < 3; ++round) {
    Store store(fixture.engine);
    Instance instance = fixture.pre.instantiate(store).value();
    if (round > 0) EXPECT_EQ(stale.call(store, {}).error().code(), ErrorCode::bad_store);
    stale = instance.get_func(store, "nothing").value();
  }
}

TEST(WarmInstancesTest, ManyThreadsShareThePool) {
  Fixture fixture;
  const int32_t expected = fresh_state(fixture);
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&fixture, expected, i] {
      const char* changes[] = {"write_data",    "set_globals", "change_tables",
                               "drop_segments", "grow",        "write_page_ends"};
      for (int round = 0; round < 8; ++round) {
        Store store(fixture.engine);
        Instance instance = fixture.pre.instantiate(store).value();
        EXPECT_EQ(call(store, instance, "state"), expected);
        call(store, instance, changes[i]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(WarmInstancesTest, ObjectsOfTheHeapAreMadeAnew) {
  // Not admitted: every instance has its own object.
  Fixture fixture(R"((module (type $s (struct (field (mut i32))))
    (global $s (ref $s) (struct.new_default $s))
    (func (export "state") (result i32)
      (struct.set $s 0 (global.get $s)
        (i32.add (struct.get $s 0 (global.get $s)) (i32.const 1)))
      (struct.get $s 0 (global.get $s)))))");
  for (int round = 0; round < 3; ++round) {
    Store store(fixture.engine);
    Instance instance = fixture.pre.instantiate(store).value();
    EXPECT_EQ(call(store, instance, "state"), 1);
  }
}

TEST(WarmInstancesTest, OutliveTheirModuleHandleAndLinker) {
  auto fixture = std::make_unique<Fixture>();
  std::vector<Store> stores;
  std::vector<Instance> instances;
  for (int i = 0; i < 3; ++i) {
    stores.emplace_back(fixture->engine);
    instances.push_back(fixture->pre.instantiate(stores.back()).value());
  }
  fixture.reset();
  const int32_t state = call(stores[0], instances[0], "state");
  EXPECT_EQ(call(stores[2], instances[2], "state"), state);
}

uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * page_size();
}

TEST(WarmInstancesTest, TenThousandLiveInstancesFitTheKernelsMappings) {
  Fixture fixture;
  const int count = kSanitized ? 100 : 10'000;
  std::vector<std::pair<Store, Instance>> alive;
  alive.reserve(static_cast<size_t>(count));
  const uint64_t before = resident_bytes();
  for (int i = 0; i < count; ++i) {
    Store store(fixture.engine);
    auto instance = fixture.pre.instantiate(store);
    ASSERT_TRUE(instance) << i << ": " << instance.error().render();
    alive.emplace_back(std::move(store), *instance);
  }
  std::ifstream maps("/proc/self/maps");
  std::string line;
  int mappings = 0;
  while (std::getline(maps, line)) ++mappings;
  EXPECT_LT(mappings, 4 * count + 1000);  // the kernel's default is 65,530
  const uint64_t each = (resident_bytes() - before) / static_cast<uint64_t>(count);
  if (!kSanitized) EXPECT_LT(each, 64u << 10);
  RecordProperty("bytes_each", static_cast<int>(each));
  const int32_t expected = fresh_state(fixture);
  for (size_t i = 0; i < alive.size(); i += alive.size() / 10)
    EXPECT_EQ(call(alive[i].first, alive[i].second, "state"), expected);
  RecordProperty("mappings", mappings);
}

TEST(PageImageTest, IsZeroButForItsPiecesAndPrivateWhereItIsMapped) {
  const std::vector<uint8_t> one(5000, 1);
  const std::vector<uint8_t> two(3, 2);
  const PageImage::Piece pieces[] = {{6000, one}, {6001, two}, {1 << 20, {}}};
  auto image = PageImage::create(pieces);
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(image->size(), 3 * 4096u);
  EXPECT_EQ(PageImage::create({}), nullptr);
  Mapping range = Mapping::zeroed(300 * 4096);
  ASSERT_TRUE(image->map_at(range.data()));
  auto check = [&] {
    EXPECT_EQ(range.data()[5999], 0);
    EXPECT_EQ(range.data()[6000], 1);
    EXPECT_EQ(range.data()[6001], 2);
    EXPECT_EQ(range.data()[6004], 1);
    EXPECT_EQ(range.data()[10999], 1);
    for (size_t i = 11000; i < range.size(); ++i) ASSERT_EQ(range.data()[i], 0) << i;
  };
  check();
  // One page of each kind; then so many that they are given back; then a range without a system
  // call.
  for (size_t step : {size_t{8192}, size_t{1}}) {
    for (size_t i = 0; i < range.size(); i += step) range.data()[i] = 9;
    ASSERT_TRUE(range.restore(range.size(), image.get()));
    check();
  }
  range.data()[6002] = 9;
  ASSERT_TRUE(range.restore(12000, image.get()));
  check();
  EXPECT_EQ(image->data()[6002], 2);
  ASSERT_TRUE(range.unmap_image(image->size()));
  for (size_t i = 0; i < range.size(); ++i) ASSERT_EQ(range.data()[i], 0) << i;
}

}  // namespace
}  // namespace sedge
