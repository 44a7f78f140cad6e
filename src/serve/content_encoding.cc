// zlib, brotli and zstd behind one table. Levels are those at which a server's own time still
// counts.
#include "serve/content_encoding.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "net/chars.h"

#if SEDGE_HAVE_COMPRESSION
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>
#endif

namespace sedge::serve {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), net::to_lower);
  return out;
}

std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct Coding {
  std::string_view name;
  std::optional<std::string> (*encode)(std::string_view body);
};

#if SEDGE_HAVE_COMPRESSION
std::optional<std::string> gzip(std::string_view body) {
  constexpr int kGzipWindow = 15 + 16;  // zlib: 16 more asks for gzip's header
  z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return std::nullopt;
  std::string out(::deflateBound(&stream, body.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  bool done = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return done ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> brotli(std::string_view body) {
  constexpr int kQuality = 5;
  size_t size = ::BrotliEncoderMaxCompressedSize(body.size());
  std::string out(std::max<size_t>(size, 16), '\0');
  size = out.size();
  if (!::BrotliEncoderCompress(kQuality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, body.size(),
                               reinterpret_cast<const uint8_t*>(body.data()), &size,
                               reinterpret_cast<uint8_t*>(out.data())))
    return std::nullopt;
  out.resize(size);
  return out;
}

std::optional<std::string> zstd(std::string_view body) {
  constexpr int kLevel = 3;
  std::string out(::ZSTD_compressBound(body.size()), '\0');
  size_t size = ::ZSTD_compress(out.data(), out.size(), body.data(), body.size(), kLevel);
  if (::ZSTD_isError(size)) return std::nullopt;
  out.resize(size);
  return out;
}

constexpr Coding kCodings[] = {{"br", brotli}, {"gzip", gzip}, {"zstd", zstd}};
#else
std::optional<std::string> none(std::string_view) { return std::nullopt; }
constexpr Coding kCodings[] = {{"br", none}, {"gzip", none}, {"zstd", none}};
#endif

}  // namespace

bool accepts_encoding(std::string_view accepted, std::string_view coding) {
  std::optional<bool> exact, any;
  while (!accepted.empty()) {
    size_t end = accepted.find(',');
    std::string_view item = trim(accepted.substr(0, end));
    accepted.remove_prefix(end == std::string_view::npos ? accepted.size() : end + 1);
    size_t semicolon = item.find(';');
    std::string name = lower(trim(item.substr(0, semicolon)));
    bool taken = true;
    if (semicolon != std::string_view::npos) {
      std::string weight = lower(trim(item.substr(semicolon + 1)));
      if (weight.starts_with("q=")) taken = std::strtod(weight.c_str() + 2, nullptr) > 0;
    }
    if (name == coding || (coding == "gzip" && name == "x-gzip")) exact = taken;
    if (name == "*") any = taken;
  }
  return exact.value_or(any.value_or(false));
}

void encode_body(net::Response& response, std::string_view coding, std::string_view accepted) {
  std::string wanted = lower(trim(coding));
  const auto* known = std::ranges::find(kCodings, std::string_view(wanted), &Coding::name);
  if (known == std::end(kCodings)) return;
  bool varies = std::ranges::any_of(response.headers, [](const auto& field) {
    return lower(field.first) == "vary" &&
           lower(field.second).find("accept-encoding") != std::string::npos;
  });
  if (!varies) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (response.body.empty() || !accepts_encoding(accepted, wanted)) return;
  std::optional<std::string> encoded = known->encode(response.body);
  if (!encoded) return;
  response.body = *std::move(encoded);
  response.headers.emplace_back("Content-Encoding", wanted);
}

}  // namespace sedge::serve
