//! Sentences about assertions: how code is shown, and what can be said about a change.

use crate::path::is_ignorable;
use regex::Regex;
use std::sync::LazyLock;

/// Characters of code that a sentence shows.
const SHOWN_CHARS_MAX: usize = 160;

/// Code as part of a sentence: short, and with nothing that cannot be seen.
pub(super) fn shown(code: &str) -> String {
    let mut shown = String::from("`");
    for (count, letter) in code.chars().enumerate() {
        if count >= SHOWN_CHARS_MAX {
            shown.push('…');
            break;
        }
        match letter {
            '\n' | '\r' | '\t' => shown.push(' '),
            '`' => shown.push('\''),
            _ if letter.is_control() || is_ignorable(letter) => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
    }
    shown.push('`');
    shown
}

static NEVER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)
        ^assert!\((?:true|!false)[),] | ^assert(?:True|1|"[^"]*")$
        | ^assert\ (?:True|1|"[^"]+")$
        | (?:assertTrue|assertFalse|isTrue|ok|assert|assert\.ok|assert\.True|require\.True)\((?:t,\ )?(?:true|True|1|!false|!0)\)
        | \|\|\ true\b | \bor\ True\b | \|\|\ 1\b
        | ^assert\ \(.*,\ .*\)$"#,
    )
    .ok()
});
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        ^(?:assert_eq!|(?:\w+\.)*(?:assertEquals?|assertIs|assertSame|equal|strictEqual|deepEqual|Equal|EqualValues|is))
          \((?:t,\ )?(?P<a>.+),\ (?P<b>.+?)\)?\)?$
        | ^expect\((?P<c>.+)\)\.(?:toBe|toEqual|toStrictEqual|to\.equal|to\.eql)\((?P<d>.+)\)$
        | ^assert\ (?P<e>.+?)\ (?:==|is)\ (?P<f>.+)$",
    )
    .ok()
});

/// True for an assertion that holds whatever the program does.
pub(super) fn can_never_fail(key: &str) -> bool {
    if NEVER.as_ref().is_some_and(|never| never.is_match(key)) {
        return true;
    }
    let Some(pair) = PAIR.as_ref().and_then(|pair| pair.captures(key)) else { return false };
    [("a", "b"), ("c", "d"), ("e", "f")].iter().any(|(left, right)| {
        let side = |name: &str| pair.name(name).map(|side| side.as_str().trim_end_matches(')'));
        side(left).is_some() && side(left) == side(right)
    })
}

/// True when an assertion demands what it demanded before, and something else besides.
pub(super) fn says_more(old: &str, new: &str) -> bool {
    // Without its `await`, a judgement of a promise was none.
    if new.strip_prefix("await ") == Some(old) {
        return true;
    }
    let plain = ["assert!(", "assert ", "assertTrue(", "self.assertTrue(", "debug_assert!("];
    let is_call = plain.iter().any(|start| start.ends_with('(') && old.starts_with(start));
    let condition = old.strip_suffix(')').filter(|_| is_call).unwrap_or(old);
    let Some(rest) = new.strip_prefix(condition) else { return false };
    let joins = rest.starts_with(" && ") || rest.starts_with(" and ");
    let hedges = [" || ", " or ", " else ", "?"].iter().any(|word| rest.contains(word));
    plain.iter().any(|start| old.starts_with(start)) && joins && !hedges
}

static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?").ok());

/// How a tolerance changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tolerance {
    Wider { from: String, to: String },
    Narrower,
}

/// What two assertions say about their tolerance when they differ in nothing else.
pub(super) fn tolerance(old: &str, new: &str) -> Option<Tolerance> {
    let number = NUMBER.as_ref()?;
    if number.replace_all(old, "#") != number.replace_all(new, "#") {
        return None;
    }
    let pairs = number.find_iter(old).zip(number.find_iter(new));
    let mut differing = pairs.filter(|(old, new)| old.as_str() != new.as_str());
    let (from, to) = differing.next()?;
    if differing.next().is_some() {
        return None;
    }
    let before = old.get(..from.start())?.trim_end_matches(['-', '(', ' ']);
    let last = old.get(from.end()..)?.trim_matches([')', ' ', '}', ']', ';']).is_empty();
    let name =
        before.trim_end_matches(['=', ':']).rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let name = name.into_iter().next().unwrap_or_default();
    let keyword = before.ends_with(['=', ':']);
    const NAMES: [&str; 13] = [
        "rel",
        "abs",
        "delta",
        "tol",
        "rtol",
        "atol",
        "rel_tol",
        "abs_tol",
        "epsilon",
        "eps",
        "max_relative",
        "within",
        "offset",
    ];
    const DIGITS: [&str; 5] = ["places", "decimal", "significant", "digits", "toBeCloseTo"];
    const CALLS: [&str; 8] = [
        "assertEquals",
        "InDelta",
        "InEpsilon",
        "closeTo",
        "assertAlmostEqual",
        "approx",
        "abs_diff",
        "isCloseTo",
    ];
    let names_tolerance = keyword && NAMES.contains(&name) || NAMES.contains(&name) && before.ends_with(name);
    let counts_digits =
        keyword && DIGITS.contains(&name) || last && old.contains(".toBeCloseTo(") && before.ends_with(',');
    let is_last = last && before.ends_with(',') && CALLS.iter().any(|call| old.contains(call));
    let compared = last && before.ends_with('<') && (old.contains("abs(") || old.contains(".abs()"));
    let value = |text: &str| text.replace('_', "").parse::<f64>().ok();
    let grows = value(to.as_str())? > value(from.as_str())?;
    let wider = if counts_digits {
        !grows
    } else if names_tolerance || is_last || compared {
        grows
    } else {
        return None;
    };
    Some(if wider {
        Tolerance::Wider { from: from.as_str().to_owned(), to: to.as_str().to_owned() }
    } else {
        Tolerance::Narrower
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(NEVER.is_some() && PAIR.is_some() && NUMBER.is_some());
    }

    #[test]
    fn assertions_that_never_fail_are_known() {
        for key in [
            "assert!(true)",
            "assert True",
            "assert 1",
            "assert_eq!(1, 1)",
            "expect(true).toBe(true)",
            "assert x == x",
            "assert!(add(2, 3) == 5 || true)",
            "assert f(1) == 2 or True",
            "assertTrue(true)",
            "self.assertTrue(True)",
            "assert (x == 1, \"told\")",
            "assert.ok(true)",
        ] {
            assert!(can_never_fail(key), "{key}");
        }
        for key in ["assert!(x)", "assert_eq!(add(1, 1), 2)", "expect(f(true)).toBe(true)", "assert x == y"] {
            assert!(!can_never_fail(key), "{key}");
        }
    }

    #[test]
    fn a_further_demand_is_no_change() {
        assert!(says_more("assert!(a)", "assert!(a && b)"));
        assert!(says_more("assert!(f(x))", "assert!(f(x) && g(x))"));
        assert!(says_more("assert x == 1", "assert x == 1 and y"));
        assert!(says_more("t.throws(f)", "await t.throws(f)"));
        assert!(!says_more("assert!(a)", "assert!(a || b)"));
        assert!(!says_more("assert!(a)", "assert!(a && b || true)"));
        assert!(!says_more("assert x == 1", "assert x == 10"));
        assert!(!says_more("assert x", "assert x and y if z else True"));
    }

    #[test]
    fn tolerances_are_compared() {
        let wider =
            |from: &str, to: &str| Some(Tolerance::Wider { from: from.to_owned(), to: to.to_owned() });
        let python = |value: &str| format!("assert mean([1, 2])== pytest.approx(2.0, rel={value})");
        assert_eq!(tolerance(&python("1e-6"), &python("1e9")), wider("1e-6", "1e9"));
        assert_eq!(tolerance(&python("1e-6"), &python("1e-9")), Some(Tolerance::Narrower));
        assert_eq!(
            tolerance("expect(x).toBeCloseTo(1.5, 5)", "expect(x).toBeCloseTo(1.5, 1)"),
            wider("5", "1")
        );
        assert_eq!(
            tolerance("assert.InDelta(t, 1.0, x, 0.1)", "assert.InDelta(t, 1.0, x, 10)"),
            wider("0.1", "10")
        );
        assert_eq!(tolerance("assert!((a-b).abs()<1e-9)", "assert!((a-b).abs()<1e3)"), wider("1e-9", "1e3"));
        assert_eq!(tolerance("assert x==5", "assert x==4"), None);
        assert_eq!(tolerance("assertEquals(5, f(), 0.1)", "assertEquals(4, f(), 0.1)"), None);
    }

    #[test]
    fn code_is_shown_without_what_cannot_be_seen() {
        assert_eq!(shown("a\u{202e}b\n`c`"), "`a\\u{202e}b 'c'`");
    }
}
