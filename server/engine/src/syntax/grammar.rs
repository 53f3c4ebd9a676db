//! What an entry of the table of languages says, and the same by the numbers that a parser
//! gives its kinds of nodes: comparing names at each node would cost as much as parsing.

use super::read::{Inside, Place, Reading};
use super::{Language, SymbolKind};
use std::num::NonZeroU16;
use tree_sitter::Node;

/// One language.
#[derive(Clone, Copy)]
pub(super) struct Grammar {
    /// Which.
    pub language: Language,
    /// What its files hold.
    pub nature: Nature,
    /// Gives the parser's tables; `None` where they are not built in.
    pub load: fn() -> Option<tree_sitter::Language>,
    /// Extensions of its files, in lower case.
    pub extensions: &'static [&'static str],
    /// Whole names of its files, where the extension does not tell.
    pub files: &'static [&'static str],
    /// What stands between the parts of a qualified name.
    pub separator: &'static str,
    /// What begins a comment that runs to the line's end.
    pub line_comments: &'static [&'static str],
    /// What encloses other comments.
    pub block_comments: &'static [(&'static str, &'static str)],
    /// The kinds of nodes that are comments.
    pub comments: &'static [&'static str],
    /// The kinds of nodes that stand before a definition and belong to it.
    pub attributes: &'static [&'static str],
    /// The kinds of nodes that enclose a definition and belong to it.
    pub wrappers: &'static [Wrapper],
    /// The kinds of nodes that are the body of what they stand in, where the grammar has no field
    /// `body` for it.
    pub bodies: &'static [&'static str],
    /// Whether a `;` behind a definition belongs to it, although the grammar puts it outside.
    pub semicolon: Semicolon,
    /// What defines something, tests among it.
    pub definitions: &'static [Rule],
    /// What calls something.
    pub calls: &'static [Call],
    /// What encloses the type arguments of a callee.
    pub type_arguments: (char, char),
    /// What imports something.
    pub imports: &'static [Import],
    /// Functions that import what their string says.
    pub importers: &'static [&'static str],
    /// The kinds of nodes that name something within an import.
    pub paths: &'static [&'static str],
    /// The kinds of nodes that are strings within an import.
    pub strings: &'static [&'static str],
    /// Nodes of the smallest thing that is looked for, itself included, named and unnamed: a walk
    /// passes over what has no more, for nothing can be within it. A production always has all of
    /// its nodes, those that are missing in the text among them. 0 where nobody has counted.
    pub nodes_min: usize,
}

impl Grammar {
    /// A language of which nothing is known yet: what an entry does not say.
    pub const UNKNOWN: Self = Self {
        language: Language::Rust,
        nature: Nature::Program,
        load: || None,
        extensions: &[],
        files: &[],
        separator: ".",
        line_comments: &[],
        block_comments: &[],
        comments: &["comment"],
        attributes: &[],
        wrappers: &[],
        bodies: &[],
        semicolon: Semicolon::Separate,
        definitions: &[],
        calls: &[],
        type_arguments: ('<', '>'),
        imports: &[],
        importers: &[],
        paths: &[],
        strings: &[],
        nodes_min: 0,
    };
}

/// What the files of a language hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// Instructions: functions, tests, calls.
    Program,
    /// Text or data, whose parts have names.
    Structure,
}

/// Whether a `;` directly behind a definition is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Semicolon {
    Belongs,
    Separate,
}

/// A node that encloses one definition and belongs to it, such as an export statement.
pub(super) struct Wrapper {
    /// The kind of the node.
    pub kind: &'static str,
    /// When not empty: it belongs to the definition only if it holds one child of these kinds.
    pub members: &'static [&'static str],
}

/// A wrapper, whatever it holds.
pub(super) const fn always(kind: &'static str) -> Wrapper {
    Wrapper { kind, members: &[] }
}

/// A wrapper if it holds one of these.
pub(super) const fn around_one(kind: &'static str, members: &'static [&'static str]) -> Wrapper {
    Wrapper { kind, members }
}

impl Wrapper {
    /// True when the node holds what it must hold.
    fn holds(&self, node: Node<'_>) -> bool {
        let members = || {
            node.named_children(&mut node.walk())
                .filter(|it| self.members.contains(&it.kind()))
                .take(2)
                .count()
        };
        self.members.is_empty() || members() == 1
    }
}

/// Kinds of nodes that define something.
pub(super) struct Rule {
    kinds: &'static [&'static str],
    definition: Defines,
}

/// What they define.
enum Defines {
    /// Something that is named by the field of this name.
    Named(&'static str, SymbolKind, Inside),
    /// A function, or within a type a method; the function says whether it is a test.
    Callable(fn(&Place<'_, '_>, &str) -> bool),
    /// Something that the language has its own way to read.
    Own(fn(&Place<'_, '_>) -> Reading),
}

/// Definitions whose name is the field `name`.
pub(super) const fn named(kinds: &'static [&'static str], kind: SymbolKind, inside: Inside) -> Rule {
    Rule { kinds, definition: Defines::Named("name", kind, inside) }
}

/// Definitions whose name is another field.
pub(super) const fn named_by(
    field: &'static str,
    kinds: &'static [&'static str],
    kind: SymbolKind,
    inside: Inside,
) -> Rule {
    Rule { kinds, definition: Defines::Named(field, kind, inside) }
}

/// Functions and methods whose name is the field `name`. `is_test` is given the name.
pub(super) const fn callable(
    kinds: &'static [&'static str],
    is_test: fn(&Place<'_, '_>, &str) -> bool,
) -> Rule {
    Rule { kinds, definition: Defines::Callable(is_test) }
}

/// Nodes that a function reads.
pub(super) const fn own(kinds: &'static [&'static str], read: fn(&Place<'_, '_>) -> Reading) -> Rule {
    Rule { kinds, definition: Defines::Own(read) }
}

impl Rule {
    /// What a node defines.
    pub fn read(&self, place: &Place<'_, '_>) -> Reading {
        match self.definition {
            Defines::Named(field, kind, inside) => match place.field(field) {
                Some(name) => place.called(name, kind, inside),
                None => Reading::Nothing,
            },
            Defines::Callable(is_test) => place
                .named(place.callable(), Inside::Function)
                .with(|definition| definition.is_test = is_test(place, &definition.name)),
            Defines::Own(read) => read(place),
        }
    }
}

/// A kind of node that calls something.
pub(super) struct Call {
    kind: &'static str,
    /// Where the callee stands.
    pub callee: Callee,
}

/// Where the callee of a call stands.
pub(super) enum Callee {
    /// In the field of this name.
    Field(&'static str),
    /// In the field of this name, if it begins with a capital: the components of JSX.
    Capitalised(&'static str),
    /// In its first named child.
    First,
    /// Directly before it, if it begins with a parenthesis and stands in a node of this kind:
    /// calls that a macro is given.
    Within(&'static str),
}

/// A call whose callee is a field.
pub(super) const fn call(kind: &'static str, field: &'static str) -> Call {
    Call { kind, callee: Callee::Field(field) }
}

/// A call whose callee stands elsewhere.
pub(super) const fn call_of(kind: &'static str, callee: Callee) -> Call {
    Call { kind, callee }
}

/// A kind of node that imports what the paths and strings in it name.
pub(super) struct Import {
    kind: &'static str,
    /// When not empty: the field without which it imports nothing.
    needs: &'static str,
    /// Whether names in it count, or strings alone.
    pub what: Imported,
}

/// What an import is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Imported {
    Names,
    File,
}

/// A node that imports.
pub(super) const fn import(kind: &'static str) -> Import {
    Import { kind, needs: "", what: Imported::Names }
}

/// A node that imports the file that its string names.
pub(super) const fn import_file(kind: &'static str) -> Import {
    Import { kind, needs: "", what: Imported::File }
}

/// A node that imports if it has this field.
pub(super) const fn import_with(kind: &'static str, needs: &'static str) -> Import {
    Import { kind, needs, what: Imported::Names }
}

impl Call {
    /// The number of the field in which the callee stands.
    fn field(&self, parser: &tree_sitter::Language) -> Option<NonZeroU16> {
        match self.callee {
            Callee::Field(field) | Callee::Capitalised(field) => parser.field_id_for_name(field),
            Callee::First | Callee::Within(_) => None,
        }
    }
}

impl Import {
    /// True when the node imports something.
    pub fn applies(&self, node: Node<'_>) -> bool {
        self.needs.is_empty() || node.child_by_field_name(self.needs).is_some()
    }
}

/// What a kind of node is to us. Nearly all are nothing.
pub(super) struct Traits {
    pub is_comment: bool,
    pub is_attribute: bool,
    pub is_path: bool,
    pub is_string: bool,
    pub rule: Option<&'static Rule>,
    pub call: Option<&'static Call>,
    /// Where the callee of a call stands, if in a field.
    pub callee_field: Option<NonZeroU16>,
    pub import: Option<&'static Import>,
    wrapper: Option<&'static Wrapper>,
}

impl Traits {
    /// True for what is nothing to us: it neither defines nor uses anything itself.
    pub fn are_none(&self) -> bool {
        !(self.is_comment || self.is_attribute || self.is_path || self.is_string)
            && self.rule.is_none()
            && self.call.is_none()
            && self.import.is_none()
            && self.wrapper.is_none()
    }

    /// True for a node that encloses a single definition and belongs to it.
    pub fn wraps(&self, node: Node<'_>) -> bool {
        self.wrapper.is_some_and(|wrapper| wrapper.holds(node))
    }
}

/// The traits of all kinds of nodes of one language, by their numbers; nothing for kinds that are
/// nothing to us.
pub(super) struct Kinds(Vec<Option<Traits>>);

impl Kinds {
    /// Looks up what the entry says of each kind that the parser knows.
    pub fn new(grammar: &'static Grammar, parser: &tree_sitter::Language) -> Self {
        let kinds = 0..u16::try_from(parser.node_kind_count()).unwrap_or(u16::MAX);
        let traits = |id| {
            let kind = parser.node_kind_for_id(id).filter(|_| parser.node_kind_is_named(id))?;
            Some(traits(grammar, parser, kind)).filter(|traits| !traits.are_none())
        };
        Self(kinds.map(traits).collect())
    }

    /// What a node is, if it is anything to us. An error is nothing.
    pub fn of(&self, node: Node<'_>) -> Option<&Traits> {
        self.0.get(usize::from(node.kind_id()))?.as_ref()
    }
}

fn traits(grammar: &'static Grammar, parser: &tree_sitter::Language, kind: &str) -> Traits {
    let call = grammar.calls.iter().find(|call| call.kind == kind);
    Traits {
        is_comment: grammar.comments.contains(&kind),
        is_attribute: grammar.attributes.contains(&kind),
        is_path: grammar.paths.contains(&kind),
        is_string: grammar.strings.contains(&kind),
        rule: grammar.definitions.iter().find(|rule| rule.kinds.contains(&kind)),
        call,
        callee_field: call.and_then(|call| call.field(parser)),
        import: grammar.imports.iter().find(|import| import.kind == kind),
        wrapper: grammar.wrappers.iter().find(|wrapper| wrapper.kind == kind),
    }
}

/// The kinds that an entry names, which a test looks up in the parser: a name that a grammar
/// does not know would be passed over in silence.
#[cfg(test)]
impl Grammar {
    pub fn kinds_named(&self) -> Vec<&'static str> {
        let plain = [self.comments, self.attributes, self.paths, self.strings];
        let wrappers = self.wrappers.iter().flat_map(|it| std::iter::once(&it.kind).chain(it.members));
        plain
            .into_iter()
            .flatten()
            .chain(wrappers)
            .chain(self.definitions.iter().flat_map(|rule| rule.kinds))
            .chain(self.calls.iter().map(|call| &call.kind))
            .chain(self.imports.iter().map(|import| &import.kind))
            .copied()
            .collect()
    }

    pub fn fields_named(&self) -> Vec<&'static str> {
        let callees = self.calls.iter().filter_map(|call| match call.callee {
            Callee::Field(field) | Callee::Capitalised(field) => Some(field),
            Callee::First | Callee::Within(_) => None,
        });
        let names = self.definitions.iter().filter_map(|rule| match rule.definition {
            Defines::Named(field, ..) => Some(field),
            Defines::Callable(_) => Some("name"),
            Defines::Own(_) => None,
        });
        let needs = self.imports.iter().map(|it| it.needs).filter(|needs| !needs.is_empty());
        callees.chain(names).chain(needs).collect()
    }
}
