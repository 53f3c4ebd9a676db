//! Whether a number is what it looks like: check digits, dates and lengths, by issuer. Each
//! procedure is the issuer's published one.

/// Lengths of account numbers by country, from the registry of IBAN formats.
const IBAN_LENGTHS: &str = "\
    AD24 AE23 AT20 BE16 BG22 BR29 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GR27 \
    HR21 HU28 IE22 IL23 IS26 IT27 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MT31 NL18 NO15 PL28 PT25 QA29 \
    RO24 RS22 SA24 SE24 SI19 SK24 SM27 TR26 UA29 VA22 XK20";

/// First digits of payment cards, with the lengths of their numbers.
const CARDS: &[(u32, u32, &[usize])] = &[
    (3400, 3499, &[15]),
    (3700, 3799, &[15]),
    (3000, 3059, &[14]),
    (3600, 3699, &[14]),
    (3800, 3899, &[14]),
    (3528, 3589, &[16]),
    (4000, 4999, &[13, 16, 19]),
    (5100, 5599, &[16]),
    (2221, 2720, &[16]),
    (6011, 6011, &[16]),
    (6440, 6599, &[16]),
    (6200, 6299, &[16, 17, 18, 19]),
];

/// The digits of a text, without its separators.
fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|character| character.to_digit(10)).collect()
}

/// The number that some of the digits write.
fn value(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

fn part(digits: &[u32], from: usize, to: usize) -> u64 {
    value(digits.get(from..to).unwrap_or_default())
}

/// The sum of the products of digits and weights.
fn weighted(digits: &[u32], weights: &[i64]) -> i64 {
    digits.iter().zip(weights).map(|(digit, weight)| i64::from(*digit) * weight).sum()
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |(at, digit): (usize, &u32)| match (at % 2, digit * 2) {
        (0, _) => *digit,
        (_, twice) if twice > 9 => twice - 9,
        (_, twice) => twice,
    };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

fn is_date(month: u64, day: u64) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

pub(super) fn is_iban(text: &str) -> bool {
    let plain: String = text.chars().filter(|character| *character != ' ').collect();
    let expected = format!("{}{}", plain.get(..2).unwrap_or_default(), plain.len());
    let fits = IBAN_LENGTHS.split(' ').any(|known| known == expected);
    let turned = plain.chars().cycle().skip(4).take(plain.len());
    let remainder = turned.fold(0, |rest, character| match character.to_digit(36) {
        Some(number @ 0..=9) => (rest * 10 + number) % 97,
        Some(number) => (rest * 100 + number) % 97,
        None => rest,
    });
    fits && remainder == 1
}

pub(super) fn is_card(text: &str) -> bool {
    let digits = digits(text);
    let first = part(&digits, 0, 4);
    let fits = CARDS.iter().any(|(from, to, lengths)| {
        (u64::from(*from)..=u64::from(*to)).contains(&first) && lengths.contains(&digits.len())
    });
    fits && luhn(&digits)
}

/// Without check digits: only what was never given out is known to be none.
pub(super) fn is_us_ssn(text: &str) -> bool {
    let digits = digits(text);
    let (area, group, serial) = (part(&digits, 0, 3), part(&digits, 3, 5), part(&digits, 5, 9));
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0
}

/// ISO 7064 MOD 11,10; of the first ten digits exactly one stands there twice or thrice.
pub(super) fn is_de_tax_id(text: &str) -> bool {
    let digits = digits(text);
    let Some((check, first)) = digits.split_last().filter(|(_, first)| first.len() == 10) else {
        return false;
    };
    let count = |digit: u32| first.iter().filter(|other| **other == digit).count();
    let counts: Vec<usize> = (0..10).map(count).collect();
    let repeated: Vec<usize> = counts.into_iter().filter(|count| *count > 1).collect();
    let product = first.iter().fold(10, |product, digit| {
        let sum = match (digit + product) % 10 {
            0 => 10,
            sum => sum,
        };
        (sum * 2) % 11
    });
    first.first() != Some(&0) && matches!(repeated.as_slice(), [2 | 3]) && (11 - product) % 10 == *check
}

pub(super) fn is_nl_bsn(text: &str) -> bool {
    let digits = digits(text);
    digits.len() == 9 && value(&digits) > 0 && weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0
}

/// The month tells the century: 20, 40, 60 or 80 more than itself.
pub(super) fn is_pl_pesel(text: &str) -> bool {
    let digits = digits(text);
    let dated = is_date(part(&digits, 2, 4) % 20, part(&digits, 4, 6));
    digits.len() == 11 && dated && weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 == 0
}

pub(super) fn is_es_dni(text: &str) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let number = text.replacen('X', "0", usize::from(text.starts_with('X')));
    let number = number.replacen('Y', "1", usize::from(text.starts_with('Y')));
    let number = number.replacen('Z', "2", usize::from(text.starts_with('Z')));
    let digits = digits(&number);
    let letter = LETTERS.get((value(&digits) % 23) as usize);
    digits.len() == 8 && value(&digits) > 0 && text.as_bytes().last() == letter
}

/// The départements of Corsica, 2A and 2B, count as 19 and 18.
pub(super) fn is_fr_nir(text: &str) -> bool {
    let plain: String = text.chars().filter(|character| *character != ' ').collect();
    let digits = digits(&plain.replace("2A", "19").replace("2B", "18"));
    let month = part(&digits, 3, 5);
    let dated = (1..=12).contains(&month) || (20..=42).contains(&month) || month >= 50;
    digits.len() == 15 && dated && 97 - part(&digits, 0, 13) % 97 == part(&digits, 13, 15)
}

pub(super) fn is_it_codice(text: &str) -> bool {
    /// What a character at an odd place counts: digits and letters in their order.
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let Some((check, first)) = text.as_bytes().split_last() else { return false };
    let sum: u32 = first
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            let order = if byte.is_ascii_digit() { byte - b'0' } else { byte.saturating_sub(b'A') };
            match at % 2 {
                0 => ODD.get(usize::from(order)).copied().unwrap_or_default(),
                _ => u32::from(order),
            }
        })
        .sum();
    u32::from(check.saturating_sub(b'A')) == sum % 26
}

pub(super) fn is_se_personnummer(text: &str) -> bool {
    let digits = digits(text);
    let short = digits.get(digits.len().saturating_sub(10)..).unwrap_or_default();
    // Sixty more than the day: a number for somebody who is not registered.
    is_date(part(short, 2, 4), part(short, 4, 6) % 60) && luhn(short)
}

/// From the year 2000 on, a 2 stands before the first nine digits when the check is computed.
pub(super) fn is_be_number(text: &str) -> bool {
    let digits = digits(text);
    let (first, check) = (part(&digits, 0, 9), part(&digits, 9, 11));
    let dated = is_date(part(&digits, 2, 4), part(&digits, 4, 6));
    let checks = [first, 2_000_000_000 + first].map(|number| 97 - number % 97);
    digits.len() == 11 && dated && checks.contains(&check)
}
