//! What differs between languages: which nodes are tests, assertions, conditions. A dialect
//! looks at a node, its surroundings and its own children, never at the whole tree.

mod go;
mod java;
mod python;
mod rust;
mod script;

use super::reading::Kind;
use crate::syntax::Language;
use std::ops::Range;
use tree_sitter::Node;

/// Languages that share their test runners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Rust,
    Python,
    Script,
    Go,
    Java,
}

/// Why an assertion may not be reached, or its failure not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hold {
    Condition,
    Loop,
    /// What catches failures.
    Swallow,
    /// A function that somebody else calls.
    Closure,
    /// A jump that comes before.
    Exit,
}

/// The beginning of a unit.
pub(super) struct Opening<'t> {
    pub kind: Kind,
    pub name: String,
    pub attributes: Vec<Node<'t>>,
    pub body: Option<Node<'t>>,
}

/// What a node is.
pub(super) enum Role<'t> {
    /// It belongs to the definition after it.
    Attribute,
    Unit(Opening<'t>),
    /// A module that another file holds.
    Link {
        name: String,
        is_test: bool,
    },
    /// An assertion: its bytes, without what it says when it fails.
    Judgement(Vec<Range<usize>>),
    /// A failure spoken out, such as `panic!` or `t.Errorf`.
    Failure,
    Hold {
        hold: Hold,
        header: Range<usize>,
    },
    Exit,
    Binding {
        name: String,
        value: Option<Range<usize>>,
    },
    /// A statement that calls something.
    Statement,
    /// Something that is gone through row by row.
    Table(Range<usize>),
}

/// A node and where it stands.
pub(super) struct Site<'a, 't> {
    pub node: Node<'t>,
    pub parent: Option<Node<'t>>,
    pub grandparent: Option<Node<'t>>,
    pub source: &'a str,
    /// The attributes directly above.
    pub attributes: &'a [Node<'t>],
    /// True below the body of a function.
    pub in_function: bool,
}

impl<'a, 't> Site<'a, 't> {
    pub fn text(&self, node: Node<'_>) -> &'a str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    pub fn field(&self, name: &str) -> Option<Node<'t>> {
        self.node.child_by_field_name(name)
    }

    pub fn field_text(&self, name: &str) -> &'a str {
        self.field(name).map(|node| self.text(node)).unwrap_or_default()
    }

    pub fn parent_kind(&self) -> &'t str {
        self.parent.map_or("", |parent| parent.kind())
    }

    /// True when the node is this field of its parent.
    pub fn is_field_of_parent(&self, name: &str) -> bool {
        self.parent.and_then(|parent| parent.child_by_field_name(name)) == Some(self.node)
    }

    /// The condition that holds for what this node encloses, by a field.
    pub fn hold(&self, hold: Hold, header: &str) -> Option<Role<'t>> {
        Some(Role::Hold { hold, header: self.field(header)?.byte_range() })
    }

    /// The other branch of a condition that the parent states.
    pub fn other_branch(&self, condition: &str) -> Option<Role<'t>> {
        let condition = self.parent?.child_by_field_name(condition)?;
        // The extent begins before the condition, so that the two branches differ.
        Some(Role::Hold { hold: Hold::Condition, header: self.parent?.start_byte()..condition.end_byte() })
    }
}

/// One family of languages.
pub(super) struct Dialect {
    pub family: Family,
    /// Kinds of nodes that are comments.
    pub comments: &'static [&'static str],
    /// Kinds of nodes that are strings, read as one token.
    pub strings: &'static [&'static str],
    /// Kinds of nodes that are literal lists.
    pub arrays: &'static [&'static str],
    /// Kinds of nodes that call something.
    pub calls: &'static [&'static str],
    /// What joins the parts of a qualified name.
    pub joint: &'static str,
    /// True for an attribute that is one case of a test.
    pub is_case: fn(&str) -> bool,
    /// True for an attribute that holds the cases of a test.
    pub is_table: fn(&str) -> bool,
    /// Says what a node is.
    pub roles: for<'t> fn(&Site<'_, 't>, &mut Vec<Role<'t>>),
}

impl Dialect {
    /// The dialect of a language; none for those whose tests we do not understand.
    pub fn of(language: Language) -> Option<&'static Self> {
        match language {
            Language::Rust => Some(&rust::DIALECT),
            Language::Python => Some(&python::DIALECT),
            Language::JavaScript | Language::TypeScript | Language::Tsx => Some(&script::DIALECT),
            Language::Go => Some(&go::DIALECT),
            Language::Java => Some(&java::DIALECT),
            _ => None,
        }
    }
}

/// True for names that say that a function judges.
fn is_judging_name(name: &str) -> bool {
    const STEMS: [&str; 7] = ["assert", "expect", "check", "verify", "ensure", "require", "should"];
    let lower = name.trim_start_matches('_').to_ascii_lowercase();
    STEMS.iter().any(|stem| {
        lower.strip_prefix(stem).is_some_and(|rest| {
            // `checkout` and `expectation` are other words.
            let at = name.len() - rest.len();
            rest.is_empty()
                || name.get(at..).is_some_and(|rest| {
                    rest.starts_with(|letter: char| letter == '_' || letter.is_uppercase())
                })
        })
    })
}

/// The last part of a path such as `a::b::c` or `a.b.c`.
fn last_part(path: &str) -> &str {
    path.rsplit([':', '.']).next().unwrap_or(path).trim()
}
