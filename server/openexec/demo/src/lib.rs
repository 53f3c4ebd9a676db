//! Durations as people write them: `90s`, `1h30m`.

/// The seconds of one unit.
fn seconds_of(unit: char) -> Option<u64> {
    match unit {
        'h' => Some(3600),
        'm' => Some(60),
        's' => Some(1),
        _ => None,
    }
}

/// Parses a duration such as `1h30m` into seconds.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let mut total = 0;
    let mut number = 0;
    for character in text.chars() {
        match (character.to_digit(10), seconds_of(character)) {
            (Some(digit), _) => number = number * 10 + u64::from(digit),
            (None, Some(seconds)) => total = number * seconds,
            (None, None) => return Err(format!("`{character}` is not a unit")),
        }
    }
    Ok(total)
}
