//! Shapes of our own, beside the carried-over rules: credentials in addresses and headers,
//! private keys however short, assignments to names that promise a secret, and tokens whose
//! prefix alone says what they are, however little entropy they have.

use super::Finding;
use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

/// One shape. The first group that matched is the secret; a group `name` is what it is assigned to.
struct Shape {
    kind: &'static str,
    /// Lowercase; the expression is run only on texts that contain one of them in any case.
    keywords: &'static [&'static str],
    pattern: &'static str,
    plausible: fn(&[u8]) -> bool,
    certain: bool,
}

const SHAPES: &[Shape] = &[
    Shape {
        kind: "private-key",
        keywords: &["private key"],
        // The lines between the markers, also where they are written as `\n` in a string. A block
        // that was cut before its end marker is one too.
        pattern: r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----((?:\s|\\[nr])*(?:(?:[A-Za-z0-9-]{2,30}: [^\n]*|[A-Za-z0-9+/=]{4,})(?:\s|\\[nr]|['\x22,+])*)+)(?:-----END|\z)",
        plausible: anything,
        certain: true,
    },
    Shape {
        kind: "aws-access-key-id",
        keywords: &["akia", "asia", "abia", "acca", "a3t"],
        pattern: r"\b((?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b",
        plausible: no_example,
        certain: true,
    },
    Shape {
        kind: "github-token",
        keywords: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
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
        pattern: r"\b((?:glpat|gldt|glrt|glcbt)-[0-9A-Za-z_-]{20,64}|glptt-[0-9a-f]{40}|glimt-[0-9A-Za-z_-]{25}|gloas-[0-9A-Za-z_-]{64}|glagent-[0-9A-Za-z_-]{50,}|GR1348941[0-9A-Za-z_-]{20})(?:[^0-9A-Za-z_-]|\z)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "slack-token",
        keywords: &["xox", "xapp-"],
        pattern: r"\b(xox[abeoprs]-[0-9A-Za-z-]{10,250}|xapp-\d-[0-9A-Za-z-]{10,250})",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "model-api-key",
        keywords: &["sk-"],
        pattern: r"\b(sk-(?:ant-[a-z0-9]{2,10}|proj|svcacct|admin|or-v1)-[0-9A-Za-z_-]{32,250}|sk-[0-9A-Za-z]{40,64})(?:[^0-9A-Za-z_-]|\z)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "stripe-key",
        keywords: &["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"],
        pattern: r"\b((?:sk|rk)_(?:live|test|prod)_[0-9A-Za-z]{10,250}|whsec_[0-9A-Za-z+/=]{24,100})",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "jwt",
        keywords: &["eyj"],
        pattern: r"\b(eyJ[0-9A-Za-z_-]{15,}\.eyJ[0-9A-Za-z_-]{10,}(?:\.[0-9A-Za-z_-]{10,})?)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "npm-token",
        keywords: &["_authtoken", "_auth=", "_password="],
        pattern: r"(?i)(?:^|[:\s])_(?:authToken|auth|password)\s*=\s*([0-9A-Za-z+/=_-]{12,200})",
        plausible: anything,
        certain: true,
    },
    Shape {
        kind: "azure-storage-key",
        keywords: &["accountkey="],
        pattern: r"(?i)AccountKey=([0-9A-Za-z+/]{60,100}={0,2})",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "telegram-token",
        keywords: &[":aa"],
        pattern: r"\b(\d{8,10}:AA[0-9A-Za-z_-]{33})(?:[^0-9A-Za-z_-]|\z)",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "mailchimp-key",
        keywords: &["-us"],
        pattern: r"\b([0-9a-f]{32}-us[0-9]{1,2})\b",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "discord-token",
        keywords: &["."],
        pattern: r"\b([MNO][0-9A-Za-z_-]{23,25}\.[0-9A-Za-z_-]{6}\.[0-9A-Za-z_-]{27,38})(?:[^0-9A-Za-z_-]|\z)",
        plausible: hard_to_guess,
        certain: true,
    },
    Shape {
        kind: "url-credentials",
        keywords: &["://"],
        pattern: r#"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:@/'"<>`]{0,100}:([^\s@/'"<>{}`]{6,200})@[0-9A-Za-z\[]"#,
        plausible: no_stand_in,
        certain: true,
    },
    Shape {
        kind: "authorization",
        keywords: &["authorization"],
        pattern: r#"(?i)authorization["']?\s*[:=]\s*["'`]?(?:bearer|basic|token|bot)\s+([0-9A-Za-z._~+/=-]{12,2000})"#,
        plausible: hard_to_guess,
        certain: true,
    },
    Shape {
        kind: "assignment",
        keywords: PROMISES,
        pattern: r#"(?i)(?<name>[\w.-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|encryption[_-]?key|credentials?)[\w-]{0,30})["']?\]?\s*(?::\s*&?(?:'static )?(?:str|string|String)\s*)?(?:=>|:=|[:=])\s*(?:"([^"\s\\]{8,200})"|'([^'\s\\]{8,200})'|`([^`\s\\]{8,200})`)"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
    Shape {
        kind: "assignment",
        keywords: PROMISES,
        // As `.env`, `.ini`, `.properties` and YAML files write it: without quotes, to the line's end.
        pattern: r#"(?im)^[ \t]*(?:export[ \t]+)?(?<name>[a-z0-9_.-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|encryption[_-]?key)[a-z0-9_-]{0,30})[ \t]*[:=][ \t]*([^\s"'`#(){}\[\]$<>,;]{8,200})[ \t]*\r?$"#,
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

/// False for names that speak of a secret and hold none: `credentialsId`, `public_token`.
fn promises(name: &[u8]) -> bool {
    const ABOUT: &[&str] =
        &["id", "name", "length", "len", "size", "type", "url", "uri", "path", "file", "count"];
    let name = String::from_utf8_lossy(name).to_lowercase();
    !name.contains("public") && !ABOUT.iter().any(|ending| name.ends_with(ending))
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
    tail.iter().collect::<BTreeSet<_>>().len() >= 4
}

fn hard_to_guess(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    value.entropy() >= 2.9 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

/// What people write where a secret would stand.
fn no_stand_in(value: &[u8]) -> bool {
    const STAND_INS: &[&str] = &[
        "password",
        "passwd",
        "secret",
        "example",
        "changeme",
        "change-me",
        "change_me",
        "your-",
        "your_",
        "xxxx",
        "****",
        "....",
        "placeholder",
        "dummy",
        "redacted",
        "insert",
        "process.env",
        "os.environ",
        "getenv",
        "env.",
        "secrets.",
        "vars.",
        "config.",
        "settings.",
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
    !interpolated && !STAND_INS.iter().any(|word| text.contains(word)) && varied_whole(value)
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
    SHAPES.iter().map(|shape| RegexBuilder::new(shape.pattern).unicode(false).build().ok()).collect()
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

/// All keywords at once, and for each the shape it belongs to.
static KEYWORDS: LazyLock<(Option<AhoCorasick>, Vec<usize>)> = LazyLock::new(|| {
    let all = SHAPES
        .iter()
        .enumerate()
        .flat_map(|(index, shape)| shape.keywords.iter().map(move |word| (index, word)));
    let (owners, words): (Vec<usize>, Vec<&str>) = all.map(|(index, word)| (index, *word)).unzip();
    (AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok(), owners)
});

/// Adds what the shapes find in the text.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    let (keywords, owners) = &*KEYWORDS;
    let hits = keywords.iter().flat_map(|keywords| keywords.find_overlapping_iter(text));
    let hit: BTreeSet<usize> = hits.filter_map(|hit| owners.get(hit.pattern().as_usize()).copied()).collect();
    for (index, (shape, regex)) in SHAPES.iter().zip(COMPILED.iter()).enumerate() {
        let Some(regex) = regex else { continue };
        if !hit.contains(&index) {
            continue;
        }
        for captures in regex.captures_iter(text.as_bytes()) {
            let name = captures.name("name");
            let mut groups = captures.iter().skip(1).flatten().filter(|group| Some(*group) != name);
            let Some(secret) = groups.next() else { continue };
            if name.is_none_or(|name| promises(name.as_bytes())) && (shape.plausible)(secret.as_bytes()) {
                let range = shrunk(secret.as_bytes(), secret.start());
                found.push(Finding {
                    kind: shape.kind.to_owned(),
                    range: snapped(text, range),
                    certain: shape.certain,
                });
            }
        }
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
        assert!(COMPILED.iter().all(Option::is_some) && KEYWORDS.0.is_some());
        for shape in SHAPES {
            assert!(!shape.keywords.is_empty());
            assert!(
                shape.keywords.iter().all(|keyword| *keyword == keyword.to_lowercase()),
                "{}",
                shape.kind
            );
        }
    }
}
