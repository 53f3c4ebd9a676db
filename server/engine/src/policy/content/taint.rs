//! Secrets recognised by their exact values, of which only fingerprints are kept: a salted
//! digest, and 16 bits with which nearly all places of a text are ruled out at once. A value is
//! found as it is, reversed, and in the encodings in which values are usually carried off.
//!
//! The fingerprints may be written down: they do not contain the values. Few bits are kept for
//! the quick look on purpose, so that they help nobody to guess.

use crate::digest::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the shortest value, or encoded value, that is recognised.
const VALUE_BYTES_MIN: usize = 6;
/// Bytes from which on a value may be anything. Shorter words and numbers are parts of others.
const ANY_VALUE_BYTES_MIN: usize = 8;
/// Bytes of the shortest line of a longer value that is recognised by itself.
const LINE_BYTES_MIN: usize = 20;
/// Places in the table for the quick look.
const WINDOWS: usize = 1 << 16;

/// How a value stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As it is.
    Plain,
    /// One line of it.
    Line,
    /// From its end to its beginning.
    Reversed,
    /// In base64, standard or for URLs, also within a longer encoded text.
    Base64,
    /// In hexadecimal digits.
    Hex,
    /// With `%` and hexadecimal digits.
    Percent,
}

/// One form of one value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fingerprint {
    /// The number of the value, in the order in which they were given.
    value: usize,
    form: Form,
    bytes: usize,
    /// What the first bytes are mixed to, as many as the shortest value has.
    window: u16,
    digest: Digest,
}

/// The fingerprints of secret values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    /// Makes the fingerprints of one run useless for another.
    salt: String,
    prints: Vec<Fingerprint>,
}

/// A secret value in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// The number of the value, in the order in which they were given.
    pub value: usize,
    /// How it stands there.
    pub form: Form,
    /// The byte at which it begins.
    pub start: usize,
    /// Its length in bytes, as it stands there.
    pub bytes: usize,
}

/// Takes the fingerprints of secret values. `salt` is fresh entropy, which the caller brings.
/// Values of fewer than six bytes are left out, and of fewer than eight those that are no mixture
/// of letters with digits or signs.
pub fn fingerprints<'a>(values: impl IntoIterator<Item = &'a str>, salt: &[u8; 32]) -> Taint {
    let salt = Digest::of(salt).to_hex();
    let key = key_of(&salt);
    let mut prints = BTreeSet::new();
    for (value, text) in values.into_iter().enumerate() {
        let text = text.trim();
        if text.len() < VALUE_BYTES_MIN || (text.len() < ANY_VALUE_BYTES_MIN && !is_mixed(text)) {
            continue;
        }
        for (form, bytes) in forms(text) {
            if let Some(window) = bytes.first_chunk().map(|window| mixed(window, key)) {
                let digest = digest(&salt, &bytes);
                prints.insert(Fingerprint { value, form, bytes: bytes.len(), window, digest });
            }
        }
    }
    Taint { salt, prints: prints.into_iter().collect() }
}

/// True for letters together with digits, or with signs that join no words.
fn is_mixed(text: &str) -> bool {
    let is_other = |character: char| character.is_ascii_digit() || "!#$%&*+=?@^~|".contains(character);
    text.contains(char::is_alphabetic) && text.contains(is_other)
}

/// Every form of a value that is long enough to be recognised.
fn forms(text: &str) -> Vec<(Form, Vec<u8>)> {
    let bytes = text.as_bytes();
    let mut forms = vec![
        (Form::Plain, bytes.to_vec()),
        (Form::Reversed, text.chars().rev().collect::<String>().into_bytes()),
    ];
    let lines =
        text.lines().map(str::trim).filter(|line| line.len() >= LINE_BYTES_MIN && !line.starts_with("-----"));
    if text.contains('\n') {
        forms.extend(lines.map(|line| (Form::Line, line.as_bytes().to_vec())));
    }
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for before in 0..3_usize {
            // Of the encoded text only that part is sure which no neighbour has a share in.
            let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(bytes.iter().copied()).collect();
            let encoded = engine.encode(&padded);
            let first = (before * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            forms.extend(encoded.get(first..last).map(|sure| (Form::Base64, sure.as_bytes().to_vec())));
        }
    }
    let hex = |upper: bool| {
        bytes.iter().map(move |byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") })
    };
    for upper in [false, true] {
        forms.push((Form::Hex, hex(upper).collect::<String>().into_bytes()));
        forms.push((
            Form::Percent,
            hex(upper).map(|digits| format!("%{digits}")).collect::<String>().into_bytes(),
        ));
        let escaped: String = hex(upper)
            .zip(bytes)
            .map(|(digits, byte)| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    char::from(*byte).to_string()
                }
                _ => format!("%{digits}"),
            })
            .collect();
        if escaped.as_bytes() != bytes {
            forms.push((Form::Percent, escaped.into_bytes()));
        }
    }
    forms.retain(|(_, form)| form.len() >= VALUE_BYTES_MIN);
    forms
}

fn digest(salt: &str, bytes: &[u8]) -> Digest {
    Digest::of_parts([b"taint".as_slice(), salt.as_bytes(), bytes])
}

/// An odd number that depends on the salt.
fn key_of(salt: &str) -> u64 {
    let digest = Digest::of_parts([b"window".as_slice(), salt.as_bytes()]);
    digest.as_bytes().first_chunk().map_or(1, |bytes| u64::from_le_bytes(*bytes) | 1)
}

/// The first bytes of a value mixed to sixteen bits.
fn mixed(window: &[u8; VALUE_BYTES_MIN], key: u64) -> u16 {
    let [a, b, c, d, e, f] = *window;
    let product = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]).wrapping_mul(key);
    ((product ^ (product >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48) as u16
}

impl Taint {
    /// True when there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.prints.is_empty()
    }

    /// The secret values in a text, in the order in which they begin. A value in several forms at
    /// one place is named once for each.
    pub fn occurrences(&self, text: &str) -> Vec<Occurrence> {
        let mut found = Vec::new();
        if self.prints.is_empty() {
            return found;
        }
        let key = key_of(&self.salt);
        let mut by_window: Vec<(u16, &Fingerprint)> =
            self.prints.iter().map(|print| (print.window, print)).collect();
        by_window.sort_by_key(|(window, _)| *window);
        let mut known = vec![false; WINDOWS];
        for (window, _) in &by_window {
            if let Some(known) = known.get_mut(usize::from(*window)) {
                *known = true;
            }
        }
        let bytes = text.as_bytes();
        for (start, window) in bytes.windows(VALUE_BYTES_MIN).enumerate() {
            let Some(window) = window.first_chunk().map(|window| mixed(window, key)) else { break };
            if known.get(usize::from(window)) != Some(&true) {
                continue;
            }
            let from = by_window.partition_point(|(other, _)| *other < window);
            let same =
                by_window.get(from..).unwrap_or_default().iter().take_while(|(other, _)| *other == window);
            for (_, print) in same {
                let candidate = bytes.get(start..start + print.bytes);
                if candidate.is_some_and(|candidate| digest(&self.salt, candidate) == print.digest) {
                    let Fingerprint { value, form, bytes, .. } = **print;
                    found.push(Occurrence { value, form, start, bytes });
                }
            }
        }
        found
    }

    /// True when a text contains a secret value more often than its base does, in whatever form.
    pub fn more_in(&self, base: &str, text: &str) -> bool {
        let counts = |text| {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for found in self.occurrences(text) {
                *counts.entry(found.value).or_default() += 1;
            }
            counts
        };
        let in_text = counts(text);
        if in_text.is_empty() {
            return false;
        }
        let in_base = counts(base);
        in_text.iter().any(|(value, count)| *count > in_base.get(value).copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    const SALT: [u8; 32] = [7; 32];

    fn spellings(value: &str) -> Vec<String> {
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        vec![
            value.to_owned(),
            value.chars().rev().collect(),
            STANDARD.encode(value),
            STANDARD.encode(format!("x{value}y")),
            STANDARD.encode(format!("user:{value}")),
            URL_SAFE_NO_PAD.encode(value),
            hex.to_uppercase(),
            hex,
            percent,
        ]
    }

    #[test]
    fn the_fingerprints_do_not_hold_the_value() {
        let value = "not-a-real-pass-7c1d9e";
        let json = serde_json::to_string(&fingerprints([value], &SALT)).unwrap();
        for spelling in spellings(value) {
            assert!(!json.contains(&spelling));
        }
        let taint: Taint = serde_json::from_str(&json).unwrap();
        assert!(taint.more_in("", &format!("const DB: &str = \"{value}\";")));
        assert!(!taint.more_in(&format!("x = {value}"), &format!("y = {value}")));
    }

    #[test]
    fn short_values_and_other_salts_are_nothing() {
        for nothing in ["short", "sh0rt", "  1234567 ", "secret", "Secrets", "app-dev", "1.2.3.4"] {
            assert!(fingerprints([nothing], &SALT).is_empty(), "{nothing}");
        }
        for short in ["sh0rt7x", "p@sswd", "a1b2c3"] {
            assert!(fingerprints([short], &SALT).more_in("", &format!("x={short};")), "{short}");
        }
        let one = fingerprints(["not-a-real-pass-7c1d9e"], &SALT);
        let other = fingerprints(["not-a-real-pass-7c1d9e"], &[8; 32]);
        assert_ne!(one.prints[0].digest, other.prints[0].digest);
    }

    #[test]
    fn a_line_of_a_longer_value_is_recognised() {
        let key =
            "-----BEGIN KEY-----\nRkFLRSBLRVkgTk9UIFJFQUw0\nRkFLRSBLRVkgTk9UIFJFQUw1\n-----END KEY-----";
        let taint = fingerprints([key], &SALT);
        assert!(taint.more_in("", "  let k = \"RkFLRSBLRVkgTk9UIFJFQUw1\";"));
        assert!(!taint.more_in("", "if line == \"-----BEGIN KEY-----\" {}"));
    }

    proptest! {
        #[test]
        fn planted_values_are_always_found(
            values in proptest::collection::vec("[!-~]{8,40}|[a-z]{3,5}[0-9]{3}", 1..6),
            chosen in any::<prop::sample::Index>(),
            form in 0..9_usize,
            before in "[ -~]{0,40}",
            after in "[ -~]{0,40}",
        ) {
            let taint = fingerprints(values.iter().map(String::as_str), &SALT);
            let at = chosen.index(values.len());
            let spelling = spellings(&values[at])[form].clone();
            let text = format!("{before}{spelling}{after}");
            prop_assert!(taint.occurrences(&text).iter().any(|found| found.value == at), "{}", spelling);
        }

        #[test]
        fn other_texts_never_are(
            values in proptest::collection::vec("[!-~]{12,40}", 1..50),
            text in "[ -~\n]{0,2000}",
        ) {
            let taint = fingerprints(values.iter().map(String::as_str), &SALT);
            let holds = values.iter().any(|value| {
                forms(value).iter().any(|(_, form)| text.as_bytes().windows(form.len()).any(|window| window == form.as_slice()))
            });
            prop_assert_eq!(!taint.occurrences(&text).is_empty(), holds);
        }
    }
}
