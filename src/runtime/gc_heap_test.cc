// The heap against a model: random graphs of structs, arrays, exceptions and extern boxes, whose
// reachable part must keep its contents and whose rest must be gone after a collection.
#include "runtime/gc_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace sedge::runtime {
namespace {

using wasm::SubType;

struct Roots : RootSource {
  void visit_roots(RootVisitor& visitor) override {
    visitor.cells(cells.data(), cells.data() + cells.size());
    for (const GcRef ref : refs) visitor.ref(ref);
  }
  std::vector<Cell> cells;
  std::vector<GcRef> refs;
};

const ValType kAny = ValType::anyref();
const ValType kFuncs = ValType::funcref();

SubType struct_type(std::vector<ValType> fields) {
  SubType type{.kind = SubType::Kind::struct_};
  for (const ValType field : fields) type.fields.push_back({field, true});
  return type;
}
SubType array_type(ValType element) {
  return {.kind = SubType::Kind::array, .fields = {{element, true}}};
}

// Types of the tests, by index.
enum : uint32_t { kEmpty, kPair, kMixed, kWide, kBytes, kRefs, kVectors, kFuncRefs, kPayload };

class GcHeapTest : public ::testing::Test {
 protected:
  GcHeapTest() {
    std::vector<SubType> types = {
        struct_type({}),
        struct_type({ValType::i64, kAny, kAny}),
        struct_type({ValType::i8, kFuncs, kAny, ValType::i16, ValType::externref(), ValType::v128}),
        struct_type(std::vector<ValType>(100, kAny)),
        array_type(ValType::i8),
        array_type(kAny),
        array_type(ValType::v128),
        array_type(kFuncs),
        {.kind = SubType::Kind::func,
         .func = {.params = {ValType::i64, kAny, ValType::v128, kFuncs, ValType::externref()}}}};
    std::vector<wasm::RecGroup> groups;
    for (uint32_t i = 0; i < types.size(); i++) groups.push_back({.first = i, .count = 1});
    types_ = registry_->add(types, groups);
    tag_ = {types_.id(kPayload), &types_.type(kPayload), 6};
  }
  void make(GcHeap::Options options = {}) {
    auto made = GcHeap::create(*registry_, roots_, hole_, options);
    ASSERT_TRUE(made.has_value());
    heap_ = *std::move(made);
  }
  GcRef new_struct(uint32_t type) { return heap_->new_struct(types_.type(type)); }
  GcRef new_array(uint32_t type, uint32_t length) {
    return heap_->new_array(types_.type(type), length);
  }
  template <typename T>
  T get(GcRef ref, uint32_t offset) {
    T value;
    std::memcpy(&value, heap_->base() + ref + offset, sizeof(T));
    return value;
  }
  template <typename T>
  void set(GcRef ref, uint32_t offset, T value) {
    std::memcpy(heap_->base() + ref + offset, &value, sizeof(T));
  }

  std::shared_ptr<wasm::TypeRegistry> registry_ = wasm::TypeRegistry::create();
  wasm::TypeSet types_;
  vm::Tag tag_;
  Roots roots_;
  vm::GcHole hole_;
  std::unique_ptr<GcHeap> heap_;
};

TEST_F(GcHeapTest, ObjectsAreZeroedAlignedAndHigh) {
  make();
  std::set<GcRef> seen;
  for (int i = 0; i < 10'000; i++) {
    const GcRef pair = new_struct(kPair);
    ASSERT_GE(pair, 0x8000'0000u);
    ASSERT_EQ(pair % 8, 0u);
    ASSERT_TRUE(seen.insert(pair).second);
    EXPECT_EQ(get<vm::ObjectHeader>(pair, 0).type, types_.id(kPair));
    EXPECT_EQ(get<vm::ObjectHeader>(pair, 0).kind(), vm::ObjectKind::struct_);
    EXPECT_EQ(get<uint64_t>(pair, 8), 0u);
    EXPECT_EQ(get<uint64_t>(pair, 16), 0u);
    set<uint64_t>(pair, 8, ~0ull);
  }
  const GcRef bytes = new_array(kBytes, 13);
  EXPECT_EQ(get<vm::ObjectHeader>(bytes, 0).kind(), vm::ObjectKind::array);
  EXPECT_EQ(get<uint32_t>(bytes, vm::kArrayLength), 13u);
}

TEST_F(GcHeapTest, MemoryIsReusedAndZeroedAgain) {
  make({.max_bytes = 1 << 20});
  for (int i = 0; i < 200'000; i++) {  // far more than the limit
    const GcRef pair = new_struct(kPair);
    ASSERT_NE(pair, 0u);
    ASSERT_EQ(get<uint64_t>(pair, 8), 0u);
    ASSERT_EQ(get<uint64_t>(pair, 16), 0u);
    set<uint64_t>(pair, 8, ~0ull);
    set<uint64_t>(pair, 16, ~0ull);
    if (i % 1000 == 0) roots_.cells.push_back(pair);
  }
  EXPECT_GT(heap_->collections(), 2u);
  for (const Cell cell : roots_.cells) {
    EXPECT_EQ(get<uint64_t>(static_cast<GcRef>(cell), 8), ~0ull);
  }
}

TEST_F(GcHeapTest, OnlyObjectStartsAreRoots) {
  make();
  const GcRef first = new_struct(kPair), second = new_struct(kPair);
  const GcRef big = new_array(kBytes, 100'000);
  roots_.cells = {first + 8u,
                  second | 1u,
                  0,
                  1,
                  ~0ull,
                  0x8000'0000,
                  0xffff'f000,
                  big + 8u,
                  (7ull << 32) | second,
                  second - 0x8000'0000};
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), (first == 0x8000'0000u ? 24u : 0u) + 24u);
  roots_.cells = {new_array(kBytes, 100'000)};
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), 100'016u);
  roots_.cells.clear();
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), 0u);
}

// As compiled code does it: before the heap has seen the type, and without a word to it.
TEST_F(GcHeapTest, FindsWhatCodeAllocated) {
  make();
  new_struct(kEmpty);
  auto take = [this](uint32_t type, vm::ObjectKind kind, uint64_t bytes) {
    const auto ref = static_cast<GcRef>(hole_.cursor);
    hole_.cursor += bytes;
    EXPECT_LE(hole_.cursor, hole_.limit);
    set(ref, 0, vm::object_header(types_.id(type), kind));
    return ref;
  };
  const GcRef dead = take(kPair, vm::ObjectKind::struct_, 24);
  const GcRef array = take(kRefs, vm::ObjectKind::array, vm::array_size(3, 4));
  set<uint32_t>(array, vm::kArrayLength, 3);
  const GcRef pair = take(kPair, vm::ObjectKind::struct_, 24);
  set<GcRef>(array, vm::kArrayElements + 8, pair);
  set<uint64_t>(pair, 8, 77);
  // Places inside of objects, and behind the last one, are no references.
  roots_.cells = {array, dead + 8, array + 8, hole_.cursor};
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), vm::array_size(3, 4) + 24);
  EXPECT_EQ(get<uint64_t>(get<GcRef>(array, vm::kArrayElements + 8), 8), 77u);
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), vm::array_size(3, 4) + 24);
}

TEST_F(GcHeapTest, TracesEveryReferenceFieldAndNoOther) {
  make();
  const GcRef mixed = new_struct(kMixed);
  const vm::StructLayout layout = vm::struct_layout(types_.type(kMixed), *registry_);
  const GcRef in_any = new_struct(kEmpty), in_extern = new_struct(kEmpty);
  const GcRef in_func = new_struct(kEmpty), in_vector = new_struct(kEmpty);
  set<uint64_t>(mixed, layout.offsets[1], in_func);
  set<GcRef>(mixed, layout.offsets[2], in_any);
  set<GcRef>(mixed, layout.offsets[4], in_extern);
  set<uint64_t>(mixed, layout.offsets[5], in_vector);
  roots_.refs = {mixed};
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), layout.size + 2 * 8u);
}

TEST_F(GcHeapTest, ExceptionsKeepTheirPayload) {
  for (const bool stress : {false, true}) {
    make({.stress = stress});
    roots_.refs = {};
    const GcRef first = new_struct(kPair);
    roots_.refs = {first};
    const GcRef second = new_struct(kPair);
    set<uint64_t>(first, 8, 11);
    set<uint64_t>(second, 8, 22);
    roots_.refs = {};
    const Cell payload[6] = {5, first, 6, 7, 8, second};  // in no frame
    const GcRef exception = heap_->new_exception(&tag_, payload);
    ASSERT_NE(exception, 0u);
    roots_.refs = {exception};
    heap_->collect();
    EXPECT_EQ(heap_->live_bytes(), 64u + 24 + 24);
    EXPECT_EQ(get<vm::Tag*>(exception, vm::kExceptionTag), &tag_);
    EXPECT_EQ(get<Cell>(exception, vm::kExceptionPayload), 5u);
    EXPECT_EQ(get<uint64_t>(get<GcRef>(exception, vm::kExceptionPayload + 8), 8), 11u);
    EXPECT_EQ(get<uint64_t>(get<GcRef>(exception, vm::kExceptionPayload + 40), 8), 22u);
  }
}

TEST_F(GcHeapTest, ExternBoxesAreDestroyedOnce) {
  make();
  int destroyed[3] = {0, 0, 0};
  const auto destroy = [](void* value) { ++*static_cast<int*>(value); };
  for (int& count : destroyed) roots_.refs.push_back(heap_->new_extern(&count, destroy));
  const GcRef plain = heap_->new_extern(destroyed, nullptr);
  EXPECT_EQ(get<void*>(plain, vm::kExternValue), destroyed);
  EXPECT_EQ(get<vm::ObjectHeader>(plain, 0).kind(), vm::ObjectKind::extern_box);
  roots_.refs.pop_back();
  heap_->collect();
  EXPECT_EQ(destroyed[0] + destroyed[1], 0);
  EXPECT_EQ(destroyed[2], 1);
  roots_.refs.pop_back();
  heap_->collect();
  heap_.reset();
  EXPECT_EQ(destroyed[0], 1);
  EXPECT_EQ(destroyed[1], 1);
  EXPECT_EQ(destroyed[2], 1);
}

TEST_F(GcHeapTest, LimitEndsInNullAndFreeingRecovers) {
  make({.max_bytes = 4 << 20});
  GcRef list = 0;
  size_t count = 0;
  roots_.refs = {0};
  for (;;) {
    const GcRef pair = new_struct(kPair);
    if (pair == 0) break;
    set<GcRef>(pair, 16, list);
    roots_.refs = {list = pair};
    ASSERT_LT(++count, (4u << 20) / 24 + 1);
  }
  EXPECT_GT(count, (4u << 20) / 24 * 9 / 10);
  EXPECT_EQ(new_array(kBytes, 3 << 20), 0u);
  EXPECT_EQ(new_array(kVectors, 0xffff'ffff), 0u);
  roots_.refs = {};
  const GcRef big = new_array(kBytes, 3 << 20);
  ASSERT_NE(big, 0u);
  roots_.refs = {big};
  EXPECT_EQ(new_array(kBytes, 3 << 20), 0u);
  EXPECT_NE(new_struct(kPair), 0u);
}

TEST_F(GcHeapTest, NeighbouringFreeRunsOfLargeObjectsMerge) {
  make();
  std::vector<GcRef> arrays;
  for (int i = 0; i < 4; i++) {
    arrays.push_back(new_array(kBytes, 100'000));
    std::memset(heap_->base() + arrays.back() + vm::kArrayElements, 0xff, 100'000);
  }
  roots_.refs = {arrays[0], arrays[3]};
  heap_->collect();
  const GcRef merged = new_array(kBytes, 190'000);
  EXPECT_EQ(merged, std::min(arrays[1], arrays[2]));
  const uint8_t* elements = heap_->base() + merged + vm::kArrayElements;
  EXPECT_EQ(std::count(elements, elements + 190'000, 0), 190'000);
  EXPECT_EQ(get<uint8_t>(arrays[0], vm::kArrayElements + 99'999), 0xffu);
  EXPECT_EQ(get<uint8_t>(arrays[3], vm::kArrayElements), 0xffu);
}

TEST_F(GcHeapTest, LongListsAndWideArraysNeedNoRecursion) {
  make();
  roots_.refs = {0};
  for (int i = 0; i < 500'000; i++) {
    const GcRef pair = new_struct(kPair);
    set<GcRef>(pair, 16, roots_.refs[0]);
    roots_.refs[0] = pair;
  }
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), 500'000u * 24);
  const GcRef array = new_array(kRefs, 100'000);
  roots_.refs = {array};
  for (uint32_t i = 0; i < 100'000; i++) {
    set<GcRef>(array, vm::kArrayElements + 4 * i, new_struct(kEmpty));
  }
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), 400'016u + 100'000 * 8);
}

// Random graphs. Every object carries its number; the model knows its type and references.
class GcHeapGraphTest : public GcHeapTest, public ::testing::WithParamInterface<GcHeap::Options> {
 protected:
  struct Node {
    uint32_t type;
    uint32_t length = 0;
    GcRef ref;
    std::vector<int> edges;  // by reference slot; -1: null, -2: an i31
  };
  static constexpr int kNull = -1, kI31 = -2;

  uint64_t size_of(const Node& node) {
    if (node.type == kRefs) return (vm::kArrayElements + 4 * uint64_t{node.length} + 7) & ~7ull;
    if (node.type == kBytes) return (vm::kArrayElements + uint64_t{node.length} + 7) & ~7ull;
    return vm::struct_layout(types_.type(node.type), *registry_).size;
  }
  uint32_t slot_offset(const Node& node, size_t slot) {
    if (node.type == kRefs) return vm::kArrayElements + 4 * static_cast<uint32_t>(slot);
    return vm::struct_layout(types_.type(node.type), *registry_).ref_offsets[slot];
  }
  int add(std::mt19937& random) {
    Node node{.type = kPair};
    const uint32_t choice = random() % 100;
    if (choice >= 60) node.type = kMixed;
    if (choice >= 70) node.type = kWide;
    if (choice >= 75) node.type = kRefs;
    if (choice >= 90) node.type = kBytes;
    if (node.type == kRefs || node.type == kBytes) {
      const uint32_t lengths[] = {0, 3, 40, 300, 3000, 30'000};
      node.length = lengths[random() % (random() % 8 == 0 ? 6 : 4)];
      node.ref = new_array(node.type, node.length);
      if (node.type == kRefs) node.edges.assign(node.length, kNull);
    } else {
      node.ref = new_struct(node.type);
      node.edges.assign(vm::struct_layout(types_.type(node.type), *registry_).ref_offsets.size(),
                        kNull);
    }
    if (node.ref == 0) return kNull;
    const int id = next_id_++;
    nodes_[id] = node;
    if (node.type == kPair) set<uint64_t>(node.ref, 8, static_cast<uint64_t>(id));
    if (node.type == kBytes) std::memset(heap_->base() + node.ref + 16, id & 0xff, node.length);
    return id;
  }
  void connect(std::mt19937& random, int id, int target) {
    Node& node = nodes_[id];
    if (node.edges.empty()) return;
    const size_t slot = random() % node.edges.size();
    node.edges[slot] = target;
    const GcRef value = target == kNull ? 0 : target == kI31 ? 0xdead'beefu : nodes_[target].ref;
    set<GcRef>(node.ref, slot_offset(node, slot), value);
  }
  // Keeps what is reachable from the roots in the model, and compares it with the heap.
  uint64_t prune_and_compare() {
    std::map<int, Node> reachable;
    std::vector<int> work(root_ids_.begin(), root_ids_.end());
    uint64_t bytes = 0;
    while (!work.empty()) {
      const int id = work.back();
      work.pop_back();
      if (id < 0 || reachable.contains(id)) continue;
      const Node& node = reachable[id] = nodes_.at(id);
      bytes += size_of(node);
      work.insert(work.end(), node.edges.begin(), node.edges.end());
    }
    for (const auto& [id, node] : reachable) {
      EXPECT_EQ(get<vm::ObjectHeader>(node.ref, 0).type, types_.id(node.type));
      if (node.type == kPair) EXPECT_EQ(get<uint64_t>(node.ref, 8), static_cast<uint64_t>(id));
      if (node.type == kRefs || node.type == kBytes) {
        EXPECT_EQ(get<uint32_t>(node.ref, vm::kArrayLength), node.length);
      }
      if (node.type == kBytes) {
        const uint8_t* bytes_at = heap_->base() + node.ref + vm::kArrayElements;
        EXPECT_EQ(std::count(bytes_at, bytes_at + node.length, static_cast<uint8_t>(id)),
                  static_cast<long>(node.length));
      }
      for (size_t i = 0; i < node.edges.size(); i++) {
        const int target = node.edges[i];
        const GcRef expected = target == kNull  ? 0
                               : target == kI31 ? 0xdead'beefu
                                                : reachable.at(target).ref;
        EXPECT_EQ(get<GcRef>(node.ref, slot_offset(node, i)), expected);
      }
    }
    nodes_ = std::move(reachable);
    return bytes;
  }

  std::map<int, Node> nodes_;
  std::vector<int> root_ids_;
  int next_id_ = 0;
};

TEST_P(GcHeapGraphTest, AgreesWithTheModel) {
  make(GetParam());
  std::mt19937 random(3);
  const bool slow = GetParam().stress || GetParam().max_bytes < 1 << 20;  // collects all the time
  const int rounds = slow ? 20 : 60, steps = slow ? 40 : 300;
  for (int round = 0; round < rounds && !HasFailure(); round++) {
    for (int step = 0; step < steps; step++) {
      const int id = add(random);
      if (id == kNull) continue;  // the limit
      // The object is rooted, or hung into a rooted one, or dropped.
      const uint32_t choice = random() % 10;
      if (choice < 3 || root_ids_.empty()) {
        root_ids_.push_back(id);
        roots_.cells.push_back(nodes_[id].ref | uint64_t{random()} << 32);
      } else if (choice < 8) {
        connect(random, root_ids_[random() % root_ids_.size()], id);
      }
      if (!root_ids_.empty() && choice % 2 == 0) {
        const int from = root_ids_[random() % root_ids_.size()];
        const int to = root_ids_[random() % root_ids_.size()];
        connect(random, from, random() % 8 == 0 ? kI31 : random() % 8 == 1 ? kNull : to);
      }
      while (root_ids_.size() > 200 || (random() % 8 == 0 && root_ids_.size() > 1)) {
        const size_t gone = random() % root_ids_.size();
        root_ids_.erase(root_ids_.begin() + static_cast<long>(gone));
        roots_.cells.erase(roots_.cells.begin() + static_cast<long>(gone));
      }
    }
    heap_->collect();
    const uint64_t bytes = prune_and_compare();
    EXPECT_EQ(heap_->live_bytes(), bytes);
  }
  root_ids_.clear();
  roots_.cells.clear();
  heap_->collect();
  EXPECT_EQ(heap_->live_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Options, GcHeapGraphTest,
                         ::testing::Values(GcHeap::Options{}, GcHeap::Options{.max_bytes = 3 << 20},
                                           GcHeap::Options{.max_bytes = 200 << 10},
                                           GcHeap::Options{.stress = true}),
                         [](const auto& info) {
                           return std::string(info.param.stress ? "stress" : "limit") +
                                  std::to_string(info.param.max_bytes >> 10);
                         });

}  // namespace
}  // namespace sedge::runtime
