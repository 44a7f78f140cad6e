// An edge function in C++: one JSON event on standard input, one JSON answer on standard output.
// It needs wasi-libc and nothing else:
//   clang++-22 --target=wasm32-wasi -Wno-deprecated -O2 -fno-exceptions -fno-rtti -nostdlib++ \
//     -std=c++20 edge.cc -o edge.wasm
#include "json.h"

namespace {

using json::Text;

/// What every answer has. Header and body are written by the route, as JSON.
void begin_answer(int status) { printf("{\"status_code\":%d,", status); }

void end_answer(const char* cache_control, unsigned ttl) {
  printf(",\"cache_control\":\"%s\",\"edge_cache_ttl\":%u}\n", cache_control, ttl);
}

void simple_answer(int status, const char* error) {
  begin_answer(status);
  printf("\"headers\":{},\"body\":{\"error\":\"%s\"}", error);
  end_answer("no-cache", 0);
}

/// /api/geo: sends the client to the site of its region.
void geo(Text event) {
  static const char* const known[] = {"cn-north", "cn-south", "us-west", "eu-central"};
  Text region = json::string_value(json::member(json::member(event, "headers"), "x-edge-region"));
  const char* site = "global";
  for (const char* each : known) {
    if (region.equals(each)) site = each;
  }
  begin_answer(302);
  printf("\"headers\":{\"Location\":\"https://%s.example.com\"},", site);
  printf("\"body\":{\"redirect\":\"https://%s.example.com\",\"region\":", site);
  json::print_string(region.data != nullptr ? region : Text{"default", 7});
  putchar('}');
  end_answer("no-cache", 0);
}

/// The number that `text` is, up to a year in seconds, or `fallback`.
unsigned seconds(Text text, unsigned fallback) {
  unsigned value = 0;
  if (text.size == 0 || text.size > 8) return fallback;
  for (size_t i = 0; i < text.size; ++i) {
    if (text.data[i] < '0' || text.data[i] > '9') return fallback;
    value = value * 10 + static_cast<unsigned>(text.data[i] - '0');
  }
  return value;
}

/// /api/cache?max_age=N&v=V: an answer that caches may keep.
void cache(Text event) {
  Text query = json::member(event, "query_params");
  unsigned max_age = seconds(json::string_value(json::member(query, "max_age")), 3600);
  Text variant = json::string_value(json::member(query, "v"));
  char cache_control[48];
  snprintf(cache_control, sizeof cache_control, "public, max-age=%u", max_age);
  begin_answer(200);
  printf("\"headers\":{\"X-Edge-Cache\":\"HIT\"},");
  printf("\"body\":{\"cached\":true,\"ttl\":%u,\"variant\":", max_age);
  json::print_string(variant.data != nullptr ? variant : Text{"1", 1});
  putchar('}');
  end_answer(cache_control, max_age);
}

/// /api/auth: looks at the form of a bearer token.
void auth(Text event) {
  Text token = json::string_value(json::member(json::member(event, "headers"), "authorization"));
  if (!token.starts_with("Bearer ") || token.size <= 20) {
    begin_answer(401);
    printf("\"headers\":{},\"body\":{\"error\":\"unauthorized\",\"authenticated\":false}");
    end_answer("no-cache", 0);
    return;
  }
  begin_answer(200);
  printf("\"headers\":{},\"body\":{\"authenticated\":true,\"token_prefix\":");
  json::print_string(Text{token.data, 15});
  putchar('}');
  end_answer("private, no-cache", 0);
}

/// One line of standard input, however long.
Text read_line() {
  size_t size = 0;
  size_t room = 4096;
  char* line = static_cast<char*>(malloc(room));
  while (line != nullptr) {
    size_t got = fread(line + size, 1, room - size, stdin);
    const void* newline = memchr(line + size, '\n', got);
    if (newline != nullptr) return {line, static_cast<size_t>((const char*)newline - line)};
    size += got;
    if (got == 0) return {line, size};
    if (size == room) line = static_cast<char*>(realloc(line, room *= 2));
  }
  return {};
}

}  // namespace

int main() {
  Text event = read_line();
  if (event.data == nullptr || !json::is_object(event)) {
    simple_answer(400, "invalid event");
    return 0;
  }
  Text path = json::string_value(json::member(event, "path"));
  if (path.equals("/api/geo")) {
    geo(event);
  } else if (path.equals("/api/cache")) {
    cache(event);
  } else if (path.equals("/api/auth")) {
    auth(event);
  } else {
    simple_answer(404, "not found");
  }
  return 0;
}
