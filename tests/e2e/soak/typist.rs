//! Somebody who types: letters, line ends, wide and combining characters, in all places, several
//! changes at once, and takes some of it back. The same seed types the same.
//!
//! Positions are counted here by the letter of the protocol and by other means than the
//! server's, so that the two check each other.

use serde_json::{Value, json};

/// Characters of the document around which its length stays.
const CHARACTERS: usize = 24_000;
/// Changes of one batch.
const CHANGES_MAX: u64 = 4;
/// Batches that can be taken back.
const UNDO_MAX: usize = 20;
/// What is typed.
const PIECES: [&str; 14] = [
    "a",
    "e\u{301}",
    "🦀",
    "한",
    " ",
    "\t",
    "fn x() {}",
    "// openexec: ",
    "\u{2028}",
    "👩‍👩‍👧",
    "\"",
    "}",
    "(",
    "zwölf",
];

/// A change as the protocol has it: the characters it replaces, and what it puts there.
#[derive(Debug, Clone)]
struct Change {
    from: usize,
    to: usize,
    text: Vec<char>,
}

pub struct Typist {
    state: u64,
    encoding: &'static str,
    line_end: &'static str,
    characters: Vec<char>,
    cursor: usize,
    /// The texts before the latest batches; short ones are kept as the changes that lead back.
    undo: Vec<Vec<Change>>,
    changes: u64,
    undone: u64,
}

impl Typist {
    pub fn new(seed: u64, encoding: &'static str, line_end: &'static str, code: fn(usize) -> String) -> Self {
        let mut typist = Self {
            state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            encoding,
            line_end,
            characters: Vec::new(),
            cursor: 0,
            undo: Vec::new(),
            changes: 0,
            undone: 0,
        };
        for number in 0.. {
            typist.characters.extend(code(number).replace('\n', line_end).chars());
            if typist.characters.len() >= CHARACTERS {
                break;
            }
        }
        typist
    }

    pub fn text(&self) -> String {
        self.characters.iter().collect()
    }

    /// Where the last change was.
    pub fn cursor(&self) -> Value {
        self.position(self.cursor)
    }

    /// The changes made, and the batches taken back.
    pub fn made(&self) -> (u64, u64) {
        (self.changes, self.undone)
    }

    /// The next batch: each change is about the text that the one before it has left.
    pub fn batch(&mut self) -> Vec<Value> {
        if self.below(10) == 0
            && let Some(back) = self.undo.pop()
        {
            self.undone += 1;
            return back.iter().map(|change| self.made_of(change).0).collect();
        }
        let mut back = Vec::new();
        let mut sent = Vec::new();
        for _ in 0..=self.below(CHANGES_MAX) {
            let change = self.invented();
            let (value, inverse) = self.made_of(&change);
            sent.push(value);
            back.insert(0, inverse);
        }
        self.undo.push(back);
        if self.undo.len() > UNDO_MAX {
            self.undo.remove(0);
        }
        sent
    }

    /// Makes a change. Answers it as the protocol has it, and the change that takes it back.
    fn made_of(&mut self, change: &Change) -> (Value, Change) {
        self.changes += 1;
        let whole = !(self.is_place(change.from) && self.is_place(change.to));
        let range = json!({ "start": self.position(change.from), "end": self.position(change.to) });
        let before: Vec<char> =
            self.characters.splice(change.from..change.to, change.text.iter().copied()).collect();
        let to = change.from + change.text.len();
        self.cursor = to;
        let inverse = Change { from: change.from, to, text: before };
        // Between the two halves of a line end is no place, so everything is sent.
        if whole {
            return (json!({ "text": self.text() }), inverse);
        }
        (json!({ "range": range, "text": change.text.iter().collect::<String>() }), inverse)
    }

    fn invented(&mut self) -> Change {
        let length = self.characters.len();
        // Mostly at the cursor, as people do; else anywhere, the very ends included.
        let at = match self.below(10) {
            0 => 0,
            1 => length,
            2..=4 => self.below(length as u64 + 1) as usize,
            _ => self.cursor.min(length),
        };
        let from = self.place_at(at);
        let removed = match self.below(6) {
            0 => 1,
            1 => self.below(40) as usize,
            2 if length > CHARACTERS => length - CHARACTERS,
            _ => 0,
        };
        let to = self.place_at((from + removed).min(length)).max(from);
        let text = if self.below(8) == 0 { Vec::new() } else { self.piece() };
        Change { from, to, text }
    }

    fn piece(&mut self) -> Vec<char> {
        match self.below(12) {
            0 => self.line_end.chars().collect(),
            // Somebody pastes lines that end otherwise.
            1 => "x\ny\r\nz\r".chars().collect(),
            _ => PIECES[self.below(PIECES.len() as u64) as usize].chars().collect(),
        }
    }

    /// The next number below a limit, by xorshift.
    fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % limit
    }

    /// Whether a position can name the place before this character.
    fn is_place(&self, at: usize) -> bool {
        !(at > 0 && self.characters.get(at) == Some(&'\n') && self.characters[at - 1] == '\r')
    }

    fn place_at(&self, at: usize) -> usize {
        if self.is_place(at) { at } else { at - 1 }
    }

    fn position(&self, at: usize) -> Value {
        let (mut line, mut begins) = (0, 0);
        for (index, character) in self.characters[..at].iter().enumerate() {
            let ends = match character {
                '\n' => true,
                '\r' => self.characters.get(index + 1) != Some(&'\n'),
                _ => false,
            };
            if ends {
                (line, begins) = (line + 1, index + 1);
            }
        }
        let column: usize = self.characters[begins..at]
            .iter()
            .map(|character| match self.encoding {
                "utf-8" => character.len_utf8(),
                "utf-16" => character.len_utf16(),
                _ => 1,
            })
            .sum();
        json!({ "line": line, "character": column })
    }
}
