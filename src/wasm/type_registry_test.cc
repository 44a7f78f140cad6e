// Iso-recursive equality, subtyping and the lifetime of registry entries.
#include "wasm/type_registry.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sedge::wasm {
namespace {

ValType ref(uint32_t index, bool nullable = true) {
  return ValType::reference(HeapType::index(index), nullable);
}

SubType func(std::vector<ValType> params, std::vector<ValType> results = {}) {
  SubType type;
  type.func = {std::move(params), std::move(results)};
  return type;
}

SubType structure(std::vector<FieldType> fields, std::optional<TypeIdx> super = {},
                  bool final_ = false) {
  SubType type;
  type.kind = SubType::Kind::struct_;
  type.fields = std::move(fields);
  type.super = super;
  type.final_ = final_;
  return type;
}

std::vector<RecGroup> singles(size_t count) {
  std::vector<RecGroup> groups;
  for (uint32_t i = 0; i < count; ++i) groups.push_back({i, 1, false});
  return groups;
}

TEST(TypeRegistry, EqualTypesHaveOneIdAcrossModules) {
  auto registry = TypeRegistry::create();
  TypeSet a = registry->add({func({ValType::i32}), func({ValType::i64})}, singles(2));
  TypeSet b = registry->add({func({ValType::i64}), func({}), func({ValType::i32})}, singles(3));
  EXPECT_EQ(a.id(0), b.id(2));
  EXPECT_EQ(a.id(1), b.id(0));
  EXPECT_NE(b.id(1), b.id(0));
  EXPECT_EQ(registry->add(FuncType{{ValType::i32}, {}}).id(0), a.id(0));
}

TEST(TypeRegistry, GroupsAreEqualAsWholes) {
  auto registry = TypeRegistry::create();
  // (rec (type $a (func (param (ref null $b)))) (type $b (func (param (ref null $a)))))
  std::vector<SubType> pair{func({ref(1)}), func({ref(0)})};
  TypeSet a = registry->add(pair, {{0, 2, true}});
  std::vector<SubType> shifted{func({}), func({ref(2)}), func({ref(1)})};
  TypeSet b = registry->add(shifted, {{0, 1, false}, {1, 2, true}});
  EXPECT_EQ(a.id(0), b.id(1));
  EXPECT_EQ(a.id(1), b.id(2));
  // The two members look alike unrolled, but are different positions of the group.
  EXPECT_NE(a.id(0), a.id(1));
  // A type of one that refers to itself is neither.
  TypeSet c = registry->add({func({ref(0)})}, {{0, 1, true}});
  EXPECT_NE(c.id(0), a.id(0));
  EXPECT_NE(c.id(0), a.id(1));
}

TEST(TypeRegistry, ReferencesInCanonicalTypesAreIds) {
  auto registry = TypeRegistry::create();
  TypeSet other = registry->add({structure({}), structure({{ValType::i32, true}})}, singles(2));
  TypeSet set = registry->add({func({}), func({ref(0)})}, singles(2));
  EXPECT_EQ(set.type(1).type.func.params[0], ref(set.id(0)));
  EXPECT_EQ(canonical(ref(1, false), set), ref(set.id(1), false));
  EXPECT_EQ(canonical(ValType::i32, set), ValType(ValType::i32));
}

TEST(TypeRegistry, SubtypesByDisplay) {
  auto registry = TypeRegistry::create();
  TypeSet set = registry->add(
      {structure({}), structure({{ValType::i32, false}}, 0),
       structure({{ValType::i32, false}, {ValType::i32, false}}, 1), structure({}, 0), func({})},
      singles(5));
  EXPECT_EQ(set.type(2).depth, 2u);
  EXPECT_TRUE(set.type(2).is_subtype_of(set.type(0)));
  EXPECT_TRUE(set.type(2).is_subtype_of(set.type(1)));
  EXPECT_TRUE(set.type(2).is_subtype_of(set.type(2)));
  EXPECT_FALSE(set.type(0).is_subtype_of(set.type(1)));
  EXPECT_FALSE(set.type(3).is_subtype_of(set.type(1)));

  auto heap = [&](uint32_t i) { return HeapType::index(set.id(i)); };
  EXPECT_TRUE(registry->matches(heap(2), HeapType::struct_));
  EXPECT_TRUE(registry->matches(heap(2), HeapType::eq));
  EXPECT_TRUE(registry->matches(heap(2), HeapType::any));
  EXPECT_FALSE(registry->matches(heap(2), HeapType::array));
  EXPECT_TRUE(registry->matches(heap(4), HeapType::func));
  EXPECT_FALSE(registry->matches(heap(4), HeapType::any));
  EXPECT_TRUE(registry->matches(HeapType::none, heap(2)));
  EXPECT_TRUE(registry->matches(HeapType::nofunc, heap(4)));
  EXPECT_FALSE(registry->matches(HeapType::none, heap(4)));
}

TEST(TypeRegistry, AbstractHierarchies) {
  auto registry = TypeRegistry::create();
  using H = HeapType;
  const std::vector<std::pair<H::Abstract, H::Abstract>> below = {
      {H::eq, H::any},      {H::i31, H::any},          {H::struct_, H::any},  {H::array, H::any},
      {H::none, H::any},    {H::i31, H::eq},           {H::struct_, H::eq},   {H::array, H::eq},
      {H::none, H::eq},     {H::none, H::i31},         {H::none, H::struct_}, {H::none, H::array},
      {H::nofunc, H::func}, {H::noextern, H::extern_}, {H::noexn, H::exn}};
  const H::Abstract all[] = {H::noexn, H::nofunc, H::noextern, H::none,    H::func,  H::extern_,
                             H::any,   H::eq,     H::i31,      H::struct_, H::array, H::exn};
  for (H::Abstract sub : all) {
    for (H::Abstract super : all) {
      bool expected = sub == super || std::ranges::count(below, std::pair(sub, super)) != 0;
      EXPECT_EQ(registry->matches(H(sub), H(super)), expected)
          << to_string(H(sub)) << " <: " << to_string(H(super));
    }
    EXPECT_TRUE(registry->matches(H(H::bottom), H(sub)));
  }
  EXPECT_TRUE(registry->matches(ValType::reference(H::func, false), ValType::funcref()));
  EXPECT_FALSE(registry->matches(ValType::funcref(), ValType::reference(H::func, false)));
  EXPECT_FALSE(registry->matches(ValType(ValType::i32), ValType(ValType::i64)));
  EXPECT_TRUE(registry->matches(ValType(), ValType(ValType::i64)));
}

TEST(TypeRegistry, EntriesLiveWhileUsed) {
  auto registry = TypeRegistry::create();
  TypeSet first = registry->add({func({ValType::f32})}, singles(1));
  const CanonType* address = &registry->get(first.id(0));
  {
    TypeSet second = registry->add({func({ValType::f32}), func({ref(0)})}, singles(2));
    EXPECT_EQ(&registry->get(second.id(0)), address);
    first = TypeSet();
    EXPECT_EQ(&registry->get(second.id(0)), address);
    // A type keeps what it refers to, beyond the set that brought it.
    FuncType callback{{ref(second.id(1))}, {}};
    first = registry->add(callback);
    second = TypeSet();
    ValType param = registry->get(first.id(0)).type.func.params[0];
    EXPECT_EQ(registry->get(param.heap().index()).type.func.params.size(), 1u);
  }
  // Ids come back: a registry that is used for ever does not fill up.
  first = TypeSet();
  TypeId highest = 0;
  for (int i = 0; i < 1000; ++i) {
    TypeSet set = registry->add(
        {func(std::vector<ValType>(static_cast<size_t>(i % 7), ValType::i32)), func({ref(0)})},
        singles(2));
    highest = std::max({highest, set.id(0), set.id(1)});
  }
  EXPECT_LT(highest, 10u);
}

TEST(TypeRegistry, ThreadsAgree) {
  auto registry = TypeRegistry::create();
  TypeSet anchor = registry->add({func({ValType::i32}), func({ref(0)})}, singles(2));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        std::vector<ValType> params(static_cast<size_t>((i + t) % 5), ValType::i64);
        TypeSet set =
            registry->add({func({ValType::i32}), func({ref(0)}), func(params)}, singles(3));
        if (set.id(1) != anchor.id(1) ||
            registry->get(set.id(2)).type.func.params.size() != params.size())
          ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace sedge::wasm
