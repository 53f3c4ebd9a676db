//! Errors in their normal form: what is left of a message when everything is taken out of it
//! that differs from one time to the next. Two failures of the same cause on two machines have
//! the same form; it is compared as a whole, and nothing is concluded from likeness.

use crate::limits::{ERROR_FORM_BYTES_MAX, ERROR_FORMS_MAX, ERROR_LINES_READ_MAX};
use crate::task::TestFailure;
use regex::Regex;
use std::sync::LazyLock;

/// What is taken out, in this order: what contains others first.
static VARYING: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        // Colours and cursors of terminals.
        (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
        (r#""[^"\n]*"|'[^'\n]*'|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’"#, "<value>"),
        (r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.,]+(Z|[+-][0-9:]+)?)?", "<time>"),
        (r"\b[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?\b", "<time>"),
        (r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<hex>"),
        (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
        // Addresses on the web and files, with what a colon adds to them.
        (r"\b[a-z][a-z0-9+.-]*://\S+", "<path>"),
        (r"([A-Za-z]:)?(\.{0,2}[/\\])?([\w.@+~-]+[/\\])+[\w.@+~-]*(:[0-9]+)*", "<path>"),
        (r"(^|\s)/[\w.@+~-]+(:[0-9]+)*", "$1<path>"),
        (r"\b[\w-]+\.[A-Za-z]{1,5}(:[0-9]+)+\b", "<path>"),
        // Digests: long, hexadecimal, with a digit in them.
        (r"\b[0-9a-fA-F]*[0-9][0-9a-fA-F]{7,}\b|\b[0-9a-fA-F]{7,}[0-9][0-9a-fA-F]*\b", "<hex>"),
        (r"[0-9]+([.,_][0-9]+)*", "<n>"),
    ]
    .into_iter()
    .filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead)))
    .collect()
});

/// The words by which a line of output is taken for an error.
static TELLING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(\w*error|\w*exception|panic(ked)?|fatal|fail(ed|ure)?|refused|denied|corrupt\w*|stale|unhealthy|timed? ?out)\b").ok()
});

/// One line of an error in its normal form. Nothing is left of one that says nothing.
pub fn normalised(line: &str) -> Option<String> {
    let mut form = line.trim().chars().take(ERROR_FORM_BYTES_MAX * 2).collect::<String>();
    for (pattern, instead) in VARYING.iter() {
        form = pattern.replace_all(&form, *instead).into_owned();
    }
    let mut form = form.split_whitespace().collect::<Vec<_>>().join(" ");
    while form.len() > ERROR_FORM_BYTES_MAX {
        form.pop();
    }
    // Two words are the least that two errors can be told apart by.
    let mut own = form.clone();
    for (_, instead) in VARYING.iter().filter(|(_, instead)| instead.starts_with('<')) {
        own = own.replace(instead, " ");
    }
    let words = own.split(|it: char| !it.is_alphabetic()).filter(|word| word.len() > 2);
    (words.count() >= 2).then_some(form)
}

/// The errors of failing tests and of an output, in their normal form, in their order, each once.
pub fn error_forms<'t>(
    failures: impl IntoIterator<Item = &'t TestFailure>,
    outputs: impl IntoIterator<Item = &'t str>,
) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    let mut add = |form: Option<String>| {
        if let Some(form) = form
            && forms.len() < ERROR_FORMS_MAX
            && !forms.contains(&form)
        {
            forms.push(form);
        }
    };
    for failure in failures {
        add(first_telling(&failure.message).or_else(|| failure.message.lines().find_map(normalised)));
    }
    for output in outputs {
        for line in output.lines().take(ERROR_LINES_READ_MAX).filter(|line| is_telling(line)) {
            add(normalised(line));
        }
    }
    forms
}

fn first_telling(message: &str) -> Option<String> {
    message.lines().take(ERROR_LINES_READ_MAX).filter(|line| is_telling(line)).find_map(normalised)
}

fn is_telling(line: &str) -> bool {
    TELLING.as_ref().is_some_and(|telling| telling.is_match(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(line: &str) -> String {
        normalised(line).unwrap_or_default()
    }

    #[test]
    fn what_differs_from_one_time_to_the_next_is_taken_out() {
        for (one, other) in [
            (
                "thread 'main' panicked at src/cache.rs:41:9: index 7 out of bounds",
                "thread 'worker-3' panicked at /home/u/w/src/cache.rs:90:1: index 1024 out of bounds",
            ),
            (
                "2026-03-01T10:11:12Z connection refused by 10.0.0.7:8080 (request 1f3a9c77d2)",
                "2025-12-24 23:59:59,123 connection refused by 192.168.1.1:9 (request 00ab12cd34ef)",
            ),
            ("KeyError: 'total' in invoice \"A-17\"", "KeyError: `sum` in invoice \"B\""),
            ("lock file var/run/a.lock is stale", "lock file /srv/x/var/b.lock is stale"),
            ("object at 0x7f3c29a0 was freed twice", "object at 0xdeadbeef was freed twice"),
        ] {
            assert_eq!(form(one), form(other));
            assert_ne!(form(one), "", "{one}");
        }
    }

    #[test]
    fn other_errors_have_other_forms() {
        assert_ne!(form("connection refused by peer"), form("connection reset by peer"));
        assert_ne!(form("cannot open var/a.lock for writing"), form("cannot open var/a.lock for reading"));
    }

    #[test]
    fn what_says_nothing_has_no_form() {
        for line in ["", "12", "'x'", "error", "src/a.rs:3:4", "0xdeadbeef 7"] {
            assert_eq!(normalised(line), None, "{line}");
        }
    }

    #[test]
    fn the_telling_lines_of_an_output_are_taken_in_order_and_once() {
        let output = "starting 3 workers\nerror: the cache file var/c.json is corrupt\nat frame 7\n\
                      error: the cache file /w/var/d.json is corrupt\nhealth check failed with status 503\n";
        let forms = error_forms([], [output]);
        insta::assert_debug_snapshot!(forms, @r#"
        [
            "error: the cache file <path> is corrupt",
            "health check failed with status <n>",
        ]
        "#);
    }
}
