use std::collections::BTreeMap;

/// What lies in the warehouse.
#[derive(Default)]
pub struct Stock {
    pieces: BTreeMap<String, u32>,
}

impl Stock {
    /// Puts pieces of an article on the shelf.
    pub fn deliver(&mut self, article: &str, pieces: u32) {
        *self.pieces.entry(article.to_owned()).or_default() += pieces;
    }

    /// Takes pieces of an article from the shelf, if there are as many.
    pub fn withdraw(&mut self, article: &str, pieces: u32) -> bool {
        match self.pieces.get_mut(article) {
            Some(held) if *held > pieces => {
                *held -= pieces;
                true
            }
            _ => false,
        }
    }

    /// Articles of which few pieces are left.
    pub fn running_low(&self, fewest: u32) -> Vec<&str> {
        let low = self.pieces.iter().filter(|(_, pieces)| **pieces < fewest);
        low.map(|(article, _)| article.as_str()).collect()
    }
}
