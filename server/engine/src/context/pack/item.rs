//! One candidate on its way into a pack: redacted, as lines of data, with what they cost.

use super::super::envelope::{Data, note};
use super::super::plan::{Lines, Offer};
use super::super::{Candidate, PackPart, Relevance, Shown, Vocabulary};
use crate::index::own_name;
use crate::limits::CONTEXT_SIGNATURE_CHARS_MAX as SIGNATURE_CHARS_MAX;
use crate::path::WorkspacePath;
use crate::redact::Redactions;

/// What stands in the note above a piece, behind the number of its line.
struct About {
    /// Above the beginning of the item.
    head: String,
    /// Above any other piece of it, which does not show the symbol's name itself.
    rest: String,
}

/// A candidate, redacted.
pub(super) struct Item<'a> {
    candidate: &'a Candidate,
    /// The number of its file; an item that is no exact part of a file has one of its own.
    pub(super) file: usize,
    /// What its envelope is called.
    pub(super) title: String,
    /// Its file, for people; empty where it has none.
    path: String,
    /// The file's own name, where no other file of the pack has the same; else all of the path.
    name: String,
    /// The lines that its data is, as far as that is known.
    pub(super) lines: Option<Lines>,
    /// Its text, line by line, each behind its margin.
    pub(super) data: Vec<String>,
    is_crlf: bool,
    /// What it is and why it is shown, for the note above each piece; none where the title says it.
    about: Option<About>,
    signature: Option<String>,
    /// What its name belongs to; empty where it stands for itself.
    qualifier: String,
    /// The number of that among those of all items.
    pub(super) kin: usize,
    /// True where each line of data is one line of the file.
    pub(super) is_divisible: bool,
    /// True where it has more to show than its signature.
    pub(super) has_body: bool,
    /// What the data costs up to each line, once that was asked.
    weights: Option<Vec<usize>>,
}

/// The candidates as items, in their order.
pub(super) fn items<'a>(ranked: &[&'a Candidate], redactions: &mut Redactions) -> Vec<Item<'a>> {
    let mut paths: Vec<&WorkspacePath> = ranked.iter().filter_map(|it| it.path.as_ref()).collect();
    paths.sort();
    paths.dedup();
    let mut names: Vec<&str> = paths.iter().map(|path| path.file_name()).collect();
    names.sort_unstable();
    let is_alone = |name: &str| {
        let from = names.partition_point(|other| *other < name);
        names.get(from + 1) != Some(&name)
    };
    let item = |(at, candidate): (usize, &&'a Candidate)| {
        let name = candidate.path.as_ref().map(WorkspacePath::file_name).filter(|name| is_alone(name));
        let path = candidate.path.as_ref().filter(|_| is_exact(candidate) || is_listed(candidate));
        let file = path.and_then(|path| paths.binary_search(&path).ok());
        Item::new(candidate, name, file, paths.len() + at, redactions)
    };
    let mut items: Vec<Item<'a>> = ranked.iter().enumerate().map(item).collect();
    let mut qualifiers: Vec<String> = items.iter().map(|item| item.qualifier.clone()).collect();
    qualifiers.sort();
    qualifiers.dedup();
    for item in &mut items {
        item.kin = qualifiers.partition_point(|qualifier| *qualifier < item.qualifier);
    }
    items
}

/// The entry of a candidate in the table of contents.
pub(super) fn part(candidate: &Candidate, lines: Option<Lines>, shown: Shown) -> PackPart {
    PackPart {
        path: candidate.path.clone(),
        symbol: candidate.symbol.clone(),
        lines,
        relevance: candidate.relevance.clone(),
        shown,
        tokens: 0,
        redactions: 0,
        withheld: None,
    }
}

/// True when the text is exactly the lines that it claims to be.
fn is_exact(candidate: &Candidate) -> bool {
    line_count(candidate) == Some(candidate.text.split_inclusive('\n').count())
}

/// True when nothing but its signature is there to be shown.
fn is_listed(candidate: &Candidate) -> bool {
    !is_exact(candidate) && candidate.signature.as_ref() == Some(&candidate.text)
}

/// How many lines it claims to be.
fn line_count(candidate: &Candidate) -> Option<usize> {
    candidate.lines.map(|(first, last)| (last as usize + 1).saturating_sub(first as usize))
}

impl<'a> Item<'a> {
    /// `file` is the number of the file that its text is an exact part of.
    fn new(
        candidate: &'a Candidate,
        name: Option<&str>,
        file: Option<usize>,
        own: usize,
        redactions: &mut Redactions,
    ) -> Self {
        let mut told = |text: &str| redactions.replace(text).0;
        let text = told(&candidate.text);
        let Data { lines: mut data, is_crlf } = Data::of(&text);
        if text.ends_with('\n') {
            data.pop();
        }
        let path = told(&candidate.path.as_ref().map(ToString::to_string).unwrap_or_default());
        let symbol = told(candidate.symbol.as_deref().unwrap_or_default());
        let why = told(&candidate.relevance.to_string());
        let about = both(&symbol, &why);
        let place = match candidate.lines {
            Some((first, last)) if !path.is_empty() => format!("{path}:{first}-{last}"),
            Some(_) | None => path.clone(),
        };
        let (title, about) = match file {
            Some(_) => {
                (path.clone(), Some(About::of(candidate, &symbol, &told(&candidate.relevance.brief()))))
            }
            None if place.is_empty() => (about, None),
            None => (format!("{place} {about}"), None),
        };
        let signature = candidate.signature.as_deref().map(|signature| {
            let line = signature.split_whitespace().collect::<Vec<_>>().join(" ");
            shortened(told(&line))
        });
        let is_exact = file.is_some() && is_exact(candidate);
        let has_body = !is_listed(candidate) && data.iter().any(|line| line != "|");
        Self {
            candidate,
            file: file.unwrap_or(own),
            title,
            name: name.map_or_else(|| path.clone(), told),
            path,
            lines: candidate.lines.filter(|_| is_exact),
            is_divisible: is_exact && line_count(candidate) == Some(data.len()),
            has_body,
            data,
            is_crlf,
            about,
            signature,
            qualifier: qualifier(&symbol).to_owned(),
            kin: 0,
            weights: None,
        }
    }

    pub(super) fn relevance(&self) -> &'a Relevance {
        &self.candidate.relevance
    }

    pub(super) fn offer(&self) -> Offer {
        Offer {
            file: self.file,
            lines: self.lines,
            is_divisible: self.is_divisible,
            has_body: self.has_body,
            signature_line: self.signature.as_ref().map(|_| self.name_line().unwrap_or_default()),
            kin: self.kin,
            is_certain: self.candidate.relevance.is_certain(),
        }
    }

    /// The line of its name, or its first one.
    pub(super) fn name_line(&self) -> Option<u32> {
        self.candidate.signature_line.or(self.candidate.lines.map(|(first, _)| first))
    }

    /// Its signature behind the line of its name and what that belongs to, without which a method's
    /// says little; that is told only once where kin stand above it.
    pub(super) fn signature_line(&self, has_kin: bool) -> String {
        let signature = self.signature.as_deref().unwrap_or_default();
        let mut line = self.name_line().map(|line| format!("{line} ")).unwrap_or_default();
        if !self.qualifier.is_empty() {
            line.push_str(if has_kin { "" } else { &self.qualifier });
            line.push_str(": ");
        }
        line.push_str(signature);
        Data::of(&line).lines.concat()
    }

    /// Its place among the signatures of its file: kin together, in the order of their lines.
    pub(super) fn listed_at(&self) -> (usize, Option<u32>) {
        (self.kin, self.name_line())
    }

    /// The line above a piece of it, or above all of it: the number of the first line below it, and
    /// why it is shown. How many lines follow can be seen.
    pub(super) fn note(&self, piece: Option<Lines>) -> Option<String> {
        let about = self.about.as_ref()?;
        let first = self.lines.map(|(first, _)| first);
        let from = piece.map(|(from, _)| from).or(first);
        let about = if from == first { &about.head } else { &about.rest };
        let from = from.map(|from| format!("{from} ")).unwrap_or_default();
        Some(note(&format!("{from}{about}"), self.is_crlf))
    }

    /// The line above the signatures of its file. Where an envelope of the file has told the path,
    /// the name is enough.
    pub(super) fn file_note(&self, has_bodies: bool) -> String {
        note(if has_bodies { &self.name } else { &self.path }, false)
    }

    /// The data of a piece, or all of it.
    pub(super) fn data_of(&self, piece: Option<Lines>) -> &[String] {
        self.range(piece).and_then(|(from, to)| self.data.get(from..to)).unwrap_or_default()
    }

    /// Where a piece stands among the lines of data.
    fn range(&self, piece: Option<Lines>) -> Option<(usize, usize)> {
        let Some((first, last)) = piece else { return Some((0, self.data.len())) };
        let (start, _) = self.lines?;
        Some((first.checked_sub(start)? as usize, last.checked_sub(start)? as usize + 1))
    }

    /// The note and the data of a piece.
    pub(super) fn lines_of(&self, piece: Option<Lines>) -> Vec<String> {
        self.note(piece).into_iter().chain(self.data_of(piece).iter().cloned()).collect()
    }

    /// True where a piece, but not all of the item, says nothing.
    pub(super) fn is_blank(&self, piece: Option<Lines>) -> bool {
        piece.is_some() && self.data_of(piece).iter().all(|line| line.trim() == "|")
    }

    /// What the data of a piece costs, in thirds of tokens. Counted once.
    pub(super) fn weight(&mut self, piece: Option<Lines>, vocabulary: Vocabulary) -> usize {
        let range = self.range(piece);
        let weights = self.weights(vocabulary);
        let up_to = |line: usize| weights.get(line).copied().unwrap_or_default();
        range.map_or(0, |(from, to)| up_to(to).saturating_sub(up_to(from)))
    }

    fn weights(&mut self, vocabulary: Vocabulary) -> &[usize] {
        self.weights.get_or_insert_with(|| {
            let mut sum = 0;
            let each = self.data.iter().map(|line| vocabulary.thirds(&format!("{line}\n")));
            std::iter::once(0)
                .chain(each.map(|weight| {
                    sum += weight;
                    sum
                }))
                .collect()
        })
    }

    /// How many of the first lines fit.
    pub(super) fn lines_within(&mut self, room: usize, vocabulary: Vocabulary) -> usize {
        self.weights(vocabulary).partition_point(|weight| *weight <= room).saturating_sub(1)
    }

    /// Keeps only the first lines.
    pub(super) fn keep(&mut self, count: usize) {
        if count < self.data.len()
            && let Some((first, _)) = self.lines
        {
            self.data.truncate(count);
            self.lines = Some((first, first + u32::try_from(count).unwrap_or(1).max(1) - 1));
            self.weights = self.weights.take().map(|mut weights| {
                weights.truncate(count + 1);
                weights
            });
        }
    }

    pub(super) fn part(&self, lines: Option<Lines>, shown: Shown) -> PackPart {
        let lines =
            if shown == Shown::LeftOut { self.candidate.lines } else { lines.or(self.candidate.lines) };
        part(self.candidate, lines, shown)
    }
}

impl About {
    fn of(candidate: &Candidate, symbol: &str, why: &str) -> Self {
        let rest = both(symbol, why);
        // A definition that was ranked begins with its own name.
        let head = match candidate.relevance {
            Relevance::Ranked { .. } => both(qualifier(symbol), why),
            _ => rest.clone(),
        };
        Self { head, rest }
    }
}

fn both(symbol: &str, why: &str) -> String {
    if symbol.is_empty() { why.to_owned() } else { format!("{symbol}; {why}") }
}

/// What a name is qualified by, without the mark between them.
fn qualifier(symbol: &str) -> &str {
    let qualifier = symbol.strip_suffix(own_name(symbol)).unwrap_or_default();
    qualifier.trim_end_matches(|character: char| !character.is_alphanumeric() && character != '>')
}

/// A signature of a length that others have room beside. A placeholder is kept whole or left out.
fn shortened(signature: String) -> String {
    let Some((end, _)) = signature.char_indices().nth(SIGNATURE_CHARS_MAX) else { return signature };
    let head = signature.get(..end).unwrap_or_default();
    let kept = match (head.rfind('⟦'), head.rfind('⟧')) {
        (Some(open), close) if close.is_none_or(|close| close < open) => head.get(..open),
        _ => Some(head),
    };
    format!("{}…", kept.unwrap_or_default().trim_end())
}
