//! Which parts of a ranking a budget has room for, and how much of each: first what is certain,
//! then bodies of the best up to a share of the rest, then signatures, then bodies again with
//! what is left over. No line of a file is planned twice.
//!
//! What a part costs, the caller says, in any unit that adds up: this module knows neither a
//! tokenizer nor a format.

use super::Shown;
use std::collections::{BTreeMap, BTreeSet};

/// Signatures that are tried one after the other without one that fits.
const SIGNATURE_MISSES_MAX: usize = 8;

/// Shares of a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Of the budget, for what is certain. In percent.
    pub certain_percent: usize,
    /// Of the rest, for bodies, before signatures are considered. In percent.
    pub bodies_percent: usize,
    /// Of the rest, for one body. In percent.
    pub body_percent_max: usize,
    /// Bodies that are tried one after the other without one that fits.
    pub misses_max: usize,
}

impl Shares {
    /// For a text or failing tests: many places may matter, so that signatures get their share.
    pub const SEARCH: Self =
        Self { certain_percent: 70, bodies_percent: 60, body_percent_max: 34, misses_max: 24 };
    /// For a cursor: what surrounds it matters, so that bodies get more.
    pub const CURSOR: Self =
        Self { certain_percent: 70, bodies_percent: 80, body_percent_max: 34, misses_max: 24 };
}

/// First and last line of something, counted from 1, both included.
pub type Lines = (u32, u32);

/// A part that may be shown.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// Its file, by any number; what belongs to no file has a number of its own.
    pub file: usize,
    /// The lines of its body; none where these are not known.
    pub lines: Option<Lines>,
    /// True where some of these lines can be shown without the others.
    pub is_divisible: bool,
    /// True where its body is worth showing.
    pub has_body: bool,
    /// The line of its signature; none where it has no signature.
    pub signature_line: Option<u32>,
    /// What its name belongs to, by any number: signatures of one type are listed together.
    pub kin: usize,
    /// True where nobody has to guess that it matters.
    pub is_certain: bool,
}

/// How an offer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// Its body.
    Body,
    /// The line of its signature.
    Signature,
}

impl Portion {
    /// How the table of contents calls it.
    pub const fn shown(self) -> Shown {
        match self {
            Self::Body => Shown::Whole,
            Self::Signature => Shown::Signature,
        }
    }
}

/// What the plan asks the price of.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The offer's number.
    pub offer: usize,
    /// How it would be shown.
    pub portion: Portion,
    /// The lines of its body that are not shown yet; none where the body cannot be divided.
    pub pieces: Option<&'a [Lines]>,
    /// True where a body of its file is shown already.
    pub has_bodies: bool,
    /// True where a signature of its file is shown already.
    pub has_signatures: bool,
    /// True where a signature of its file and kin is shown already.
    pub has_kin: bool,
    /// True where it would be the first signature of all.
    pub is_first_signature: bool,
}

/// An offer that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its number.
    pub offer: usize,
    /// How it is shown.
    pub portion: Portion,
    /// The lines of its body that nothing before it shows; none where the body is not divided.
    pub pieces: Option<Vec<Lines>>,
    /// Its price.
    pub price: usize,
}

/// Chooses. `price` says what a portion costs beside what is shown already. The answer holds the
/// chosen offers in the order in which they were chosen.
pub fn choose(
    offers: &[Offer],
    budget: usize,
    shares: Shares,
    price: &mut dyn FnMut(&Asked<'_>) -> usize,
) -> Vec<Chosen> {
    let mut plan = Plan::new(offers, price);
    plan.certain(percent(budget, shares.certain_percent));
    let rest = budget.saturating_sub(plan.used);
    let limit = plan.used + percent(rest, shares.bodies_percent);
    plan.ranked(limit, percent(rest, shares.body_percent_max), shares.misses_max);
    plan.signatures(budget);
    plan.left_over(budget);
    plan.chosen
}

const fn percent(of: usize, share: usize) -> usize {
    of.saturating_mul(share) / 100
}

struct Plan<'a, 'p> {
    offers: &'a [Offer],
    price: &'p mut dyn FnMut(&Asked<'_>) -> usize,
    used: usize,
    /// Lines that are shown already, by file.
    covered: BTreeMap<usize, Vec<Lines>>,
    /// Files of which a body is shown already.
    bodies: BTreeSet<usize>,
    /// Files of which a signature is shown already.
    signatures: BTreeSet<usize>,
    /// The kin of these signatures, by file.
    kin: BTreeSet<(usize, usize)>,
    /// The lines of these signatures.
    listed: BTreeSet<(usize, u32)>,
    chosen: Vec<Chosen>,
}

impl<'a, 'p> Plan<'a, 'p> {
    fn new(offers: &'a [Offer], price: &'p mut dyn FnMut(&Asked<'_>) -> usize) -> Self {
        Self {
            offers,
            price,
            used: 0,
            covered: BTreeMap::new(),
            bodies: BTreeSet::new(),
            signatures: BTreeSet::new(),
            kin: BTreeSet::new(),
            listed: BTreeSet::new(),
            chosen: Vec::new(),
        }
    }

    /// Shows what is certain, however large each of it is.
    fn certain(&mut self, limit: usize) {
        for (at, offer) in self.offers.iter().enumerate().filter(|(_, it)| it.has_body && it.is_certain) {
            let body = self.body(at, offer);
            if self.used + body.price <= limit {
                self.take(offer, body);
            }
        }
    }

    /// Shows the best of what was ranked, unless one would take too much for itself.
    fn ranked(&mut self, limit: usize, body_max: usize, misses_max: usize) {
        let mut misses = 0;
        for (at, offer) in self.offers.iter().enumerate().filter(|(_, it)| it.has_body && !it.is_certain) {
            if misses > misses_max {
                break;
            }
            let body = self.body(at, offer);
            if body.price > body_max || self.used + body.price > limit {
                misses += 1;
                continue;
            }
            misses = 0;
            self.take(offer, body);
        }
    }

    fn signatures(&mut self, limit: usize) {
        let shown: BTreeSet<usize> = self.chosen.iter().map(|it| it.offer).collect();
        let mut misses = 0;
        for (at, offer) in self.offers.iter().enumerate().filter(|(at, _)| !shown.contains(at)) {
            let Some(line) = offer.signature_line else { continue };
            if self.shows(offer.file, line) {
                let nothing = Some(Vec::new());
                self.chosen.push(Chosen {
                    offer: at,
                    portion: Portion::Signature,
                    pieces: nothing,
                    price: 0,
                });
                continue;
            }
            let price = self.price_of_signature(at, Some(offer));
            if self.used + price > limit {
                misses += 1;
                if misses > SIGNATURE_MISSES_MAX {
                    break;
                }
                continue;
            }
            self.used += price;
            self.listed.insert((offer.file, line));
            self.signatures.insert(offer.file);
            self.kin.insert((offer.file, offer.kin));
            self.chosen.push(Chosen { offer: at, portion: Portion::Signature, pieces: None, price });
        }
    }

    /// Shows bodies with what nobody else needs, in place of their signatures too.
    fn left_over(&mut self, limit: usize) {
        for (at, offer) in self.offers.iter().enumerate().filter(|(_, offer)| offer.has_body) {
            let known = self.chosen.iter().position(|it| it.offer == at);
            let listed = known.and_then(|known| self.chosen.get(known));
            let refund = match listed {
                Some(chosen) if chosen.portion == Portion::Body => continue,
                // What was paid for the list and for its file stays paid: others may stand there.
                Some(chosen) if chosen.pieces.is_none() => self.price_of_signature(at, None),
                Some(_) | None => 0,
            };
            let body = self.body(at, offer);
            if self.used + body.price <= limit + refund {
                let listed = known.map(|known| self.chosen.remove(known).price);
                self.used = self.used.saturating_sub(refund);
                self.take(offer, body);
                if let (Some(paid), Some(taken)) = (listed, self.chosen.last_mut()) {
                    taken.price += paid.saturating_sub(refund);
                }
            }
        }
    }

    /// A body without the lines that are shown already, and what it costs.
    fn body(&mut self, at: usize, offer: &Offer) -> Chosen {
        let pieces = offer.lines.and_then(|lines| self.pieces(offer, lines));
        let price = match pieces.as_deref() {
            Some([]) => 0,
            pieces => (self.price)(&Asked {
                offer: at,
                portion: Portion::Body,
                pieces,
                has_bodies: self.bodies.contains(&offer.file),
                has_signatures: self.signatures.contains(&offer.file),
                has_kin: false,
                is_first_signature: false,
            }),
        };
        Chosen { offer: at, portion: Portion::Body, pieces, price }
    }

    /// What a signature costs beside what is listed; without an offer to look at, where the list, and
    /// its file's and its kin's part of it, are paid.
    fn price_of_signature(&mut self, at: usize, offer: Option<&Offer>) -> usize {
        (self.price)(&Asked {
            offer: at,
            portion: Portion::Signature,
            pieces: None,
            has_bodies: offer.is_some_and(|it| self.bodies.contains(&it.file)),
            has_signatures: offer.is_none_or(|it| self.signatures.contains(&it.file)),
            has_kin: offer.is_none_or(|it| self.kin.contains(&(it.file, it.kin))),
            is_first_signature: offer.is_some() && self.signatures.is_empty(),
        })
    }

    fn take(&mut self, offer: &Offer, body: Chosen) {
        self.used += body.price;
        if let Some(lines) = offer.lines {
            self.covered.entry(offer.file).or_default().push(lines);
        }
        self.bodies.insert(offer.file);
        self.chosen.push(body);
    }

    /// The parts of some lines that no body shows yet; none where the lines cannot be divided.
    fn pieces(&self, offer: &Offer, (first, last): Lines) -> Option<Vec<Lines>> {
        let shown = self.covered.get(&offer.file).map(Vec::as_slice).unwrap_or_default();
        let mut shown: Vec<Lines> =
            shown.iter().copied().filter(|(from, to)| *from <= last && first <= *to).collect();
        if !offer.is_divisible {
            let is_within = shown.iter().any(|(from, to)| *from <= first && last <= *to);
            return is_within.then(Vec::new);
        }
        shown.sort_unstable();
        let mut pieces = Vec::new();
        let mut next = first;
        for (from, to) in shown {
            if next < from {
                pieces.push((next, from - 1));
            }
            next = next.max(to.saturating_add(1));
        }
        if next <= last {
            pieces.push((next, last));
        }
        Some(pieces)
    }

    /// True where a line stands in a body or as a signature.
    fn shows(&self, file: usize, line: u32) -> bool {
        let bodies = self.covered.get(&file).map(Vec::as_slice).unwrap_or_default();
        self.listed.contains(&(file, line)) || bodies.iter().any(|(from, to)| (*from..=*to).contains(&line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVEN: Shares =
        Shares { certain_percent: 100, bodies_percent: 50, body_percent_max: 100, misses_max: 9 };

    fn offer(file: usize, lines: Lines) -> Offer {
        Offer {
            file,
            lines: Some(lines),
            is_divisible: true,
            has_body: true,
            signature_line: Some(lines.0),
            kin: 0,
            is_certain: false,
        }
    }

    /// A token for each line, and one for each file.
    fn priced(offers: &[Offer]) -> impl FnMut(&Asked<'_>) -> usize {
        |asked| {
            let heading = usize::from(!asked.has_bodies && !asked.has_signatures);
            let lines = |(first, last): Lines| (last - first + 1) as usize;
            let whole = offers[asked.offer].lines.map_or(1, lines);
            let body = asked.pieces.map_or(whole, |pieces| pieces.iter().copied().map(lines).sum());
            heading + if asked.portion == Portion::Body { body } else { 1 }
        }
    }

    /// One line for each choice: what of which offer, and its price.
    fn planned(offers: &[Offer], budget: usize, shares: Shares) -> String {
        let chosen = choose(offers, budget, shares, &mut priced(offers));
        let line = |it: &Chosen| {
            let pieces = it.pieces.as_ref().map(|pieces| format!(" {pieces:?}")).unwrap_or_default();
            format!("{} {:?}{pieces} {}", it.offer, it.portion, it.price)
        };
        chosen.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn bodies_take_their_share_and_signatures_the_rest() {
        let offers = [offer(0, (1, 4)), offer(1, (1, 19)), offer(0, (6, 8)), offer(2, (1, 12))];
        insta::assert_snapshot!(planned(&offers, 20, EVEN), @r"
        0 Body [(1, 4)] 5
        2 Body [(6, 8)] 3
        1 Signature 2
        3 Signature 2
        ");
    }

    #[test]
    fn what_is_left_over_goes_to_bodies_again() {
        let offers = [offer(0, (1, 9)), offer(1, (1, 9))];
        insta::assert_snapshot!(planned(&offers, 22, EVEN), @r"
        0 Body [(1, 9)] 10
        1 Body [(1, 9)] 10
        ");
    }

    #[test]
    fn what_is_certain_goes_before_and_the_rest_is_shared() {
        let offers = [offer(0, (1, 10)), Offer { is_certain: true, ..offer(1, (1, 40)) }, offer(2, (1, 9))];
        insta::assert_snapshot!(planned(&offers, 61, EVEN), @r"
        1 Body [(1, 40)] 41
        2 Body [(1, 9)] 10
        0 Signature 2
        ");
    }

    #[test]
    fn no_line_is_planned_twice() {
        let whole = Offer { is_divisible: false, ..offer(0, (4, 8)) };
        let offers = [offer(0, (3, 5)), offer(0, (1, 9)), offer(0, (2, 7)), whole];
        insta::assert_snapshot!(planned(&offers, 90, EVEN), @r"
        0 Body [(3, 5)] 4
        1 Body [(1, 2), (6, 9)] 6
        2 Body [] 0
        3 Body [] 0
        ");
    }

    #[test]
    fn one_large_body_does_not_take_everything() {
        let offers = [offer(0, (1, 40)), offer(0, (50, 55)), offer(0, (60, 65))];
        let shares = Shares { body_percent_max: 30, ..EVEN };
        insta::assert_snapshot!(planned(&offers, 30, shares), @r"
        1 Body [(50, 55)] 7
        2 Body [(60, 65)] 6
        0 Signature 1
        ");
    }

    proptest! {
        #[test]
        fn no_plan_is_over_its_budget_or_shows_a_line_twice(
            offers in proptest::collection::vec(
                (0..4_usize, 1..60_u32, 0..30_u32, any::<(bool, bool, bool)>()),
                0..40,
            ),
            budget in 0..300_usize,
        ) {
            let offers: Vec<Offer> = offers
                .into_iter()
                .map(|(file, first, more, (has_body, is_certain, has_signature))| {
                    let offer = offer(file, (first, first + more));
                    let signature_line = offer.signature_line.filter(|_| has_signature);
                    Offer { has_body, is_certain, signature_line, ..offer }
                })
                .collect();
            let chosen = choose(&offers, budget, Shares::SEARCH, &mut priced(&offers));
            let mut lines = BTreeSet::new();
            let mut files = BTreeSet::new();
            let mut used = 0;
            for it in &chosen {
                let offer = offers[it.offer];
                let pieces = match (it.portion, &it.pieces) {
                    (Portion::Body, Some(pieces)) => pieces.clone(),
                    (Portion::Body, None) => vec![offer.lines.unwrap()],
                    (Portion::Signature, _) => Vec::new(),
                };
                for line in pieces.iter().flat_map(|(first, last)| *first..=*last) {
                    prop_assert!(lines.insert((offer.file, line)), "line {} twice", line);
                    used += 1;
                }
                let is_new = it.pieces.as_ref().is_none_or(|pieces| !pieces.is_empty());
                used += usize::from(it.portion == Portion::Signature && is_new);
                used += usize::from(is_new && files.insert(offer.file));
            }
            prop_assert!(used <= budget, "{} of {}", used, budget);
            let each: BTreeSet<usize> = chosen.iter().map(|it| it.offer).collect();
            prop_assert_eq!(each.len(), chosen.len());
        }
    }
}
