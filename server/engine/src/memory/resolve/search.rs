//! The cascade: ways to find one symbol again, the surest first.
//!
//! The thresholds were found on the histories of public repositories in seven languages;
//! likeness is that of [`crate::memory::Sketch`], in thousandths.

use super::World;
use super::fingerprints::{Fingerprints, newcomers};
use super::twins;
use crate::memory::SymbolPointer;
use crate::syntax::SymbolKind;
use std::cmp::Reverse;

/// Likeness below which nothing is considered.
const LIKENESS_PERMILLE_MIN: u32 = 250;
/// Likeness from which on a symbol of the same own name elsewhere is taken for the same.
const OWN_NAME_PERMILLE_MIN: u32 = 450;
/// The same where that name tells one symbol from all others that are new.
const TELLING_NAME_PERMILLE_MIN: u32 = 300;
/// The same where several new symbols of other files bear it, as methods of an interface do.
const COMMON_NAME_PERMILLE_MIN: u32 = 600;
/// Characters of a name that tells something by itself.
const TELLING_NAME_CHARS_MIN: usize = 10;
/// Likeness from which on a new symbol of the same file is.
const NEAR_PERMILLE_MIN: u32 = 600;
/// The same where its name is like the old one.
const NEAR_NAMED_PERMILLE_MIN: u32 = 400;
/// Likeness from which on a new symbol of another file is.
const FAR_PERMILLE_MIN: u32 = 720;
/// The same where its name is like the old one.
const FAR_NAMED_PERMILLE_MIN: u32 = 600;
/// How much more alike than the second it must be.
const FAR_MARGIN_PERMILLE: u32 = 50;
/// Likeness from which on a name is like another one: one of them was mended or made longer.
const NAMES_PERMILLE_MIN: u32 = 700;
/// Tokens of a body that says something by itself; a smaller one is found by its text only
/// beside its old place or under its old name.
const TELLING_TOKENS_MIN: u32 = 20;

/// How a symbol was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// By its text, with its own name masked.
    Text,
    /// By its qualified name in its file, wherever the file lies now.
    Name,
    /// By its own name elsewhere.
    OwnName,
    /// As the new symbol that is most like it.
    Likeness,
    /// By its text, which stands in several places of which none has more for it.
    Copies,
    /// After it had gone, under its name or by its text. Something else may have come.
    Returned,
}

/// What was found.
pub(super) struct Hit {
    pub place: SymbolPointer,
    pub way: Way,
    /// How alike the texts are; nothing where the text then is not known.
    pub similarity_permille: Option<u32>,
}

impl Hit {
    pub fn new(pointer: &SymbolPointer, place: &SymbolPointer, way: Way) -> Self {
        let same = same_body(pointer, place) || pointer.text == place.text;
        Self {
            place: place.clone(),
            way: if same { Way::Text } else { way },
            similarity_permille: if same { Some(1000) } else { alike(pointer, place) },
        }
    }
}

/// Finds a pointer's symbol in the world as it is now.
pub(super) fn search(pointer: &SymbolPointer, world: &dyn World) -> Option<Hit> {
    let file = file_now(pointer, world);
    if let Some(hit) = file.as_deref().and_then(|now| twins::named(pointer, now, world)) {
        return Some(hit);
    }
    let (mut candidates, mut bearers) = (Vec::new(), 0);
    world.newcomers(pointer, &mut |candidate| {
        if same_sort(pointer.kind, candidate.kind) {
            bearers += u32::from(candidate.own_name() == pointer.own_name());
            candidates.extend(Candidate::of(pointer, candidate, file.as_deref()));
        }
    });
    let then = world.then(&pointer.path);
    if let Some(file) = file.as_deref() {
        candidates.extend(taken_over(pointer, file, world));
        let rivals = then.as_deref().map(|then| rivals(pointer, then, file)).unwrap_or_default();
        candidates.retain(|candidate| !candidate.is_anothers(&rivals));
    }
    by_text(pointer, &candidates)
        .or_else(|| by_own_name(pointer, &candidates, fame(pointer, bearers, then.as_deref())))
        .or_else(|| by_likeness(pointer, &candidates))
}

/// Finds a symbol again that was lost in an earlier step: under its qualified name at its path, or
/// by its exact text where that is new. That is certain only where both came back.
pub(super) fn returned(last: &SymbolPointer, world: &dyn World) -> Option<Hit> {
    let is_same = |symbol: &SymbolPointer| symbol.text == last.text;
    if let Some(file) = world.now(&last.path) {
        let then = world.then(&last.path);
        let named = newcomers(&file, then.as_deref())
            .filter(|symbol| symbol.symbol == last.symbol && same_sort(last.kind, symbol.kind));
        let named =
            named.max_by_key(|symbol| (is_same(symbol), alike(last, symbol), Reverse(symbol.ordinal)));
        if let Some(named) = named {
            return Some(match is_same(named) {
                true => Hit::new(last, named, Way::Text),
                false => {
                    let similarity_permille = alike(last, named);
                    Hit { place: named.clone(), way: Way::Returned, similarity_permille }
                }
            });
        }
    }
    if last.sketch.tokens() < TELLING_TOKENS_MIN {
        return None;
    }
    let (mut copies, mut place) = (0, None);
    world.newcomers(last, &mut |symbol| {
        if is_same(symbol) && same_sort(last.kind, symbol.kind) {
            copies += 1;
            place = Some(symbol.clone());
        }
    });
    // Of several copies none is offered: nothing tells which of them it is.
    let place = place.filter(|_| copies == 1)?;
    Some(Hit { place, way: Way::Returned, similarity_permille: Some(1000) })
}

/// The pointer's file as it is now, where it lies now.
fn file_now(pointer: &SymbolPointer, world: &dyn World) -> Option<std::sync::Arc<Fingerprints>> {
    let moved = || world.moved_to(&pointer.path).and_then(|path| world.now(&path));
    world.now(&pointer.path).or_else(moved)
}

/// Symbols of the file whose name is not new but whose body is the one that is looked for: it
/// has taken over the name of another, as a second version takes the name of the first.
fn taken_over(pointer: &SymbolPointer, file: &Fingerprints, world: &dyn World) -> Vec<Candidate> {
    let Some(then) = world.then(&pointer.path).filter(|_| pointer.sketch.tokens() >= TELLING_TOKENS_MIN)
    else {
        return Vec::new();
    };
    let heirs = file.symbols().iter().filter(|heir| {
        same_body(pointer, heir)
            && then.named(&heir.symbol).next().is_some()
            && !then.named(&heir.symbol).any(|old| same_body(old, heir))
    });
    heirs.filter_map(|heir| Candidate::of(pointer, heir, Some(file))).collect()
}

/// The symbols that have left the file together with the one that is looked for. What is new may
/// be any of them, and is the one that it is most like.
fn rivals<'a>(pointer: &SymbolPointer, then: &'a Fingerprints, now: &Fingerprints) -> Vec<&'a SymbolPointer> {
    let has_left = |symbol: &&SymbolPointer| {
        same_sort(pointer.kind, symbol.kind)
            && symbol.symbol != pointer.symbol
            && now.named(&symbol.symbol).next().is_none()
    };
    then.symbols().iter().filter(has_left).collect()
}

/// A new symbol that may be the one.
struct Candidate {
    place: SymbolPointer,
    similarity: u32,
    same_text: bool,
    same_name: bool,
    like_name: bool,
    same_container: bool,
    near: bool,
}

impl Candidate {
    fn of(pointer: &SymbolPointer, place: &SymbolPointer, file: Option<&Fingerprints>) -> Option<Self> {
        let same_text = same_body(pointer, place);
        let same_name = pointer.own_name() == place.own_name();
        let similarity = if same_text { 1000 } else { alike(pointer, place).unwrap_or_default() };
        if !same_text && similarity < LIKENESS_PERMILLE_MIN {
            return None;
        }
        Some(Self {
            similarity,
            same_text,
            same_name,
            like_name: are_alike(pointer.own_name(), place.own_name()),
            same_container: pointer.container() == place.container(),
            near: file.is_some_and(|file| file.path() == &place.path),
            place: place.clone(),
        })
    }

    /// True where one of these has a better right to it.
    fn is_anothers(&self, rivals: &[&SymbolPointer]) -> bool {
        !self.same_text
            && rivals.iter().any(|rival| {
                same_body(rival, &self.place)
                    || alike(rival, &self.place).is_some_and(|alike| alike > self.similarity)
            })
    }

    /// True where nothing speaks for the one that does not speak for the other.
    fn stands_like(&self, other: &Self) -> bool {
        let standing = |it: &Self| (it.same_name, it.near, it.same_container);
        standing(self) == standing(other)
    }

    /// What speaks for it, the strongest first; the smallest key is the best candidate.
    fn rank(&self) -> impl Ord + use<'_> {
        (
            Reverse((self.same_text, self.same_name, self.near, self.same_container, self.similarity)),
            &self.place.path,
            self.place.range.start,
        )
    }
}

fn best<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> Option<&'a Candidate> {
    candidates.min_by(|one, two| one.rank().cmp(&two.rank()))
}

fn by_text(pointer: &SymbolPointer, candidates: &[Candidate]) -> Option<Hit> {
    let telling = pointer.sketch.tokens() >= TELLING_TOKENS_MIN;
    let equal = candidates
        .iter()
        .filter(|candidate| candidate.same_text && (telling || candidate.same_name || candidate.near));
    let best = best(equal.clone())?;
    // Several small bodies of other names are no trace of this one.
    let rivals =
        equal.clone().filter(|other| other.same_name == best.same_name && other.near == best.near).count();
    if rivals > 1 && !best.same_name && !telling {
        return None;
    }
    let copies: Vec<&Candidate> = equal.filter(|other| other.stands_like(best)).collect();
    Some(match the_one(pointer, &copies) {
        Some(one) => Hit::new(pointer, &one.place, Way::Text),
        None => Hit { place: best.place.clone(), way: Way::Copies, similarity_permille: Some(1000) },
    })
}

/// The copy that is meant, as far as anything tells: the only one, the only one that also bears the
/// same name in its text, or the only one in a file of the same name.
fn the_one<'a>(pointer: &SymbolPointer, copies: &[&'a Candidate]) -> Option<&'a Candidate> {
    let only = |is_meant: &dyn Fn(&Candidate) -> bool| {
        let mut meant = copies.iter().copied().filter(|copy| is_meant(copy));
        meant.next().filter(|_| meant.next().is_none())
    };
    let is_exact = |copy: &Candidate| copy.place.text == pointer.text;
    let is_namesake = |copy: &Candidate| copy.place.path.file_name() == pointer.path.file_name();
    only(&|_| true).or_else(|| only(&is_exact)).or_else(|| only(&|copy| is_exact(copy) && is_namesake(copy)))
}

/// How much an own name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fame {
    /// It belongs to this symbol alone, as far as anybody can tell.
    Telling,
    /// Nothing speaks for it or against it.
    Plain,
    /// Many bear it.
    Common,
}

/// How much a pointer's own name says, where so many new symbols bear it.
fn fame(pointer: &SymbolPointer, bearers: u32, then: Option<&Fingerprints>) -> Fame {
    let own_name = pointer.own_name();
    let before = then.map(Fingerprints::symbols).unwrap_or_default();
    let before = before.iter().filter(|symbol| symbol.own_name() == own_name).count();
    match bearers {
        0 | 1 if before <= 1 && own_name.chars().count() >= TELLING_NAME_CHARS_MIN => Fame::Telling,
        0 | 1 => Fame::Plain,
        _ => Fame::Common,
    }
}

fn by_own_name(pointer: &SymbolPointer, candidates: &[Candidate], fame: Fame) -> Option<Hit> {
    let least = |candidate: &Candidate| match fame {
        Fame::Telling => TELLING_NAME_PERMILLE_MIN,
        Fame::Common if !candidate.near => COMMON_NAME_PERMILLE_MIN,
        Fame::Plain | Fame::Common => OWN_NAME_PERMILLE_MIN,
    };
    let bearers = candidates.iter().filter(|candidate| candidate.same_name);
    let best = best(bearers.filter(|candidate| candidate.similarity >= least(candidate)))?;
    Some(Hit::new(pointer, &best.place, Way::OwnName))
}

fn by_likeness(pointer: &SymbolPointer, candidates: &[Candidate]) -> Option<Hit> {
    let near = candidates.iter().filter(|candidate| {
        let least = if candidate.like_name { NEAR_NAMED_PERMILLE_MIN } else { NEAR_PERMILLE_MIN };
        candidate.near && candidate.similarity >= least
    });
    if let Some(near) =
        near.max_by_key(|candidate| (candidate.similarity, Reverse(candidate.place.range.start)))
    {
        return Some(Hit::new(pointer, &near.place, Way::Likeness));
    }
    if pointer.sketch.tokens() < TELLING_TOKENS_MIN {
        return None;
    }
    let mut ranked: Vec<&Candidate> = candidates.iter().collect();
    ranked.sort_by_key(|candidate| {
        (Reverse(candidate.similarity), &candidate.place.path, candidate.place.range.start)
    });
    let least = |first: &Candidate| if first.like_name { FAR_NAMED_PERMILLE_MIN } else { FAR_PERMILLE_MIN };
    let first = ranked.first().filter(|first| first.similarity >= least(first))?;
    let second = ranked.get(1).map_or(0, |second| second.similarity);
    (first.similarity >= second + FAR_MARGIN_PERMILLE).then(|| Hit::new(pointer, &first.place, Way::Likeness))
}

/// True where a symbol is enough like the one that a pointer is about to be considered at all
/// when that one is not at its place.
pub fn resembles(pointer: &SymbolPointer, symbol: &SymbolPointer) -> bool {
    same_body(pointer, symbol) || alike(pointer, symbol).is_some_and(|alike| alike >= LIKENESS_PERMILLE_MIN)
}

/// True where two names have most of their pairs of neighbouring letters in common.
fn are_alike(one: &str, two: &str) -> bool {
    let pairs = |name: &str| {
        let letters: Vec<char> = name.chars().filter(|it| *it != '_').flat_map(char::to_lowercase).collect();
        let mut pairs: Vec<(char, char)> =
            letters.iter().copied().zip(letters.iter().copied().skip(1)).collect();
        pairs.sort_unstable();
        pairs
    };
    let (one, two) = (pairs(one), pairs(two));
    let all = one.len() + two.len();
    let mut rest = two.into_iter().peekable();
    let mut shared = 0;
    for pair in one {
        while rest.next_if(|other| *other < pair).is_some() {}
        shared += usize::from(rest.next_if_eq(&pair).is_some());
    }
    all > 0 && 2000 * shared >= all * NAMES_PERMILLE_MIN as usize
}

/// True where both have the same tokens, own names aside.
pub(super) fn same_body(one: &SymbolPointer, two: &SymbolPointer) -> bool {
    one.body.is_some() && one.body == two.body
}

/// How alike two symbols are, in thousandths; nothing where one is not known.
pub(super) fn alike(one: &SymbolPointer, two: &SymbolPointer) -> Option<u32> {
    one.sketch.similarity_permille(&two.sketch)
}

/// True where one kind may become the other: a function a method, a struct a class.
pub(super) fn same_sort(then: Option<SymbolKind>, now: Option<SymbolKind>) -> bool {
    use SymbolKind as K;
    let sort = |kind| match kind {
        K::Function | K::Method => 0,
        K::Class | K::Struct | K::Enum | K::Interface | K::Trait | K::Type => 1,
        K::Constant => 2,
        K::Module => 3,
        #[allow(unreachable_patterns, reason = "kinds are being added")]
        _ => 4,
    };
    match (then, now) {
        (Some(then), Some(now)) => sort(then) == sort(now),
        _ => true,
    }
}
