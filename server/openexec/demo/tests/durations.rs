use durations::parse_duration;

#[test]
fn one_unit() {
    assert_eq!(parse_duration("90s"), Ok(90));
}

#[test]
fn units_add_up() {
    assert_eq!(parse_duration("1h30m"), Ok(5400));
}

#[test]
fn a_unit_is_not_counted_twice() {
    assert_eq!(parse_duration("1m5s"), Ok(65));
}

#[test]
fn a_number_needs_a_unit() {
    assert!(parse_duration("15").is_err());
}
