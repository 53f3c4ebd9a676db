use super::*;

fn rules(path: &str, base: &str, text: &str) -> Vec<(&'static str, Verdict)> {
    let path = WorkspacePath::parse(path).unwrap();
    objections(Some(&path), base, text)
        .into_iter()
        .map(|objection| (objection.rule, objection.verdict))
        .collect()
}

#[test]
fn what_is_new_and_hidden_is_blocked() {
    for (text, rule) in [
        ("a\0", "content.nul"),
        ("a\u{1b}[0m", "content.escape"),
        ("a\rb", "content.control"),
        ("a\u{202e}", "content.bidi"),
        ("a\u{200b}", "content.invisible"),
        ("\u{feff}a", "content.invisible"),
    ] {
        assert_eq!(rules("src/a.rs", "x\n", text), [(rule, Verdict::Block)], "{text:?}");
    }
}

#[test]
fn what_stood_there_before_may_stay_or_go() {
    let base = "// note \u{202e} here\nfn a() {}\n";
    assert_eq!(rules("src/a.rs", base, "// note here\nfn a() {}\n"), []);
    assert_eq!(rules("src/a.rs", base, "// note \u{202e} here\nfn b() {}\n"), []);
    // Moved into another line, or once more, it is new.
    assert_eq!(
        rules("src/a.rs", base, "// note here\nfn a\u{202e}() {}\n"),
        [("content.bidi", Verdict::Block)]
    );
    let twice = format!("{base}// note \u{202e} here\n");
    assert_eq!(rules("src/a.rs", base, &twice), [("content.bidi", Verdict::Block)]);
}

#[test]
fn a_byte_order_mark_stays_with_its_file() {
    assert_eq!(rules("docs/a.csv", "\u{feff}a,b\n1,2\n", "\u{feff}a,c\n1,3\n"), []);
    assert_eq!(rules("docs/a.csv", "\u{feff}a,b\n", "a,b\n"), []);
    assert_eq!(
        rules("docs/a.csv", "\u{feff}a,b\n", "\u{feff}\u{feff}a,b\n"),
        [("content.invisible", Verdict::Block)]
    );
}

#[test]
fn line_ends_are_nobodys_business() {
    assert_eq!(rules("a.txt", "a\r\nb\r\n", "a\r\nc\r\n"), []);
    assert_eq!(rules("a.txt", "a\nb\n", "a\r\nb\r\n"), []);
    assert_eq!(rules("a.txt", "a\rb\r", "a\rc\r"), []);
}

#[test]
fn new_secrets_are_blocked_or_asked_about() {
    let key = ["AKIA", "FAKEFAKEFAKE7ABC"].concat();
    assert_eq!(
        rules("src/a.rs", "", &format!("const K: &str = \"{key}\";")),
        [("content.secret", Verdict::Block)]
    );
    let known = format!("k = {key}\n");
    assert_eq!(rules("src/a.rs", &known, &format!("let {known}")), []);
    let password = ["t0k9x2q7", "wzmbf4k3"].concat();
    let text = format!("let api_token = \"{password}\";");
    assert_eq!(rules("src/a.rs", "", &text).first().map(|found| found.0), Some("content.secret"));
}

#[test]
fn key_files_are_known_by_their_text() {
    let body = ["RkFLRSBLRVkgTk9U", "IFJFQUwgRkFLRSBLRVk="].concat();
    assert!(is_key_material(&format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")));
    assert!(!is_key_material("if line == \"-----BEGIN PRIVATE KEY-----\" { key = true }"));
}

#[test]
fn what_readers_of_other_scripts_need_is_no_objection() {
    for (path, text) in [
        ("docs/a.md", "می\u{200c}خواهم و ❤\u{fe0f}\u{200d}🔥 and 👩🏽\u{200d}💻"),
        ("src/a.rs", "let s = \"می\u{200c}خواهم 👨\u{200d}👩\u{200d}👧\"; // ✔\u{fe0f}"),
        ("a.py", "text = 'क्\u{200d}ष'\n"),
        ("a.js", "const s = '葛\u{e0100}城';\n"),
    ] {
        assert_eq!(rules(path, "", text), [], "{text}");
    }
}

#[test]
fn what_misleads_is_objected_to_wherever_it_stands() {
    for (path, base, text, rule) in [
        ("scripts/t.sh", "#!/bin/sh\n", "\u{feff}#!/bin/sh\n", "content.invisible"),
        ("src/a.rs", "a\n", "name == \"ro\u{feff}ot\"\n", "content.invisible"),
        ("a.js", "a\n", "// x\u{2028}fetch();\n", "content.control"),
        ("a.js", "a\n", "// x\u{2029}fetch();\n", "content.control"),
        ("README.md", "a\n", "https://docs.pro\u{ad}j.example\n", "content.invisible"),
        (
            "src/main.rs",
            "fn main() {}\n",
            "fn main() {\n    for (k, v) in std::env::vars() { eprintln!(\"{k}={v}\"); }\n}\n",
            "content.environment_dump",
        ),
        ("src/a.rs", "", "pub fn is_\u{430}dmin() {}\n", "content.lookalike"),
    ] {
        assert_eq!(rules(path, base, text).first().map(|found| found.0), Some(rule), "{text:?}");
    }
}
