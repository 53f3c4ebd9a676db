use shop::country::Country;
use shop::tax::with_tax;

#[test]
fn tax_is_added() {
    assert_eq!(with_tax(100, Country::Germany), 119);
}
