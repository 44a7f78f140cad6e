// Negotiation, and bodies that decode to what they were.
#include "serve/content_encoding.h"

#include <gtest/gtest.h>

#if SEDGE_HAVE_COMPRESSION
#include <zlib.h>
#include <zstd.h>
#endif

namespace sedge::serve {
namespace {

TEST(ContentEncoding, AcceptsByWeight) {
  struct Case {
    const char* accepted;
    const char* coding;
    bool yes;
  };
  for (const Case& c : {
           Case{"", "br", false},
           Case{"br", "br", true},
           Case{"gzip, BR;q=0.5", "br", true},
           Case{"br;q=0", "br", false},
           Case{"br;q=0.000, *", "br", false},
           Case{"gzip", "br", false},
           Case{"*", "zstd", true},
           Case{"*;q=0", "zstd", false},
           Case{"x-gzip", "gzip", true},
           Case{"brx", "br", false},
           Case{" , br", "br", true},
       })
    EXPECT_EQ(accepts_encoding(c.accepted, c.coding), c.yes) << c.accepted;
}

std::string fields(const net::Response& response) {
  std::string out;
  for (const auto& [name, value] : response.headers) out += name + ": " + value + "|";
  return out;
}

TEST(ContentEncoding, WhatTheClientDoesNotTakeStays) {
  net::Response response;
  response.body = "hello";
  encode_body(response, "br", "gzip");
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(fields(response), "Vary: Accept-Encoding|");
  encode_body(response, "identity", "identity");
  EXPECT_EQ(fields(response), "Vary: Accept-Encoding|");
}

#if SEDGE_HAVE_COMPRESSION
TEST(ContentEncoding, BodiesDecodeToWhatTheyWere) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + "\n";
  net::Response gzip, zstd, br;
  gzip.body = zstd.body = br.body = text;
  encode_body(gzip, "GZIP", "gzip");
  EXPECT_EQ(fields(gzip), "Vary: Accept-Encoding|Content-Encoding: gzip|");
  std::string out(text.size(), '\0');
  z_stream stream{};
  ASSERT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(gzip.body.data());
  stream.avail_in = static_cast<uInt>(gzip.body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  ::inflateEnd(&stream);
  EXPECT_EQ(out, text);
  encode_body(zstd, "zstd", "zstd");
  out.assign(text.size(), '\0');
  EXPECT_EQ(::ZSTD_decompress(out.data(), out.size(), zstd.body.data(), zstd.body.size()),
            text.size());
  EXPECT_EQ(out, text);
  encode_body(br, "br", "br");
  EXPECT_EQ(fields(br), "Vary: Accept-Encoding|Content-Encoding: br|");
  EXPECT_LT(br.body.size(), text.size() / 4);
}
#endif

}  // namespace
}  // namespace sedge::serve
