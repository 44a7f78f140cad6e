// Every construct of WIT read, resolved and printed; whole messages for what is refused.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "wit/json.h"
#include "wit/lexer.h"
#include "wit/load.h"
#include "wit/print.h"

namespace sedge::wit {
namespace {

Result<Loaded> read(std::string_view text, Gates gates = {}) {
  return load_text("a.wit", std::string(text), gates);
}
std::string printed(std::string_view text, Gates gates = {}) {
  auto loaded = read(text, std::move(gates));
  if (!loaded) return loaded.error().render();
  return print_all(loaded->resolve, loaded->root);
}

TEST(WitPrint, CanonicalTextStays) {
  constexpr std::string_view kText = R"(/// package docs
package my:pkg@1.2.3-rc.1;

/// interface docs
@since(version = 1.0.0)
interface types {
  use other:pkg/base@0.1.0.{handle, thing as other-thing};
  use shared.{size};

  /// a record
  record person {
    /// a field
    name: string,
    %record: option<u8>,
  }

  variant shape {
    none,
    circle(f64),
    pair(tuple<u32, s64>),
  }

  enum color {
    red,
    green,
  }

  flags perms {
    read,
    write,
  }

  resource bare;

  resource file {
    constructor(path: string);
    read: func(n: u32) -> result<list<u8>, error-context>;
    @since(version = 1.1.0)
    @deprecated(version = 1.2.0)
    open: static async func(p: borrow<file>) -> file;
  }

  resource maybe {
    constructor() -> result<maybe>;
  }

  type t1 = list<u16, 4>;

  type t2 = map<string, list<person>>;

  type t3 = stream<u8>;

  type t4 = future;

  type t5 = result<_, color>;

  type t6 = own<file>;

  type t7 = person;

  f: func();

  g: async func(a: bool, b: char) -> result;
}

interface shared {
  type size = u64;
}

world w {
  import shared;
  import other:pkg/base@0.1.0;
  import types;
  import cache: shared;
  import inner: interface {
    h: func();
  }
  use types.{file};

  record r {
    a: s8,
  }

  @external-id("https://example.com/\"x\"")
  import log: func(text: string);

  export types;
  export run: func() -> r;
}
package other:pkg@0.1.0 {
  interface base {
    resource handle;

    type thing = u32;
  }
}
)";
  std::string text = printed(kText);
  EXPECT_EQ(printed(text), text);
  // Functions are ordered before interfaces among exports, shared before what uses it.
  for (std::string_view line :
       {"/// package docs\n", "  use other:pkg/base@0.1.0.{handle, thing as other-thing};\n",
        "    %record: option<u8>,\n", "    open: static async func(p: borrow<file>) -> file;\n",
        "    constructor() -> result<maybe>;\n", "  type t1 = list<u16, 4>;\n",
        "  type t2 = map<string, list<person>>;\n", "  type t5 = result<_, color>;\n",
        "  type t6 = own<file>;\n", "  g: async func(a: bool, b: char) -> result;\n",
        "  import cache: shared;\n", "  @external-id(\"https://example.com/\\\"x\\\"\")\n",
        "  export run: func() -> r;\n  export types;\n", "package other:pkg@0.1.0 {\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

TEST(WitResolve, TypesBringTheirInterfaces) {
  EXPECT_EQ(printed("package a:b;\n"
                    "interface i { resource r; }\n"
                    "interface j { use i.{r}; f: func() -> r; }\n"
                    "world imports { export j; }\n"
                    "world both { export i; export j; }\n"),
            "package a:b;\n\n"
            "interface i {\n  resource r;\n}\n\n"
            "interface j {\n  use i.{r};\n\n  f: func() -> r;\n}\n\n"
            "world imports {\n  import i;\n\n  export j;\n}\n"
            "world both {\n  export i;\n  export j;\n}\n");
}

TEST(WitResolve, IncludeJoinsAndRenames) {
  EXPECT_EQ(printed("package a:b;\n"
                    "interface i {}\n"
                    "world one { import i; resource r { m: func(); } import f: func(x: r); }\n"
                    "world two { import i; import f: func(); }\n"
                    "world sum { include one with { f as g, r as s } include two; }\n"),
            "package a:b;\n\n"
            "interface i {\n}\n\n"
            "world one {\n  import i;\n  resource r {\n    m: func();\n  }\n"
            "  import f: func(x: r);\n}\n"
            "world two {\n  import i;\n  import f: func();\n}\n"
            "world sum {\n  import i;\n  resource s {\n    m: func();\n  }\n"
            "  import g: func(x: s);\n  import f: func();\n}\n");
}

TEST(WitResolve, GatesChooseItems) {
  constexpr std::string_view kText =
      "package a:b@1.0.0;\n"
      "interface i { @unstable(feature = x) f: func(); @since(version = 0.9.0) g: func(); }\n";
  Gates x;
  x.features.insert("x");
  EXPECT_EQ(printed(kText),
            "package a:b@1.0.0;\n\ninterface i {\n  @since(version = 0.9.0)\n  g: func();\n}\n\n");
  EXPECT_EQ(printed(kText, x),
            "package a:b@1.0.0;\n\ninterface i {\n  @unstable(feature = x)\n  f: func();\n\n"
            "  @since(version = 0.9.0)\n  g: func();\n}\n\n");
  Gates all;
  all.all = true;
  EXPECT_EQ(printed(kText, all), printed(kText, x));
}

TEST(WitJson, RefersByIndex) {
  auto loaded = read("package a:b;\ninterface i { resource r; f: func(x: r) -> option<u8>; }\n");
  ASSERT_TRUE(loaded);
  std::string json = to_json(loaded->resolve);
  EXPECT_NE(json.find("\"kind\": \"resource\""), std::string::npos);
  EXPECT_NE(json.find("\"handle\": {\n          \"own\": 0\n        }"), std::string::npos) << json;
  EXPECT_NE(json.find("\"option\": \"u8\""), std::string::npos);
}

struct Refused {
  std::string_view name;
  std::string_view text;
  std::string_view message;
};

class WitMessages : public testing::TestWithParam<Refused> {};

TEST_P(WitMessages, SayWhatAndWhere) {
  auto loaded = read(GetParam().text);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().render(), "a.wit: " + std::string(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, WitMessages,
    testing::ValuesIn(std::initializer_list<Refused>{
        {"NoPackage", "interface i {}",
         "WIT syntax: no file says which package it is\n"
         "help: begin one file with `package namespace:name;`"},
        {"Keyword", "package a:b;\ninterface type {}",
         "WIT syntax: expected a name, found keyword `type` (line 2, column 11)\n"
         "help: a name that is a keyword is written `%type`"},
        {"MixedCase", "package a:b;\ninterface aB {}",
         "WIT syntax: `aB` is no name: names are words of letters and digits, each in one case, "
         "joined by single hyphens (line 2, column 11)"},
        {"DoubleHyphen", "package a:b--c;",
         "WIT syntax: `b--c` is no name: names are words of letters and digits, each in one case, "
         "joined by single hyphens (line 1, column 11)"},
        {"Bidi", "package a:b;\n// \u202e",
         "WIT syntax: character U+202E is not allowed in WIT (line 2, column 4)"},
        {"Control", std::string_view("package a:b;\x01", 13),
         "WIT syntax: character U+0001 is not allowed in WIT (line 1, column 13)"},
        {"NotUtf8", "package a:b;\xff", "WIT syntax: the file is not UTF-8 (line 1, column 13)"},
        {"StrayCharacter", "package a:b; #",
         "WIT syntax: character `#` (U+0023) has no meaning here (line 1, column 14)"},
        {"OpenComment", "package a:b; /* /* */",
         "WIT syntax: a block comment is not closed (line 1, column 14)"},
        {"OpenString", "package a:b;\nworld w { @external-id(\"x",
         "WIT syntax: a string is not closed (line 2, column 24)"},
        {"BadEscape", "package a:b;\nworld w { @external-id(\"\\q\") import f: func(); }",
         "WIT syntax: a backslash in a string begins no known escape (line 2, column 24)"},
        {"BadVersion", "package a:b@1.0;",
         "WIT syntax: a version is expected, such as 1.2.3 or 1.2.3-rc.1 (line 1, column 13)"},
        {"NestedNamespace", "package a:b:c;",
         "WIT syntax: nested namespaces and packages are not supported: write `namespace:name` "
         "(line 1, column 12)"},
        {"UnknownAttribute", "package a:b;\n@new(x = 1) interface i {}",
         "WIT syntax: unknown attribute `@new`: there are @since, @unstable, @deprecated and "
         "@external-id (line 2, column 1)"},
        {"DeprecatedAlone", "package a:b@1.0.0;\n@deprecated(version = 1.0.0) interface i {}",
         "WIT syntax: `@deprecated` needs `@since` or `@unstable` beside it (line 2, column 1)"},
        {"TwoGates",
         "package a:b@1.0.0;\n@since(version = 1.0.0) @unstable(feature = x) interface i {}",
         "WIT syntax: an item has one `@since` or one `@unstable` (line 2, column 25)"},
        {"SinceWithoutVersion", "package a:b;\n@since(version = 1.0.0) interface i {}",
         "invalid WIT: `@since` needs a version of package `a:b` (line 2, column 35)"},
        {"FixedLength", "package a:b;\ninterface i { type t = list<u8, 0>; }",
         "WIT syntax: the length of a list is at least 1 and fits 32 bits (line 2, column 33)"},
        {"MapKey", "package a:b;\ninterface i { record r {} type t = map<r, u8>; }",
         "invalid WIT: the key of a map is bool, char, string or an integer type "
         "(line 2, column 40)"},
        {"ImportPackage", "package a:b;\nworld w { import x:y; }",
         "WIT syntax: `x:y` names a package, not an interface (line 2, column 18)"},
        {"Suggestion", "package a:b;\ninterface i { type size = u8; type t = siz; }",
         "invalid WIT: there is no type `siz`; did you mean `size`? (line 2, column 40)"},
        {"OldFloat", "package a:b;\ninterface i { type t = float32; }",
         "invalid WIT: there is no type `float32`; did you mean `f32`? (line 2, column 24)"},
        {"FunctionAsType", "package a:b;\ninterface i { f: func(); g: func(x: f); }",
         "invalid WIT: `f` is a function, not a type (line 2, column 37)"},
        {"Cycle", "package a:b;\ninterface i { type a = option<b>; type b = list<a>; }",
         "invalid WIT: type `a` contains itself (line 2, column 20)"},
        {"Case", "package a:b;\ninterface i { f: func(); F: func(); }",
         "invalid WIT: `F` is defined twice (line 2, column 26)"},
        {"Field", "package a:b;\ninterface i { record r { x: u8, X: u8 } }",
         "invalid WIT: `X` stands twice in `r` (line 2, column 33)"},
        {"BorrowResult", "package a:b;\ninterface i { resource r; f: func() -> list<borrow<r>>; }",
         "invalid WIT: function `f` returns a `borrow`, which ends with the call "
         "(line 2, column 27)\nhelp: return an owned handle"},
        {"Package", "package a:b;\nworld w { import c:d/e; }",
         "invalid WIT: package `c:d` is not there; known are none (line 2, column 18)\n"
         "help: name a folder that has it with --deps"},
        {"IncludeClash",
         "package a:b;\nworld v { import f: func(); }\n"
         "world w { import f: func(); include v; }",
         "invalid WIT: import `f` of world `v` is there already; give it another name: "
         "`with { f as … }` (line 3, column 37)"},
        {"IncludeRename", "package a:b;\nworld v {}\nworld w { include v with { x as y } }",
         "invalid WIT: world `v` has no import or export of the plain name `x` to rename; "
         "interfaces keep theirs (line 3, column 19)"},
        {"Gate", "package a:b;\ninterface i { @unstable(feature = x) type t = u8; f: func(a: t); }",
         "invalid WIT: this refers to type `t`, which is behind the feature `x` "
         "(line 2, column 51)\n"
         "help: switch the feature on with --features, or gate this item likewise"},
    }),
    [](const auto& info) { return std::string(info.param.name); });

TEST(WitLimits, DeepTypesAreRefused) {
  std::string deep = "package a:b;\ninterface i { type t = ";
  for (int i = 0; i < 100'000; ++i) deep += "list<";
  auto loaded = read(deep);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(), "WIT syntax: types are nested more than 100 deep");
}

TEST(WitLimits, DeepNamedTypesAreRefused) {
  std::string deep = "package a:b;\nworld w {\n  type t0 = u8;\n";
  for (int i = 1; i < 100'000; ++i)
    deep += "  type t" + std::to_string(i) + " = t" + std::to_string(i - 1) + ";\n";
  auto loaded = read(deep + "}\nworld v { include w; }\n");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(), "invalid WIT: types are nested more than 500 deep");
}

TEST(WitLimits, ManyPackagesAreRefused) {
  std::string many = "package a:b;\n";
  for (int i = 0; i < 20'000; ++i) many += "package a:p" + std::to_string(i) + " {}\n";
  auto loaded = read(many);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(), "implementation limit exceeded: more than 10000 packages");
}

TEST(WitLimits, LongChainsAreRefused) {
  std::string chain = "package a:b;\ninterface i0 { type t = u8; }\n";
  for (int i = 1; i < 2000; ++i)
    chain += "interface i" + std::to_string(i) + " { use i" + std::to_string(i - 1) + ".{t}; }\n";
  auto loaded = read(chain);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(), "invalid WIT: types are nested more than 500 deep");
  std::string packages = "package a:b;\n";
  for (int i = 0; i < 2000; ++i)
    packages += "package a:p" + std::to_string(i) + " { world w { import a:p" +
                std::to_string(i + 1) + "/i; } interface i {} }\n";
  loaded = read(packages + "package a:p2000 { interface i {} }\n");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(),
            "invalid WIT: more than 500 packages use one another in a chain");
}

TEST(WitLoad, FoldersHaveDependencies) {
  namespace fs = std::filesystem;
  fs::path root = fs::temp_directory_path() / ("sedge-wit-" + std::to_string(::getpid()));
  fs::create_directories(root / "deps" / "one");
  auto write = [&](const char* name, const char* text) { std::ofstream(root / name) << text; };
  write("b.wit", "package a:b;\nworld w { import i; import c:d/e@1.0.0; import f:g/h; }\n");
  write("a.wit", "interface i {}\n");
  write("deps/one/x.wit", "package c:d@1.0.0;\ninterface e {}\n");
  write("deps/two.wit", "package f:g;\ninterface h {}\n");
  write("deps/readme.txt", "not WIT");
  auto loaded = load(root.string(), {});
  ASSERT_TRUE(loaded) << loaded.error().render();
  EXPECT_EQ(print_package(loaded->resolve, loaded->root),
            "package a:b;\n\ninterface i {\n}\n\n"
            "world w {\n  import i;\n  import c:d/e@1.0.0;\n  import f:g/h;\n}\n");
  write("c.wit", "package other:name;\n");
  loaded = load(root.string(), {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().render(),
            (root / "c.wit").string() +
                ": WIT syntax: the files of a folder are one package, but this one is "
                "`other:name` and another `a:b` (line 1, column 9)\n"
                "help: name one file of them; --deps names a folder with the rest");
  fs::remove_all(root);
  loaded = load(root.string(), {});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), ErrorCode::file_not_found);
}

TEST(WitDocs, CommentsAreDocumentation) {
  EXPECT_EQ(documentation({}), "");
  EXPECT_EQ(documentation({"/// one", "///", "///   two"}), "one\n\n  two");
  EXPECT_EQ(documentation({"/** a\n    b */"}), "a\n    b");
  EXPECT_EQ(documentation({"// plain"}), "plain");
}

TEST(WitVersion, OrderIsThatOfSemver) {
  constexpr std::string_view kAscending[] = {
      "0.2.0-alpha",  "0.2.0-alpha.1", "0.2.0-alpha.beta",
      "0.2.0-beta.2", "0.2.0-beta.11", "0.2.0-rc.1",
      "0.2.0",        "0.2.1",         "0.10.0",
      "1.0.0",
  };
  for (size_t i = 1; i < std::size(kAscending); ++i)
    EXPECT_LT(*parse_version(kAscending[i - 1]), *parse_version(kAscending[i])) << kAscending[i];
  for (std::string_view bad : {"", "1", "1.2", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "1.2.3.4",
                               "99999999999999999999.0.0"})
    EXPECT_FALSE(parse_version(bad)) << bad;
  EXPECT_EQ(version_prefix("1.0.0-rc.1.{x}"), 10u);
  EXPECT_EQ(version_prefix("1.0.0.{x}"), 5u);
}

TEST(WitVersion, TracksSayWhatFits) {
  EXPECT_EQ(parse_version("1.2.3")->compatible_track(), "1");
  EXPECT_EQ(parse_version("0.2.3")->compatible_track(), "0.2");
  EXPECT_EQ(parse_version("0.0.3")->compatible_track(), "0.0.3");
  EXPECT_EQ(parse_version("0.3.0-rc.1")->compatible_track(), "0.3.0-rc.1");
}

}  // namespace
}  // namespace sedge::wit
