//! In which order definitions are offered to a plan. At first come those whose bodies are read, as
//! they were ranked. Behind them comes what is listed by its signature at most. There each costs
//! about the same, and a long one goes before a short one that as much speaks for: changes fall on
//! lines, and words tell less of a text the longer it is.

use super::matching::log2;
use super::{Ranking, Weights, quantised};
use crate::index::Definition;
use crate::limits::RANKED_BODIES_MAX;

/// Tokens of a body of ordinary length.
const BODY_TOKENS: f64 = 128.0;

/// These definitions, the best first, in the order in which they are offered.
pub(super) fn offered(ranking: &Ranking<'_>, best: Vec<usize>, weights: &Weights) -> Vec<usize> {
    let mut bodies = 0;
    let mut offered: Vec<usize> = Vec::with_capacity(best.len());
    let mut listed: Vec<(u64, usize)> = Vec::new();
    for number in best {
        let (Some((_, definition)), Some(mark)) = (ranking.definition(number), ranking.marks.get(number))
        else {
            continue;
        };
        if bodies < RANKED_BODIES_MAX {
            bodies += usize::from(mark.has_body());
            offered.push(number);
        } else {
            let likely = 1.0 + weights.listed_length * log2(1.0 + length(definition));
            listed.push((quantised(ranking.score(number) * likely), number));
        }
    }
    listed.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    offered.extend(listed.into_iter().map(|(_, number)| number));
    offered
}

/// The length of a definition, where that of an ordinary one is 1.
fn length(definition: &Definition) -> f64 {
    f64::from(definition.tokens) / BODY_TOKENS
}
