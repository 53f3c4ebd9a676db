//! Names that look like other names (UTS #39). Strings, comments and prose may be written in any
//! script; names in programs, and the hosts of addresses, are asked about when they mix scripts
//! or can be read as something else.

use super::{Objection, introduced_lines};
use crate::path::WorkspacePath;
use crate::policy::Verdict;
use crate::syntax::{Language, SyntaxTree};
use regex::Regex;
use ropey::Rope;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization as _;
use unicode_script::{Script, UnicodeScript as _};
use unicode_security::{
    GeneralSecurityProfile as _, RestrictionLevel, RestrictionLevelDetection as _, skeleton,
};

/// Files in which words are not names.
const PROSE: &[&str] = &[
    "md",
    "txt",
    "rst",
    "adoc",
    "html",
    "htm",
    "po",
    "csv",
    "tsv",
    "svg",
    "xml",
    "ftl",
    "properties",
    "srt",
    "tex",
];
/// Files of data: only what stands before a colon or an equals sign is a name.
const DATA: &[&str] = &["json", "jsonc", "json5", "yaml", "yml", "toml", "ini", "cfg", "conf"];
/// The fewest letters that make a word of another script a look-alike by themselves.
const LETTERS_MIN: usize = 3;

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{L}\p{M}\p{Nd}_]+").ok());
static ASCII_WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[A-Za-z_][A-Za-z0-9_]*\b").ok());
static HOST: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:https?|wss?|ftp|ssh|git)://(?:[^\s/@]*@)?([\p{L}\p{M}\p{Nd}.-]+)").ok()
});

/// The first newly introduced name that looks like another one.
pub(super) fn lookalike(path: &WorkspacePath, base: &str, text: &str) -> Option<Objection> {
    if text.is_ascii() {
        return None;
    }
    let new: Vec<&str> = introduced_lines(base, text).into_iter().filter(|line| !line.is_ascii()).collect();
    let name = new.iter().find_map(|line| host(line)).or_else(|| name(path, base, text, &new))?;
    Some(Objection {
        rule: "content.lookalike",
        verdict: Verdict::Ask,
        found: name.chars().take(80).collect::<String>().escape_unicode().to_string(),
        remedy: "write the name with letters of one script, which cannot be taken for others",
    })
}

/// A host one of whose labels mixes scripts or can be read as ASCII.
fn host(line: &str) -> Option<&str> {
    let hosts = HOST.as_ref()?.captures_iter(line).filter_map(|found| found.get(1));
    hosts.map(|host| host.as_str()).find(|host| {
        host.split(['.', '-'])
            .filter(|label| !label.is_ascii())
            .any(|label| misleads(label, Greek::IsNoMaths))
    })
}

fn name<'a>(path: &WorkspacePath, base: &str, text: &'a str, new: &[&'a str]) -> Option<&'a str> {
    let extension = path.extension();
    if PROSE.contains(&extension.as_str()) || extension.is_empty() && Language::of_path(path).is_none() {
        return None;
    }
    let known = OnceCell::new();
    let tree = OnceCell::new();
    let words = new.iter().flat_map(|line| {
        let words = WORD.as_ref().map(|word| word.find_iter(line)).into_iter().flatten();
        words.filter(|word| !word.as_str().is_ascii()).map(|word| (*line, word))
    });
    words
        .filter(|(_, word)| {
            let word = word.as_str();
            let known = || known.get_or_init(|| skeletons(base, text));
            (is_lookalike(word) || (!is_maths(word) && known().contains(&skeleton(word).collect::<String>())))
                && !has_word(base, word)
        })
        .find(|(line, word)| match Language::of_path(path).filter(|it| it.is_program() && it.is_built_in()) {
            Some(language) => {
                let at = line.as_ptr() as usize - text.as_ptr() as usize + word.start();
                let tree = tree.get_or_init(|| SyntaxTree::parse(language, &Rope::from_str(text)));
                tree.as_ref().is_none_or(|tree| is_code(tree, at))
            }
            None => is_name(line, word.start(), word.end(), DATA.contains(&extension.as_str())),
        })
        .map(|(_, word)| word.as_str())
}

fn has_word(base: &str, word: &str) -> bool {
    !base.is_ascii()
        && WORD.as_ref().is_some_and(|words| words.find_iter(base).any(|found| found.as_str() == word))
}

/// What the ASCII names of both texts look like.
fn skeletons(base: &str, text: &str) -> BTreeSet<String> {
    let words = |text| ASCII_WORD.as_ref().map(|word| word.find_iter(text)).into_iter().flatten();
    let distinct: BTreeSet<&str> = words(base).chain(words(text)).map(|word| word.as_str()).collect();
    distinct.into_iter().map(|word| skeleton(word).collect()).collect()
}

/// True for a byte that stands in neither a comment nor a string.
fn is_code(tree: &SyntaxTree, at: usize) -> bool {
    let Some(node) = tree.tree().root_node().descendant_for_byte_range(at, at) else { return true };
    let kind = node.kind();
    ![
        "comment",
        "string",
        "char_literal",
        "character",
        "heredoc",
        "jsx_text",
        "text",
        "raw_text",
        "regex",
        "rune",
        "template",
    ]
    .iter()
    .any(|part| kind.contains(part))
}

/// The same for languages without a grammar, by the line alone.
fn is_name(line: &str, start: usize, end: usize, is_data: bool) -> bool {
    let before = line.get(..start).unwrap_or_default();
    let after = line.get(end..).unwrap_or_default();
    if is_data {
        let rest = after.trim_start_matches(['"', '\'']).trim_start();
        let leads = before.trim_matches([' ', '\t', '"', '\'', '-', '{', ',']).is_empty();
        return leads && rest.starts_with([':', '=']);
    }
    let commented = ["#", "//", "--", ";;", "/*", "%"].iter().any(|sign| before.contains(sign))
        || line.trim_start().starts_with('*');
    let quoted = ['"', '\'', '`'].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
    !commented && !quoted
}

/// Whether Greek letters may be variables of formulas.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Greek {
    IsMaths,
    IsNoMaths,
}

fn is_lookalike(word: &str) -> bool {
    // Some compilers take compatibility forms for the plain letters.
    word.nfkc().all(|letter| letter.is_ascii())
        || word.split('_').filter(|part| !part.is_ascii()).any(|part| misleads(part, Greek::IsMaths))
}

/// One part of a name: mixes scripts as UTS #39 refuses it at its highly restrictive level, or
/// can be read as an ASCII word although it is written in another script.
fn misleads(part: &str, greek: Greek) -> bool {
    let readable = skeleton(part).all(|letter| letter.is_ascii());
    let letters = part.chars().filter(|letter| letter.is_alphabetic()).count();
    let reads_as_word = readable && letters >= LETTERS_MIN;
    let is_foreign = |letter: char| {
        !letter.is_ascii() && (letter.script() != Script::Latin || !letter.identifier_allowed())
    };
    if reads_as_word && part.chars().any(is_foreign) {
        return true;
    }
    let allowed: String = part.nfkc().filter(|letter| letter.identifier_allowed()).collect();
    let is_mixed = allowed.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive;
    let is_formula = greek == Greek::IsMaths
        && part.nfkc().all(|letter| {
            matches!(letter.script(), Script::Latin | Script::Greek | Script::Common | Script::Inherited)
        });
    is_mixed && !is_formula
}

/// True for names in which Greek letters stand alone, as in `σ_max` and `α1`.
fn is_maths(word: &str) -> bool {
    let letters: Vec<char> = word.nfkc().collect();
    let is_greek = |letter: &char| letter.script() == Script::Greek;
    let alone = letters.windows(2).all(|pair| match pair {
        [a, b] => !((is_greek(a) && b.is_alphabetic()) || (a.is_alphabetic() && is_greek(b))),
        _ => true,
    });
    alone && letters.iter().all(|letter| letter.is_ascii() || is_greek(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, base: &str, text: &str) -> bool {
        lookalike(&WorkspacePath::parse(path).unwrap(), base, text).is_some()
    }

    #[test]
    fn every_pattern_compiles() {
        assert!(WORD.is_some() && ASCII_WORD.is_some() && HOST.is_some());
    }

    #[test]
    fn names_that_look_like_others_are_asked_about() {
        for (path, base, text) in [
            ("src/a.rs", "", "pub fn is_\u{430}dmin() {}"),
            ("src/a.rs", "", "pub fn \u{455}\u{441}\u{43e}\u{440}\u{435}() {}"),
            ("src/a.rs", "fn ac() {}\n", "fn ac() {}\nfn \u{430}\u{441}() {}\n"),
            ("src/a.rs", "let adm\u{131}n_x = 1;\n", "fn sin() {}\nfn s\u{131}n() {}\n"),
            ("a.py", "import os\n", "import os\nx = \u{1d428}\u{1d42c}.name\n"),
            ("a.py", "", "\u{ff41}dmin = 1\n"),
            ("a.js", "", "const is\u{391}dmin = true;"),
            ("a.js", "", "const user\u{418}d = `${\u{430}dmin}`;"),
            ("a.rb", "", "def \u{430}dmin\n"),
            ("a.yml", "", "\u{440}ath: /x\n"),
            ("docs/a.md", "", "See https://\u{430}pple.com/login"),
            ("src/a.rs", "", "// https://\u{440}\u{430}\u{443}\u{440}\u{430}l.com"),
            ("src/a.rs", "", "fn ex\u{440}\u{43e}rt() {} // \u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}"),
        ] {
            assert!(found(path, base, text), "{text}");
        }
    }

    #[test]
    fn formulas_languages_and_prose_are_not() {
        for (path, text) in [
            ("src/a.rs", "pub fn energy(λ: f64, Δt: f64, π: f64) -> f64 { λ * Δt }"),
            ("src/a.rs", "let (σ_max, α1, ρ, ν, Δx, dθ, µs, a, o, p, v) = f();"),
            ("a.py", "α = 1\na = 2\nσ = a * α\n"),
            ("src/a.rs", "let größe = \"привет, SQLзапрос\"; // API-шка и SQLзапрос"),
            ("a.py", "# این یک آزمون است\nnumm = 'می\u{200c}خواهم text'\n"),
            ("a.py", "def test_сумма(): pass\n"),
            ("a.js", "const 名前 = '山田'; const 日本語テスト = 1; const データbase = 2;"),
            ("a.js", "it('проверка API-ключа в SQLзапросе', () => {});"),
            ("a.tsx", "const x = <p>Привет user, SQLзапрос</p>;"),
            ("docs/ru.md", "API-шка и SQLзапрос"),
            ("a.yml", "title: SQLзапрос\n"),
            ("a.json", "{\"title\": \"SQLзапрос и API-шка\"}"),
            ("a.rb", "puts 'SQLзапрос' # API-шка xр\n"),
            ("src/a.rs", "fn læs() {}\nfn kullanıcı() {}\nlet naïve = 1; let x² = 3;"),
            ("docs/a.md", "https://пример.рф и https://münchen.example"),
        ] {
            assert!(!found(path, "", text), "{text}");
        }
        // What stood in the file before may stay.
        assert!(!found("src/a.rs", "let \u{430}dmin = 1;\n", "let \u{430}dmin = 2;\n"));
    }
}
