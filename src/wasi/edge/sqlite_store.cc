// Kept values in a file of SQLite: one table, one connection, one statement for each operation.
// Several processes may use the file: what changes it takes SQLite's write lock first, and waits
// for it a bounded time.
#include "wasi/edge/keyvalue_store.h"

#if SEDGE_HAVE_SQLITE

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <thread>

#include <fmt/format.h>

// What a copy of SQLite refers to instead of what is left out of it (cmake/SedgeSqlite.cmake).
extern "C" {
double sedge_no_math1(double);
double sedge_no_math2(double, double);
int sedge_no_extension(sqlite3*);
void sedge_no_functions(void);
double sedge_no_math1(double) { return std::numeric_limits<double>::quiet_NaN(); }
double sedge_no_math2(double, double) { return std::numeric_limits<double>::quiet_NaN(); }
int sedge_no_extension(sqlite3* /*db*/) { return SQLITE_OK; }
void sedge_no_functions(void) {}
}

namespace sedge::wasi {
namespace {

constexpr int kApplication = 0x73646b76;  // "sdkv": whose file it is
constexpr int kPageBytes = 4096;
constexpr std::chrono::milliseconds kPatience(10'000);

const std::string& schema() {
  static const std::string text = fmt::format(
      "PRAGMA application_id={0};"
      "CREATE TABLE IF NOT EXISTS entries(bucket BLOB NOT NULL, key BLOB NOT NULL,"
      " version INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE(bucket, key));"
      "CREATE TABLE IF NOT EXISTS size(entries INTEGER NOT NULL);"
      "INSERT INTO size SELECT 0 WHERE NOT EXISTS(SELECT * FROM size);"
      "CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON entries BEGIN"
      " UPDATE size SET entries = entries + 1;"
      " SELECT RAISE(ABORT, 'the store holds its most entries')"
      " FROM size WHERE entries > {1}; END;"
      "CREATE TRIGGER IF NOT EXISTS removed AFTER DELETE ON entries BEGIN"
      " UPDATE size SET entries = entries - 1; END;",
      kApplication, KeyValueStore::kMaxEntries);
  return text;
}

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// A prepared statement; bound to nothing again when a use of it ends.
class Statement {
 public:
  int prepare(sqlite3* database, std::string_view text) {
    sqlite3_stmt* made = nullptr;
    int code = sqlite3_prepare_v3(database, text.data(), static_cast<int>(text.size()),
                                  SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    statement_.reset(made);
    return code;
  }

  class Use {
   public:
    explicit Use(sqlite3_stmt* statement) : statement_(statement) {}
    ~Use() {
      sqlite3_reset(statement_);
      sqlite3_clear_bindings(statement_);
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    /// The text must live as long as the use.
    Use& bytes(std::string_view text) {
      sqlite3_bind_blob64(statement_, ++bound_, text.data() ? text.data() : "", text.size(),
                          SQLITE_STATIC);
      return *this;
    }
    Use& number(int64_t value) {
      sqlite3_bind_int64(statement_, ++bound_, value);
      return *this;
    }
    int step() { return sqlite3_step(statement_); }
    std::string column_bytes(int index) {
      const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, index));
      auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, index));
      return data ? std::string(data, size) : std::string();
    }
    int64_t column_number(int index) { return sqlite3_column_int64(statement_, index); }

   private:
    sqlite3_stmt* statement_;
    int bound_ = 0;
  };
  Use use() { return Use(statement_.get()); }

 private:
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class FileStore final : public KeyValueStore {
 public:
  explicit FileStore(Database database) : database_(std::move(database)) {
    sqlite3_busy_handler(database_.get(), &FileStore::wait, this);
  }

  /// Makes what is not there yet. Error: what is wrong with the file.
  Outcome<> begin() {
    Stop never = [] { return false; };
    Waiting waiting(*this, never);
    // Only a file that is empty, or one of these, is written to.
    int application = 0, tables = 0;
    // Tables first: a process that makes the file now adds them and the mark in one transaction.
    if (!patiently([&] {
          return read_number("SELECT count(*) FROM sqlite_schema", tables) &&
                 read_number("PRAGMA application_id", application);
        }))
      return failure();
    if (application != kApplication && (application != 0 || tables != 0))
      return std::unexpected("it is a database of something else");
    const std::string settings = fmt::format(
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=NORMAL; PRAGMA max_page_count={};",
        kMaxFile / kPageBytes);
    if (!patiently([&] { return run(settings); })) return failure();
    if (tables == 0 || application == 0)
      if (auto made = transaction([&]() -> Outcome<> {
            if (!run(schema())) return failure();
            return {};
          });
          !made)
        return made;
    sqlite3_limit(database_.get(), SQLITE_LIMIT_LENGTH, kMaxValue + (64 << 10));
    const std::pair<Statement*, std::string_view> kAll[] = {
        {&get_, "SELECT version, value FROM entries WHERE bucket=? AND key=?"},
        {&exists_, "SELECT 1 FROM entries WHERE bucket=? AND key=?"},
        {&set_,
         "INSERT INTO entries(bucket, key, value, version) VALUES(?, ?, ?, random()) "
         "ON CONFLICT(bucket, key) DO UPDATE SET value=excluded.value, version=excluded.version"},
        {&remove_, "DELETE FROM entries WHERE bucket=? AND key=?"},
        {&first_keys_, "SELECT key FROM entries WHERE bucket=? ORDER BY key LIMIT ? OFFSET ?"},
        {&next_keys_,
         "SELECT key FROM entries WHERE bucket=? AND key>? ORDER BY key LIMIT ? OFFSET ?"},
    };
    for (const auto& [statement, text] : kAll)
      if (statement->prepare(database_.get(), text) != SQLITE_OK) return failure();
    return {};
  }

  Outcome<std::optional<Value>> get(std::string_view bucket, std::string_view key,
                                    const Stop& stop) override {
    Waiting waiting(*this, stop);
    return find(bucket, key);
  }
  Outcome<bool> exists(std::string_view bucket, std::string_view key, const Stop& stop) override {
    Waiting waiting(*this, stop);
    auto use = exists_.use();
    int code = use.bytes(bucket).bytes(key).step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return failure();
    return code == SQLITE_ROW;
  }
  Outcome<> set(std::string_view bucket, Entries entries, const Stop& stop) override {
    Waiting waiting(*this, stop);
    return transaction([&]() -> Outcome<> {
      for (const auto& [key, value] : entries)
        if (auto done = put(bucket, key, value); !done) return done;
      return {};
    });
  }
  Outcome<> remove(std::string_view bucket, std::span<const std::string> keys,
                   const Stop& stop) override {
    Waiting waiting(*this, stop);
    return transaction([&]() -> Outcome<> {
      for (const std::string& key : keys) {
        auto use = remove_.use();
        if (use.bytes(bucket).bytes(key).step() != SQLITE_DONE) return failure();
      }
      return {};
    });
  }
  Outcome<std::vector<std::string>> keys(std::string_view bucket,
                                         const std::optional<std::string>& after, uint64_t skip,
                                         size_t most, const Stop& stop) override {
    Waiting waiting(*this, stop);
    auto use = (after ? next_keys_ : first_keys_).use();
    use.bytes(bucket);
    if (after) use.bytes(*after);
    use.number(static_cast<int64_t>(most))
        .number(static_cast<int64_t>(std::min<uint64_t>(skip, INT64_MAX)));
    std::vector<std::string> out;
    int code;
    while ((code = use.step()) == SQLITE_ROW) out.push_back(use.column_bytes(0));
    if (code != SQLITE_DONE) return failure();
    return out;
  }
  Outcome<> update(std::string_view bucket, std::string_view key, const Change& change,
                   const Stop& stop) override {
    Waiting waiting(*this, stop);
    return transaction([&]() -> Outcome<> {
      auto old = find(bucket, key);
      if (!old) return std::unexpected(std::move(old).error());
      auto changed = change(*old);
      if (!changed) return std::unexpected(std::move(changed).error());
      return put(bucket, key, *changed);
    });
  }

 private:
  /// Holds the connection, and says how long to wait for other processes.
  class Waiting {
   public:
    Waiting(FileStore& store, const Stop& stop) : store_(store), lock_(store.mutex_) {
      store_.stop_ = &stop;
      store_.patience_ends_ = std::chrono::steady_clock::now() + kPatience;
    }
    ~Waiting() { store_.stop_ = nullptr; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    FileStore& store_;
    std::lock_guard<std::mutex> lock_;
  };
  static int wait(void* self, int tried) {
    auto& store = *static_cast<FileStore*>(self);
    if (std::chrono::steady_clock::now() >= store.patience_ends_) return 0;
    if (store.stop_ && (*store.stop_)()) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(tried + 1, 10)));
    return 1;
  }

  std::unexpected<std::string> failure() const {
    int code = sqlite3_errcode(database_.get());
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
      return std::unexpected(std::string("another process holds the store"));
    if (code == SQLITE_FULL) return std::unexpected(std::string("the store is full"));
    return std::unexpected(std::string(sqlite3_errmsg(database_.get())));
  }
  bool run(const std::string& text) {
    return sqlite3_exec(database_.get(), text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  /// Tries again while another process has the file: SQLite does not always wait by itself while
  /// that one makes it what it is to be.
  template <typename Step>
  bool patiently(const Step& step) {
    for (int tried = 0; !step(); ++tried)
      if (sqlite3_errcode(database_.get()) != SQLITE_BUSY || wait(this, tried) == 0) return false;
    return true;
  }
  bool read_number(std::string_view text, int& out) {
    Statement statement;
    if (statement.prepare(database_.get(), text) != SQLITE_OK) return false;
    auto use = statement.use();
    if (use.step() != SQLITE_ROW) return false;
    out = static_cast<int>(use.column_number(0));
    return true;
  }
  template <typename Body>
  Outcome<> transaction(const Body& body) {
    if (!run("BEGIN IMMEDIATE")) return failure();
    Outcome<> done = body();
    if (done && !run("COMMIT")) done = failure();
    if (!done) run("ROLLBACK");
    return done;
  }
  Outcome<std::optional<Value>> find(std::string_view bucket, std::string_view key) {
    auto use = get_.use();
    int code = use.bytes(bucket).bytes(key).step();
    if (code == SQLITE_DONE) return std::optional<Value>();
    if (code != SQLITE_ROW) return failure();
    return std::optional(Value{use.column_bytes(1), use.column_number(0)});
  }
  Outcome<> put(std::string_view bucket, std::string_view key, std::string_view value) {
    auto use = set_.use();
    if (use.bytes(bucket).bytes(key).bytes(value).step() != SQLITE_DONE) return failure();
    return {};
  }

  std::mutex mutex_;
  const Database database_;  // and all below: guarded by mutex_
  Statement get_, exists_, set_, remove_, first_keys_, next_keys_;
  const Stop* stop_ = nullptr;
  std::chrono::steady_clock::time_point patience_ends_;
};

}  // namespace

Result<std::shared_ptr<KeyValueStore>> keyvalue_in_file(const std::string& file) {
  auto refused = [&](std::string_view why) {
    return fail(ErrorCode::io, fmt::format(": key-value file {}: {}", file, why));
  };
  sqlite3* opened = nullptr;
  // The connection has a lock of its own; a name is never a URI.
  int code = sqlite3_open_v2(
      file.c_str(), &opened,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  Database database(opened);
  if (code != SQLITE_OK)
    return refused(database ? sqlite3_errmsg(database.get()) : sqlite3_errstr(code));
  auto store = std::make_shared<FileStore>(std::move(database));
  if (auto begun = store->begin(); !begun) return refused(begun.error());
  return std::shared_ptr<KeyValueStore>(std::move(store));
}

}  // namespace sedge::wasi

#else

namespace sedge::wasi {

Result<std::shared_ptr<KeyValueStore>> keyvalue_in_file(const std::string&) {
  return fail(Error(ErrorCode::not_in_build, ": key-value files need SQLite")
                  .with_remedy("build with -DSEDGE_SQLITE=ON, or keep values in memory"));
}

}  // namespace sedge::wasi

#endif  // SEDGE_HAVE_SQLITE
