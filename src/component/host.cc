// Resources of the host, and interfaces as rows. See sedge/host.h.
#include <sedge/host.h>

#include <fmt/format.h>

#include "component/instance.h"

namespace sedge::host {

ResourceTable& ResourceTable::of(Store& store) {
  if (auto* found = store.data<ResourceTable>()) return *found;
  auto made = std::make_shared<ResourceTable>();
  store.set_data(made);
  return *made;
}

Result<uint64_t> ResourceTable::add(std::unique_ptr<Resource> resource,
                                    const HostResourceType& type) {
  uint32_t index = 0;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (slots_.size() >= kMost)
      return fail(ErrorCode::component_trap,
                  fmt::format(": more than {} resources of the host are alive, this one is a {}: "
                              "drop handles that are no longer needed",
                              kMost, type.name));
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  Slot& slot = slots_[index];
  slot.resource = std::move(resource);
  slot.type = &type;
  ++slot.generation;
  return representation_of(index, slot);
}

const ResourceTable::Slot* ResourceTable::find(uint64_t representation,
                                               const HostResourceType& type) const {
  auto index = static_cast<uint32_t>(representation);
  if (index >= slots_.size()) return nullptr;
  const Slot& slot = slots_[index];
  bool live = slot.resource && representation_of(index, slot) == representation;
  return live && slot.type == &type ? &slot : nullptr;
}

Result<Resource*> ResourceTable::get(uint64_t representation, const HostResourceType& type) const {
  const Slot* slot = find(representation, type);
  if (!slot) return fail(ErrorCode::component_trap, fmt::format(": a {} that is gone", type.name));
  return slot->resource.get();
}

Result<std::unique_ptr<Resource>> ResourceTable::take(uint64_t representation,
                                                      const HostResourceType& type) {
  SEDGE_TRY(get(representation, type));
  auto index = static_cast<uint32_t>(representation);
  free_.push_back(index);
  return std::move(slots_[index].resource);
}

void ResourceTable::drop(uint64_t representation) {
  auto index = static_cast<uint32_t>(representation);
  if (index >= slots_.size() || representation_of(index, slots_[index]) != representation) return;
  // A destructor may reach the table again.
  std::unique_ptr<Resource> last = std::move(slots_[index].resource);
  if (last) free_.push_back(index);
}

void drop_resource(Store& store, uint64_t representation) {
  ResourceTable::of(store).drop(representation);
}

void add_to_linker(ComponentLinker& linker, std::string_view interface,
                   std::span<const Function> functions, std::span<const ResourceName> resources,
                   const FindSelf& find) {
  // An interface of types alone is imported, too.
  if (functions.empty() && resources.empty() && !interface.empty())
    linker.instance(interface, {std::make_shared<const component::InstanceValue>()});
  for (const ResourceName& resource : resources)
    linker.resource(interface, resource.name, *resource.type);
  auto shared = std::make_shared<const FindSelf>(find);
  auto self = [shared](Store& store) { return *shared ? (*shared)(store) : nullptr; };
  for (const Function& function : functions) {
    if (const auto* invoke = std::get_if<Invoke>(&function.invoke))
      linker.func(interface, function.name, function.type,
                  [invoke = *invoke, self](Store& store, std::span<ComponentVal> args) {
                    return invoke(store, args, self(store));
                  });
    else
      linker.async_func(interface, function.name, function.type,
                        [invoke = std::get<AsyncInvoke>(function.invoke), self](
                            Store& store, std::span<ComponentVal> args, ComponentCompletion done) {
                          invoke(store, args, self(store), std::move(done));
                        });
  }
}

}  // namespace sedge::host
