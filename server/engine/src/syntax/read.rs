//! Reading one node: what does it define, and what is it called? Whoever reads looks at the node
//! and the node's own children, never at the whole tree.

use super::SymbolKind;
use std::ops::Range;
use tree_sitter::Node;

/// What surrounds a node most closely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// The file itself, or a module of it.
    Module,
    /// A type: a class, an implementation, an object.
    Type,
    /// A type whose methods may be tests.
    TestType,
    /// The body of a function, or a value: what is named there is nobody else's concern.
    Function,
}

/// A node and where it stands.
pub(super) struct Place<'a, 't> {
    /// The node.
    pub node: Node<'t>,
    /// The kinds of nodes that are bodies.
    pub bodies: &'static [&'static str],
    /// The file's text.
    pub source: &'a str,
    /// What surrounds it.
    pub inside: Inside,
    /// What it is a child of.
    pub parent: Option<Node<'t>>,
    /// Comments and attributes directly above it.
    pub leading: &'a [Node<'t>],
}

impl<'t> Place<'_, 't> {
    /// The text of a node; empty when the tree belongs to another text.
    pub fn text(&self, node: Node<'_>) -> &str {
        self.source.get(node.byte_range()).unwrap_or_default()
    }

    /// The child that the grammar gives this field name.
    pub fn field(&self, name: &str) -> Option<Node<'t>> {
        self.node.child_by_field_name(name)
    }

    /// The first child of one of these kinds.
    pub fn child(&self, kinds: &[&str]) -> Option<Node<'t>> {
        self.node.children(&mut self.node.walk()).find(|child| kinds.contains(&child.kind()))
    }

    /// A definition whose name and body are the fields of these names.
    pub fn named(&self, kind: SymbolKind, inside: Inside) -> Reading {
        match self.field("name") {
            Some(name) => self.called(name, kind, inside),
            None => Reading::Nothing,
        }
    }

    /// A definition that is named by this node.
    pub fn called(&self, name: Node<'_>, kind: SymbolKind, inside: Inside) -> Reading {
        let text = name_of(self.text(name));
        if text.is_empty() {
            return Reading::Nothing;
        }
        Reading::Definition(Definition {
            name: text,
            end: None,
            name_range: name.byte_range(),
            kind,
            head_end: self.head_end(),
            inside,
            is_test: false,
            joint: Joint::Separator,
            reach: Reach::Qualifies,
            weight: Weight::Definition,
        })
    }

    /// Where the head ends: behind what stands before the body, comments apart.
    fn head_end(&self) -> Option<usize> {
        let body = self.field("body").or_else(|| self.child(self.bodies))?;
        let mut cursor = self.node.walk();
        let before =
            self.node.children(&mut cursor).take_while(|child| child.start_byte() < body.start_byte());
        before.filter(|child| !child.kind().contains("comment")).map(|child| child.end_byte()).last()
    }

    /// True below the body of a function.
    pub fn is_local(&self) -> bool {
        self.inside == Inside::Function
    }

    /// True within a type.
    pub fn is_member(&self) -> bool {
        matches!(self.inside, Inside::Type | Inside::TestType)
    }

    /// A method within a type, a function elsewhere.
    pub fn callable(&self) -> SymbolKind {
        if self.is_member() { SymbolKind::Method } else { SymbolKind::Function }
    }
}

impl Place<'_, '_> {
    /// True when an annotation of the node has one of these names, whatever its path and its
    /// arguments.
    pub fn is_annotated(&self, names: &[&str]) -> bool {
        const LISTS: [&str; 3] = ["modifiers", "attribute_list", "attribute_group"];
        const ANNOTATIONS: [&str; 3] = ["annotation", "marker_annotation", "attribute"];
        let is_named = |annotation: Node<'_>| {
            let path = self.text(annotation).split('(').next().unwrap_or_default().trim();
            path.rsplit(['.', '@', ':', '\\']).next().is_some_and(|last| names.contains(&last))
        };
        // Lists stand in lists, but never deep.
        let mut pending = vec![self.node];
        while let Some(node) = pending.pop() {
            for child in node.children(&mut node.walk()) {
                if ANNOTATIONS.contains(&child.kind()) && is_named(child) {
                    return true;
                }
                if LISTS.contains(&child.kind()) {
                    pending.push(child);
                }
            }
        }
        false
    }

    /// A call that declares a test or a suite of them, named by its title: `it("works", …)`.
    /// `callee` is the function's name; the body begins behind `head_end`.
    pub fn titled(&self, callee: &str, title: Node<'_>, head_end: usize, names: &TitledTests) -> Reading {
        let is_suite = names.suites.contains(&callee);
        if !is_suite && !names.tests.contains(&callee) && !names.skipped.contains(&callee) {
            return Reading::Nothing;
        }
        let (kind, inside) = if is_suite {
            (SymbolKind::Module, Inside::Module)
        } else {
            (SymbolKind::Function, Inside::Function)
        };
        self.called(title, kind, inside).with(|definition| {
            definition.name = unquoted(&definition.name).to_owned();
            definition.is_test = names.tests.contains(&callee);
            definition.joint = Joint::Title;
            definition.head_end = Some(head_end);
        })
    }
}

/// Functions that declare tests.
pub(super) struct TitledTests {
    /// Those that group tests.
    pub suites: &'static [&'static str],
    /// Those that declare one.
    pub tests: &'static [&'static str],
    /// Those that declare one that is not run.
    pub skipped: &'static [&'static str],
}

/// What a node is.
pub(super) enum Reading {
    /// Nothing of its own; what is in it counts.
    Nothing,
    /// No definition, but it qualifies the names in it.
    Scope(String, Inside),
    /// No definition, but what is in it is inside of this.
    Within(Inside),
    /// A definition.
    Definition(Definition),
}

impl Reading {
    /// The same, changed if it is a definition.
    pub fn with(mut self, change: impl FnOnce(&mut Definition)) -> Self {
        if let Self::Definition(definition) = &mut self {
            change(definition);
        }
        self
    }
}

/// A definition, without its surroundings.
pub(super) struct Definition {
    /// Its own name, perhaps already qualified.
    pub name: String,
    /// The bytes of the name.
    pub name_range: Range<usize>,
    /// Where it ends, if not where its node does.
    pub end: Option<usize>,
    /// What it is.
    pub kind: SymbolKind,
    /// Where its head ends and its body begins; at its own end when absent.
    pub head_end: Option<usize>,
    /// What those within it are inside of.
    pub inside: Inside,
    /// True when a test framework would run it.
    pub is_test: bool,
    /// What stands between the surroundings' name and its own.
    pub joint: Joint,
    /// Whether its name qualifies those within it.
    pub reach: Reach,
    /// Whether it yields to another of its name.
    pub weight: Weight,
}

/// What joins a name to the name around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joint {
    /// The language's separator.
    Separator,
    /// ` > `, as test runners write the titles of nested tests.
    Title,
}

/// Whether a name qualifies the names within its definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// `Parser` and `next` make `Parser.next`.
    Qualifies,
    /// A typedef is a second name beside the type's own.
    Beside,
    /// It neither qualifies nor is qualified: an id holds for the whole document.
    Alone,
}

/// Whether a definition is the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It has a body, or needs none.
    Definition,
    /// A prototype or an overload's signature: passed over when the file defines the name as well.
    Declaration,
}

/// A name on one line: blanks around it go, others become one.
pub(super) fn name_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A literal without its quotes.
pub(super) fn unquoted(text: &str) -> &str {
    let pairs = ['"', '\'', '`'].into_iter();
    let mut inner = pairs.filter_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inner.next().unwrap_or(text)
}
