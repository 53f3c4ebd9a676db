/// Where a customer lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Country {
    Austria,
    Germany,
}

impl Country {
    /// The country of a two-letter code.
    pub fn of_code(code: &str) -> Option<Self> {
        match code {
            "AT" => Some(Self::Austria),
            "DE" => Some(Self::Germany),
            _ => None,
        }
    }
}
