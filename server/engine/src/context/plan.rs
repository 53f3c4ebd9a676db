//! Which parts of a ranking a budget has room for, and how much of each: bodies of the best up
//! to a share of the budget, then signatures, then bodies again with what is left over.
//!
//! What a part costs, the caller says: this module knows neither a tokenizer nor a format.

use super::Shown;

/// Shares of a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Of the budget, for bodies, before signatures are considered. In percent.
    pub bodies_percent: usize,
    /// Of the budget, for one body. In percent.
    pub body_percent_max: usize,
    /// Bodies that are tried one after the other without one that fits.
    pub misses_max: usize,
}

impl Shares {
    /// For a text or failing tests: many places may matter, so that signatures get their share.
    pub const SEARCH: Self = Self { bodies_percent: 55, body_percent_max: 34, misses_max: 24 };
    /// For a cursor: what surrounds it matters, so that bodies get more.
    pub const CURSOR: Self = Self { bodies_percent: 80, body_percent_max: 34, misses_max: 24 };
}

/// A part that may be shown.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// Its file, by any number.
    pub file: usize,
    /// Its lines, both included.
    pub lines: (u32, u32),
    /// The line of its signature.
    pub signature_line: u32,
    /// True where its body is worth showing.
    pub has_body: bool,
}

/// What the plan asks the price of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// All lines.
    Body,
    /// The line of its signature.
    Signature,
}

/// Chooses. `price` gives the tokens of a portion of the offer with this number, given whether
/// its file is shown already. The answer holds the chosen offers in the order of showing.
pub fn choose(
    offers: &[Offer],
    budget_tokens: usize,
    shares: Shares,
    price: &mut dyn FnMut(usize, Portion, bool) -> usize,
) -> Vec<(usize, Portion)> {
    let mut plan = Plan { offers, used: 0, files: Vec::new(), covered: Vec::new(), chosen: Vec::new() };
    let body_max = budget_tokens * shares.body_percent_max / 100;
    plan.bodies(budget_tokens * shares.bodies_percent / 100, body_max, shares.misses_max, price);
    plan.signatures(budget_tokens, price);
    plan.chosen
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

struct Plan<'a> {
    offers: &'a [Offer],
    used: usize,
    /// Files that are shown already, sorted.
    files: Vec<usize>,
    /// Lines that are shown already.
    covered: Vec<(usize, (u32, u32))>,
    chosen: Vec<(usize, Portion)>,
}

impl Plan<'_> {
    fn bodies(
        &mut self,
        limit: usize,
        body_max: usize,
        misses_max: usize,
        price: &mut dyn FnMut(usize, Portion, bool) -> usize,
    ) {
        let mut misses = 0;
        for (at, offer) in self.offers.iter().enumerate().filter(|(_, offer)| offer.has_body) {
            if misses > misses_max {
                break;
            }
            if self.covers(offer.file, offer.lines) {
                continue;
            }
            let cost = price(at, Portion::Body, self.shows(offer.file));
            if cost > body_max || self.used + cost > limit {
                misses += 1;
                continue;
            }
            misses = 0;
            self.take(at, Portion::Body, offer.file, offer.lines, cost);
        }
    }

    fn signatures(&mut self, limit: usize, price: &mut dyn FnMut(usize, Portion, bool) -> usize) {
        let mut misses = 0;
        for (at, offer) in self.offers.iter().enumerate() {
            let lines = (offer.signature_line, offer.signature_line);
            if self.covers(offer.file, lines) {
                continue;
            }
            let cost = price(at, Portion::Signature, self.shows(offer.file));
            if self.used + cost > limit {
                misses += 1;
                if misses > 8 {
                    break;
                }
                continue;
            }
            self.take(at, Portion::Signature, offer.file, lines, cost);
        }
    }

    fn covers(&self, file: usize, lines: (u32, u32)) -> bool {
        self.covered.iter().any(|(of, (first, last))| *of == file && *first <= lines.0 && lines.1 <= *last)
    }

    fn shows(&self, file: usize) -> bool {
        self.files.binary_search(&file).is_ok()
    }

    fn take(&mut self, at: usize, portion: Portion, file: usize, lines: (u32, u32), cost: usize) {
        self.used += cost;
        self.covered.push((file, lines));
        if let Err(place) = self.files.binary_search(&file) {
            self.files.insert(place, file);
        }
        self.chosen.push((at, portion));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVEN: Shares = Shares { bodies_percent: 50, body_percent_max: 100, misses_max: 9 };

    fn offer(file: usize, lines: (u32, u32)) -> Offer {
        Offer { file, lines, signature_line: lines.0, has_body: true }
    }

    /// A token for each line, and one for each file.
    fn planned(offers: &[Offer], budget: usize, shares: Shares) -> (Vec<(usize, Portion)>, usize) {
        let mut files = std::collections::BTreeSet::new();
        let price = |at: usize, portion: Portion, is_shown: bool| {
            let (first, last) = offers[at].lines;
            let lines = if portion == Portion::Body { (last - first + 1) as usize } else { 1 };
            lines + usize::from(!is_shown)
        };
        let chosen = choose(offers, budget, shares, &mut { price });
        let used =
            chosen.iter().map(|(at, portion)| price(*at, *portion, !files.insert(offers[*at].file))).sum();
        (chosen, used)
    }

    #[test]
    fn bodies_take_their_share_and_signatures_the_rest() {
        let offers = [offer(0, (1, 4)), offer(1, (1, 9)), offer(0, (6, 8)), offer(2, (1, 2))];
        let (chosen, used) = planned(&offers, 20, EVEN);
        assert_eq!(
            chosen,
            [(0, Portion::Body), (2, Portion::Body), (1, Portion::Signature), (3, Portion::Signature)]
        );
        assert_eq!(used, 12);
    }

    #[test]
    fn what_lies_within_something_shown_is_not_shown_again() {
        let offers = [offer(0, (1, 9)), offer(0, (3, 5)), Offer { has_body: false, ..offer(1, (1, 9)) }];
        assert_eq!(planned(&offers, 40, EVEN).0, [(0, Portion::Body), (2, Portion::Signature)]);
    }

    #[test]
    fn one_large_body_does_not_take_everything() {
        let offers = [offer(0, (1, 40)), offer(0, (50, 55)), offer(0, (60, 65))];
        let shares = Shares { body_percent_max: 30, ..EVEN };
        assert_eq!(
            planned(&offers, 60, shares).0,
            [(1, Portion::Body), (2, Portion::Body), (0, Portion::Signature)]
        );
    }

    proptest! {
        #[test]
        fn no_plan_is_over_its_budget(
            offers in proptest::collection::vec((0..4_usize, 1..60_u32, 0..30_u32, any::<bool>()), 0..40),
            budget in 0..300_usize,
        ) {
            let offers: Vec<Offer> = offers
                .into_iter()
                .map(|(file, first, more, has_body)| Offer { has_body, ..offer(file, (first, first + more)) })
                .collect();
            let (_, used) = planned(&offers, budget, Shares::SEARCH);
            prop_assert!(used <= budget);
        }
    }
}
