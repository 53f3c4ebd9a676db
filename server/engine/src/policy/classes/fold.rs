//! Paths made equal that some file system, or some reader, takes for one another.

use crate::path::WorkspacePath;

/// The comparison key with letters of other scripts replaced by the Latin ones they look like.
/// It is used to recognise names, never to open a file.
pub(super) fn folded(path: &WorkspacePath) -> String {
    path.comparison_key().chars().filter(|letter| *letter != '\u{307}').map(latin).collect()
}

/// The Latin letter that a lowercase letter looks like (a part of Unicode's confusables, UTS #39).
const fn latin(letter: char) -> char {
    match letter {
        'ı' | 'і' | 'ι' => 'i',
        'а' | 'α' => 'a',
        'е' => 'e',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'с' => 'c',
        'у' | 'γ' => 'y',
        'х' | 'χ' => 'x',
        'ѕ' => 's',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'т' | 'τ' => 't',
        'н' => 'h',
        'ԁ' => 'd',
        'ԛ' => 'q',
        'ԝ' => 'w',
        'ѵ' | 'ν' => 'v',
        'ӏ' => 'l',
        'ɡ' => 'g',
        'υ' => 'u',
        other => other,
    }
}
