//! Reading the files that people write: YAML as a tree with places, from the tree to values,
//! and everything that is wrong with a file reported together, with a remedy for each.
//!
//! Nothing here knows what a blueprint or a policy is.

pub(crate) mod mapping;
pub(crate) mod problem;
pub(crate) mod read;
pub(crate) mod tree;

pub(crate) use problem::Problems;
pub(crate) use read::{Entry, Placed, Read, read_choice, read_choices, wrong_kind};
pub(crate) use tree::{Node, Place, Value};

/// One thing wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
    /// The same as an edit, where there is one that can be offered.
    pub mend: Option<Mend>,
    /// Places that explain it, in an order that has a meaning: the stages of a path.
    pub related: Vec<Related>,
}

/// How something wrong can be mended by an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// Write this in place of the key or the value that stands there.
    Instead(String),
    /// Write this key into the mapping that begins there.
    Key(String),
    /// Lead the path through a stage that passes this gate.
    Gate(String),
}

/// A place that explains something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// What it has to do with it.
    pub message: String,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {}; {}", self.file, self.line, self.column, self.message, self.remedy)
    }
}

/// Everything wrong with a file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct LoadError {
    /// Never empty.
    pub diagnostics: Vec<Diagnostic>,
}

/// Defines texts of a file that are checked when they are read.
macro_rules! checked_text {
    ($visibility:vis, $($(#[$attribute:meta])* $type:ident, $check:ident, $schema:tt;)*) => {$(
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        $visibility struct $type(pub(super) String);

        impl Read for $type {
            fn read(node: &Node, subject: &str, problems: &mut Problems<'_>) -> Option<Self> {
                let text = text(node, subject, problems)?;
                match $check(text) {
                    Ok(()) => Some(Self(text.trim().to_owned())),
                    Err(remedy) => {
                        problems.report(node.place, format!("{subject} is `{}`", shown(text)), remedy);
                        None
                    }
                }
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

pub(crate) use checked_text;
