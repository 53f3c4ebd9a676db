//! What we know of each language: one entry in one table.

use super::Language;
use super::read::{Reader, c, go, java, python, rust, script};

/// A node that encloses one definition and belongs to it, such as an export statement.
pub(super) struct Wrapper {
    /// The kind of the node.
    pub kind: &'static str,
    /// When not empty: it belongs to the definition only if it holds one child of these kinds.
    pub members: &'static [&'static str],
}

/// One language.
pub(super) struct Grammar {
    /// Which.
    pub language: Language,
    /// Gives the parser's tables.
    pub load: fn() -> tree_sitter::Language,
    /// Extensions of its files, in lower case.
    pub extensions: &'static [&'static str],
    /// What stands between the parts of a qualified name.
    pub separator: &'static str,
    /// What begins a comment that runs to the line's end.
    pub line_comment: &'static str,
    /// True where `/*` and `*/` enclose comments.
    pub block_comments: BlockComments,
    /// The kinds of nodes that are comments.
    pub comments: &'static [&'static str],
    /// The kinds of nodes that stand before a definition and belong to it.
    pub attributes: &'static [&'static str],
    /// The kinds of nodes that enclose a definition and belong to it.
    pub wrappers: &'static [Wrapper],
    /// Whether a `;` behind a definition belongs to it, although the grammar puts it outside.
    pub semicolon: Semicolon,
    /// Says what a node defines.
    pub read: Reader,
}

/// Whether a language has comments between `/*` and `*/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockComments {
    Slashed,
    None,
}

/// Whether a `;` directly behind a definition is part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Semicolon {
    Belongs,
    Separate,
}

const fn always(kind: &'static str) -> Wrapper {
    Wrapper { kind, members: &[] }
}

const fn around_one(kind: &'static str, members: &'static [&'static str]) -> Wrapper {
    Wrapper { kind, members }
}

const SCRIPT_WRAPPERS: &[Wrapper] = &[
    always("export_statement"),
    always("expression_statement"),
    always("ambient_declaration"),
    around_one("lexical_declaration", &["variable_declarator"]),
    around_one("variable_declaration", &["variable_declarator"]),
];

/// The languages. Their order is that of [`Language`].
const GRAMMARS: [Grammar; 9] = [
    Grammar {
        language: Language::Rust,
        load: || tree_sitter_rust::LANGUAGE.into(),
        extensions: &["rs"],
        separator: "::",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["line_comment", "block_comment"],
        attributes: &["attribute_item"],
        wrappers: &[],
        semicolon: Semicolon::Separate,
        read: rust::read,
    },
    Grammar {
        language: Language::Python,
        load: || tree_sitter_python::LANGUAGE.into(),
        extensions: &["py", "pyi", "pyw"],
        separator: ".",
        line_comment: "#",
        block_comments: BlockComments::None,
        comments: &["comment"],
        attributes: &[],
        wrappers: &[always("decorated_definition"), always("expression_statement")],
        semicolon: Semicolon::Separate,
        read: python::read,
    },
    Grammar {
        language: Language::JavaScript,
        load: || tree_sitter_javascript::LANGUAGE.into(),
        extensions: &["js", "jsx", "mjs", "cjs"],
        separator: ".",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["comment"],
        attributes: &["decorator"],
        wrappers: SCRIPT_WRAPPERS,
        semicolon: Semicolon::Belongs,
        read: script::read,
    },
    Grammar {
        language: Language::TypeScript,
        load: || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        extensions: &["ts", "mts", "cts"],
        separator: ".",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["comment"],
        attributes: &["decorator"],
        wrappers: SCRIPT_WRAPPERS,
        semicolon: Semicolon::Belongs,
        read: script::read,
    },
    Grammar {
        language: Language::Tsx,
        load: || tree_sitter_typescript::LANGUAGE_TSX.into(),
        extensions: &["tsx"],
        separator: ".",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["comment"],
        attributes: &["decorator"],
        wrappers: SCRIPT_WRAPPERS,
        semicolon: Semicolon::Belongs,
        read: script::read,
    },
    Grammar {
        language: Language::Go,
        load: || tree_sitter_go::LANGUAGE.into(),
        extensions: &["go"],
        separator: ".",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["comment"],
        attributes: &[],
        wrappers: &[
            around_one("type_declaration", &["type_spec", "type_alias"]),
            around_one("const_declaration", &["const_spec"]),
            around_one("var_declaration", &["var_spec"]),
        ],
        semicolon: Semicolon::Separate,
        read: go::read,
    },
    Grammar {
        language: Language::Java,
        load: || tree_sitter_java::LANGUAGE.into(),
        extensions: &["java"],
        separator: ".",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["line_comment", "block_comment"],
        attributes: &[],
        wrappers: &[],
        semicolon: Semicolon::Separate,
        read: java::read,
    },
    Grammar {
        language: Language::C,
        load: || tree_sitter_c::LANGUAGE.into(),
        extensions: &["c"],
        separator: ".",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["comment"],
        attributes: &[],
        wrappers: &[always("linkage_specification")],
        semicolon: Semicolon::Belongs,
        read: c::read,
    },
    Grammar {
        language: Language::Cpp,
        load: || tree_sitter_cpp::LANGUAGE.into(),
        // A `.h` may be either; the grammar of C++ reads nearly all of C.
        extensions: &["cpp", "cc", "cxx", "c++", "h", "hpp", "hh", "hxx", "h++", "ipp", "inl"],
        separator: "::",
        line_comment: "//",
        block_comments: BlockComments::Slashed,
        comments: &["comment"],
        attributes: &[],
        wrappers: &[always("linkage_specification"), always("template_declaration")],
        semicolon: Semicolon::Belongs,
        read: c::read,
    },
];

impl Grammar {
    /// The entry of a language.
    pub fn of(language: Language) -> &'static Self {
        static TABLE: [Grammar; 9] = GRAMMARS;
        let [rust, python, javascript, typescript, tsx, go, java, c, cpp] = &TABLE;
        let grammar = match language {
            Language::Rust => rust,
            Language::Python => python,
            Language::JavaScript => javascript,
            Language::TypeScript => typescript,
            Language::Tsx => tsx,
            Language::Go => go,
            Language::Java => java,
            Language::C => c,
            Language::Cpp => cpp,
        };
        debug_assert_eq!(grammar.language, language, "the table is in the order of the languages");
        grammar
    }

    /// The wrapper that a node is, if it is one for a single definition.
    pub fn wraps(&self, node: tree_sitter::Node<'_>) -> bool {
        self.wrappers.iter().filter(|wrapper| wrapper.kind == node.kind()).any(|wrapper| {
            wrapper.members.is_empty()
                || node
                    .named_children(&mut node.walk())
                    .filter(|child| wrapper.members.contains(&child.kind()))
                    .take(2)
                    .count()
                    == 1
        })
    }
}
