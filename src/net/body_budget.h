// The memory that request bodies take, all connections together: being read, waiting for a slot,
// and in the hands of a handler. Limits on one body alone would let a few clients fill a small
// machine.
#ifndef SEDGE_NET_BODY_BUDGET_H_
#define SEDGE_NET_BODY_BUDGET_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace sedge::net {

/// Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(uint64_t limit) : limit_(limit) {}
  bool take(uint64_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_) return true;
    give(bytes);
    return false;
  }
  void give(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> used_ = 0;
};

/// What one request has taken of it; given back at the end of its life.
class BodyLease {
 public:
  BodyLease() = default;
  BodyLease(BodyLease&& other) noexcept
      : budget_(std::move(other.budget_)), held_(std::exchange(other.held_, 0)) {}
  BodyLease& operator=(BodyLease&& other) noexcept {
    std::swap(budget_, other.budget_);  // the other gives back what was held here
    std::swap(held_, other.held_);
    return *this;
  }
  ~BodyLease() {
    if (budget_) budget_->give(held_);
  }
  /// Has `bytes` in all; false, with what it had, if the budget does not have them.
  bool grow(const std::shared_ptr<BodyBudget>& budget, uint64_t bytes) {
    if (bytes <= held_) return true;
    if (!budget->take(bytes - held_)) return false;
    budget_ = budget;
    held_ = bytes;
    return true;
  }

 private:
  std::shared_ptr<BodyBudget> budget_;
  uint64_t held_ = 0;
};

}  // namespace sedge::net

#endif  // SEDGE_NET_BODY_BUDGET_H_
