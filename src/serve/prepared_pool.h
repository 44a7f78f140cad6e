// The instances of one function: those that are ready for a request, those in use, and those that
// are to be destroyed off the path of a request.
#ifndef SEDGE_SERVE_PREPARED_POOL_H_
#define SEDGE_SERVE_PREPARED_POOL_H_

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <sedge/error.h>
#include <sedge/store.h>

#include "serve/function.h"

namespace sedge::serve {

/// `Prepared` is an instance with its store, in a member `store`. Thread-safe; outlives its leases.
template <typename Prepared>
class PreparedPool {
 public:
  using Made = Result<std::unique_ptr<Prepared>>;

  /// Keeps `capacity` instances ready.
  explicit PreparedPool(uint32_t capacity) : capacity_(capacity) {}

  /// An instance in use, which interrupt_all() ends. Move-only; when it goes, so does the instance.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          prepared_(std::move(other.prepared_)),
          running_(other.running_) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(prepared_, other.prepared_);
      std::swap(running_, other.running_);
      return *this;
    }
    ~Lease() { end(false); }
    Prepared& operator*() const { return *prepared_; }
    Prepared* operator->() const { return prepared_.get(); }
    /// Gives the instance up: to the next request, or to be destroyed.
    void end(bool again) {
      if (PreparedPool* pool = std::exchange(pool_, nullptr))
        pool->give_back(std::move(prepared_), running_, again);
    }

   private:
    friend class PreparedPool;
    using Running = std::list<Interrupter>::iterator;
    Lease(PreparedPool& pool, std::unique_ptr<Prepared> prepared, Running running)
        : pool_(&pool), prepared_(std::move(prepared)), running_(running) {}
    PreparedPool* pool_ = nullptr;
    std::unique_ptr<Prepared> prepared_;
    Running running_;
  };

  uint32_t capacity() const { return capacity_; }

  /// The first instance, made before there are requests.
  void add_first(std::unique_ptr<Prepared> first) {
    if (capacity_ == 0) return;
    std::lock_guard lock(mutex_);
    ready_.push_back(std::move(first));
    ++created_;
    ++live_;
  }

  /// An instance that is ready, one that has served before if there is such a one; null if there is
  /// none.
  std::unique_ptr<Prepared> take_ready() {
    std::lock_guard lock(mutex_);
    auto& from = served_.empty() ? ready_ : served_;
    if (from.empty()) return nullptr;
    std::unique_ptr<Prepared> prepared = std::move(from.back());
    from.pop_back();
    ++taken_ready_;
    return prepared;
  }
  /// Puts an instance to use: what take_ready() has given, or if that is null what `make` makes.
  template <typename Make>
  Result<Lease> use(std::unique_ptr<Prepared> prepared, const Make& make) {
    const bool fresh = !prepared;
    if (fresh) {
      SEDGE_TRY_ASSIGN(prepared, make());
    }
    std::lock_guard lock(mutex_);
    if (fresh) {
      ++created_;
      ++live_;
    }
    auto running = running_.insert(running_.end(), prepared->store.interrupter());
    return Lease(*this, std::move(prepared), running);
  }

  /// Takes a used instance, and if some are missing makes it as new with `renew`, or destroys it
  /// and makes another with `make`. False if there was nothing to do, or it failed: what fails here
  /// fails again, and is reported, in the request that needs the instance.
  template <typename Make, typename Renew>
  bool prepare(const Make& make, const Renew& renew) {
    std::unique_ptr<Prepared> used;
    bool missing;
    {
      std::lock_guard lock(mutex_);
      if (!used_.empty()) {
        used = std::move(used_.back());
        used_.pop_back();
      }
      missing = ready_.size() + served_.size() + preparing_ < capacity_;
      if (missing) ++preparing_;
    }
    const bool was_used = used != nullptr;
    if (was_used && !(missing && renew(*used))) {
      used.reset();
      std::lock_guard lock(mutex_);
      --live_;
    }
    if (!missing) return was_used;
    const bool renewed = used != nullptr;
    if (!renewed) {
      Made fresh = make();
      if (fresh) used = *std::move(fresh);
    }
    std::lock_guard lock(mutex_);
    --preparing_;
    if (!used) return false;
    ready_.push_back(std::move(used));
    ++created_;
    if (!renewed) ++live_;
    return true;
  }

  template <typename Make>
  bool prepare(const Make& make) {
    return prepare(make, [](Prepared&) { return false; });
  }

  void interrupt_all() {
    std::lock_guard lock(mutex_);
    for (const Interrupter& one : running_) one.interrupt();
  }

  /// Without what only the function knows.
  PoolFigures figures() const {
    std::lock_guard lock(mutex_);
    PoolFigures out;
    out.capacity = capacity_;
    out.idle = static_cast<uint32_t>(ready_.size() + served_.size());
    out.live = live_;
    out.created = created_;
    out.taken_ready = taken_ready_;
    return out;
  }

 private:
  void give_back(std::unique_ptr<Prepared> prepared, typename Lease::Running running, bool again) {
    std::lock_guard lock(mutex_);
    running_.erase(running);
    (again ? served_ : used_).push_back(std::move(prepared));
  }

  const uint32_t capacity_;
  mutable std::mutex mutex_;  // guards all below
  // Of these the last is taken first, as its memory is warm; and what has served and may again goes
  // before what was made meanwhile.
  std::vector<std::unique_ptr<Prepared>> ready_;
  std::vector<std::unique_ptr<Prepared>> served_;
  std::vector<std::unique_ptr<Prepared>> used_;  // for prepare() to take apart
  std::list<Interrupter> running_;
  uint32_t preparing_ = 0;
  uint32_t live_ = 0;
  uint64_t created_ = 0;
  uint64_t taken_ready_ = 0;
};

}  // namespace sedge::serve

#endif  // SEDGE_SERVE_PREPARED_POOL_H_
