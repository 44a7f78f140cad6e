// One guest's WASI 0.1 state, shared by its threads: configuration, descriptors, what was denied,
// and the group of threads.
#ifndef SEDGE_WASI_P1_STATE_H_
#define SEDGE_WASI_P1_STATE_H_

#include <sedge/wasi.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "wasi/p1/descriptor.h"
#include "wasi/p1/threads.h"

namespace sedge::wasi::p1 {

class State {
 public:
  static Result<std::unique_ptr<State>> create(Config config);

  FdTable& fds() { return *fds_; }
  /// For what must close its descriptor after the guest's state may be gone.
  std::shared_ptr<FdTable> shared_fds() { return fds_; }
  ThreadGroup& threads() { return threads_; }
  /// Arguments and `NAME=value` strings, each NUL-terminated in the guest.
  const std::vector<std::string>& args() const { return args_; }
  const std::vector<std::string>& environment() const { return environment_; }
  bool network() const { return network_; }
  /// How many directories were given: descriptors 3, 4, …
  uint32_t preopens() const { return preopens_; }

  void deny(Denial denial);
  std::optional<Denial> last_denial() const;
  /// fd_prestat_get found nothing at the first descriptor.
  void note_no_preopens() { no_preopens_ = true; }
  bool no_preopens() const { return no_preopens_; }
  /// A function was called that reaches beyond the guest; the first is kept. `name` is a literal.
  void note_outside(const char* name) {
    if (outside_.load(std::memory_order_relaxed) == nullptr)
      outside_.store(name, std::memory_order_relaxed);
  }
  /// Null if there was none.
  const char* outside() const { return outside_.load(std::memory_order_relaxed); }
  /// Descriptors that are open beside those at the start.
  bool opened_more() const { return fds_->open() > first_fds_; }

 private:
  explicit State(Config& config);

  std::shared_ptr<FdTable> fds_;
  ThreadGroup threads_;
  std::vector<std::string> args_;
  std::vector<std::string> environment_;
  bool network_;
  std::atomic<bool> no_preopens_ = false;
  std::atomic<const char*> outside_ = nullptr;
  uint32_t first_fds_ = 0;
  uint32_t preopens_ = 0;
  mutable std::mutex denial_mutex_;
  std::optional<Denial> denial_;
};

/// Puts a descriptor into the guest's table until its last user is gone, so that one limit counts
/// all of them. Error: mfile.
OsResult<std::shared_ptr<Descriptor>> numbered(State& guest,
                                               const std::shared_ptr<Descriptor>& descriptor);

/// Ends waiting when the store's deadline or interrupt strikes, or its thread group stops.
class StoreInterrupt final : public os::Interrupt {
 public:
  explicit StoreInterrupt(Store& store) : store_(store) {}
  bool requested() override { return store_.should_stop(); }
  uint64_t deadline() override {
    auto at = store_.deadline();
    if (!at) return kNever;
    auto since = at->time_since_epoch();
    return since.count() <= 0
               ? 0
               : static_cast<uint64_t>(
                     std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
  }
  /// The error with which an interrupted call ends.
  Error error() const;

 private:
  Store& store_;
};

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_STATE_H_
