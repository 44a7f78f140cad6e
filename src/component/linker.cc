// ComponentFunc, ComponentInstance and ComponentLinker; values in WAVE notation.
#include <algorithm>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "base/utf8.h"
#include "component/call.h"
#include "component/canon_abi.h"
#include "component/instance.h"
#include "component/loop.h"
#include "component/task.h"
#include "component/type_text.h"
#include "runtime/store_mark.h"
#include "wasm/text/number.h"
#include "wit/semver.h"

namespace sedge {

using component::FuncValue;
using component::InstanceValue;
using component::Item;
using component::ValueItem;

namespace {

void append_text(std::string& out, std::string_view text, char quote) {
  out += quote;
  for (char c : text) {
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{{{:x}}}", static_cast<uint8_t>(c));
    } else {
      out += c;
    }
  }
  out += quote;
}

void append(std::string& out, const ComponentVal& value);

void append_list(std::string& out, const ComponentVal& value, char open, char close) {
  out += open;
  for (size_t i = 0; i < value.items.size(); ++i) {
    if (i) out += ", ";
    // A host may leave the labels out.
    if (i < value.labels.size() && value.kind == ComponentVal::Kind::record)
      out += value.labels[i] + ": ";
    append(out, value.items[i]);
  }
  out += close;
}

void append_bytes(std::string& out, std::string_view bytes) {
  out += '[';
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i) out += ", ";
    out += std::to_string(static_cast<uint8_t>(bytes[i]));
  }
  out += ']';
}

/// A label that is a keyword of WAVE carries a percent sign.
void append_label(std::string& out, std::string_view label) {
  constexpr std::string_view kKeywords[] = {"true", "false", "inf", "nan",
                                            "some", "none",  "ok",  "err"};
  if (std::ranges::find(kKeywords, label) != std::end(kKeywords)) out += '%';
  out += label;
}

void append_payload(std::string& out, const ComponentVal& value) {
  if (value.items.empty()) return;
  out += '(';
  append(out, value.items[0]);
  out += ')';
}

std::string float_in_wave(uint64_t bits, unsigned width) {
  std::string text = wasm::float_text(bits, width);
  // A NaN has no payload among components.
  return text.contains("nan") ? "nan" : text;
}

void append(std::string& out, const ComponentVal& value) {
  using Kind = ComponentVal::Kind;
  switch (value.kind) {
    case Kind::bool_:
      out += value.bits ? "true" : "false";
      return;
    case Kind::s8:
    case Kind::s16:
    case Kind::s32:
    case Kind::s64:
      out += std::to_string(static_cast<int64_t>(value.bits));
      return;
    case Kind::u8:
    case Kind::u16:
    case Kind::u32:
    case Kind::u64:
      out += std::to_string(value.bits);
      return;
    case Kind::f32:
      out += float_in_wave(value.bits, 32);
      return;
    case Kind::f64:
      out += float_in_wave(value.bits, 64);
      return;
    case Kind::char_: {
      std::string text;
      append_utf8(text, static_cast<uint32_t>(value.bits));
      return append_text(out, text, '\'');
    }
    case Kind::string:
      return append_text(out, value.text, '"');
    case Kind::list:
      return value.text.empty() ? append_list(out, value, '[', ']') : append_bytes(out, value.text);
    case Kind::record:
      return append_list(out, value, '{', '}');
    case Kind::tuple:
      return append_list(out, value, '(', ')');
    case Kind::variant:
    case Kind::enum_:
      append_label(out, value.text);
      return append_payload(out, value);
    case Kind::option:
      out += value.items.empty() ? "none" : "some";
      return append_payload(out, value);
    case Kind::result:
      out += value.bits ? "err" : "ok";
      return append_payload(out, value);
    case Kind::flags:
      out += '{';
      for (size_t i = 0; i < value.labels.size(); ++i) {
        if (i) out += ", ";
        append_label(out, value.labels[i]);
      }
      out += '}';
      return;
    case Kind::own:
    case Kind::borrow:
      out += value.kind == Kind::own ? "own" : "borrow";
      out += fmt::format("({})", value.bits);
      return;
    case Kind::stream:
      out += "stream";
      return;
    case Kind::future:
      out += "future";
      return;
    case Kind::error_context:
      return append_text(out, value.text, '"');
  }
}

}  // namespace

std::string to_string(const ComponentVal& value) {
  std::string out;
  append(out, value);
  return out;
}

// Functions and instances

namespace {

/// Bytes of a type that is shown whole.
constexpr size_t kMostOfType = 1 << 20;

/// Whether arguments fit. They are copied to `filled` where a check may have to fill them in.
Result<std::span<const ComponentVal>> check_args(const FuncValue& func,
                                                 std::span<const ComponentVal> args,
                                                 std::vector<ComponentVal>& filled) {
  const component::Types& types = *func.component->validated.types;
  const component::FuncSig& sig = types.func(func.sig);
  if (args.size() != sig.params.size())
    return fail(ErrorCode::bad_argument, fmt::format(": {} arguments, the function takes {}",
                                                     args.size(), sig.params.size()));
  if (!std::ranges::all_of(sig.params, &component::ValType::is_prim))
    filled.assign(args.begin(), args.end());
  for (size_t i = 0; i < args.size(); ++i) {
    auto fits = filled.empty() ? component::check_prim(sig.params[i].prim(), args[i])
                               : component::check_value(types, sig.params[i], filled[i]);
    if (!fits)
      return fail(std::move(fits).error().with_context(
          fmt::format("parameter `{}`", sig.type.params[i].name)));
  }
  return filled.empty() ? args : std::span<const ComponentVal>(filled);
}

}  // namespace

Result<std::vector<ComponentVal>> ComponentFunc::call(Store& store,
                                                      std::span<const ComponentVal> args) const {
  std::vector<ComponentVal> filled;
  SEDGE_TRY_ASSIGN(args, check_args(*value, args, filled));
  return component::call(store, *value, args);
}

Result<void> ComponentFunc::start(
    Store& store, std::span<const ComponentVal> args,
    std::function<void(Result<std::vector<ComponentVal>>)> done) const {
  std::vector<ComponentVal> filled;
  SEDGE_TRY_ASSIGN(args, check_args(*value, args, filled));
  auto call =
      std::make_shared<component::HostCall>(std::vector(args.begin(), args.end()), std::move(done));
  component::ComponentStore& all = component::ComponentStore::of(store);
  all.loop->later(
      [func = value, call, &all] { component::start_call(all.scheduler().store(), *func, call); });
  all.loop->wake();
  return {};
}

std::string ComponentFunc::type() const {
  const component::Types& types = *value->component->validated.types;
  return component::func_text(types, types.func(value->sig).type, kMostOfType);
}

namespace {

/// What a path leads to, through one exported instance at most; null if there is nothing.
const Item* find_item(const InstanceValue& from, std::string_view path) {
  const Item* item = from.find(path);
  if (size_t hash = path.rfind('#'); !item && hash != std::string_view::npos) {
    item = from.find(path.substr(0, hash));
    const auto* inner =
        item ? std::get_if<std::shared_ptr<const InstanceValue>>(&item->value) : nullptr;
    item = inner ? (*inner)->find(path.substr(hash + 1)) : nullptr;
  }
  return item;
}

const ValueItem* find_value(const InstanceValue& from, std::string_view path) {
  const Item* item = find_item(from, path);
  const auto* value = item ? std::get_if<std::shared_ptr<const ValueItem>>(&item->value) : nullptr;
  return value ? value->get() : nullptr;
}

}  // namespace

std::optional<ComponentFunc> ComponentInstance::get_func(std::string_view path) const {
  const Item* item = find_item(*value, path);
  const auto* func = item ? std::get_if<std::shared_ptr<const FuncValue>>(&item->value) : nullptr;
  // A function of the host that was only passed through has no type to call it by.
  if (!func || !(*func)->component) return std::nullopt;
  return ComponentFunc{*func};
}

Result<ComponentVal> ComponentInstance::get_value(std::string_view path) const {
  const ValueItem* found = find_value(*value, path);
  if (!found) return fail(ErrorCode::unknown_export, fmt::format(" \"{}\": no such value", path));
  return found->take();
}

std::optional<std::string> ComponentInstance::value_type(std::string_view path) const {
  const ValueItem* found = find_value(*value, path);
  // As with functions: what the host gave and nobody looked at has no type.
  if (!found || !found->component()) return std::nullopt;
  return component::value_text(*found->component()->validated.types, found->type(), kMostOfType);
}

std::vector<std::string> ComponentInstance::exports() const {
  std::vector<std::string> out;
  out.reserve(value->exports.size());
  for (const auto& [name, item] : value->exports) out.push_back(name);
  return out;
}

// The linker

struct ComponentLinkerImpl {
  component::Imports items;
  std::map<std::string, InstanceValue, std::less<>> host_instances;
  /// "wasi:io/streams@0.2" → the name with the newest version of this track.
  std::map<std::string, std::string, std::less<>> tracks;

  /// The name that stands for an import; empty if there is none.
  std::string_view resolve(std::string_view name) const;
  std::optional<Item> find(std::string_view name) const;
  /// As an import of its own, or as what a host's instance exports.
  void add(std::string_view instance, std::string_view name, Item item);
  void add_track(std::string_view name);
};

namespace {

Item host_func(std::string_view type, ComponentHostCallback callback) {
  auto func = std::make_shared<FuncValue>();
  func->host = std::move(callback);
  func->host_type = type;
  return Item{std::shared_ptr<const FuncValue>(std::move(func))};
}

Item host_func(std::string_view type, ComponentAsyncCallback callback) {
  auto func = std::make_shared<FuncValue>();
  func->host_type = type;
  func->async_host = std::move(callback);
  return Item{std::shared_ptr<const FuncValue>(std::move(func))};
}

struct Versioned {
  std::string_view name;  ///< with the `@`
  wit::Version version;
  std::string track() const { return std::string(name) + version.compatible_track(); }
};
std::optional<Versioned> versioned(std::string_view name) {
  size_t at = name.find('@');
  if (at == std::string_view::npos) return std::nullopt;
  auto version = wit::parse_version(name.substr(at + 1));
  if (!version) return std::nullopt;
  return Versioned{name.substr(0, at + 1), *std::move(version)};
}

}  // namespace

void ComponentLinkerImpl::add(std::string_view instance, std::string_view name, Item item) {
  if (instance.empty()) {
    items.insert_or_assign(std::string(name), std::move(item));
    return;
  }
  add_track(instance);
  host_instances[std::string(instance)].exports.emplace_back(name, std::move(item));
}

void ComponentLinkerImpl::add_track(std::string_view name) {
  auto added = versioned(name);
  if (!added) return;
  std::string& newest = tracks[added->track()];
  auto old = versioned(newest);
  if (!old || old->version < added->version) newest = name;
}

std::string_view ComponentLinkerImpl::resolve(std::string_view name) const {
  if (items.contains(name) || host_instances.contains(name)) return name;
  auto wanted = versioned(name);
  if (!wanted) return {};
  auto track = tracks.find(wanted->track());
  return track == tracks.end() ? std::string_view() : track->second;
}

std::optional<Item> ComponentLinkerImpl::find(std::string_view name) const {
  name = resolve(name);
  if (auto item = items.find(name); item != items.end()) return item->second;
  auto host = host_instances.find(name);
  if (host == host_instances.end()) return std::nullopt;
  return Item{std::make_shared<const InstanceValue>(host->second)};
}

component::RuntimeResource* runtime_resource(const HostResourceType& type) {
  if (auto* known = type.at_run_time.load(std::memory_order_acquire)) return known;
  // They live as long as the program: stores and linkers may outlive whatever asks first.
  static std::mutex mutex;
  static auto& all = *new std::vector<std::unique_ptr<component::RuntimeResource>>;
  std::lock_guard lock(mutex);
  if (auto* known = type.at_run_time.load(std::memory_order_acquire)) return known;
  all.push_back(std::make_unique<component::RuntimeResource>());
  all.back()->host = &type;
  type.at_run_time.store(all.back().get(), std::memory_order_release);
  return all.back().get();
}

ComponentLinker::ComponentLinker() : impl_(std::make_unique<ComponentLinkerImpl>()) {}
ComponentLinker::ComponentLinker(ComponentLinker&&) noexcept = default;
ComponentLinker& ComponentLinker::operator=(ComponentLinker&&) noexcept = default;
ComponentLinker::~ComponentLinker() = default;

void ComponentLinker::func(std::string_view name, ComponentHostCallback callback) {
  func({}, name, {}, std::move(callback));
}

void ComponentLinker::func(std::string_view instance, std::string_view name,
                           ComponentHostCallback callback) {
  func(instance, name, {}, std::move(callback));
}

void ComponentLinker::func(std::string_view instance, std::string_view name, std::string_view type,
                           ComponentHostCallback callback) {
  impl_->add(instance, name, host_func(type, std::move(callback)));
}

void ComponentLinker::resource(std::string_view instance, std::string_view name,
                               const HostResourceType& type) {
  impl_->add_track(instance);
  impl_->host_instances[std::string(instance)].exports.emplace_back(name,
                                                                    Item{runtime_resource(type)});
}

void ComponentLinker::async_func(std::string_view name, ComponentAsyncCallback callback) {
  async_func({}, name, {}, std::move(callback));
}

void ComponentLinker::async_func(std::string_view instance, std::string_view name,
                                 ComponentAsyncCallback callback) {
  async_func(instance, name, {}, std::move(callback));
}

void ComponentLinker::async_func(std::string_view instance, std::string_view name,
                                 std::string_view type, ComponentAsyncCallback callback) {
  impl_->add(instance, name, host_func(type, std::move(callback)));
}

void ComponentLinker::value(std::string_view name, ComponentVal value) {
  this->value({}, name, std::move(value));
}

void ComponentLinker::value(std::string_view instance, std::string_view name, ComponentVal value) {
  impl_->add(instance, name, Item{std::make_shared<const ValueItem>(std::move(value))});
}

void ComponentLinker::instance(std::string_view name, const ComponentInstance& instance) {
  impl_->add_track(name);
  impl_->items.insert_or_assign(std::string(name), Item{instance.value});
}

bool ComponentLinker::has(std::string_view name) const { return !impl_->resolve(name).empty(); }

struct ComponentPreImpl {
  component::ComponentValue component;
  component::Imports imports;
  std::mutex mutex;
  /// Of the first store that was marked, if no code ran while it was made.
  std::shared_ptr<const PageImages> images;
};

Result<ComponentPre> ComponentLinker::instantiate_pre(const Component& component) const {
  auto pre = std::make_shared<ComponentPreImpl>();
  pre->component.component = component.impl();
  pre->component.syntax = &component.syntax();
  const component::Types& types = *component.validated().types;
  uint32_t sig = component.validated().components.at(&component.syntax()).sig;
  for (const component::EntityMap::Item& import : types.component(sig).imports) {
    std::optional<Item> found = impl_->find(import.name);
    if (!found) continue;  // reported where it is needed
    SEDGE_TRY(component::check_import(types, import.name, import.entity, *found));
    pre->imports.emplace(import.name, *std::move(found));
  }
  return ComponentPre{std::move(pre)};
}

Result<ComponentInstance> ComponentPre::instantiate(Store& store) const {
  if (store.impl().instances.empty()) {
    std::lock_guard lock(impl->mutex);
    store.impl().starts_from = impl->images;
  }
  SEDGE_TRY_ASSIGN(auto made,
                   component::instantiate(store, impl->component, impl->imports, nullptr));
  return ComponentInstance{std::move(made)};
}

bool ComponentPre::mark(Store& store) const {
  if (!component::ComponentStore::of(store).is_new()) return false;
  StoreImpl& inside = store.impl();
  inside.mark = runtime::StoreMark::take(inside);
  if (inside.mark && !component::ComponentStore::of(store).runs_code_at_start()) {
    std::lock_guard lock(impl->mutex);
    if (!impl->images) impl->images = inside.mark->images();
  }
  return inside.mark != nullptr;
}

bool ComponentPre::rewind(Store& store) {
  StoreImpl& inside = store.impl();
  auto* all = store.data<component::ComponentStore>();
  if (!inside.mark || !all || !all->forget_calls()) return false;
  // What the host keeps of a call may end pollables and the like, which the loop knows.
  auto others = std::ranges::partition(
      inside.data, [all](const auto& entry) { return entry.second.get() == all; });
  std::vector<std::shared_ptr<void>> ending;
  for (auto& entry : others) ending.push_back(std::move(entry.second));
  inside.data.erase(others.begin(), others.end());
  ending.clear();
  store.set_deadline(std::nullopt);
  return inside.data.size() == 1 && all->is_quiet() && inside.mark->restore(inside);
}

Result<ComponentInstance> ComponentLinker::instantiate(Store& store,
                                                       const Component& component) const {
  SEDGE_TRY_ASSIGN(ComponentPre pre, instantiate_pre(component));
  return pre.instantiate(store);
}

}  // namespace sedge
