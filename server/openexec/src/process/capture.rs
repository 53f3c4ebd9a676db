//! What a task prints: everything is counted, the standard output is kept for the parsers up
//! to a limit, and the head and the tail of both streams, in the order of arrival, for people.

use crate::limits::TASK_OUTPUT_BYTES_MAX;
use openexec_engine::limits::OUTPUT_KEPT_BYTES_MAX;
use std::collections::VecDeque;

/// Bytes reserved for the sentence between head and tail.
const GAP_BYTES_MAX: usize = 64;

/// Output as it arrives.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    stdout: Vec<u8>,
    stdout_cut: bool,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes: u64,
}

impl Capture {
    /// Takes a piece of standard output.
    pub(crate) fn stdout(&mut self, piece: &[u8]) {
        let room =
            usize::try_from(TASK_OUTPUT_BYTES_MAX).unwrap_or(usize::MAX).saturating_sub(self.stdout.len());
        if piece.len() > room {
            self.stdout_cut = true;
        }
        self.stdout.extend(piece.iter().take(room));
        self.merged(piece);
    }

    /// Takes a piece of standard error.
    pub(crate) fn stderr(&mut self, piece: &[u8]) {
        self.merged(piece);
    }

    /// Adds a line of our own after everything.
    pub(crate) fn remark(&mut self, line: &str) {
        self.merged(format!("\n[{line}]\n").as_bytes());
    }

    fn merged(&mut self, piece: &[u8]) {
        const HEAD_MAX: usize = OUTPUT_KEPT_BYTES_MAX / 4;
        const TAIL_MAX: usize = OUTPUT_KEPT_BYTES_MAX - HEAD_MAX - GAP_BYTES_MAX;
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        let (head, rest) = piece.split_at(piece.len().min(HEAD_MAX.saturating_sub(self.head.len())));
        self.head.extend(head);
        let rest = rest.get(rest.len().saturating_sub(TAIL_MAX)..).unwrap_or(rest);
        let surplus = (self.tail.len() + rest.len()).saturating_sub(TAIL_MAX);
        self.tail.drain(..surplus.min(self.tail.len()));
        self.tail.extend(rest);
    }

    /// All of standard output, or nothing when it was too much to keep: half a report would
    /// count too few tests.
    pub(crate) fn whole_stdout(&self) -> Option<String> {
        (!self.stdout_cut).then(|| plain(&self.stdout))
    }

    /// The head and the tail of everything, without escape sequences.
    pub(crate) fn kept(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let left_out = self.bytes.saturating_sub((self.head.len() + tail.len()) as u64);
        if left_out == 0 {
            let whole: Vec<u8> = self.head.iter().chain(&tail).copied().collect();
            return bounded(plain(&whole));
        }
        bounded(format!("{}\n[… {left_out} bytes left out …]\n{}", plain(&self.head), plain(&tail)))
    }

    /// How much there was, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Replacing broken UTF-8 can make a text longer than its bytes were.
fn bounded(mut text: String) -> String {
    if text.len() > OUTPUT_KEPT_BYTES_MAX {
        text.truncate(super::report::boundary(&text, OUTPUT_KEPT_BYTES_MAX));
    }
    text
}

/// Text as a terminal would show it, without colours and cursor movements. Control
/// characters other than line breaks and tabs go too: nothing that reads the output, person
/// or model, is served by them.
fn plain(bytes: &[u8]) -> String {
    let stripped = anstream::adapter::strip_bytes(bytes).into_vec();
    String::from_utf8_lossy(&stripped)
        .replace("\r\n", "\n")
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t' | '\r'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_output_is_kept_as_it_is() {
        let mut capture = Capture::default();
        capture.stdout(b"one\n");
        capture.stderr(b"\x1b[31mtwo\x1b[0m\n");
        assert_eq!(capture.kept(), "one\ntwo\n");
        assert_eq!(capture.whole_stdout().as_deref(), Some("one\n"));
    }

    #[test]
    fn of_much_output_head_and_tail_are_kept() {
        let mut capture = Capture::default();
        capture.stdout(b"the head\n");
        for _ in 0..1000 {
            capture.stdout(&[b'x'; 1024]);
        }
        capture.stderr(b"\nthe tail");
        let kept = capture.kept();
        assert!(kept.starts_with("the head\n") && kept.ends_with("\nthe tail"));
        assert!(kept.len() <= OUTPUT_KEPT_BYTES_MAX);
        assert!(kept.contains("bytes left out"));
        assert_eq!(capture.bytes(), 9 + 1000 * 1024 + 9);
    }

    #[test]
    fn half_a_report_is_none() {
        let mut capture = Capture::default();
        let piece = vec![b'x'; 1024 * 1024];
        for _ in 0..33 {
            capture.stdout(&piece);
        }
        assert_eq!(capture.whole_stdout(), None);
    }
}
