// Normal forms, patterns and their order.
#include "serve/route_pattern.h"

#include <gtest/gtest.h>

#include "serve/router.h"

namespace sedge::serve {
namespace {

TEST(NormalizePath, BringsPathsToOneForm) {
  for (auto [path, normal] : {std::pair{"/", "/"},
                              {"/a/b", "/a/b"},
                              {"/a/./b", "/a/b"},
                              {"/a/../b", "/b"},
                              {"/a/b/..", "/a/"},
                              {"/a/.", "/a/"},
                              {"/../../etc", "/etc"},
                              {"/..", "/"},
                              {"/a/%2e%2e/b", "/b"},
                              {"/%61pi/%7Ex", "/api/~x"},
                              {"/a%2fb", "/a%2Fb"},
                              {"/%c3%a9", "/%C3%A9"},
                              {"//a", "//a"},
                              {"/a.b/..c", "/a.b/..c"}})
    EXPECT_EQ(normalize_path(path), normal) << path;
  for (const char* path : {"/%", "/%4", "/%zz", "/a%2"})
    EXPECT_EQ(normalize_path(path), std::nullopt) << path;
}

TEST(PercentDecode, DecodesAndKeepsWhatIsNoEscape) {
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  EXPECT_EQ(percent_decode("a%20b+c", false), "a b+c");
  EXPECT_EQ(percent_decode("100%", true), "100%");
  EXPECT_EQ(percent_decode("%zz%4", true), "%zz%4");
  EXPECT_EQ(percent_decode("%00", true), std::string(1, '\0'));
}

bool matches(std::string_view pattern, std::string_view path) {
  Result<RoutePattern> parsed = RoutePattern::parse(pattern);
  EXPECT_TRUE(parsed) << pattern;
  PathParams params;
  return parsed && parsed->match(path, params);
}

TEST(RoutePattern, Matches) {
  struct Case {
    const char* pattern;
    std::vector<const char*> yes;
    std::vector<const char*> no;
  };
  for (const Case& c : {
           Case{"/a", {"/a"}, {"/", "/a/", "/a/b", "/A", "/ab"}},
           Case{"/", {"/"}, {"/a", "//"}},
           Case{"/api/ai/*",
                {"/api/ai/x", "/api/ai/", "/api/ai/x/y/z", "/api/ai"},
                {"/api/aix", "/api", "/"}},
           Case{"/*", {"/", "/a", "/a/b"}, {}},
           Case{"/**", {"/", "/a/b"}, {}},
           Case{"/a/*/c", {"/a/b/c"}, {"/a/c", "/a//c", "/a/b/b/c", "/a/b/c/"}},
           Case{"/u/:id", {"/u/7"}, {"/u/", "/u", "/u/7/8"}},
           Case{"/img/*.png", {"/img/x.png", "/img/.png"}, {"/img/x.jpg", "/img/a/b.png"}},
           Case{"/caf\xc3\xa9", {"/caf%C3%A9"}, {"/cafe"}},
           Case{"/%7euser", {"/~user"}, {}},
       }) {
    for (const char* path : c.yes) EXPECT_TRUE(matches(c.pattern, path)) << c.pattern << path;
    for (const char* path : c.no) EXPECT_FALSE(matches(c.pattern, path)) << c.pattern << path;
  }
}

TEST(RoutePattern, GivesParameters) {
  Result<RoutePattern> pattern = RoutePattern::parse("/u/{user}/p/:post/*");
  ASSERT_TRUE(pattern);
  PathParams params;
  ASSERT_TRUE(pattern->match("/u/a%20b/p/7/rest", params));
  EXPECT_EQ(params, (PathParams{{"user", "a b"}, {"post", "7"}}));
  EXPECT_FALSE(pattern->match("/u/a/q/7", params));
  EXPECT_EQ(params.size(), 2U);
}

TEST(RoutePattern, RefusesWithAReason) {
  for (auto [text, message] : {
           std::pair{"api",
                     "bad argument: the path `api` does not begin with `/`\n"
                     "help: write it like /api/*"},
           {"/a?b",
            "bad argument: the path `/a?b` has a query or fragment\n"
            "help: routes match the path only"},
           {"/a b",
            "bad argument: the path `/a b` has spaces or control characters\n"
            "help: percent-encode them"},
           {"/%zz",
            "bad argument: the path `/%zz` has a `%` that is no escape\n"
            "help: write %25 for a percent sign"},
           {"/**/a",
            "bad argument: the path `/**/a` has `**` before its end\n"
            "help: only the last segment can be `**`"},
           {"/a*b*", "bad argument: the path `/a*b*` has two `*` in one segment\nhelp: use one"},
           {"/:",
            "bad argument: the path `/:` has a parameter without a proper name\n"
            "help: write {name} or :name"},
       }) {
    Result<RoutePattern> pattern = RoutePattern::parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().render(), message);
  }
}

TEST(RoutePattern, KnowsTheSamePattern) {
  EXPECT_TRUE(same_pattern("/u/:id", "/u/{name}"));
  EXPECT_TRUE(same_pattern("/a/*", "/a/**"));
  EXPECT_TRUE(same_pattern("/%61", "/a"));
  EXPECT_FALSE(same_pattern("/a", "/a/"));
  EXPECT_FALSE(same_pattern("/*.png", "/*.jpg"));
}

class RouterTest : public ::testing::Test {
 protected:
  void add(std::string path, std::vector<std::string> methods = {}, std::string host = "") {
    RouteConfig route;
    route.path = std::move(path);
    route.methods = std::move(methods);
    route.host = std::move(host);
    routes_.push_back(std::move(route));
  }
  // The path of the route that is found, "404", or "405 ALLOW".
  std::string find(std::string_view path, std::string_view method = "GET",
                   std::string_view host = "h") {
    Router router(routes_);
    Router::Match match = router.match(host, path, method);
    switch (match.outcome) {
      case Router::Match::Outcome::found:
        return routes_[match.route].host + routes_[match.route].path;
      case Router::Match::Outcome::not_found:
        return "404";
      default:
        return "405 " + match.allow;
    }
  }
  std::vector<RouteConfig> routes_;
};

TEST_F(RouterTest, PrefersTheMostSpecificPattern) {
  for (const char* path : {"/*", "/api/*", "/api/:id", "/api/*.js", "/api/a*.js", "/api/v1/*",
                           "/api/v1", "/api/:id/x", "/api/v1/:y"})
    add(path);
  EXPECT_EQ(find("/api/v1"), "/api/v1");
  EXPECT_EQ(find("/api/a.js"), "/api/a*.js");
  EXPECT_EQ(find("/api/b.js"), "/api/*.js");
  EXPECT_EQ(find("/api/7"), "/api/:id");
  EXPECT_EQ(find("/api/7/x"), "/api/:id/x");
  EXPECT_EQ(find("/api/7/y"), "/api/*");
  EXPECT_EQ(find("/api/v1/x"), "/api/v1/:y");
  EXPECT_EQ(find("/api/v1/x/z"), "/api/v1/*");
  EXPECT_EQ(find("/api"), "/api/*");
  EXPECT_EQ(find("/other"), "/*");
}

TEST_F(RouterTest, KnowsMethods) {
  add("/a", {"GET", "POST"});
  add("/a", {"DELETE"});
  add("/*", {});
  EXPECT_EQ(find("/a", "GET"), "/a");
  EXPECT_EQ(find("/a", "HEAD"), "/a");
  EXPECT_EQ(find("/a", "DELETE"), "/a");
  EXPECT_EQ(find("/a", "PUT"), "405 GET, HEAD, POST, DELETE");
  EXPECT_EQ(find("/b", "PUT"), "/*");
}

TEST_F(RouterTest, KnowsHosts) {
  add("/a");
  add("/b", {}, "x.example");
  EXPECT_EQ(find("/b", "GET", "X.Example:8080"), "x.example/b");
  EXPECT_EQ(find("/b", "GET", "x.example."), "x.example/b");
  EXPECT_EQ(find("/a", "GET", "x.example"), "/a");
  EXPECT_EQ(find("/b", "GET", "y.example"), "404");
}

}  // namespace
}  // namespace sedge::serve
