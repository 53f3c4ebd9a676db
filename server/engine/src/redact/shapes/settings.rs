//! Secrets as people give them to programs: in connection strings, in statements of SQL, on command
//! lines, in image recipes and in XML. No value here proves itself. What makes it a secret is the
//! place where it stands, and that it looks like something which somebody has chosen or drawn. Where
//! nothing but a password can stand, one may have the word for it in it; elsewhere such a value is
//! taken for a name.

use super::{
    Shape, anything, hard_to_guess, is_shown, no_bare_stand_in, no_stand_in_and_hard_to_guess, varied,
    varied_whole,
};

pub(super) const SETTINGS: &[Shape] = &[
    Shape {
        kind: CONNECTION,
        keywords: &["password=", "pwd=", "password =", "pwd ="],
        dots: None,
        // One of several settings: behind another, or in front of one.
        pattern: r#"(?i)(?:[;?&]\s{0,4}(?:password|pwd)\s?=\s?([^\s;&"'`<>{}$%()\\]{6,128})(?:[\s;&"'`<\\]|\z)|["'>=](?:password|pwd)\s?=\s?([^\s;&"'`<>{}$%()\\]{6,128});\s?[a-z][a-z ]{1,30}=)"#,
        plausible: is_in_use_or_chosen,
        certain: false,
    },
    Shape {
        kind: STATEMENT,
        keywords: &["identified", "password '", "password='", "password = '", "password n'", "password = n'"],
        dots: None,
        pattern: r"(?i)\b(?:identified\s+(?:with\s+\S{1,60}\s+)?(?:by|as)(?:\s+password)?|(?:with|encrypted|login|role|user)\s+password|set\s+password[^'\n]{0,80})\s*=?\s*N?'([^'\s\\]{6,128})'",
        plausible: is_in_use,
        certain: false,
    },
    Shape {
        kind: COMMAND,
        keywords: &["sshpass", "mysql", "mariadb", "redis-cli", " login "],
        dots: None,
        pattern: r#"(?x)
            (?: \b sshpass \s+ -p \s*
              | \b (?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlsh|mariadb|mariadb-dump|mariadb-admin) \b [^\n;|"'`]{0,160} \s -p
              | \b redis-cli \b [^\n;|"'`]{0,160} \s (?:-a|--pass) [\ =]
              | \b (?:docker|podman|nerdctl|buildah|skopeo|crane|helm|oras|az|oc) \b [^\n;|]{0,60} \s login \s [^\n;|]{0,160}? (?:\s -p [\ =]? | \s --password [\ =]) )
            (?: '([^'\n]{6,128})' | "([^"$\n]{6,128})" | ([^\s"'`$<>(){};|&\\]{6,128}) )"#,
        plausible: is_in_use,
        certain: false,
    },
    Shape {
        kind: COMMAND,
        keywords: &[
            "pgpassword=",
            "mysql_pwd=",
            "rediscli_auth=",
            "sshpass=",
            "restic_password=",
            "borg_passphrase=",
        ],
        dots: None,
        pattern: r#"\b(?:PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH|SSHPASS|RESTIC_PASSWORD|BORG_PASSPHRASE)=(?:'([^'\n]{6,128})'|"([^"$\n]{6,128})"|([^\s"'`$<>(){};|&\\]{6,128}))"#,
        plausible: is_in_use,
        certain: false,
    },
    Shape {
        kind: COMMAND,
        keywords: &[
            "password",
            "passwd",
            "passphrase",
            "-secret",
            "-token",
            "api-key",
            "apikey",
            "access-key",
            "secret-key",
            ".secret",
            ".token",
        ],
        dots: None,
        // The last word of an option, or of one of the values that an option sets.
        pattern: r#"(?x)
            (?: (?:^|[\s"'\[,(]) --(?<name>[a-z][a-z0-9.-]{0,40}-)? (?:password|passwd|passphrase|secret|token|api-?key|access-key|secret-key) (?: [=\ ] | ["'],\s?["'] )
              | \s --set(?:-string|-literal)? [\ =] ["']? [\w.,=\[\]-]{0,120}? (?i:password|passwd|passphrase|token|api-?key|access-?key|secret-?key) = )
            ["']? ([^\s"'`$<>(){}\[\];|&\\,]{6,200}) (?:[\s"'`;|&\\,\])]|\z)"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
    Shape {
        kind: ASSIGNMENT,
        keywords: &["password", "passwd", "passphrase", "secret", "token", "_key"],
        dots: None,
        // A variable in capitals, in front of a command or in a list, and `ENV NAME value`.
        pattern: r#"(?m)(?:(?:^|[\s"'])|^[ \t]*(?:ENV|ARG)[ \t]+)(?<name>[A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|ENCRYPTION_KEY)(?:_[A-Z0-9_]{1,30})?[0-9]{0,3})=([^\s"'`$<>(){}\[\];|&\\,]{8,200})(?:[\s"';|&\\]|\z)"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
    Shape {
        kind: ASSIGNMENT,
        keywords: &["env ", "env\t"],
        dots: None,
        pattern: r#"(?im)^[ \t]*ENV[ \t]+(?<name>[a-z0-9_]{0,60}(?:password|passwd|passphrase|secret|token|api_?key|access_key|secret_key|private_key)(?:_[a-z0-9_]{1,30})?)[ \t]+["']?([^\s"'`$<>(){}\[\];|&\\,]{8,200})["']?[ \t]*\\?\r?$"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
    Shape {
        kind: ELEMENT,
        keywords: &[
            "password\"",
            "password'",
            "pwd\"",
            "secret\"",
            "token\"",
            "key\"",
            "password>",
            "passphrase>",
            "secret>",
            "token>",
            "key>",
        ],
        dots: None,
        pattern: r#"(?i)(?:\b(?:key|name|id)\s?=\s?["'](?<name>[\w.:-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_.-]?key|access[_-]?key|secret[_-]?key))["']\s{0,8}(?:value\s?=\s?["']|>(?:\s{0,20}<value>)?)|<(?:[a-z]{1,20}[.:_-])?(?:[a-z]{0,20}(?:password|passphrase)|client-?secret|secret-?key|api-?key|access-?token)>)([^\s"'<>${}()]{6,200})["'<]"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
    Shape {
        kind: ASSIGNMENT,
        keywords: &["pass =", "pass=", "pass:", "pass :", "pass\"", "pass'"],
        dots: None,
        // The word by itself, or at the end of a name: `bypass` and `compass` are others.
        pattern: r#"(?:\b[pP]ass|[_.-][pP]ass|[a-z0-9]Pass|\bPASS|_PASS)["']?\]?\s*(?:=>|:=|[:=])\s*(?:"([^":\s\\]{8,200})"|'([^':\s\\]{8,200})')"#,
        plausible: no_stand_in_and_hard_to_guess,
        certain: false,
    },
    Shape {
        kind: "netrc-password",
        keywords: &["machine "],
        dots: None,
        pattern: r"\bmachine\s+\S{1,200}\s+login\s+\S{1,200}\s+(?:account\s+\S{1,200}\s+)?password\s+([^\s<>${}]{6,200})",
        plausible: is_no_example,
        certain: false,
    },
    Shape {
        kind: "putty-private-key",
        keywords: &["private-lines:"],
        dots: None,
        pattern: r"Private-Lines:\s?\d{1,3}\s{0,2}(?:\r?\n|\\n)((?:[A-Za-z0-9+/=]{4,80}(?:\r?\n|\\n|\z))+)",
        plausible: anything,
        certain: true,
    },
    Shape {
        kind: "docker-token",
        keywords: &["dckr_pat_", "dckr_oat_"],
        dots: None,
        pattern: r"\b(dckr_[po]at_[0-9A-Za-z_-]{20,80})",
        plausible: varied,
        certain: true,
    },
    Shape {
        kind: "discord-webhook",
        keywords: &["/api/webhooks/"],
        dots: None,
        pattern: r"\bdiscord(?:app)?\.com/api/(?:v\d{1,2}/)?webhooks/(\d{15,21}/[0-9A-Za-z_-]{50,90})",
        plausible: varied,
        certain: true,
    },
];

const ASSIGNMENT: &str = super::ASSIGNMENT;
const CONNECTION: &str = "connection-string";
const STATEMENT: &str = "sql-password";
const COMMAND: &str = "command-line";
const ELEMENT: &str = "xml-setting";

/// Bytes of a password of letters alone.
const OWN_WORD_BYTES_MIN: usize = 8;

/// True for the kinds that have to be looked for only around their keywords.
pub(super) fn is_near(kind: &str) -> bool {
    [CONNECTION, STATEMENT, COMMAND, ELEMENT].contains(&kind)
}

/// Something that is hard to guess, and neither a stand-in nor one with a number behind it. The
/// words may stand in it: people do use them in their passwords.
fn is_in_use(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_lowercase();
    let stem = text.trim_end_matches(|end: char| end.is_ascii_digit() || matches!(end, '!' | '_' | '-'));
    let is_path = text.contains("://")
        || text.matches('/').count() > 1
        || text.starts_with(['/', '.', '@', '-', '\u{27E6}']);
    hard_to_guess(value) && varied(value) && no_bare_stand_in(stem.as_bytes()) && !is_path && !is_shown(&text)
}

/// Something that is in use, or a word of somebody's own: letters alone, among which is none of the
/// words that people write in examples.
fn is_in_use_or_chosen(value: &[u8]) -> bool {
    const SHOWN: &[&str] = &[
        "pass", "pwd", "secret", "example", "change", "your", "sample", "test", "dummy", "demo", "default",
        "admin", "root", "user", "value", "string", "token", "here", "some", "none", "null", "redacted",
        "postgres", "mysql", "sql", "server", "azure", "mongo", "redis", "guest", "local", "env", "config",
    ];
    let word = String::from_utf8_lossy(value).to_lowercase();
    let is_own_word = value.len() >= OWN_WORD_BYTES_MIN
        && value.iter().all(u8::is_ascii_alphabetic)
        && varied(value)
        && !SHOWN.iter().any(|shown| word.contains(shown));
    is_own_word || is_in_use(value)
}

/// What stands where only a password can, unless it is the word for one.
fn is_no_example(value: &[u8]) -> bool {
    no_bare_stand_in(value) && varied_whole(value) && !value.starts_with(b"your")
}
