//! Personal data, by class: e-mail addresses, public IP addresses, numbers that states and banks
//! give to people. A class is looked for only where the run's policy names it.
//!
//! Most of the numbers carry check digits; one that does not add up is some other number. Those
//! without check digits must be written in their own way, with their separators.

mod numbers;

use super::Finding;
use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

/// A class of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonalData {
    /// E-mail addresses, but for reserved domains.
    Email,
    /// Public IP addresses.
    Ip,
    /// Bank accounts, payment cards, social security and tax numbers.
    NationalId,
}

impl PersonalData {
    /// The name in a policy file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Ip => "ip",
            Self::NationalId => "national_id",
        }
    }
}

/// One way in which personal data is written.
struct Form {
    class: PersonalData,
    kind: &'static str,
    /// Without one of these characters there is none.
    needs: &'static [u8],
    /// The first group is what is found.
    pattern: &'static str,
    holds: fn(&str) -> bool,
}

const FORMS: &[Form] = &[
    Form {
        class: PersonalData::Email,
        kind: "email",
        needs: b"@",
        pattern: r"(?:^|[^A-Za-z0-9._%+-])([A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})",
        holds: is_somebodys,
    },
    Form {
        class: PersonalData::Ip,
        kind: "ip",
        needs: b".",
        pattern: r"(?:^|[^A-Za-z0-9_.])(\d{1,3}(?:\.\d{1,3}){3})(?:[^A-Za-z0-9_.]|\.(?:\s|\z)|\z)",
        holds: is_public_v4,
    },
    Form {
        class: PersonalData::Ip,
        kind: "ip",
        needs: b":",
        pattern: r"(?:^|[^A-Za-z0-9_:.])([23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34})(?:[^A-Za-z0-9_:]|\z)",
        holds: is_public_v6,
    },
    number("iban", r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b", numbers::is_iban),
    number(
        "card-number",
        r"\b(\d{4}(?:[ -]?\d{4}){3}|\d{4}[ -]?\d{6}[ -]?\d{5}|\d{13,19})\b",
        numbers::is_card,
    ),
    number("us-ssn", r"(?:^|[^0-9A-Za-z_.-])(\d{3}-\d{2}-\d{4})(?:[^0-9A-Za-z_-]|\z)", numbers::is_us_ssn),
    number("de-tax-id", r"\b(\d{11}|\d{2} \d{3} \d{3} \d{3})\b", numbers::is_de_tax_id),
    // One in eleven numbers of nine digits passes the check: the name must stand beside it.
    number(
        "nl-bsn",
        r"(?i)\b(?:bsn|burgerservicenummer|sofi(?:nummer)?)\b[^0-9\n]{0,20}(\d{9}|\d{4}\.\d{2}\.\d{3})\b",
        numbers::is_nl_bsn,
    ),
    number("pl-pesel", r"\b(\d{11})\b", numbers::is_pl_pesel),
    number("es-dni", r"\b([0-9XYZ]\d{7}-?[A-HJ-NP-TV-Z])\b", numbers::is_es_dni),
    number("fr-nir", r"\b([12] ?\d{2} ?\d{2} ?\d[0-9AB] ?\d{3} ?\d{3} ?\d{2})\b", numbers::is_fr_nir),
    number(
        "it-codice-fiscale",
        r"\b([A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])\b",
        numbers::is_it_codice,
    ),
    number("se-personnummer", r"\b((?:19|20)?\d{6}[-+]\d{4})\b", numbers::is_se_personnummer),
    number("be-national-number", r"\b(\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}|\d{11})\b", numbers::is_be_number),
];

const fn number(kind: &'static str, pattern: &'static str, holds: fn(&str) -> bool) -> Form {
    Form { class: PersonalData::NationalId, kind, needs: b"0123456789", pattern, holds }
}

static COMPILED: LazyLock<Vec<Option<Regex>>> = LazyLock::new(|| {
    // A test holds that each of these constants compiles.
    FORMS.iter().map(|form| RegexBuilder::new(form.pattern).unicode(false).build().ok()).collect()
});

/// What the placeholders of personal data are called.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    FORMS.iter().map(|form| form.kind)
}

/// Adds the personal data of these classes that stands in the text.
pub(super) fn find(text: &str, classes: &BTreeSet<PersonalData>, found: &mut Vec<Finding>) {
    if classes.is_empty() {
        return;
    }
    for (form, regex) in FORMS.iter().zip(COMPILED.iter()) {
        let Some(regex) = regex.as_ref().filter(|_| classes.contains(&form.class)) else { continue };
        if !text.bytes().any(|byte| form.needs.contains(&byte)) {
            continue;
        }
        let mut from = 0;
        // The border behind one find may be the border before the next.
        while let Some(captures) = regex.captures_at(text.as_bytes(), from) {
            let Some(group) = captures.get(1) else { break };
            let range: Range<usize> = group.range();
            if text.get(range.clone()).is_some_and(form.holds) {
                found.push(Finding { kind: form.kind.to_owned(), range, certain: true });
            }
            from = group.end();
        }
    }
}

/// False for domains that belong to nobody (RFC 2606) and for the user that git servers have.
fn is_somebodys(address: &str) -> bool {
    const RESERVED: &[&str] = &["example", "test", "invalid", "localhost", "local"];
    let Some((user, domain)) = address.split_once('@') else { return false };
    let domain = domain.to_ascii_lowercase();
    let last = domain.rsplit('.').next().unwrap_or_default();
    let reserved = RESERVED.contains(&last)
        || ["example.com", "example.org", "example.net"]
            .iter()
            .any(|it| domain.strip_suffix(it).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    user != "git" && !reserved
}

fn is_public_v4(text: &str) -> bool {
    // `parse` refuses leading zeros, which versions have and addresses have not.
    let Ok(address) = text.parse::<Ipv4Addr>() else { return false };
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || shared
        || first == 0
        // Multicast, reserved, broadcast and the masks of networks.
        || first >= 224)
}

fn is_public_v6(text: &str) -> bool {
    // 2001:db8::/32 is for documentation.
    text.parse::<Ipv6Addr>().is_ok_and(|address| !matches!(address.segments(), [0x2001, 0x0db8, ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> BTreeSet<PersonalData> {
        BTreeSet::from([PersonalData::Email, PersonalData::Ip, PersonalData::NationalId])
    }

    fn found(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        find(text, &all(), &mut found);
        found.into_iter().map(|it| format!("{} {}", it.kind, &text[it.range])).collect()
    }

    #[test]
    fn every_form_compiles() {
        assert!(COMPILED.iter().all(Option::is_some));
    }

    #[test]
    fn people_and_machines_are_found() {
        assert_eq!(
            found("From: Jo <jo.doe+x@mail.corp.se>, amy@corp.se; via 8.8.4.4, [2a00:1450:4001:81b::200e]."),
            ["email jo.doe+x@mail.corp.se", "email amy@corp.se", "ip 8.8.4.4", "ip 2a00:1450:4001:81b::200e"]
        );
        assert_eq!(found("9.9.9.9 1.1.1.1:53"), ["ip 9.9.9.9", "ip 1.1.1.1"]);
    }

    #[test]
    fn what_identifies_nobody_is_left_alone() {
        for text in [
            "git@github.com:a/b.git",
            "user@example.com admin@host.test a@b",
            "127.0.0.1 10.0.0.1 192.168.1.7 172.16.0.1 169.254.169.254 255.255.255.0 203.0.113.9 0.0.0.0",
            "version 1.2.3.4.5 and 1.2.3.04 and v1.2.3.4",
            "std::net::Ipv6Addr a::b 2001:db8::1 20:30:40",
            "1234567890123456 00000000000 2026-11-22 +1 555 0100",
        ] {
            assert!(found(text).is_empty(), "{:?}", found(text));
        }
    }

    #[test]
    fn a_class_that_is_not_named_is_not_looked_for() {
        let mut found = Vec::new();
        find("jo@corp.se 8.8.4.4", &BTreeSet::from([PersonalData::Ip]), &mut found);
        assert_eq!(found.len(), 1);
        found.clear();
        find("jo@corp.se 8.8.4.4", &BTreeSet::new(), &mut found);
        assert!(found.is_empty());
    }

    #[test]
    fn numbers_are_found_where_they_add_up() {
        // Published test numbers, and numbers that were made up with their check digits.
        for (kind, good, bad) in [
            ("iban", "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 01"),
            ("iban", "GB82WEST12345698765432", "GB82WEST12345698765433"),
            ("card-number", "4111 1111 1111 1111", "4111 1111 1111 1112"),
            ("card-number", "378282246310005", "378282246310006"),
            ("us-ssn", "219-09-9999", "000-12-3456"),
            ("de-tax-id", "86095742719", "86095742718"),
            ("nl-bsn", "BSN: 111222333", "BSN: 111222334"),
            ("pl-pesel", "44051401359", "44051401358"),
            ("es-dni", "12345678Z", "12345678A"),
            ("fr-nir", "255081416802538", "255081416802539"),
            ("it-codice-fiscale", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            ("se-personnummer", "811228-9874", "811228-9873"),
            ("be-national-number", "85.07.30-033.28", "85.07.30-033.29"),
        ] {
            assert!(found(good).iter().any(|it| it.starts_with(kind)), "{good}: {:?}", found(good));
            assert!(found(bad).iter().all(|it| !it.starts_with(kind)), "{bad}: {:?}", found(bad));
        }
    }
}
