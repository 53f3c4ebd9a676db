//! Sketches: how alike two texts are, told from a few numbers instead of the texts.
//!
//! A text is taken as the multiset of its pairs of neighbouring tokens. Its sketch holds the
//! smallest hashes of that multiset (bottom-k MinHash; Broder, "On the resemblance and
//! containment of documents", 1997). Where a text has no more pairs than a sketch has places,
//! as most functions do, the comparison is exact.

use crate::digest::Digest;
use crate::limits::SKETCH_HASHES_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// What stands for a symbol's own name while it is compared.
const OWN_NAME: &str = "\u{0}";

/// The sketch of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sketch {
    /// How many tokens the text has.
    tokens: u32,
    /// The smallest hashes, in ascending order.
    #[serde(serialize_with = "write_hashes", deserialize_with = "read_hashes")]
    hashes: Vec<u32>,
}

impl Sketch {
    /// True where nothing is known.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// How many tokens the text has.
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// How alike two texts are, from 0 to 1000: twice what they share, as a share of both
    /// (Dice). Estimated where one of them is longer than its sketch; nothing where one of
    /// them is not known.
    pub fn similarity_permille(&self, other: &Self) -> Option<u32> {
        if self.is_empty() || other.is_empty() {
            return None;
        }
        let (mut left, mut right) = (self.hashes.iter().peekable(), other.hashes.iter().peekable());
        let (mut shared, mut seen) = (0_u64, 0_u64);
        // A sketch that is full says nothing of hashes beyond its last.
        let horizon = self.horizon().min(other.horizon());
        loop {
            let (next, is_shared) = match (left.peek(), right.peek()) {
                (Some(one), Some(two)) => ((*one).min(*two), one == two),
                (Some(one), None) => (*one, false),
                (None, Some(two)) => (*two, false),
                (None, None) => break,
            };
            if *next > horizon {
                break;
            }
            let next = *next;
            left.next_if(|one| **one == next);
            right.next_if(|two| **two == next);
            seen += 1;
            shared += u64::from(is_shared);
        }
        // Of the union, `seen` are known and `shared` of them lie in both: Jaccard's index is
        // shared/seen, and Dice's 2J/(1+J).
        Some(u32::try_from(2000 * shared / (seen + shared).max(1)).unwrap_or(1000))
    }

    fn horizon(&self) -> u32 {
        match self.hashes.last() {
            Some(last) if self.hashes.len() >= SKETCH_HASHES_MAX => *last,
            _ => u32::MAX,
        }
    }
}

/// The digest and the sketch of a text's tokens, with `own_name` masked where it stands as a
/// token or, for names of several tokens such as titles, as written.
pub(super) fn measure(text: &str, own_name: &str) -> (Digest, Sketch) {
    let tokens = tokens(text, own_name);
    let digest = Digest::of_parts(tokens.iter().map(|token| token.as_bytes()));
    let mut occurrences: BTreeMap<u32, u32> = BTreeMap::new();
    let mut hashes = Vec::with_capacity(tokens.len());
    let mut before: u64 = 0;
    for token in &tokens {
        let own = fnv(FNV_OFFSET, token.as_bytes());
        let pair = folded(fnv(own, &before.to_le_bytes()));
        before = own;
        let occurrence = occurrences.entry(pair).or_default();
        hashes.push(folded(fnv(u64::from(pair) ^ FNV_OFFSET, &occurrence.to_le_bytes())));
        *occurrence += 1;
    }
    hashes.sort_unstable();
    hashes.dedup();
    hashes.truncate(SKETCH_HASHES_MAX);
    (digest, Sketch { tokens: u32::try_from(tokens.len()).unwrap_or(u32::MAX), hashes })
}

/// Words, and every other visible character by itself.
fn tokens<'a>(text: &'a str, own_name: &str) -> Vec<&'a str> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let name_is_word = !own_name.is_empty() && own_name.chars().all(is_word);
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if !name_is_word
            && !own_name.is_empty()
            && let Some(behind) = rest.strip_prefix(own_name)
        {
            tokens.push(OWN_NAME);
            rest = behind;
            continue;
        }
        let end = if is_word(first) {
            rest.find(|character| !is_word(character)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(end);
        rest = behind;
        if name_is_word && token == own_name {
            tokens.push(OWN_NAME);
        } else if !first.is_whitespace() {
            tokens.push(token);
        }
    }
    tokens
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a of 64 bits: the same on every machine and in every version, which hashers of the
/// standard library do not promise.
fn fnv(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

/// All bits of a hash mixed into 32 (the finaliser of MurmurHash3): FNV alone leaves the high
/// bits of short inputs too regular for a minimum to be fair.
fn folded(hash: u64) -> u32 {
    let mut mixed = hash ^ (hash >> 33);
    mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^= mixed >> 33;
    mixed = mixed.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (mixed >> 32) as u32
}

/// Base64 of the hashes, little-endian: a record that people read in a review should not grow
/// by a hundred lines of numbers.
fn write_hashes<S: Serializer>(hashes: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
    serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}

fn read_hashes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    use serde::de::Error as _;
    let text = String::deserialize(deserializer)?;
    if text.len() > SKETCH_HASHES_MAX * 6 {
        return Err(D::Error::custom(format!("a sketch holds at most {SKETCH_HASHES_MAX} hashes")));
    }
    let bytes = STANDARD_NO_PAD
        .decode(&text)
        .map_err(|error| D::Error::custom(format!("a sketch is written in Base64: {error}")))?;
    let (words, rest) = bytes.as_chunks::<4>();
    let hashes: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    if !rest.is_empty() || !hashes.is_sorted() {
        return Err(D::Error::custom("a sketch is made of ascending numbers of four bytes"));
    }
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(text: &str) -> Sketch {
        measure(text, "").1
    }

    /// The same without sketches.
    fn exact_permille(one: &str, two: &str) -> u32 {
        let pairs = |text: &str| {
            let mut counted: BTreeMap<(String, String), u32> = BTreeMap::new();
            let mut before = String::new();
            for token in tokens(text, "") {
                *counted.entry((before, token.to_owned())).or_default() += 1;
                before = token.to_owned();
            }
            counted
        };
        let (one, two) = (pairs(one), pairs(two));
        let shared: u32 = one.iter().map(|(pair, count)| count.min(two.get(pair).unwrap_or(&0))).sum();
        2000 * shared / one.values().chain(two.values()).sum::<u32>().max(1)
    }

    proptest! {
        #[test]
        fn short_texts_are_compared_exactly(one in "([a-d] ?){1,60}", two in "([a-d] ?){1,60}") {
            prop_assert_eq!(sketch(&one).similarity_permille(&sketch(&two)), Some(exact_permille(&one, &two)));
        }
    }

    #[test]
    fn long_texts_are_compared_well_enough() {
        let words = |from: u32, to: u32| (from..to).map(|word| format!("w{word} ")).collect::<String>();
        for (shared, apart) in [(900, 100), (600, 400), (300, 700)] {
            let (one, two) = (words(0, 1000), words(0, shared) + &words(2000, 2000 + apart));
            let (estimated, exact) =
                (sketch(&one).similarity_permille(&sketch(&two)).unwrap(), exact_permille(&one, &two));
            assert!(estimated.abs_diff(exact) < 80, "{estimated} instead of {exact}");
        }
    }

    #[test]
    fn what_is_not_known_is_like_nothing() {
        assert_eq!(Sketch::default().similarity_permille(&sketch("a")), None);
        assert_eq!(sketch("a b").similarity_permille(&sketch("c d")), Some(0));
    }

    #[test]
    fn stored_sketches_are_judged_when_they_are_read() {
        let read = |hashes: &str| {
            serde_json::from_str::<Sketch>(&format!(r#"{{"tokens":1,"hashes":"{hashes}"}}"#)).is_ok()
        };
        assert!(read("AQAAAAIAAAA"));
        assert!(!read("AgAAAAEAAAA"));
        assert!(!read("AQA"));
        assert!(!read("not base64"));
        assert!(!read(&"AQAAAA".repeat(SKETCH_HASHES_MAX + 1)));
    }
}
