// Instances that are used again: one guest after the other, each finds what instantiation makes.
// See docs/decisions/009-instances.md.
#ifndef SEDGE_ENGINE_WARM_INSTANCES_H_
#define SEDGE_ENGINE_WARM_INSTANCES_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/page_image.h"
#include "runtime/store_impl.h"

namespace sedge {

struct HostFunc;
struct ModuleImpl;

/// The instances of one module with given host functions. Memories start from copy-on-write images,
/// tables are filled before the first call, and what a guest changed is put back when its store
/// ends. Thread-safe.
class WarmInstances final : public InstancePool {
 public:
  using Hosts = std::vector<std::shared_ptr<HostFunc>>;
  using Images = std::vector<std::shared_ptr<const PageImage>>;
  /// Null if instances of this module depend on more than the module: shared memories, objects of
  /// the GC heap. `hosts`: its imports, all of them functions.
  static std::shared_ptr<WarmInstances> make(std::shared_ptr<const ModuleImpl> module, Hosts hosts);
  WarmInstances(std::shared_ptr<const ModuleImpl> module, Hosts hosts)
      : module_(std::move(module)), hosts_(std::move(hosts)) {}
  ~WarmInstances() override;

  const Hosts& hosts() const { return hosts_; }
  /// The first instance, made as any other, says that its segments fit and where they lie: until
  /// then there are no warm ones, and a module that is used once pays nothing for images.
  bool learnt() const { return learnt_.load(std::memory_order_acquire); }
  void learn(std::span<const uint64_t> data_offsets);
  /// By defined memory, null where it starts with zeros. After `learn`.
  const Images& images();
  /// An instance that is as new, to be given to a store; null if none is free.
  std::unique_ptr<InstanceImpl> take();
  void give(std::unique_ptr<InstanceImpl> instance) override;

  // Free instances are bounded in number and in what each holds beside its memories.
  static constexpr size_t kMaxFree = 128;
  static constexpr size_t kMaxBookkeeping = 48 * 1024;

 private:
  const std::shared_ptr<const ModuleImpl> module_;
  const Hosts hosts_;
  std::atomic<bool> learnt_ = false;
  std::mutex mutex_;
  std::vector<uint64_t> data_offsets_;
  bool imaged_ = false;
  Images images_;
  std::vector<std::unique_ptr<InstanceImpl>> free_;
};

/// Makes an instance as instantiation does; only for instances that `make` admits. False if the
/// system refuses; it cannot be used then.
bool reset(InstanceImpl& instance);

}  // namespace sedge

#endif  // SEDGE_ENGINE_WARM_INSTANCES_H_
