//! Money as files write it: decimal numbers of US dollars, read digit by digit.
//!
//! It must not go through binary fractions: a tenth of a dollar is none of them.

use openexec_engine::budget::MicroUsd;
use schemars::JsonSchema;
use serde::Deserialize;

/// Digits behind the point that a millionth of a dollar has.
const FRACTION_DIGITS: usize = 6;

/// A number as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Decimal(String);

// What editors check while one types; reading checks the digits behind the point besides.
impl JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Usd".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "multipleOf": 0.000_001 })
    }
}

impl Decimal {
    /// In millionths; none where it is not a plain decimal number, is negative, has more digits
    /// behind the point than a millionth, or is too large.
    pub(super) fn micro_usd(&self) -> Option<MicroUsd> {
        let (whole, fraction) = self.0.split_once('.').unwrap_or((&self.0, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > FRACTION_DIGITS {
            return None;
        }
        let whole: MicroUsd = whole.parse().ok()?;
        let fraction: MicroUsd = format!("{fraction:0<FRACTION_DIGITS$}").parse().ok()?;
        whole.checked_mul(1_000_000)?.checked_add(fraction)
    }
}

/// For people: `$0.25`, `$0.000003`.
pub fn dollars(micro_usd: MicroUsd) -> String {
    let fraction = format!("{:06}", micro_usd % 1_000_000);
    let shown = fraction.trim_end_matches('0').len().max(2);
    let shown: String = fraction.chars().take(shown).collect();
    format!("${}.{shown}", micro_usd / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, expected) in [
            ("0", Some(0)),
            ("3", Some(3_000_000)),
            ("0.1", Some(100_000)),
            ("0.30", Some(300_000)),
            ("2.000001", Some(2_000_001)),
            // The nearest binary fraction of this number is another amount.
            ("9007199254.740993", Some(9_007_199_254_740_993)),
            ("0.0000001", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            (".5", None),
            ("5.", None),
            (".nan", None),
            (".inf", None),
            ("NaN", None),
            ("1_000", None),
            ("1,5", None),
            ("$1", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(Decimal(text.to_owned()).micro_usd(), expected, "{text}");
        }
    }

    #[test]
    fn amounts_are_shown_without_a_loss() {
        let shown = [0, 250_000, 1_000_000, 3, 12_345_678].map(dollars);
        assert_eq!(shown, ["$0.00", "$0.25", "$1.00", "$0.000003", "$12.345678"]);
    }
}
