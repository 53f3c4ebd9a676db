//! Shapes of our own, beside the carried-over rules: credentials in addresses and headers,
//! private keys however short, assignments to names that promise a secret, and tokens whose
//! prefix alone says what they are, however little entropy they have.

mod settings;

use super::Finding;
use super::rules::matches_in;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

/// One shape. The first group that matched is the secret; a group `name` is what it is assigned to.
pub(super) struct Shape {
    pub(super) kind: &'static str,
    /// Lowercase; the expression is run only on texts that contain one of them in any case.
    pub(super) keywords: &'static [&'static str],
    /// Bytes between two dots of the secret, in place of keywords.
    pub(super) dots: Option<usize>,
    pattern: &'static str,
    plausible: fn(&[u8]) -> bool,
    certain: bool,
}

impl Shape {
    /// True when it has to be run only around its keywords.
    pub(super) fn is_near(&self) -> bool {
        self.kind == ASSIGNMENT || settings::is_near(self.kind)
    }
}

/// The kind of what is assigned to a name that promises a secret.
const ASSIGNMENT: &str = "assignment";

/// All shapes, always in the same order.
pub(super) fn all() -> impl Iterator<Item = &'static Shape> {
    SHAPES.iter().chain(settings::SETTINGS)
}

const SHAPES: &[Shape] = &[
    Shape {
        kind: "private-key",
        keywords: &["private key"],
        dots: None,
        // The lines between the markers, also where they are written as `\n` in a string. A block
        // that was cut before its end marker is one too.
        pattern: r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----((?:\s|\\[nr])*(?:(?:[A-Za-z0-9-]{2,30}: [^\n]*|[A-Za-z0-9+/=]{4,})(?:\s|\\[nr]|['\x22,+])*)+)(?:-----END|\z)",
        plausible: anything,
        certain: true,
    },
    Shape {
        kind: "aws-access-key-id",
        keywords: &["akia", "asia", "abia", "acca", "a3t"],
        dots: None,
        pattern: r"\b((?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b",
        plausible: no_example,
        certain: true,
    },
    Shape {
        kind: "github-token",
        keywords: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        dots: None,
        pattern: r"\b(gh[pousr]_[0-9A-Za-z]{36,255}|github_pat_[0-9A-Za-z_]{60,255})\b",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "gitlab-token",
        keywords: &[
            "glpat-",
            "gldt-",
            "glrt-",
            "gloas-",
            "glimt-",
            "glagent-",
            "glptt-",
            "glcbt-",
            "gr1348941",
        ],
        dots: None,
        pattern: r"\b((?:glpat|gldt|glrt|glcbt)-[0-9A-Za-z_-]{20,64}|glptt-[0-9a-f]{40}|glimt-[0-9A-Za-z_-]{25}|gloas-[0-9A-Za-z_-]{64}|glagent-[0-9A-Za-z_-]{50,}|GR1348941[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_-]|\z)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "slack-token",
        keywords: &["xox", "xapp-"],
        dots: None,
        pattern: r"\b(xox[abeoprs]-[0-9A-Za-z-]{16,250}|xapp-\d-[0-9A-Za-z-]{16,250})",
        plausible: numbered,
        certain: true,
    },
    Shape {
        kind: "model-api-key",
        keywords: &["sk-"],
        dots: None,
        pattern: r"\b(sk-(?:ant-[a-z0-9]{2,10}|proj|svcacct|admin|or-v1)-[0-9A-Za-z_-]{32,250}|sk-[0-9A-Za-z]{40,64})(?:[^0-9A-Za-z_-]|\z)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "stripe-key",
        keywords: &["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"],
        dots: None,
        pattern: r"\b((?:sk|rk)_(?:live|test|prod)_[0-9A-Za-z]{10,250}|whsec_[0-9A-Za-z+/=]{24,100})",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "jwt",
        keywords: &["eyj"],
        dots: None,
        pattern: r"\b(eyJ[0-9A-Za-z_-]{15,}\.eyJ[0-9A-Za-z_-]{10,}(?:\.[0-9A-Za-z_-]{10,})?)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "npm-token",
        keywords: &["_authtoken", "_auth=", "_password="],
        dots: None,
        pattern: r"(?i)(?:^|[:\s])_(?:authToken|auth|password)\s*=\s*([0-9A-Za-z+/=_-]{12,200})",
        plausible: anything,
        certain: true,
    },
    Shape {
        kind: "azure-storage-key",
        keywords: &["accountkey="],
        dots: None,
        pattern: r"(?i)AccountKey=([0-9A-Za-z+/]{60,100}={0,2})",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "telegram-token",
        keywords: &[":aa"],
        dots: None,
        pattern: r"\b(\d{8,10}:AA[0-9A-Za-z_-]{33})(?:[^0-9A-Za-z_-]|\z)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "mailchimp-key",
        keywords: &["-us"],
        dots: None,
        pattern: r"\b([0-9a-f]{32}-us[0-9]{1,2})\b",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "discord-token",
        keywords: &[],
        dots: Some(6),
        pattern: r"\b([MNO][0-9A-Za-z_-]{23,25}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,38})(?:[^0-9A-Za-z_-]|\z)",
        plausible: hard_to_guess,
        certain: true,
    },
    Shape {
        kind: "url-credentials",
        keywords: &["://"],
        dots: None,
        pattern: r#"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:@/'"<>`]{0,100}:([^\s@/'"<>{}`]{6,200})@[0-9A-Za-z\[]"#,
        plausible: no_bare_stand_in,
        certain: true,
    },
    Shape {
        kind: "authorization",
        keywords: &["authorization"],
        dots: None,
        pattern: r#"(?i)authorization["']?\s*[:=]\s*["'`]?(?:bearer|basic|token|bot)\s+([0-9A-Za-z._~+/=-]{12,2000})"#,
        plausible: hard_to_guess,
        certain: true,
    },
    Shape {
        kind: "assignment",
        keywords: PROMISES,
        dots: None,
        pattern: r#"(?i)(?<name>[\w.-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|encryption[_-]?key|credentials?)[\w-]{0,30})["']?\]?\s*(?::\s*&?(?:'static )?(?:str|string|String)\s*)?(?:=>|:=|[:=])\s*(?:"([^":\s\\]{8,200})"|'([^':\s\\]{8,200})'|`([^`:\s\\]{8,200})`)"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
    Shape {
        kind: "assignment",
        keywords: PROMISES,
        dots: None,
        // As `.env`, `.ini`, `.properties` and YAML files write it: without quotes, to the line's end.
        pattern: r#"(?im)^[ \t]*(?:export[ \t]+)?(?<name>[a-z0-9_.-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|encryption[_-]?key)[a-z0-9_-]{0,30})[ \t]*[:=][ \t]*([^\s"'`#(){}\[\]$<>,;:]{8,200})[ \t]*\r?$"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
];

const PROMISES: &[&str] = &["passw", "passphrase", "pwd", "secret", "token", "key", "credential"];

/// The measure of surprise of a byte string.
pub(super) trait Shannon {
    /// Bits of entropy for each byte.
    fn entropy(&self) -> f64;
}

impl Shannon for [u8] {
    fn entropy(&self) -> f64 {
        let mut counts = [0_u32; 256];
        for byte in self {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count += 1;
            }
        }
        let total = self.len() as f64;
        counts.iter().filter(|count| **count > 0).fold(0.0, |sum, count| {
            let share = f64::from(*count) / total;
            sum - share * share.log2()
        })
    }
}

/// True for names by which people call what is no secret, in tests above all: `notASecret`.
pub(super) fn denies(name: &[u8]) -> bool {
    const NONE: &[&[u8]] = &[b"non", b"not", b"wrong", b"invalid", b"fake", b"dummy"];
    NONE.iter().any(|word| name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// False for names that speak of a secret and hold none: `credentialsId`, `public_token`.
fn promises(name: &[u8]) -> bool {
    const ABOUT: &[&str] =
        &["id", "name", "length", "len", "size", "type", "url", "uri", "path", "file", "count"];
    // Of many there is a collection, or the place where it lies.
    const MANY: &[&str] = &["secrets", "tokens", "keys", "passwords", "credentials"];
    if denies(name) {
        return false;
    }
    let name = String::from_utf8_lossy(name).to_lowercase();
    !name.contains("public") && !ABOUT.iter().chain(MANY).any(|ending| name.ends_with(ending))
}

fn anything(_value: &[u8]) -> bool {
    true
}

fn no_example(value: &[u8]) -> bool {
    !value.ends_with(b"EXAMPLE") && varied(value)
}

/// Not one character again and again, as in documentation (`xxxxxxxx`).
fn varied(value: &[u8]) -> bool {
    let tail = value.get(value.len().min(6)..).unwrap_or_default();
    tail.iter().collect::<BTreeSet<_>>().len() >= 4 && !spells_the_alphabet(value) && !ends_in_a_run(value)
}

/// One character twelve times at the end: a form that was filled up.
fn ends_in_a_run(value: &[u8]) -> bool {
    let tail = value.len().checked_sub(12).and_then(|start| value.get(start..)).unwrap_or_default();
    tail.first().is_some_and(|first| tail.iter().all(|byte| byte == first))
}

/// Varied, and with the number of a workspace or a user.
fn numbered(value: &[u8]) -> bool {
    varied(value) && value.iter().any(u8::is_ascii_digit)
}

/// Eight letters in the order of the alphabet: somebody made the value up.
fn spells_the_alphabet(value: &[u8]) -> bool {
    value.windows(8).any(|run| {
        run.windows(2).all(|pair| match pair {
            [a, b] => a.is_ascii_alphabetic() && b.to_ascii_lowercase() == a.to_ascii_lowercase() + 1,
            _ => false,
        })
    })
}

fn hard_to_guess(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    value.entropy() >= 2.9 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// True for a text, in lower case, with a word by which people show that a secret would stand here, or
/// where it comes from.
fn is_shown(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "your",
        "example",
        "changeme",
        "change-me",
        "change_me",
        "placeholder",
        "dummy",
        "redacted",
        "xxxx",
        "****",
        "....",
        "process.env",
        "environ",
        "getenv",
        "env.",
        "secrets.",
        "vars.",
        "config.",
        "settings.",
        "123456789",
    ];
    WORDS.iter().any(|word| text.contains(word))
}

/// Nothing that people write where a secret would stand, and not what secrets are called.
fn no_stand_in(value: &[u8]) -> bool {
    const NAMES: &[&str] = &[
        "password",
        "passwd",
        "secret",
        "insert",
        "localhost",
        "undefined",
        "null",
        "none",
        "\u{27E6}",
        "\u{27E7}",
    ];
    let text = String::from_utf8_lossy(value).to_lowercase();
    let interpolated =
        text.starts_with('$') || text.starts_with('%') || text.contains("${") || text.contains("{{");
    !interpolated
        && !is_shown(&text)
        && !NAMES.iter().any(|word| text.contains(word))
        && varied_whole(value)
        && !spells_the_alphabet(value)
}

/// The password of an address: only what is nothing but a stand-in is none. People do use the
/// word `password` in their passwords.
fn no_bare_stand_in(value: &[u8]) -> bool {
    const STAND_INS: &[&str] = &[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "example",
        "changeme",
        "change-me",
        "change_me",
        "placeholder",
        "redacted",
        "undefined",
        "your-password",
        "your_password",
        "yourpassword",
        "username",
        "string",
    ];
    let text = String::from_utf8_lossy(value).to_lowercase();
    let interpolated = text.starts_with(['$', '%', '<', '[']) || text.contains("${") || text.contains("{{");
    !interpolated && !STAND_INS.contains(&text.as_str()) && varied_whole(value)
}

fn varied_whole(value: &[u8]) -> bool {
    value.iter().collect::<BTreeSet<_>>().len() >= 4
}

fn no_stand_in_and_hard_to_guess(value: &[u8]) -> bool {
    let path = value.contains(&b'/')
        && !value.contains(&b'=')
        && value.iter().filter(|byte| **byte == b'/').count() > 1;
    let spelt_address = value.windows(3).any(|window| window == b"://");
    no_stand_in(value) && hard_to_guess(value) && !path && !spelt_address
}

static COMPILED: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    // A test holds that each of these constants compiles.
    all().map(|shape| RegexBuilder::new(shape.pattern).unicode(false).build().ok()).collect()
});

/// The byte range widened to character boundaries: the expressions see bytes.
pub(super) fn snapped(text: &str, mut range: Range<usize>) -> Range<usize> {
    while range.start > 0 && !text.is_char_boundary(range.start) {
        range.start -= 1;
    }
    while range.end < text.len() && !text.is_char_boundary(range.end) {
        range.end += 1;
    }
    range
}

impl Shape {
    /// Adds what the shape finds in the text.
    fn find(&self, regex: &Regex, text: &str, parts: &[Range<usize>], found: &mut Vec<Finding>) {
        for captures in parts.iter().flat_map(|part| matches_in(regex, text.as_bytes(), part)) {
            let name = captures.name("name");
            let mut groups = captures.iter().skip(1).flatten().filter(|group| Some(*group) != name);
            let Some(secret) = groups.next() else { continue };
            if name.is_none_or(|name| promises(name.as_bytes())) && (self.plausible)(secret.as_bytes()) {
                let range = shrunk(secret.as_bytes(), secret.start());
                let range = snapped(text, range);
                found.push(Finding { kind: self.kind.to_owned(), range, certain: self.certain });
            }
        }
    }
}

/// Adds what a shape finds in these parts of the text, by its place among the shapes.
pub(super) fn find(index: usize, text: &str, parts: &[Range<usize>], found: &mut Vec<Finding>) {
    if let (Some(shape), Some(Some(regex))) = (all().nth(index), COMPILED.get(index)) {
        shape.find(regex, text, parts, found);
    }
}

/// Without the white space and the spelt line breaks around a private key's lines.
fn shrunk(value: &[u8], offset: usize) -> Range<usize> {
    let noise = |byte: &u8| byte.is_ascii_whitespace();
    let start = value.iter().position(|byte| !noise(byte)).unwrap_or(0);
    let end = value.iter().rposition(|byte| !noise(byte)).map_or(value.len(), |at| at + 1);
    offset + start..offset + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles_and_has_lowercase_keywords() {
        assert!(COMPILED.iter().all(Option::is_some));
        for shape in all() {
            assert!(shape.keywords.is_empty() == shape.dots.is_some());
            assert!(
                shape.keywords.iter().all(|keyword| *keyword == keyword.to_lowercase()),
                "{}",
                shape.kind
            );
        }
    }
}
