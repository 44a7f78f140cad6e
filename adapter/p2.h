// The functions of WASI 0.2 that the adapter calls, as the Canonical ABI lowers them (utf8,
// wasm32), and the layouts of what they give back.
#ifndef SEDGE_ADAPTER_P2_H_
#define SEDGE_ADAPTER_P2_H_

#include <stdint.h>

namespace adapter::p2 {

using Handle = uint32_t;

struct List {
  uint32_t data;  ///< address
  uint32_t size;
};
struct Datetime {
  uint64_t seconds;
  uint32_t nanoseconds;
};
struct OptionHandle {
  bool some;
  Handle handle;
};
/// result<_, error-code>, and of types that are as small.
struct Status {
  bool failed;
  uint8_t value;  ///< the error, or a flag set or enum
};
/// result<own, error-code>
struct HandleResult {
  bool failed;
  union {
    Handle handle;
    uint8_t error;
  };
};
/// result<filesize, error-code>
struct SizeResult {
  bool failed;
  union {
    uint64_t size;
    uint8_t error;
  };
};
/// result<tuple<list<u8>, bool>, error-code>
struct ReadResult {
  bool failed;
  union {
    struct {
      List bytes;
      bool end;
    };
    uint8_t error;
  };
};
/// result<string, error-code>
struct TextResult {
  bool failed;
  union {
    List text;
    uint8_t error;
  };
};
enum class StreamErrorKind : uint8_t { last_operation_failed, closed };
struct StreamError {
  StreamErrorKind kind;
  Handle error;
};
/// result<list<u8>, stream-error>, result<_, stream-error>
struct StreamResult {
  bool failed;
  union {
    List bytes;
    StreamError error;
  };
};
enum class DescriptorType : uint8_t {
  unknown,
  block_device,
  character_device,
  directory,
  fifo,
  symbolic_link,
  regular_file,
  socket,
};
struct OptionDatetime {
  bool some;
  Datetime time;
};
struct DescriptorStat {
  DescriptorType type;
  uint64_t links, size;
  OptionDatetime accessed, modified, changed;
};
struct StatResult {
  bool failed;
  union {
    DescriptorStat stat;
    uint8_t error;
  };
};
struct HashResult {
  bool failed;
  union {
    struct {
      uint64_t lower, upper;
    };
    uint8_t error;
  };
};
struct DirectoryEntry {
  DescriptorType type;
  List name;
};
/// result<option<directory-entry>, error-code>
struct EntryResult {
  bool failed;
  union {
    struct {
      bool some;
      DirectoryEntry entry;
    };
    uint8_t error;
  };
};
struct PreopenedDirectory {
  Handle directory;
  List name;
};
enum class Change : uint32_t { none, now, timestamp };
struct NewTimestamp {
  Change change = Change::none;
  Datetime time = {};
};

constexpr uint32_t kRead = 1, kWrite = 2, kFileSync = 4, kDataSync = 8, kRequestedWriteSync = 16,
                   kMutateDirectory = 32;

static_assert(sizeof(DescriptorStat) == 96 && sizeof(StatResult) == 104);
static_assert(sizeof(EntryResult) == 20 && sizeof(ReadResult) == 16 && sizeof(StreamResult) == 12);

#define SEDGE_P2(interface, name) \
  extern "C" __attribute__((import_module("wasi:" interface "@0.2.12"), import_name(name)))

SEDGE_P2("cli/environment", "get-arguments") void get_arguments(List*);
SEDGE_P2("cli/environment", "get-environment") void get_environment(List*);
SEDGE_P2("cli/exit", "exit-with-code") void exit_with_code(uint32_t code);
SEDGE_P2("cli/stdin", "get-stdin") Handle get_stdin();
SEDGE_P2("cli/stdout", "get-stdout") Handle get_stdout();
SEDGE_P2("cli/stderr", "get-stderr") Handle get_stderr();
SEDGE_P2("cli/terminal-stdin", "get-terminal-stdin") void get_terminal_stdin(OptionHandle*);
SEDGE_P2("cli/terminal-stdout", "get-terminal-stdout") void get_terminal_stdout(OptionHandle*);
SEDGE_P2("cli/terminal-stderr", "get-terminal-stderr") void get_terminal_stderr(OptionHandle*);
SEDGE_P2("cli/terminal-input", "[resource-drop]terminal-input") void drop_terminal_input(Handle);
SEDGE_P2("cli/terminal-output", "[resource-drop]terminal-output") void drop_terminal_output(Handle);

SEDGE_P2("clocks/monotonic-clock", "now") uint64_t monotonic_now();
SEDGE_P2("clocks/monotonic-clock", "resolution") uint64_t monotonic_resolution();
SEDGE_P2("clocks/monotonic-clock", "subscribe-instant") Handle subscribe_instant(uint64_t when);
SEDGE_P2("clocks/monotonic-clock", "subscribe-duration") Handle subscribe_duration(uint64_t);
SEDGE_P2("clocks/wall-clock", "now") void wall_now(Datetime*);
SEDGE_P2("clocks/wall-clock", "resolution") void wall_resolution(Datetime*);
SEDGE_P2("random/random", "get-random-bytes") void get_random_bytes(uint64_t size, List*);

SEDGE_P2("io/error", "[resource-drop]error") void drop_error(Handle);
SEDGE_P2("io/poll", "[resource-drop]pollable") void drop_pollable(Handle);
SEDGE_P2("io/poll", "poll") void poll(const Handle*, uint32_t count, List* ready);
SEDGE_P2("io/streams", "[method]input-stream.read")
void stream_read(Handle, uint64_t size, StreamResult*);
SEDGE_P2("io/streams", "[method]input-stream.blocking-read")
void stream_blocking_read(Handle, uint64_t size, StreamResult*);
SEDGE_P2("io/streams", "[method]input-stream.subscribe") Handle input_subscribe(Handle);
SEDGE_P2("io/streams", "[method]output-stream.blocking-write-and-flush")
void stream_write(Handle, const uint8_t*, uint32_t size, StreamResult*);
SEDGE_P2("io/streams", "[method]output-stream.subscribe") Handle output_subscribe(Handle);
SEDGE_P2("io/streams", "[resource-drop]input-stream") void drop_input_stream(Handle);
SEDGE_P2("io/streams", "[resource-drop]output-stream") void drop_output_stream(Handle);

SEDGE_P2("filesystem/preopens", "get-directories") void get_directories(List*);
SEDGE_P2("filesystem/types", "filesystem-error-code") void filesystem_error_code(Handle, Status*);
SEDGE_P2("filesystem/types", "[resource-drop]descriptor") void drop_descriptor(Handle);
SEDGE_P2("filesystem/types", "[resource-drop]directory-entry-stream") void drop_entries(Handle);
SEDGE_P2("filesystem/types", "[method]directory-entry-stream.read-directory-entry")
void read_entry(Handle, EntryResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.advise")
void advise(Handle, uint64_t offset, uint64_t size, uint32_t advice, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.append-via-stream")
void append_via_stream(Handle, HandleResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.sync-data") void sync_data(Handle, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.sync") void sync(Handle, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.get-type") void get_type(Handle, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.set-size")
void set_size(Handle, uint64_t size, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.set-times")
void set_times(Handle, Change, uint64_t seconds, uint32_t nanoseconds, Change, uint64_t seconds2,
               uint32_t nanoseconds2, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.set-times-at")
void set_times_at(Handle, uint32_t path_flags, const uint8_t* path, uint32_t path_size, Change,
                  uint64_t seconds, uint32_t nanoseconds, Change, uint64_t seconds2,
                  uint32_t nanoseconds2, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.read")
void read(Handle, uint64_t size, uint64_t offset, ReadResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.write")
void write(Handle, const uint8_t*, uint32_t size, uint64_t offset, SizeResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.read-directory")
void read_directory(Handle, HandleResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.create-directory-at")
void create_directory_at(Handle, const uint8_t* path, uint32_t size, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.stat") void stat(Handle, StatResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.stat-at")
void stat_at(Handle, uint32_t path_flags, const uint8_t* path, uint32_t size, StatResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.link-at")
void link_at(Handle, uint32_t path_flags, const uint8_t* path, uint32_t size, Handle to,
             const uint8_t* new_path, uint32_t new_size, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.open-at")
void open_at(Handle, uint32_t path_flags, const uint8_t* path, uint32_t size, uint32_t open_flags,
             uint32_t flags, HandleResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.readlink-at")
void readlink_at(Handle, const uint8_t* path, uint32_t size, TextResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.remove-directory-at")
void remove_directory_at(Handle, const uint8_t* path, uint32_t size, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.rename-at")
void rename_at(Handle, const uint8_t* path, uint32_t size, Handle to, const uint8_t* new_path,
               uint32_t new_size, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.symlink-at")
void symlink_at(Handle, const uint8_t* text, uint32_t text_size, const uint8_t* path, uint32_t size,
                Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.unlink-file-at")
void unlink_file_at(Handle, const uint8_t* path, uint32_t size, Status*);
SEDGE_P2("filesystem/types", "[method]descriptor.metadata-hash")
void metadata_hash(Handle, HashResult*);
SEDGE_P2("filesystem/types", "[method]descriptor.metadata-hash-at")
void metadata_hash_at(Handle, uint32_t path_flags, const uint8_t* path, uint32_t size, HashResult*);

}  // namespace adapter::p2

#endif  // SEDGE_ADAPTER_P2_H_
