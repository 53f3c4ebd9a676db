//! A look-up that nearly always says no: whether a number is one of a few.

/// Bits of the filter that most numbers do not pass.
const BITS: usize = 1 << 16;

/// Numbers with their places in their order.
pub(super) struct Few {
    sorted: Vec<u32>,
    filter: Vec<u64>,
}

impl Few {
    /// These numbers, which are sorted.
    pub(super) fn new(sorted: Vec<u32>) -> Self {
        debug_assert!(sorted.is_sorted());
        let mut filter = vec![0_u64; BITS / 64];
        for number in &sorted {
            let (word, bit) = place(*number);
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self { sorted, filter }
    }

    /// Where a number stands among them.
    #[inline]
    pub(super) fn place(&self, number: u32) -> Option<usize> {
        let (word, bit) = place(number);
        if self.filter.get(word)? & bit == 0 {
            return None;
        }
        self.sorted.binary_search(&number).ok()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }
}

#[inline]
fn place(number: u32) -> (usize, u64) {
    let place = (number as usize ^ (number as usize >> 16)) % BITS;
    (place / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_finds_what_is_there_and_nothing_else(
            numbers in prop::collection::btree_set(any::<u32>(), 0..40),
            others in prop::collection::vec(any::<u32>(), 0..40),
        ) {
            let sorted: Vec<u32> = numbers.iter().copied().collect();
            let few = Few::new(sorted.clone());
            for number in sorted.iter().chain(&others).chain(sorted.iter().map(|it| it ^ 0x1_0001).collect::<Vec<_>>().iter()) {
                prop_assert_eq!(few.place(*number), sorted.iter().position(|it| it == number));
            }
        }
    }
}
