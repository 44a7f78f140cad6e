// Compositions of small components: what they import and export afterwards, and what is refused.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "component/decode.h"
#include "component/encode.h"
#include "component/text/text.h"
#include "componentize/wit_decode.h"
#include "compose/connect.h"
#include "compose/targets.h"
#include "compose/wac.h"
#include "wit/load.h"
#include "wit/print.h"

namespace sedge::compose {
namespace {

component::Component parse(std::string_view text) {
  auto binary = component::assemble(text);
  EXPECT_TRUE(binary.has_value()) << (binary ? "" : binary.error().render());
  auto owner = std::make_shared<const std::vector<uint8_t>>(*std::move(binary));
  auto component = component::decode(Bytes(*owner), owner);
  EXPECT_TRUE(component.has_value());
  return *std::move(component);
}

Part part(std::string_view text, std::string label, std::string name = {}) {
  return {std::move(name), std::move(label), parse(text)};
}

/// "import a, import b, export c".
std::string outline(const component::Component& component) {
  std::string out;
  auto add = [&](std::string_view word, std::string_view name) {
    out += (out.empty() ? "" : ", ") + std::string(word) + " " + std::string(name);
  };
  for (const component::Definition& item : component.definitions) {
    if (const auto* import = std::get_if<component::Import>(&item.node))
      add("import", import->name.name);
    if (const auto* exported = std::get_if<component::Export>(&item.node))
      add("export", exported->name.name);
  }
  return out;
}

std::string wit_of(const component::Component& component) {
  auto decoded = componentize::decode_wit(Bytes(component::encode(component)));
  EXPECT_TRUE(decoded.has_value()) << (decoded ? "" : decoded.error().render());
  return decoded ? wit::print_all(decoded->resolve, decoded->root) : "";
}

template <typename T>
std::string message(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? "" : result.error().render();
}

/// A component that exports `t:calc/ops` with `add` over a type.
std::string calculator(std::string_view type, std::string_view core,
                       std::string_view version = "") {
  std::string t(type), c(core);
  return "(component (core module $m (func (export \"add\") (param " + c + " " + c + ") (result " +
         c + ") local.get 0)) (core instance $i (instantiate $m)) (func $add (param \"a\" " + t +
         ") (param \"b\" " + t + ") (result " + t +
         ") (canon lift (core func $i \"add\"))) (instance $ops (export \"add\" (func $add))) "
         "(export \"t:calc/ops" +
         std::string(version) + "\" (instance $ops)))";
}

/// One that imports it and exports `run`, which calls it.
std::string user(std::string_view type, std::string_view core, std::string_view version = "") {
  std::string t(type), c(core);
  return "(component (import \"t:calc/ops" + std::string(version) +
         "\" (instance $ops (export \"add\" (func (param \"a\" " + t + ") (param \"b\" " + t +
         ") (result " + t +
         "))))) (core func $add (canon lower (func $ops \"add\"))) (core module $m (import \"\" "
         "\"add\" (func $f (param " +
         c + " " + c + ") (result " + c + "))) (func (export \"run\") (result " + c + ") " + c +
         ".const 1 " + c +
         ".const 2 call $f)) (core instance $i (instantiate $m (with \"\" (instance (export "
         "\"add\" (func $add)))))) (func $run (result " +
         t + ") (canon lift (core func $i \"run\"))) (export \"run\" (func $run)))";
}

TEST(Connect, SatisfiesAnImportByAnExport) {
  auto made = connect(part(user("f64", "f64"), "user.wasm"), {}, {});
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(outline(*made), "import t:calc/ops, export run");

  std::vector<Part> parts;
  parts.push_back(part(calculator("f64", "f64"), "calc.wasm", "calculator"));
  made = connect(part(user("f64", "f64"), "user.wasm"), std::move(parts), {});
  ASSERT_TRUE(made.has_value()) << made.error().render();
  EXPECT_EQ(outline(*made), "export run");
}

TEST(Connect, TakesACompatibleVersion) {
  std::vector<Part> parts;
  parts.push_back(part(calculator("f64", "f64", "@0.2.3"), "calc.wasm"));
  auto made = connect(part(user("f64", "f64", "@0.2.0"), "user.wasm"), std::move(parts), {});
  ASSERT_TRUE(made.has_value()) << made.error().render();
  EXPECT_EQ(outline(*made), "export run");

  parts.clear();
  parts.push_back(part(calculator("f64", "f64", "@0.3.0"), "calc.wasm"));
  made = connect(part(user("f64", "f64", "@0.2.0"), "user.wasm"), std::move(parts), {});
  EXPECT_EQ(message(made),
            "cannot make a component: `calc.wasm` exports nothing that `user.wasm` imports\n"
            "help: it exports `t:calc/ops@0.3.0`; `user.wasm` imports `t:calc/ops@0.2.0`");
}

TEST(Connect, NamesBothTypesOfAMismatch) {
  std::vector<Part> parts;
  parts.push_back(part(calculator("s32", "i32"), "calc.wasm"));
  auto made = connect(part(user("f64", "f64"), "user.wasm"), std::move(parts), {});
  std::string text = message(made);
  for (std::string_view piece :
       {"for import `t:calc/ops`", "in instance export `add`", "in function parameter `a`",
        "expected primitive `f64` found primitive `s32`",
        "`user.wasm` imports `t:calc/ops`, and is given `t:calc/ops` of an instance of "
        "`calc.wasm`"})
    EXPECT_NE(text.find(piece), std::string::npos) << text;
}

TEST(Connect, RefusesTwoForOne) {
  std::vector<Part> parts;
  parts.push_back(part(calculator("f64", "f64"), "a.wasm"));
  parts.push_back(part(calculator("f64", "f64"), "b.wasm"));
  auto made = connect(part(user("f64", "f64"), "user.wasm"), std::move(parts), {});
  EXPECT_EQ(message(made),
            "cannot make a component: both `a.wasm` and `b.wasm` export `t:calc/ops`, which "
            "`user.wasm` imports\n"
            "help: leave one of them out, or say in a .wac file which is meant");
}

TEST(Connect, RefusesACircle) {
  std::string_view a =
      R"((component (import "t:p/b" (instance)) (instance $i) (export "t:p/a" (instance $i))))";
  std::string_view b =
      R"((component (import "t:p/a" (instance)) (instance $i) (export "t:p/b" (instance $i))))";
  std::string_view root = R"((component (import "t:p/a" (instance))))";
  std::vector<Part> parts;
  parts.push_back(part(a, "a.wasm"));
  parts.push_back(part(b, "b.wasm"));
  auto made = connect(part(root, "root.wasm"), std::move(parts), {});
  EXPECT_EQ(message(made),
            "cannot make a component: `a.wasm` needs itself: its imports lead back "
            "to its exports");
}

TEST(Connect, ClosedLeavesNoImports) {
  auto made = connect(part(user("f64", "f64"), "user.wasm"), {}, {.chain = true, .closed = true});
  EXPECT_NE(message(made).find("nothing is given for the import `t:calc/ops` of `user.wasm`"),
            std::string::npos);
}

/// Imports a resource and uses it of another interface, as WASI's interfaces do.
std::string stream_user(std::string_view version, std::string_view function) {
  std::string v(version);
  return "(component (import \"t:io/error@" + v +
         "\" (instance $error (export \"error\" (type (sub resource))))) (alias export $error "
         "\"error\" (type $e)) (import \"t:io/streams@" +
         v +
         "\" (instance (alias outer 1 $e (type $ee)) (export \"error\" (type $x (eq $ee))) (type "
         "$rec (record (field \"n\" u32))) (export \"pair\" (type $pair (eq $rec))) (type $own "
         "(own $x)) (export \"" +
         std::string(function) +
         "\" (func (param \"e\" $own) (param \"p\" $pair))))) (instance $i) (export \"t:p/" +
         std::string(function) + "\" (instance $i)))";
}

TEST(Connect, SharesImportsOfCompatibleVersions) {
  std::string root = stream_user("0.2.0", "read");
  root.insert(root.find("(instance $i) (export"), "(import \"t:p/write\" (instance)) ");
  std::vector<Part> parts;
  parts.push_back(part(stream_user("0.2.3", "write"), "b.wasm"));
  auto made = connect(part(root, "a.wasm"), std::move(parts), {});
  ASSERT_TRUE(made.has_value()) << made.error().render();
  EXPECT_EQ(outline(*made), "import t:io/error@0.2.3, import t:io/streams@0.2.3, export t:p/read");
  EXPECT_EQ(wit_of(*made),
            "package root:component;\n\n"
            "world root {\n"
            "  import t:io/error@0.2.3;\n"
            "  import t:io/streams@0.2.3;\n\n"
            "  export t:p/read;\n"
            "}\n"
            "package t:io@0.2.3 {\n"
            "  interface error {\n"
            "    resource error;\n"
            "  }\n"
            "  interface streams {\n"
            "    use error.{error};\n\n"
            "    record pair {\n"
            "      n: u32,\n"
            "    }\n\n"
            "    write: func(e: error, p: pair);\n\n"
            "    read: func(e: error, p: pair);\n"
            "  }\n"
            "}\n"
            "package t:p {\n"
            "  interface read {\n"
            "  }\n"
            "}\n");
}

Result<component::Component> compose_text(std::string text,
                                          std::vector<std::pair<std::string, std::string>> known) {
  WacInput input;
  input.path = "a.wac";
  input.text = std::move(text);
  input.find = [&](const std::string& name) -> Result<component::Component> {
    for (const auto& [known_name, content] : known)
      if (known_name == name) return parse(content);
    return fail(ErrorCode::file_not_found, ": package `" + name + "`");
  };
  return compose_wac(input);
}

const std::vector<std::pair<std::string, std::string>>& packages() {
  static const std::vector<std::pair<std::string, std::string>> known = {
      {"t:calc", calculator("f64", "f64")},
      {"t:user", user("f64", "f64")},
      {"t:bad", calculator("s32", "i32")},
  };
  return known;
}

TEST(Wac, ComposesByEveryFormOfArgument) {
  for (std::string_view argument :
       {"ops", "ops: c.ops", "\"t:calc/ops\": c[\"t:calc/ops\"]", "...c", "ops: (c).ops, ..."}) {
    auto made = compose_text(
        "package t:app;\n// a comment\nlet c = new t:calc {};\n"
        "let ops = c.ops;\nlet u = new t:user { " +
            std::string(argument) + " };\nexport u.run;\n",
        packages());
    ASSERT_TRUE(made.has_value()) << argument << made.error().render();
    EXPECT_EQ(outline(*made), "export run") << argument;
  }
}

TEST(Wac, ImportsAndExports) {
  auto made = compose_text(
      "package t:app@1.0.0;\n"
      "interface extra { record r { n: u32 } f: func(r: r) -> string; }\n"
      "import extra;\n",
      {});
  EXPECT_NE(message(made).find("expected `:`"), std::string::npos);

  made = compose_text(
      "package t:app@1.0.0;\n"
      "interface extra { record r { n: u32 } f: func(r: r) -> string; }\n"
      "import e: extra;\n"
      "import f as \"my-f\": func(n: u32) -> list<string>;\n"
      "import i: interface { g: func(); };\n"
      "let u = new t:user { ... };\n"
      "export u...;\nexport e.f;\nexport f as again;\n",
      packages());
  ASSERT_TRUE(made.has_value()) << made.error().render();
  EXPECT_EQ(
      outline(*made),
      "import e, import my-f, import i, import t:calc/ops, export extra, export run, export f, "
      "export again");
}

TEST(Wac, DeclaresAndExportsTypes) {
  auto made = compose_text(
      "package t:app;\n"
      "type a = u8;\ntype b = a;\nrecord r { x: list<b>, y: option<b> }\n"
      "variant v { one, two(r), three(tuple<r, a>) }\nflags %flags { p, q }\nenum e { p, q }\n"
      "type f = func(x: r) -> v;\ntype g = f;\ntype plain = func(x: a, y: list<string>);\n"
      "interface i { use j.{t}; record n { x: t } type h = func(x: n); go: h; stop: h; }\n"
      "interface j { type t = u32; resource res { constructor(); } }\n"
      "world w {\n  import i;\n  export inner: interface { type h = func(); go: h; };\n"
      "  include base;\n  type local = func(x: string);\n  import o: local;\n}\n"
      "world base { import n: none; }\ntype none = func();\n"
      "import p: plain;\nimport q: func(x: b);\n"
      "export r as \"renamed\";\nexport p;\n",
      {});
  EXPECT_NE(message(made).find("there is no interface or world `none`"), std::string::npos);

  made = compose_text(
      "package t:app;\n"
      "type a = u8;\ntype b = a;\nrecord r { x: list<b>, y: option<b> }\n"
      "variant v { one, two(r), three(tuple<r, a>) }\nflags %flags { p, q }\nenum e { p, q }\n"
      "type f = func(x: r) -> v;\ntype g = f;\ntype plain = func(x: a, y: list<string>);\n"
      "type none = func();\n"
      "interface i { use j.{t}; record n { x: t } type h = func(x: n); go: h; stop: h; }\n"
      "interface j { type t = u32; resource res { constructor(); } }\n"
      "world w {\n  import i;\n  export inner: interface { type h = func(); go: h; };\n"
      "  include base;\n  type local = func(x: string);\n  import o: local;\n}\n"
      "world base { import n: none; }\n"
      "import p: plain;\nimport q: func(x: b);\n"
      "export r as \"renamed\";\nexport p;\nexport q;\n",
      {});
  ASSERT_TRUE(made.has_value()) << made.error().render();
  EXPECT_EQ(outline(*made),
            "import p, import q, export a, export b, export renamed, export v, export flags, "
            "export e, export f, export g, export plain, export none, export i, export j, export "
            "w, export base, export p, export q");

  // Interfaces and worlds are what a package of WIT has.
  made = compose_text(
      "package t:app@1.0.0;\ninterface i { type h = func(x: u8); go: h; }\n"
      "world w { import o: fun; export inner: interface { type h = func(); stop: h; }; }\n"
      "type fun = func();\n",
      {});
  EXPECT_NE(message(made).find("there is no interface or world `fun`"), std::string::npos);
  made = compose_text(
      "package t:app@1.0.0;\ninterface i { type h = func(x: u8); go: h; }\n"
      "world w { type fun = func(); import o: fun; import i; export inner: interface { type h = "
      "func(); stop: h; }; }\n",
      {});
  ASSERT_TRUE(made.has_value()) << made.error().render();
  EXPECT_EQ(wit_of(*made),
            "package t:app@1.0.0;\n\n"
            "interface i {\n"
            "  go: func(x: u8);\n"
            "}\n\n"
            "world w {\n"
            "  import i;\n"
            "  import o: func();\n\n"
            "  export inner: interface {\n"
            "    stop: func();\n"
            "  }\n"
            "}\n");
}

TEST(Wac, RefusesNamesThatClash) {
  struct Case {
    std::string_view text, expected, remedy;
  };
  for (const auto& [text, expected, remedy] : {
           Case{"import f: func();\ninterface i {}\nexport f as i;",
                "a.wac:4:8: cannot make a component: `i` is a type, which is exported",
                "choose another name"},
           Case{"import f: func();\nworld w {}\nexport f as \"w\";", "`w` is a type", "another"},
           Case{"import f as x: func();\ntype x = u8;\nexport f;", "`x` is a type", "another"},
           Case{"import f: func();\nexport f as r;\nrecord r { x: u8 }",
                "a.wac:4:8: cannot make a component: `r` is declared, and so exported",
                "rename one"},
           Case{"type x = u8;\ntype x = u16;", "`x` is defined already (line 3, column 6)",
                "choose another"},
           Case{"type x = u8;\nimport X: func();", "`X` is defined already", "choose another"},
           Case{"import o as \"t:calc/ops\": interface { add: func(a: f64, b: f64) -> f64; };\n"
                "let u = new t:user { ... };",
                "a.wac:3:13: cannot make a component: `...` would import `t:calc/ops` for `t:user`",
                "give the import as an argument"},
           Case{"let u = new t:user { ... };\nimport o as \"t:calc/ops\": func();",
                "`t:calc/ops` is imported twice (`t:user` with `...` imports it)", ""},
           Case{"interface i { resource r { x: func(); x: static func(); } }",
                "resource `r` has two functions called `x` (line 2, column 39)", "rename one"},
           Case{"world w { resource r { x: func(); x: static func(); } }",
                "resource `r` has two functions called `x`", "rename one"},
           Case{"interface i { type h = func(); record h { x: u8 } }", "`h` is defined twice", ""},
       }) {
    std::string got = message(compose_text("package t:a;\n" + std::string(text), packages()));
    EXPECT_NE(got.find(expected), std::string::npos) << text << "\n" << got;
    EXPECT_NE(got.find(remedy), std::string::npos) << text << "\n" << got;
  }
}

TEST(Wac, RefusesTypesOutOfPlace) {
  struct Case {
    std::string_view text, expected;
  };
  for (const auto& [text, expected] : {
           Case{"type x = x;", "there is no type `x` before this (line 2, column 10)"},
           Case{"type l = list<r>;\nrecord r { x: u8 }", "there is no type `r` before this"},
           Case{"interface i {}\ntype x = func(y: i);", "there is no type `i` before this"},
           Case{"record r { x: u8 }\nimport f: func(x: list<r>);",
                "the import `f` uses `r`, a type that the document declares"},
           Case{"record r { x: u8 }\ntype s = r;\ntype t = list<s>;\ntype f = func(x: t);\n"
                "import g: f;",
                "the import `g` uses `t`"},
           Case{"type x = u8;\ntype f = func(y: x);\nworld w { import f: f; }",
                "function type `f` uses types of the document, which a world does not see"},
           Case{"interface i { type x = u8; f: x; }", "has no function type `x` before this"},
           Case{"type x = u8;\nworld w { import y: x; }", "there is no interface or world `x`"},
           Case{"type f = func();\nworld w { include f; }", "there is no interface or world `f`"},
           Case{"type f = func();\ntype g = list<f>;", "there is no type `f` before this"},
           Case{"resource r;", "`resource` outside of an interface"},
           Case{"type x = u8;\nexport x.y;", "type `x` is no instance"},
           Case{"type x = borrow<u8>;", "expected the name of a resource"},
       }) {
    std::string got = message(compose_text("package t:a;\n" + std::string(text), packages()));
    EXPECT_NE(got.find(expected), std::string::npos) << text << "\n" << got;
  }
  std::string many = "package t:a;\ninterface i { type h = func(";
  for (int i = 0; i < 1000; ++i) many += "a" + std::to_string(i) + ": u8, ";
  many += ");";
  for (int i = 0; i < 200; ++i) many += " go" + std::to_string(i) + ": h;";
  EXPECT_NE(message(compose_text(many + " }", {})).find("more than 100000 parts together"),
            std::string::npos);
}

TEST(Wac, FindsPackagesOfWit) {
  WacInput input;
  input.path = "a.wac";
  input.find = [](const std::string& name) -> Result<component::Component> {
    return fail(ErrorCode::file_not_found, ": " + name);
  };
  std::vector<std::string> asked;
  input.find_wit = [&](wit::Resolve& resolve, const wit::PackageName& name) -> Result<void> {
    asked.push_back(name.to_string());
    if (name.name != "io") return fail(ErrorCode::file_not_found, ": package");
    auto loaded = wit::load_text("io.wit",
                                 "package t:io@0.2.0;\ninterface error { resource e; }\n"
                                 "interface streams { use error.{e}; f: func(e: e); }\n"
                                 "world base { import streams; }\n",
                                 {});
    EXPECT_TRUE(loaded.has_value());
    resolve = std::move(loaded->resolve);
    return {};
  };
  input.text =
      "package t:app targets t:io/base;\nimport other: t:io/error@0.2.0;\n"
      "import s: t:io/streams;\ninterface i { use t:io/error.{e}; }\nworld w { include t:io/base; "
      "import t:io/error; }\n";
  auto made = compose_wac(input);
  EXPECT_EQ(asked, std::vector<std::string>{"t:io"});
  EXPECT_NE(message(made).find("import `t:io/streams`: the world has no such import"),
            std::string::npos);
  input.text.replace(input.text.find(" targets t:io/base"), 18, "");
  made = compose_wac(input);
  ASSERT_TRUE(made.has_value()) << made.error().render();
  EXPECT_EQ(outline(*made), "import t:io/error@0.2.0, import t:io/streams, export i, export w");
  input.text = "package t:app;\ninterface i { use t:none/error.{e}; }\n";
  EXPECT_NE(message(compose_wac(input)).find("a.wac:2:19: file not found: package"),
            std::string::npos);
}

TEST(Wac, SaysWhereItErrs) {
  struct Case {
    std::string text, expected;
  };
  for (const auto& [text, expected] : {
           Case{"let a = b;", "expected `package`, found name `let`"},
           Case{"package t:a;\nlet c = new t:calc {};\nlet c = c;", "a.wac:3:5"},
           Case{"package t:a;\nexport d;", "`d` is not defined"},
           Case{"package t:a;\nlet c = new t:calc { ... ;",
                "expected a name, found `;` (line 2, column 26)"},
           Case{"package t:a;\nlet u = new t:user {};",
                "nothing is given for the import `t:calc/ops` of `t:user`"},
           Case{"package t:a;\nlet c = new t:calc {};\nlet u = new t:user { oops: c.ops };",
                "`t:user` has no import `oops`"},
           Case{"package t:a;\nlet c = new t:calc {};\nexport c.opps;",
                "an instance of `t:calc` has no export `opps`"},
           Case{"package t:a;\nlet c = new t:calc {};\nexport c;",
                "an instance is exported without a name"},
           Case{"package t:a;\nlet c = new t:none {};", "package `t:none`"},
           Case{"package t:a;\nlet c = new t:bad {};\nexport new t:user { ...c }.run;",
                "expected primitive `f64` found primitive `s32`"},
           Case{
               "package t:a;\nlet c = " + std::string(200, '(') + "a" + std::string(200, ')') + ";",
               "expressions are nested more than 100 deep"},
           Case{"package t:a;\nuse x/y;", "`use` outside of an interface"},
           Case{"package t:a;\ninterface i { f: func(a: nope); }", "a.wac"},
           Case{"package t:a;\nimport f: func(a: b@/* \u00e9", "expected `)`, found `@`"},
           Case{"package t:a@/* \u00e9", "a block comment is not closed"},
       }) {
    std::string got = message(compose_text(text, packages()));
    EXPECT_NE(got.find(expected), std::string::npos) << text << "\n" << got;
  }
}

// Whatever stands in a file: an answer, or an error with a message.
TEST(Wac, AnyTextIsAnswered) {
  std::string whole =
      "package t:app@1.0.0 targets t:w/w;\ninterface i { record r { n: u32 } f: func(r: r); }\n"
      "type l = list<u8>;\nrecord r { a: l }\ntype d = func(a: l);\nimport k: d;\n"
      "world w { type m = func(); import m: m; export x: interface { g: func(); }; }\n"
      "import e: i;\nimport f as \"g\": func(a: list<u8>) -> string;\n"
      "let c = new t:calc { };\nlet u = new t:user { ops: (c).ops, ...c, ... };\n"
      "export u[\"run\"] as again;\nexport u...;\n";
  std::string_view pieces = "{}()[]<>:;,.\"=/@-*%_ \nnewletasexport...1\xff";
  uint32_t state = 1;
  auto random = [&](size_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  };
  size_t composed = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = whole;
    for (size_t edits = 1 + random(4); edits != 0; --edits) {
      size_t at = random(text.size()), length = random(8);
      size_t from = random(pieces.size());
      text.replace(at, length, pieces.substr(from, random(4)));
      if (text.empty()) text = " ";
    }
    auto made = compose_text(text, packages());
    if (made)
      ++composed;
    else
      EXPECT_FALSE(made.error().message().empty()) << text;
  }
  EXPECT_LT(composed, 3000u);
}

TEST(Targets, NamesAllThatIsMissingOrDiffers) {
  wit::Gates gates;
  auto loaded = wit::load_text("w.wit",
                               "package t:calc;\n"
                               "interface ops { add: func(a: f64, b: f64) -> f64; }\n"
                               "interface bad { add: func(a: s32, b: f64) -> f64; }\n"
                               "world good { import ops; export run: func() -> f64; }\n"
                               "world wrong { export ops; export run: func() -> f32; }\n",
                               gates);
  ASSERT_TRUE(loaded.has_value()) << loaded.error().render();
  const wit::Package& package = loaded->resolve.packages[loaded->root];
  component::Component component = parse(user("f64", "f64"));
  auto good = check_targets(component, "user.wasm", loaded->resolve, *package.worlds.find("good"));
  EXPECT_TRUE(good.has_value()) << good.error().render();
  auto wrong =
      check_targets(component, "user.wasm", loaded->resolve, *package.worlds.find("wrong"));
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message(),
            "type mismatch: user.wasm does not conform to world `t:calc/wrong`:\n"
            "  import `t:calc/ops`: the world has no such import\n"
            "  export `run`: type mismatch with result type: expected primitive `f32` found "
            "primitive `f64`\n"
            "  export `t:calc/ops`: the component does not have it");
}

}  // namespace
}  // namespace sedge::compose
