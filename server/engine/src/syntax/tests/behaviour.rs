//! What holds for every language: broken input, deep input, edits, names.

use super::*;
use crate::index::{summarise, summarise_tree};
use crate::limits::{SYMBOL_NAME_BYTES_MAX, SYMBOLS_MAX};
use crate::syntax::grammar::Grammar;
use crate::syntax::hazard::is_bearable;
use crate::text::{Document, Position, PositionEncoding};
use proptest::prelude::*;

/// A piece of each language, with what its grammar finds hard.
fn sample(language: Language) -> &'static str {
    match language {
        Language::Rust => {
            "/// doc 😀\nimpl<'a> A<'a> { fn f(&self) -> u8 { r#\"raw\"#; 1 } } /* a /* b */ */\n"
        }
        Language::Python => {
            "class A:\n    @x\n    def f(self):\n        return f\"{a:>{w}}\"\n\nif x:\n  pass\n"
        }
        Language::JavaScript => {
            "const f = (a) => `t ${a + `n`}`;\nclass A { g() { return /re/g } }\n<a b='c'>d</a>\n"
        }
        Language::TypeScript => "function f<T>(a: T): a is T;\nclass A { private g = <T>(x: T) => x }\n",
        Language::Tsx => "const f = (a: number) => <A b={a}>t &amp; <></></A>;\n// e\n",
        Language::Go => "package p\nfunc (a *A) F(x ...int) { for range x { _ = `raw` } }\n",
        Language::Java => "class A { @B int f() { return \"\"\"\n t\"\"\".length(); } }\n",
        Language::C => "#define A(x) \\\n  x\nint f(int a) { return A(a) ? 'b' : \"c\"[0]; }\n",
        Language::Cpp => "template<class T> struct A { auto f() { return R\"x(raw)x\"; } };\n",
        Language::Kotlin => "class A {\n  fun f(x: Int) = \"a ${x + 1} $x\"\n}\nval t = \"\"\"raw $t\"\"\"\n",
        Language::Ruby => {
            "class A\n  def f(x) = \"a #{x} b\"\nend\nputs <<~T, %w[a b]\n  text #{1}\nT\nx = /r/ if y\n"
        }
        Language::Php => "<?php\nfunction f() { return <<<T\n  a {$b} $c\n  T; }\n?>\n<p>text</p>\n",
        Language::Bash => "f() {\n  cat <<T\n  a $(b \"$c\") ${d}\nT\n}\n[[ $a =~ ^x ]] && e\n",
        Language::Lua => "function a:f(...) return [==[ raw ]] ]==], {b = 1} end -- c\n--[[ d ]]\n",
        Language::CSharp => "class A { string F(int x) { return $\"a {x} b\" + @\"c \"\" d\"; } }\n",
        Language::Swift => {
            "class A { func f(x: Int) -> String { return \"a \\(x) b\" } }\nlet t = \"\"\"\n  raw\n  \"\"\"\n"
        }
        Language::Scala => "class A {\n  def f(x: Int) = s\"a ${x} b\"\n}\nobject B:\n  val c = 1\n",
        Language::Sql => {
            "CREATE TABLE a (b INT, c TEXT DEFAULT 'd''e'); -- f\nSELECT b FROM a WHERE c = 1;\n"
        }
        Language::Json => "{\"a\": [1, {\"b\": null}], \"c\": \"d\\n\"}\n",
        Language::Yaml => "a:\n  - b: {c: d}\n    e: |\n      text\n      more\n---\n",
        Language::Toml => "[[a]]\nb = \"c\"\nd = [1, {e = 2}]\nf = \"\"\"\n  g\n\"\"\"\n",
        Language::Markdown => "# A\n\ntext\n\n- b\n  - c\n\n```x\nd\n```\n\n> e\n\n",
        Language::Html => "<div id=\"a\"><p>b</p><br><script>c < d</script><!-- e --></div>\n",
        Language::Css => "@media print { .a > b:hover { c: url(d) \"e\"; } }\n/* f */\n#g { h: 1px }\n",
    }
}

/// What the random edits insert: brackets and quotes that swallow the rest, and whole definitions.
const PIECES: [&str; 38] = [
    "",
    "",
    " ",
    "\n",
    "\r\n",
    "\r",
    "    ",
    "(",
    ")",
    "{",
    "}",
    "\"",
    "'",
    "`",
    "/*",
    "*/",
    "//",
    "#",
    "😀é",
    "x",
    "fn f() {}",
    "class B:\n    pass\n",
    "function f() {}\n",
    "<a>",
    ";",
    ",",
    "y",
    "1",
    "a b",
    "\n\n",
    "\t",
    "---\n",
    "- ",
    ":",
    "<<T\n",
    "\"\"\"",
    "end\n",
    "```\n",
];

/// What a walk finds that passes over nothing.
fn found_everywhere(tree: &SyntaxTree, source: &str) -> (Vec<Symbol>, Vec<Spot>) {
    let grammar = Box::leak(Box::new(Grammar { nodes_min: 0, ..*tree.entry.grammar }));
    let lines = LineIndex::new(source);
    walk::walk(grammar, &tree.loaded.kinds, tree.tree(), (source, &lines), Wanted::Both)
}

fn check_against_fresh(tree: &SyntaxTree, document: &Document) -> Result<(), TestCaseError> {
    let source = document.to_string();
    let in_one_piece = SyntaxTree::parse_text(tree.language(), &source);
    let Some(fresh) = SyntaxTree::parse(tree.language(), document.rope()) else {
        prop_assert!(!is_bearable(tree.language(), document.rope()), "a parser gave up");
        prop_assert!(in_one_piece.is_none() && !tree.is_exact());
        return Ok(());
    };
    let in_one_piece = in_one_piece.map(|tree| tree.tree().root_node().to_sexp());
    prop_assert_eq!(in_one_piece, Some(fresh.tree().root_node().to_sexp()));
    prop_assert!(tree.is_exact());
    prop_assert_eq!(summarise_tree(tree, &source), summarise(tree.language(), &source));
    prop_assert_eq!(
        tree.symbols_and_spots(&source, &LineIndex::new(&source)),
        found_everywhere(tree, &source)
    );
    let (followed_root, fresh_root) = (tree.tree().root_node(), fresh.tree().root_node());
    prop_assert_eq!(followed_root.end_position(), fresh_root.end_position());
    prop_assert_eq!(followed_root.end_byte(), fresh_root.end_byte());
    prop_assert_eq!(followed_root.to_sexp(), fresh_root.to_sexp());
    prop_assert_eq!(tree.symbols(&source), fresh.symbols(&source));
    for symbol in tree.symbols(&source) {
        prop_assert!(source.get(symbol.range.clone()).is_some());
        prop_assert!(symbol.range.start <= symbol.name_range.start);
        prop_assert!(symbol.name_range.end <= symbol.range.end);
    }
    Ok(())
}

fn language() -> impl Strategy<Value = Language> {
    prop::sample::select(Language::all().filter(|it| it.is_built_in()).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The byte edits of a document are those that tree-sitter needs: following them gives
    /// the tree that a fresh parse gives, and so does following them back.
    #[test]
    fn following_edits_is_parsing_again(
        language in language(),
        encoding in prop::sample::select(vec![
            PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32,
        ]),
        edits in prop::collection::vec(
            ((0..14_u32, 0..40_u32), (0..2_u32, 0..40_u32), prop::sample::select(PIECES.to_vec())), 1..6),
    ) {
        let mut document = Document::new(&sample(language).repeat(3));
        let mut tree = SyntaxTree::parse(language, document.rope()).unwrap();
        let mut backwards = Vec::new();
        for ((line, character), (lines, to_character), text) in edits {
            let range = (Position { line, character }, Position { line: line + lines, character: to_character });
            let before = document.to_string();
            let Ok(edit) = document.change(Some(range), text, encoding) else {
                continue;
            };
            tree.edit(&edit, document.rope());
            backwards.push((edit, before[edit.start..edit.old_end].to_owned()));
            check_against_fresh(&tree, &document)?;
        }
        while let Some((edit, text)) = backwards.pop() {
            let at = |byte| document.position_of(byte, PositionEncoding::Utf8);
            let range = (at(edit.start), at(edit.new_end));
            // A position cannot lie within a line break, so such an edit is taken back whole.
            let exact = document.byte_of(range.0, PositionEncoding::Utf8) == Ok(edit.start)
                && document.byte_of(range.1, PositionEncoding::Utf8) == Ok(edit.new_end);
            let back = if exact {
                document.change(Some(range), &text, PositionEncoding::Utf8)
            } else {
                let mut whole = document.to_string();
                whole.replace_range(edit.start..edit.new_end, &text);
                document.change(None, &whole, PositionEncoding::Utf8)
            };
            tree.edit(&back.unwrap(), document.rope());
            check_against_fresh(&tree, &document)?;
        }
        prop_assert_eq!(document.to_string(), sample(language).repeat(3));
    }

    #[test]
    fn no_text_breaks_anything(language in language(), text in "\\PC{0,200}", line in 0..20_u32, byte in 0..300_usize) {
        let rope = Rope::from_str(&text);
        let tree = SyntaxTree::parse(language, &rope);
        prop_assert_eq!(tree.is_some(), is_bearable(language, &rope));
        let Some(tree) = tree else { return Ok(()) };
        let symbols = tree.symbols(&text);
        tree.directive_at(&text, line);
        enclosing(&symbols, byte);
        tree.symbols("of another text");
        tree.directive_at("of another text", line);
    }
}

#[test]
fn the_smallest_things_are_not_passed_over() {
    let of = |language, source: &str| {
        let tree = SyntaxTree::parse_text(language, source).unwrap();
        let found = tree.symbols_and_spots(source, &LineIndex::new(source));
        assert_eq!(found, found_everywhere(&tree, source), "{source}");
        let names = found.1.iter().map(|spot| source[spot.range.clone()].to_owned());
        found.0.iter().map(|symbol| symbol.name.clone()).chain(names).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of(Language::Rust, "mod a;"), "a");
    assert_eq!(of(Language::Rust, "use a;"), "a");
    assert_eq!(of(Language::Rust, "mod x { struct A; }"), "x x::A");
    assert_eq!(
        of(Language::Rust, "trait A { type B; } fn c() { { d() } ; e!(f()) ; [g!()] }"),
        "A A::B c d e f g"
    );
    assert_eq!(of(Language::Java, "import a;"), "a");
    assert_eq!(of(Language::Java, "class B { { c(); new D(); } enum E {} int f() {} }"), "B B.E B.f c D");
}

#[test]
fn the_samples_are_without_errors() {
    for language in Language::all().filter(|language| language.is_built_in()) {
        let tree = SyntaxTree::parse(language, &Rope::from_str(&sample(language).repeat(3))).unwrap();
        assert!(!tree.tree().root_node().has_error(), "{language:?}: {}", tree.tree().root_node().to_sexp());
    }
}

#[test]
fn files_are_known_by_their_names() {
    let of = |path: &str| Language::of_path(&WorkspacePath::parse(path).unwrap());
    assert_eq!(of("src/a.rs"), Some(Language::Rust));
    assert_eq!(of("a.test.TSX"), Some(Language::Tsx));
    assert_eq!(of("a.jsx"), Some(Language::JavaScript));
    assert_eq!(of("include/a.h"), Some(Language::Cpp));
    assert_eq!(of("rs"), None);
    assert_eq!(of(".rs"), None);
    assert_eq!(of("Rakefile"), Some(Language::Ruby));
    assert_eq!(of("home/.bashrc"), Some(Language::Bash));
    assert_eq!(of("Cargo.lock"), Some(Language::Toml));
    assert_eq!(of("composer.lock"), Some(Language::Json));
    assert_eq!(of("README.md"), Some(Language::Markdown));
    assert_eq!(of("a.lock"), None);
    for language in Language::all() {
        let loads = SyntaxTree::parse(language, &Rope::from_str("")).is_some();
        assert_eq!(loads, language.is_built_in(), "{language:?}");
    }
}

#[test]
fn symbols_around_an_error_are_found() {
    let source = "fn before() {}\n\nfn broken(a: { let x = ; }\n\nimpl A { fn inside(&self) { ((( } }\n\nfn after() {}\n";
    let found = outline(Language::Rust, source);
    for name in ["before", "inside", "after"] {
        assert!(found.contains(name), "{name} in {found}");
    }
    let source = "class A:\n    def one(self):\n        x = (1,\n\n    def two(self):\n        pass\n\ndef three(): pass\n";
    let found = outline(Language::Python, source);
    for name in ["one", "two", "three"] {
        assert!(found.contains(name), "{name} in {found}");
    }
}

#[test]
fn depth_costs_no_stack() {
    for (language, open, inner) in [
        (Language::Rust, "mod a{", "fn f(){}"),
        (Language::JavaScript, "[", "1"),
        (Language::Python, "(", "1"),
        (Language::Cpp, "namespace a{", "int f(){}"),
        (Language::Java, "class A{", "int f(){}"),
    ] {
        let source = open.repeat(30_000) + inner;
        if let Some(tree) = SyntaxTree::parse(language, &Rope::from_str(&source)) {
            assert!(tree.symbols(&source).iter().all(|symbol| symbol.name.len() <= SYMBOL_NAME_BYTES_MAX));
            tree.directive_at(&source, 1);
        }
    }
}

#[test]
fn symbols_are_limited() {
    let source = "fn f(){}\n".repeat(SYMBOLS_MAX + 10);
    assert_eq!(symbols_of(Language::Rust, &source).len(), SYMBOLS_MAX);
    let huge = " ".repeat(FILE_BYTES_MAX + 1);
    assert!(SyntaxTree::parse(Language::Rust, &Rope::from_str(&huge)).is_none());
}

#[test]
fn lines_are_those_of_editors() {
    let source = "fn a() {}\r\n\r\n/// doc\r\n#[inline]\r\nfn b() {\r\n}\r\n";
    insta::assert_snapshot!(outline(Language::Rust, source), @r#"
    1-1 function a | fn a()
    3-6 function b | fn b()
    "#);
    let symbols = symbols_of(Language::Rust, source);
    assert_eq!(&source[symbols[1].range.clone()], "/// doc\r\n#[inline]\r\nfn b() {\r\n}");
    let source = "x = 1\rdef f():\r    pass\r";
    let symbols = symbols_of(Language::Python, source);
    assert_eq!(symbols[1].lines, (2, 3), "a lone carriage return ends a line");
}

#[test]
fn a_comment_belongs_to_what_it_adjoins() {
    let source = "// far\n\n// near\nfn a() {} // behind\nfn b() {}\n/* one */ fn c() {}\n";
    let symbols = symbols_of(Language::Rust, source);
    let texts: Vec<&str> = symbols.iter().map(|symbol| &source[symbol.range.clone()]).collect();
    assert_eq!(texts, ["// near\nfn a() {}", "fn b() {}", "/* one */ fn c() {}"]);
}

fn names(result: Result<&Symbol, SymbolError>) -> Result<&str, String> {
    result.map(|symbol| symbol.name.as_str()).map_err(|error| error.to_string())
}

#[test]
fn names_are_found_whole_or_by_their_last_parts() {
    let source = "struct Parser;\nimpl Parser { fn next(&self) {} fn peek(&self) {} }\nmod inner { fn next() {} fn only() {} }\nfn peek() {}\n";
    let symbols = symbols_of(Language::Rust, source);
    let look = |name| names(find(&symbols, name));
    assert_eq!(look("Parser::next"), Ok("Parser::next"));
    assert_eq!(look("Parser.next"), Ok("Parser::next"));
    assert_eq!(look("Parser::next()"), Ok("Parser::next"));
    assert_eq!(look("only"), Ok("inner::only"));
    assert_eq!(look("peek"), Ok("peek"), "the exact name goes before a suffix");
    assert_eq!(look("next"), Err("`next` is ambiguous: it stands in lines 2, 3".to_owned()));
    assert_eq!(
        look("Parser::nxt"),
        Err("there is no symbol `Parser::nxt`; similar ones: Parser::next, inner::next".to_owned())
    );
    assert_eq!(
        look("ext"),
        Err("there is no symbol `ext`; similar ones: Parser::next, inner::next".to_owned())
    );
    assert!(look("crate::only").is_err(), "more in front is no match, or an edit could hit another symbol");
    assert!(look("").is_err());
}

#[test]
fn tests_are_found_by_the_names_that_runners_print() {
    let rust = symbols_of(Language::Rust, "#[cfg(test)] mod tests { #[test] fn works() {} }");
    assert_eq!(names(find(&rust, "edit::plan::tests::works")), Ok("tests::works"));
    let python = symbols_of(Language::Python, "class TestA:\n    def test_b(self): pass\n");
    assert_eq!(names(find(&python, "tests/test_a.py::TestA::test_b[1-x]")), Ok("TestA.test_b"));
    let script = symbols_of(Language::JavaScript, "describe('a', () => { it('does b.c', () => {}) })");
    for printed in ["a > does b.c", "a › does b.c", "a does b.c", "does b.c"] {
        assert_eq!(names(find(&script, printed)), Ok("a > does b.c"));
    }
}

#[test]
fn one_thing_with_two_names_is_one() {
    let source = "typedef struct point { int x; } point;\n";
    let symbols = symbols_of(Language::C, source);
    assert_eq!(find(&symbols, "point").map(|symbol| symbol.kind), Ok(SymbolKind::Type));
}

#[test]
fn the_innermost_symbol_holds_the_byte() {
    let source = "class A:\n    def f(self):\n        def g(): pass\n        return 1\n";
    let symbols = symbols_of(Language::Python, source);
    let at = |text: &str| enclosing(&symbols, source.find(text).unwrap()).map(|symbol| symbol.name.as_str());
    assert_eq!(at("class"), Some("A"));
    assert_eq!(at("def f"), Some("A.f"));
    assert_eq!(at("pass"), Some("A.f.g"));
    assert_eq!(at("return"), Some("A.f"));
    assert_eq!(enclosing(&symbols, source.len() - 1).map(|symbol| symbol.name.as_str()), Some("A.f"));
    assert_eq!(enclosing(&symbols, source.len()), None);
}

#[test]
fn identifiers_are_words() {
    let found = identifiers("let größe_2 = a.to_string() + 123 + 0xff; // naïve-case x1 日本語");
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["case", "größe_2", "let", "naïve", "to_string", "日本語"]
    );
}

#[test]
fn where_there_is_no_time_the_old_structure_stays_with_its_places_moved() {
    let mut document = Document::new("fn one() {}\n");
    let tree = SyntaxTree::parse(Language::Rust, document.rope()).unwrap();
    let (top, many) = (Position { line: 0, character: 0 }, "fn zero() {}\n".repeat(4_000));
    let edit = document.change(Some((top, top)), &many, PositionEncoding::Utf8).unwrap();
    let text = document.to_string();
    let read = |may_go_on: bool| {
        let (mut tree, mut asked) = (tree.clone(), 0);
        tree.shift(&edit);
        tree.read_roughly(document.rope(), &mut || {
            asked += 1;
            may_go_on
        });
        assert!(!tree.is_exact());
        (tree.symbols(&text).into_iter().map(|symbol| symbol.name).collect::<Vec<_>>(), asked)
    };
    assert_eq!(read(false), (vec!["one".to_owned()], 1));
    let (names, asked) = read(true);
    assert!(names.len() == 4_001 && names.ends_with(&["one".to_owned()]) && asked > 1, "{asked}");
}
