use crate::country::Country;

/// Percent of tax in a country.
pub fn rate_of(country: Country) -> u64 {
    match country {
        Country::Austria => 20,
        Country::Germany => 19,
    }
}

/// Adds the tax of a country to an amount in cents. Half a cent is rounded up.
pub fn with_tax(cents: u64, country: Country) -> u64 {
    let percent = rate_of(country);
    rounded(cents * (100 + percent), 100)
}

fn rounded(amount: u64, by: u64) -> u64 {
    amount / by
}
