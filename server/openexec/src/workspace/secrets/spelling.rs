//! The variables of an environment file, in every spelling in which their values may stand
//! elsewhere. Programs read these files by different rules, so that each value is taken both as
//! one of them would hand it to a program and as it is written. Nothing is judged here.

use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A variable and what is assigned to it, as shells, `.env` files and YAML write it.
static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?ix)^[\ \t]*
        (?: (?:export|declare|typeset|local|readonly|set|env) [\ \t]+ (?:-[a-z]+[\ \t]+)* | -[\ \t]+ | \$env: )?
        ["']? (?<name>[a-z_][\w.-]{0,127}) ["']? [\ \t]* (?: = | :[\ \t] ) [\ \t]*"#)
    .ok()
});

/// The same without a sign between them, as `setx`, `setenv` and fish write it.
static STATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^[\ \t]* (?: setx | setenv | set (?:[\ \t]+-{1,2}[a-z]+)+ ) [\ \t]+ (?<name>[a-z_][\w.-]{0,127}) [\ \t]+",
    )
    .ok()
});

/// Where another assignment begins behind a value.
static FURTHER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:[ \t]|[;&])+(?:export[ \t]+)?[A-Za-z_]\w*=").ok());

/// Bytes of the shortest line of a value that is taken by itself.
const LINE_BYTES_MIN: usize = 8;

/// The text of an environment file, in whatever encoding an editor left it: UTF-8 or UTF-16 with
/// their marks, and Latin-1 in lines that are no UTF-8.
pub(super) fn decoded(bytes: &[u8]) -> String {
    let utf_16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => {
            let lines = rest.split_inclusive(|byte| *byte == b'\n');
            let read = lines.map(|line| match std::str::from_utf8(line) {
                Ok(line) => line.to_owned(),
                Err(_) => line.iter().copied().map(char::from).collect(),
            });
            read.collect()
        }
    }
}

/// The names and values of an environment file: of each value every spelling, and the lines of
/// longer ones. `of_comment` says whether a variable that is commented out counts by its name.
pub(super) fn assignments(text: &str, of_comment: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        match line.trim_start().strip_prefix('#') {
            // A sentence is no value.
            Some(comment) => {
                let mut inside = Vec::new();
                assigned(comment, comment, &mut inside);
                inside.retain(|(name, value)| of_comment(name) && !value.contains(char::is_whitespace));
                found.append(&mut inside);
            }
            None => {
                found.extend(expanded(line));
                assigned(line, rest, &mut found);
            }
        }
        rest = behind;
    }
    let lines: Vec<_> = found.iter().flat_map(|(name, value)| lines_of(name, value)).collect();
    found.extend(lines);
    found
}

/// What a program is handed that reads its environment with dotenv. A line that cannot be read so
/// hides nothing on the others.
fn expanded(chunk: &str) -> Vec<(String, String)> {
    dotenvy::from_read_iter(chunk.as_bytes()).flatten().collect()
}

/// What a line assigns, as it is written. A quoted value may go on in the text behind the line.
fn assigned(line: &str, text: &str, found: &mut Vec<(String, String)>) {
    let (mut line, mut text) = (line.trim_end(), text);
    let mut is_first = true;
    loop {
        let captures = [&ASSIGNED, &STATED]
            .into_iter()
            .find_map(|pattern| pattern.as_ref().and_then(|pattern| pattern.captures(line)));
        let Some(captures) = captures else { return };
        let (Some(whole), Some(name)) = (captures.get(0), captures.name("name")) else { return };
        let name = name.as_str();
        let value = line.get(whole.end()..).unwrap_or_default();
        let behind = text.get(whole.end()..).unwrap_or_default();
        let mut add = |value: &str| found.push((name.to_owned(), value.trim().to_owned()));
        let mut used = 0;
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'));
        match quote.and_then(|quote| closing(behind, quote)) {
            Some(end) if end < value.len() => {
                add(behind.get(1..end).unwrap_or_default());
                used = end + 1;
            }
            Some(end) if ends_line(behind.get(end + 1..).unwrap_or_default()) => {
                add(behind.get(1..end).unwrap_or_default());
                let chunk = text.get(..whole.end() + end + 1).unwrap_or_default();
                found.extend(expanded(chunk));
                return;
            }
            Some(_) | None => {}
        }
        let further = value.get(used..).and_then(|rest| FURTHER.as_ref()?.find(rest));
        if used == 0 {
            let unquoted = value.get(quote.map_or(0, char::len_utf8)..).unwrap_or_default();
            // Where several stand in a line, blanks part them; so only the first can be all of it. What
            // each of thousands might be with all that follow would fill the memory.
            if is_first || further.is_none() {
                spellings(unquoted).into_iter().for_each(&mut add);
            }
            if let Some(further) = further {
                add(value.get(..further.start()).unwrap_or_default());
            }
        }
        let Some(further) = further else { return };
        let next = whole.end() + used + further.start() + blanks(further.as_str());
        line = line.get(next..).unwrap_or_default();
        text = text.get(next..).unwrap_or_default();
        is_first = false;
    }
}

/// What a value without quotes may be: all of it, without what ends a command, without a comment.
fn spellings(value: &str) -> BTreeSet<&str> {
    let before_comment = value.split_once(" #").or_else(|| value.split_once("\t#")).map(|(before, _)| before);
    [Some(value), Some(value.trim_end_matches([';', '"', '\''])), before_comment]
        .into_iter()
        .flatten()
        .collect()
}

/// Bytes of what separates two assignments.
fn blanks(between: &str) -> usize {
    between.len() - between.trim_start_matches([' ', '\t', ';', '&']).len()
}

/// Where the quote that a text begins with is closed.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    let mut characters = text.char_indices().skip(1);
    let (at, _) = characters.find(|(_, character)| {
        let closes = *character == quote && !is_escaped;
        is_escaped = quote != '\'' && *character == '\\' && !is_escaped;
        closes
    })?;
    Some(at)
}

/// True where nothing but a comment stands on the rest of the line.
fn ends_line(text: &str) -> bool {
    let rest = text.lines().next().unwrap_or_default().trim();
    rest.is_empty() || rest.starts_with('#')
}

/// The lines of a longer value that say something by themselves: no markers of keys, no words.
fn lines_of(name: &str, value: &str) -> Vec<(String, String)> {
    let says_something = |line: &&str| {
        line.len() >= LINE_BYTES_MIN
            && !line.starts_with("-----")
            && !line.contains(char::is_whitespace)
            && line.contains(|character: char| character.is_ascii_digit())
    };
    let lines = value.lines().map(str::trim).filter(|_| value.contains('\n')).filter(says_something);
    lines.map(|line| (name.to_owned(), line.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        assignments(text, |_| true).into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn a_value_is_taken_as_it_is_written_and_as_programs_are_handed_it() {
        for (text, value) in [
            ("P=pa$$w0rd-long-bbb", "pa$$w0rd-long-bbb"),
            ("P=\"hunter$twelve-ccc\"", "hunter$twelve-ccc"),
            ("P=correct horse ddd-9", "correct horse ddd-9"),
            ("P=it's-middle-ggg1", "it's-middle-ggg1"),
            ("P=back\\slash-iii123", "back\\slash-iii123"),
            ("P=`tick-nnn-12345`", "tick-nnn-12345"),
            ("P=trail-mmm-123 # why", "trail-mmm-123"),
            ("P='a # b'", "a # b"),
            ("P=has#hash-hhh123", "has#hash-hhh123"),
            ("P=\"a\\\"b c\"", "a\"b c"),
            ("P=\"a\\\"b c\"", "a\\\"b c"),
            ("P=\"never-closed-1", "never-closed-1"),
            ("DB-PASSWORD=dashkey-kkk-123", "dashkey-kkk-123"),
            ("P: colon-val-fff12", "colon-val-fff12"),
            ("  - P=listed-fff12", "listed-fff12"),
            ("set P=set-ooo-12345", "set-ooo-12345"),
            ("set \"P=set-ooo-12345\"", "set-ooo-12345"),
            ("setx P setx-ooo-12345", "setx-ooo-12345"),
            ("set -gx P 'fish-ooo-12345'", "fish-ooo-12345"),
            ("$env:P = \"shell-ooo-12345\"", "shell-ooo-12345"),
            ("export A=one-1 P=two-2; export Q='three 3'", "one-1"),
            ("export A=one-1 P=two-2; export Q='three 3'", "two-2"),
            ("export A=one-1 P=two-2; export Q='three 3'", "three 3"),
            ("# P=was-out-12345", "was-out-12345"),
            ("P=\"multi-ppp-1\nsecond-ppp-22\"\n", "multi-ppp-1\nsecond-ppp-22"),
            ("P=\"multi-ppp-1\nsecond-ppp-22\"\n", "second-ppp-22"),
            ("A=1\r\nP=crlf-sss-1234\r\n", "crlf-sss-1234"),
        ] {
            assert!(values(text).iter().any(|found| found == value), "{text}: {:?}", values(text));
        }
    }

    #[test]
    fn a_line_of_many_assignments_takes_no_more_room_than_itself() {
        let line = "a=1 ".repeat(1_000) + "B=last-of-all-1";
        let values = values(&line);
        assert!(values.iter().any(|value| value == "last-of-all-1"));
        assert!(values.iter().map(String::len).sum::<usize>() < 10 * line.len());
    }

    #[test]
    fn what_is_no_value_is_none() {
        for (text, value) in [
            ("# P is: a sentence about P\n", "a sentence about P"),
            ("see http://a.example/b\n", "//a.example/b"),
            ("A='tis\nMODE=development-of-it1\nB='t\n", "tis\nMODE=development-of-it1\nB="),
            ("K=\"-----BEGIN KEY1-----\nabc\n\"", "-----BEGIN KEY1-----"),
        ] {
            assert!(!values(text).iter().any(|found| found == value), "{text}: {:?}", values(text));
        }
        assert_eq!(assignments("#P=x1\n", |_| false), []);
    }

    #[test]
    fn a_file_is_read_in_the_encoding_that_it_has() {
        let text = "A=wert-ä-1\n";
        let units = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
        assert_eq!(decoded(text.as_bytes()), text);
        assert_eq!(decoded(&[b"\xEF\xBB\xBF".as_slice(), text.as_bytes()].concat()), text);
        assert_eq!(decoded(&[b"\xFF\xFE".as_slice(), &units(u16::to_le_bytes)].concat()), text);
        assert_eq!(decoded(&[b"\xFE\xFF".as_slice(), &units(u16::to_be_bytes)].concat()), text);
        assert_eq!(decoded(b"# caf\xE9\nA=wert-\xE4-1\n"), "# café\nA=wert-ä-1\n");
    }
}
