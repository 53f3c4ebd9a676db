//! Comment directives, and what their deletion leaves.

use super::*;

/// The instruction at a line, its lines, and the text without the directive.
fn at(language: Language, source: &str, line: u32) -> Option<(String, (u32, u32), String)> {
    let tree = SyntaxTree::parse(language, &Rope::from_str(source)).unwrap();
    let directive = tree.directive_at(source, line)?;
    let mut rest = source.to_owned();
    rest.replace_range(directive.range, "");
    Some((directive.instruction, directive.lines, rest))
}

fn check(language: Language, source: &str, line: u32, instruction: &str, lines: (u32, u32), rest: &str) {
    let expected = Some((instruction.to_owned(), lines, rest.to_owned()));
    assert_eq!(at(language, source, line), expected, "{language:?}: {source:?}");
}

#[test]
fn each_language_has_its_comments() {
    for (language, comment) in [
        (Language::Rust, "// openexec: do it"),
        (Language::Rust, "/* openexec: do it */"),
        (Language::Python, "# openexec: do it"),
        (Language::JavaScript, "// OpenExec: do it"),
        (Language::TypeScript, "/** openexec: do it */"),
        (Language::Tsx, "//openexec:do it"),
        (Language::Go, "// openexec: do it"),
        (Language::Java, "/*\n * openexec:\n * do it\n */"),
        (Language::C, "/* openexec: do it */"),
        (Language::Cpp, "// openexec:   do it  "),
        (Language::Kotlin, "/* openexec: do it */"),
        (Language::Ruby, "# openexec: do it"),
        (Language::Bash, "#openexec: do it"),
        (Language::Lua, "-- openexec: do it"),
        (Language::Lua, "--[[ openexec: do it ]]"),
        (Language::CSharp, "/// openexec: do it"),
        (Language::Swift, "/* openexec: do it */"),
        (Language::Scala, "// openexec: do it"),
        (Language::Sql, "-- openexec: do it"),
        (Language::Json, "// openexec: do it"),
        (Language::Yaml, "# openexec: do it"),
        (Language::Toml, "# openexec: do it"),
        (Language::Html, "<!-- openexec: do it -->"),
        (Language::Css, "/* openexec: do it */"),
    ] {
        if !language.is_built_in() {
            continue;
        }
        let source = format!("x\n{comment}\ny\n");
        let last = source.lines().count() as u32 - 1;
        check(language, &source, 2, "do it", (2, last), "x\ny\n");
    }
}

#[test]
fn some_comments_stand_where_their_languages_allow_them() {
    check(Language::Php, "<?php\n# openexec: do it\nf();\n", 2, "do it", (2, 2), "<?php\nf();\n");
    check(Language::Markdown, "# A\n\n<!-- openexec: do it -->\n\nb\n", 3, "do it", (3, 3), "# A\n\n\nb\n");
    check(Language::Ruby, "x\n=begin\nopenexec: do it\n=end\ny\n", 3, "do it", (2, 4), "x\ny\n");
}

#[test]
fn the_line_the_block_and_the_line_below_lead_to_it() {
    let source =
        "fn a() {}\n\n    // openexec: return\n    //   an error\n    //   instead\nfn b() {}\n\nfn c() {}\n";
    let rest = "fn a() {}\n\nfn b() {}\n\nfn c() {}\n";
    for line in 3..=6 {
        check(Language::Rust, source, line, "return an error instead", (3, 5), rest);
    }
    for line in [0, 1, 2, 7, 8, 99] {
        assert_eq!(at(Language::Rust, source, line), None, "line {line}");
    }
}

#[test]
fn a_block_ends_where_something_else_begins() {
    let source = "// openexec: one\n// openexec: two\n/// Documents b.\nfn b() {}\n";
    check(Language::Rust, source, 1, "one", (1, 1), "// openexec: two\n/// Documents b.\nfn b() {}\n");
    check(Language::Rust, source, 2, "two", (2, 2), "// openexec: one\n/// Documents b.\nfn b() {}\n");
    check(Language::Rust, source, 3, "two", (2, 2), "// openexec: one\n/// Documents b.\nfn b() {}\n");
    let source = "# openexec: one\n\n# a remark\nx = 1\n";
    check(Language::Python, source, 1, "one", (1, 1), "\n# a remark\nx = 1\n");
}

#[test]
fn only_indented_lines_continue_it() {
    let source = "// openexec: one\n// a remark\nfn b() {}\n";
    check(Language::Rust, source, 1, "one", (1, 1), "// a remark\nfn b() {}\n");
    let source = "# openexec: one\n#  nearly\nx = 1\n";
    check(Language::Python, source, 1, "one", (1, 1), "#  nearly\nx = 1\n");
    let source = "//openexec: one\n//  two\n//\tthree\n// four\nint x;\n";
    check(Language::C, source, 1, "one two three", (1, 3), "// four\nint x;\n");
}

#[test]
fn code_on_the_same_line_stays() {
    check(Language::Python, "x = 1  # openexec: two\n# other\n", 1, "two", (1, 1), "x = 1\n# other\n");
    check(Language::C, "/* openexec: go */ int x;\n", 1, "go", (1, 1), "int x;\n");
    check(Language::C, "int /* openexec: go */ x;\n", 1, "go", (1, 1), "int x;\n");
}

#[test]
fn line_breaks_go_with_it() {
    check(
        Language::Go,
        "package a\r\n// openexec: x\r\nvar b int\r\n",
        2,
        "x",
        (2, 2),
        "package a\r\nvar b int\r\n",
    );
    check(Language::Rust, "fn a() {}\n// openexec: x", 2, "x", (2, 2), "fn a() {}");
    check(Language::Rust, "// openexec: x", 1, "x", (1, 1), "");
}

#[test]
fn braces_of_jsx_go_with_it() {
    let source = "const a = (\n  <p>\n    {/* openexec: add a title */}\n    <b>{x /* openexec: no */}</b>\n  </p>\n);\n";
    check(
        Language::Tsx,
        source,
        3,
        "add a title",
        (3, 3),
        "const a = (\n  <p>\n    <b>{x /* openexec: no */}</b>\n  </p>\n);\n",
    );
    check(
        Language::JavaScript,
        source,
        4,
        "no",
        (4, 4),
        "const a = (\n  <p>\n    {/* openexec: add a title */}\n    <b>{x }</b>\n  </p>\n);\n",
    );
}

#[test]
fn only_comments_ask() {
    for source in [
        "let a = \"// openexec: x\";\n",
        "// see openexec: x\n",
        "// openexec:\nfn a() {}\n",
        "// openexec x\n",
    ] {
        assert_eq!(at(Language::Rust, source, 1), None, "{source:?}");
    }
}
