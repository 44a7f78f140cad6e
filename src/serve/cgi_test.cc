// The CGI environment, and responses as programs print them.
#include "serve/cgi.h"

#include <gtest/gtest.h>

#include "net/http_parser.h"

namespace sedge::serve {
namespace {

TEST(Cgi, ScriptNameIsTheLiteralBeginning) {
  EXPECT_EQ(script_name("/php/*"), "/php");
  EXPECT_EQ(script_name("/*"), "");
  EXPECT_EQ(script_name("/cgi-bin/app"), "/cgi-bin/app");
  EXPECT_EQ(script_name("/users/:id/x"), "/users");
  EXPECT_EQ(script_name("/img/*.png"), "/img");
}

std::string variables(std::string_view head, std::string_view body, std::string_view script) {
  std::string bytes(head);
  bytes += "\r\n" + std::string(body);
  net::RequestParser parser({});
  std::string_view rest = bytes;
  for (;;) {
    size_t used = 0;
    auto event = parser.feed(rest, used);
    rest.remove_prefix(used);
    if (event == net::RequestParser::Event::done) break;
    if (event != net::RequestParser::Event::head) return "no request";
  }
  auto request = parser.take();
  request->peer = "10.0.0.1";
  std::string out;
  for (const auto& [name, value] : cgi_environment(*request, {"id-1", request->path(), script}))
    out += name + "=" + value + "\n";
  return out;
}

TEST(Cgi, EnvironmentIsThatOfTheRfc) {
  EXPECT_EQ(variables("POST /php/a/b?x=1&y HTTP/1.1\r\nHost: example.org:8080\r\n"
                      "Content-Type: text/plain\r\nContent-Length: 3\r\nX-One: 1\r\nX-One: 2\r\n"
                      "Proxy: evil\r\nx_one: ambiguous\r\nAuthorization: Basic x\r\n"
                      "Cookie: a=1\r\nCookie: b=2\r\n",
                      "abc", "/php"),
            "GATEWAY_INTERFACE=CGI/1.1\nSERVER_SOFTWARE=sedge/" SEDGE_VERSION
            "\nSERVER_PROTOCOL=HTTP/1.1\nSERVER_NAME=example.org\nSERVER_PORT=8080\n"
            "REQUEST_METHOD=POST\nREQUEST_URI=/php/a/b?x=1&y\nSCRIPT_NAME=/php\nPATH_INFO=/a/b\n"
            "QUERY_STRING=x=1&y\nREMOTE_ADDR=10.0.0.1\nREQUEST_ID=id-1\nREDIRECT_STATUS=200\n"
            "CONTENT_LENGTH=3\nCONTENT_TYPE=text/plain\nHTTP_HOST=example.org:8080\n"
            "HTTP_X_ONE=1, 2\nHTTP_COOKIE=a=1; b=2\nHTTP_AUTHORIZATION=Basic x\n");
  EXPECT_EQ(variables("GET / HTTP/1.0\r\n", "", ""),
            "GATEWAY_INTERFACE=CGI/1.1\nSERVER_SOFTWARE=sedge/" SEDGE_VERSION
            "\nSERVER_PROTOCOL=HTTP/1.0\nSERVER_NAME=localhost\nSERVER_PORT=80\n"
            "REQUEST_METHOD=GET\nREQUEST_URI=/\nSCRIPT_NAME=\nPATH_INFO=/\nQUERY_STRING=\n"
            "REMOTE_ADDR=10.0.0.1\nREQUEST_ID=id-1\nREDIRECT_STATUS=200\n");
}

std::string shown(const net::Response& response) {
  std::string out = std::to_string(response.status);
  for (const auto& [name, value] : response.headers) out += "|" + name + ": " + value;
  return out + "|" + response.body;
}

TEST(Cgi, ResponsesAreTakenApart) {
  struct Case {
    const char* output;
    const char* response;
  };
  for (const Case& c : {
           Case{"Content-Type: text/plain\r\n\r\nhi", "200|Content-Type: text/plain|hi"},
           Case{"content-type:text/html\nX-A:  b \n\nhi\n",
                "200|content-type: text/html|X-A: b|hi\n"},
           Case{"Status: 404 Not Found\r\nContent-Type: a/b\r\n\r\n", "404|Content-Type: a/b|"},
           Case{"Status: 201\n\nx", "201|Content-Type: application/octet-stream|x"},
           Case{"Location: /elsewhere\n\n", "302|Location: /elsewhere|"},
           Case{"Status: 301\nLocation: /x\n\n", "301|Location: /x|"},
           Case{"\n", "200|"},
       }) {
    auto response = response_from_cgi(c.output);
    ASSERT_TRUE(response) << c.output << response.error().render();
    EXPECT_EQ(shown(*response), c.response);
  }
}

TEST(Cgi, OtherOutputIsABadAnswer) {
  struct Case {
    std::string output;
    const char* message;
  };
  for (const Case& c : {
           Case{"", "bad answer: the CGI program printed nothing"},
           Case{"hello",
                "bad answer: the CGI program's output has no empty line behind its header: "
                "`hello`"},
           Case{"hello\n\n", "bad answer: `hello` is no header line of a CGI response"},
           Case{"Status: abc\n\n",
                "bad answer: the CGI program's Status is `abc`, not a number from 200 to 599"},
           Case{"Status: 99\n\n",
                "bad answer: the CGI program's Status is `99`, not a number from 200 to 599"},
           Case{"A: b\x01\n\n", "bad answer: the header `A` has control characters"},
       }) {
    auto response = response_from_cgi(c.output);
    ASSERT_FALSE(response) << c.output;
    EXPECT_EQ(response.error().message(), c.message);
  }
}

}  // namespace
}  // namespace sedge::serve
