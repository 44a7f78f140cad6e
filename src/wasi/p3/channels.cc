// See channels.h.
#include "wasi/p3/channels.h"

#include <algorithm>
#include <set>

namespace sedge::wasi::p3 {
namespace {

struct AllKept {
  std::set<std::shared_ptr<Kept>> all;
  static AllKept& of(Store& store) {
    if (auto* found = store.data<AllKept>()) return *found;
    auto made = std::make_shared<AllKept>();
    store.set_data(made);
    return *made;
  }
};

/// The Errno of a stream's failure; none for its end.
std::optional<Errno> errno_of(p2::StreamError& error) {
  auto* failed = std::get_if<p2::StreamError::LastOperationFailed>(&error.value);
  if (!failed) return std::nullopt;
  return static_cast<p2::IoError&>(*failed->value).value().value_or(Errno::io);
}

/// From an input stream to a guest's stream.
class Reading final : public Pump {
 public:
  Reading(Store& store, Verdict verdict, ComponentWriter future, ComponentWriter stream,
          std::unique_ptr<p2::InputStream> from)
      : Pump(store, std::move(verdict), std::move(future)),
        from_(std::move(from)),
        stream_(std::move(stream)) {}

  void start() {
    stream_->on_dropped(weakly(this, [](Reading& self) {
      // Its descriptor is free at once; the verdict comes when the guest is not in the middle of
      // it.
      self.stop_waiting();
      self.from_.reset();
      self.wait_for(p2::Condition::now(),
                    weakly(&self, [](Reading& gone) { gone.end(std::nullopt); }));
    }));
    await_reader();
  }

 private:
  /// What nobody asks for stays where it is.
  void await_reader() {
    stream_->write_bytes({}, weakly(this, [](Reading& self, const ComponentItems& items) {
                           if (items.ended)
                             self.end(std::nullopt);
                           else
                             self.read();
                         }));
  }
  void read() {
    if (!from_) return;  // nobody reads any more
    auto taken = from_->take(store(), p2::kMaxTransfer);
    if (!taken) return end(Errno::canceled);  // the store is being stopped
    if (!*taken) return end(errno_of(taken->error()));
    if ((*taken)->empty())
      return wait_for(from_->watch()(), weakly(this, [](Reading& self) { self.read(); }));
    bytes_.assign((*taken)->begin(), (*taken)->end());
    offer();
  }
  void offer() {
    stream_->write_bytes(bytes_, weakly(this, [](Reading& self, const ComponentItems& items) {
                           if (items.ended) return self.end(std::nullopt);
                           self.bytes_.erase(self.bytes_.begin(),
                                             self.bytes_.begin() + items.count);
                           if (self.bytes_.empty())
                             self.await_reader();
                           else
                             self.offer();
                         }));
  }
  void end(std::optional<Errno> error) {
    stop_waiting();
    from_.reset();
    stream_.reset();
    settle(error);
  }

  std::unique_ptr<p2::InputStream> from_;
  std::optional<ComponentWriter> stream_;
  std::vector<uint8_t> bytes_;  ///< that the guest has not taken
};

/// From a guest's stream to an output stream.
class Writing final : public Pump {
 public:
  Writing(Store& store, Verdict verdict, ComponentWriter future, ComponentReader stream,
          std::unique_ptr<p2::OutputStream> to)
      : Pump(store, std::move(verdict), std::move(future)),
        to_(std::move(to)),
        stream_(std::move(stream)) {}

  void start() {
    stream_->read_bytes(p2::kMaxTransfer,
                        weakly(this, [](Writing& self, const ComponentItems& items) {
                          self.bytes_.assign(items.bytes.begin(), items.bytes.end());
                          self.last_ = items.ended;
                          self.write();
                        }));
  }

 private:
  void write() {
    while (!bytes_.empty()) {
      auto room = to_->room(store());
      if (!room) return end(Errno::canceled);
      if (!*room) return fail(room->error());
      if (**room == 0)
        return wait_for(to_->watch()(), weakly(this, [](Writing& self) { self.write(); }));
      size_t size = std::min<uint64_t>(bytes_.size(), **room);
      auto done = to_->put(store(), std::string_view(bytes_).substr(0, size));
      if (!done) return end(Errno::canceled);
      if (!*done) return fail(done->error());
      bytes_.erase(0, size);
    }
    if (!last_) return start();
    if (!to_->pending()) return end(std::nullopt);
    auto room = to_->room(store());
    if (!room) return end(Errno::canceled);
    if (!*room) return fail(room->error());
    wait_for(to_->watch()(), weakly(this, [](Writing& self) { self.write(); }));
  }
  /// The end of an output stream is a broken pipe.
  void fail(p2::StreamError& error) { end(errno_of(error).value_or(Errno::pipe)); }
  void end(std::optional<Errno> error) {
    to_.reset();
    stream_.reset();
    settle(error);
  }

  std::unique_ptr<p2::OutputStream> to_;
  std::optional<ComponentReader> stream_;
  std::string bytes_;  ///< that are not written
  bool last_ = false;
};

/// Nothing but a verdict.
class Settled final : public Pump {
 public:
  Settled(Store& store, Verdict verdict, ComponentWriter future, std::optional<Errno> error)
      : Pump(store, std::move(verdict), std::move(future)), error_(error) {}
  void start() { settle(error_); }

 private:
  std::optional<Errno> error_;
};

}  // namespace

void Kept::keep(Store& store, std::shared_ptr<Kept> kept) {
  AllKept::of(store).all.insert(std::move(kept));
}

void Kept::leave() {
  stop_waiting();
  AllKept::of(store_).all.erase(shared_from_this());
}

void Kept::wait_for(const p2::Condition& condition, const std::function<void()>& then) {
  stop_waiting_ = p2::when(store_, condition, then);
}

void Kept::stop_waiting() {
  if (auto stop = std::exchange(stop_waiting_, nullptr)) stop();
}

void give(ComponentWriter future, ComponentVal value, std::function<void()> unread) {
  std::vector<ComponentVal> values;
  values.push_back(std::move(value));
  auto kept = std::make_shared<ComponentWriter>(std::move(future));
  ComponentWriter& writer = *kept;
  writer.write(std::move(values),
               [kept = std::move(kept), unread = std::move(unread)](const ComponentItems& items) {
                 if (items.count == 0 && unread) unread();
               });
}

void Pump::settle(std::optional<Errno> error) {
  if (!future_) return;
  auto value = verdict_(store(), error);
  // Without a value the guest traps.
  if (value) give(*std::exchange(future_, std::nullopt), *std::move(value));
  leave();
}

Result<host::Future> settled(Store& store, const Verdict& verdict, std::optional<Errno> error) {
  auto [end, writer] = ComponentWriter::future(store);
  Pump::begin<Settled>(store, verdict, std::move(writer), error);
  return host::Future{std::move(end)};
}

std::tuple<host::Stream, host::Future> read_from(Store& store,
                                                 std::unique_ptr<p2::InputStream> from,
                                                 Verdict verdict) {
  auto [stream, writer] = ComponentWriter::stream(store);
  auto [future, ending] = ComponentWriter::future(store);
  Pump::begin<Reading>(store, std::move(verdict), std::move(ending), std::move(writer),
                       std::move(from));
  return {host::Stream{std::move(stream)}, host::Future{std::move(future)}};
}

Result<std::tuple<host::Stream, host::Future>> refused_stream(Store& store, const Verdict& verdict,
                                                              Errno error) {
  auto [stream, writer] = ComponentWriter::stream(store);
  SEDGE_TRY_ASSIGN(host::Future future, settled(store, verdict, error));
  return std::tuple(host::Stream{std::move(stream)}, std::move(future));
}

Result<host::Future> write_to(Store& store, host::Stream data, std::unique_ptr<p2::OutputStream> to,
                              Verdict verdict) {
  SEDGE_TRY_ASSIGN(ComponentReader reader, ComponentReader::from(store, std::move(data.value)));
  auto [future, ending] = ComponentWriter::future(store);
  Pump::begin<Writing>(store, std::move(verdict), std::move(ending), std::move(reader),
                       std::move(to));
  return host::Future{std::move(future)};
}

}  // namespace sedge::wasi::p3
