// The functions of WASI 0.1: one C++ function per name, taking the guest's numbers as they come and
// answering an Errno. The rows that give them names are in p1.def.
#ifndef SEDGE_WASI_P1_CALL_H_
#define SEDGE_WASI_P1_CALL_H_

#include <cstdint>

#include "wasi/p1/abi.h"
#include "wasi/p1/state.h"

namespace sedge::wasi::p1 {

/// One call from a guest.
struct Call {
  Call(Store& caller_store, Context& caller_context, std::span<uint8_t> bytes, Snapshot edition)
      : store(caller_store),
        context(caller_context),
        state(caller_context.p1()),
        memory(bytes),
        snapshot(edition),
        interrupt(caller_store) {}

  Store& store;
  Context& context;
  State& state;
  GuestMemory memory;
  Snapshot snapshot;
  StoreInterrupt interrupt;

  /// The descriptor, if it carries all of `rights`; else badf or notcapable.
  OsResult<std::shared_ptr<Descriptor>> fd(uint32_t number, uint64_t rights = 0) const;
};

/// What a function answers the guest with; an Error ends the guest.
using Answer = Result<Errno>;

/// An Errno for the guest, or the error of the interruption that `canceled` stands for.
inline Answer answer(Call& call, Errno value) {
  if (value == Errno::canceled && call.interrupt.requested()) return fail(call.interrupt.error());
  return value;
}
inline Answer answer(Call& call, const OsResult<>& result) {
  return answer(call, result ? Errno::success : result.error());
}

/// `SEDGE_WASI_TRY(auto x, f())`: x, or the answer to the guest.
#define SEDGE_WASI_TRY(lhs, ...) \
  SEDGE_WASI_TRY_(SEDGE_CONCAT(wasi_try_, __LINE__), lhs, __VA_ARGS__)
#define SEDGE_WASI_TRY_(tmp, lhs, ...) \
  auto tmp = (__VA_ARGS__);            \
  if (!tmp) [[unlikely]]               \
    return answer(call, tmp.error());  \
  lhs = *std::move(tmp)
/// The same for a result without a value.
#define SEDGE_WASI_CHECK(...)                                        \
  do {                                                               \
    if (auto wasi_check_ = (__VA_ARGS__); !wasi_check_) [[unlikely]] \
      return answer(call, wasi_check_.error());                      \
  } while (false)

using u32 = uint32_t;
using u64 = uint64_t;

// Arguments, environment, clocks, process (process.cc).
Answer args_get(Call& call, u32 argv, u32 buffer);
Answer args_sizes_get(Call& call, u32 count, u32 size);
Answer environ_get(Call& call, u32 environ, u32 buffer);
Answer environ_sizes_get(Call& call, u32 count, u32 size);
Answer clock_res_get(Call& call, u32 id, u32 resolution);
Answer clock_time_get(Call& call, u32 id, u64 precision, u32 time);
Result<void> proc_exit(Call& call, u32 status);
Answer proc_raise(Call& call, u32 signal);
Answer sched_yield(Call& call);
Answer random_get(Call& call, u32 buffer, u32 size);

// Descriptors (fd.cc).
Answer fd_advise(Call& call, u32 fd, u64 offset, u64 length, u32 advice);
Answer fd_allocate(Call& call, u32 fd, u64 offset, u64 length);
Answer fd_close(Call& call, u32 fd);
Answer fd_datasync(Call& call, u32 fd);
Answer fd_fdstat_get(Call& call, u32 fd, u32 fdstat);
Answer fd_fdstat_set_flags(Call& call, u32 fd, u32 flags);
Answer fd_fdstat_set_rights(Call& call, u32 fd, u64 base, u64 inheriting);
Answer fd_filestat_get(Call& call, u32 fd, u32 filestat);
Answer fd_filestat_set_size(Call& call, u32 fd, u64 size);
Answer fd_filestat_set_times(Call& call, u32 fd, u64 atim, u64 mtim, u32 fst_flags);
Answer fd_pread(Call& call, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nread);
Answer fd_prestat_get(Call& call, u32 fd, u32 prestat);
Answer fd_prestat_dir_name(Call& call, u32 fd, u32 path, u32 path_len);
Answer fd_pwrite(Call& call, u32 fd, u32 iovs, u32 iovs_len, u64 offset, u32 nwritten);
Answer fd_read(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 nread);
Answer fd_readdir(Call& call, u32 fd, u32 buffer, u32 size, u64 cookie, u32 used);
Answer fd_renumber(Call& call, u32 from, u32 to);
Answer fd_seek(Call& call, u32 fd, u64 offset, u32 whence, u32 position);
Answer fd_sync(Call& call, u32 fd);
Answer fd_tell(Call& call, u32 fd, u32 position);
Answer fd_write(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 nwritten);

// Paths (path.cc).
Answer path_create_directory(Call& call, u32 fd, u32 path, u32 path_len);
Answer path_filestat_get(Call& call, u32 fd, u32 flags, u32 path, u32 path_len, u32 filestat);
Answer path_filestat_set_times(Call& call, u32 fd, u32 flags, u32 path, u32 path_len, u64 atim,
                               u64 mtim, u32 fst_flags);
Answer path_link(Call& call, u32 old_fd, u32 old_flags, u32 old_path, u32 old_path_len, u32 new_fd,
                 u32 new_path, u32 new_path_len);
Answer path_open(Call& call, u32 fd, u32 dirflags, u32 path, u32 path_len, u32 oflags,
                 u64 rights_base, u64 rights_inheriting, u32 fdflags, u32 opened_fd);
Answer path_readlink(Call& call, u32 fd, u32 path, u32 path_len, u32 buffer, u32 size, u32 used);
Answer path_remove_directory(Call& call, u32 fd, u32 path, u32 path_len);
Answer path_rename(Call& call, u32 fd, u32 old_path, u32 old_path_len, u32 new_fd, u32 new_path,
                   u32 new_path_len);
Answer path_symlink(Call& call, u32 old_path, u32 old_path_len, u32 fd, u32 new_path,
                    u32 new_path_len);
Answer path_unlink_file(Call& call, u32 fd, u32 path, u32 path_len);

// Waiting (poll.cc).
Answer poll_oneoff(Call& call, u32 subscriptions, u32 events, u32 count, u32 stored);

// Sockets (sock.cc).
Answer sock_accept(Call& call, u32 fd, u32 flags, u32 accepted);
Answer sock_recv(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 size, u32 out_flags);
Answer sock_send(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 flags, u32 size);
Answer sock_shutdown(Call& call, u32 fd, u32 how);

// WasmEdge's socket extension (sock_ext.cc). Where two editions differ in their parameters the
// older one ends in _v1.
Answer sock_open(Call& call, u32 family, u32 type, u32 opened_fd);
Answer sock_bind(Call& call, u32 fd, u32 address, u32 port);
Answer sock_listen(Call& call, u32 fd, u32 backlog);
Answer sock_accept_v1(Call& call, u32 fd, u32 accepted);
Answer sock_connect(Call& call, u32 fd, u32 address, u32 port);
Answer sock_recv_from(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 address, u32 flags, u32 port,
                      u32 size, u32 out_flags);
Answer sock_recv_from_v1(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 address, u32 flags,
                         u32 size, u32 out_flags);
Answer sock_send_to(Call& call, u32 fd, u32 iovs, u32 iovs_len, u32 address, u32 port, u32 flags,
                    u32 size);
Answer sock_getsockopt(Call& call, u32 fd, u32 level, u32 name, u32 value, u32 value_size);
Answer sock_setsockopt(Call& call, u32 fd, u32 level, u32 name, u32 value, u32 value_size);
Answer sock_getlocaladdr(Call& call, u32 fd, u32 address, u32 port);
Answer sock_getlocaladdr_v1(Call& call, u32 fd, u32 address, u32 type, u32 port);
Answer sock_getpeeraddr(Call& call, u32 fd, u32 address, u32 port);
Answer sock_getpeeraddr_v1(Call& call, u32 fd, u32 address, u32 type, u32 port);
Answer sock_getaddrinfo(Call& call, u32 node, u32 node_len, u32 service, u32 service_len, u32 hints,
                        u32 results, u32 max_results, u32 result_count);

/// A row of p1.def with the wasm signature that it has.
struct ImportRow {
  std::string_view name;
  bool unstable;  ///< in the older edition too
  FuncType type;
};
std::vector<ImportRow> import_rows();

/// Writes a filestat in the layout of the caller's edition.
OsResult<> store_filestat(const Call& call, u32 address, const os::Stat& stat);
/// Decodes fstflags; `inval` for contradictions and unknown bits.
OsResult<> decode_times(u32 fst_flags, u64 atim, u64 mtim, os::TimeChange& atim_change,
                        os::TimeChange& mtim_change);

}  // namespace sedge::wasi::p1

#endif  // SEDGE_WASI_P1_CALL_H_
