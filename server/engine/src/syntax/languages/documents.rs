//! Markdown, HTML and CSS: headings, elements with an id, rules.

use crate::syntax::grammar::{Grammar, Nature, import, own};
use crate::syntax::read::{Inside, Joint, Place, Reach, Reading, unquoted};
use crate::syntax::{Language, SymbolKind};
use tree_sitter::Node;

pub(super) static MARKDOWN: Grammar = Grammar {
    language: Language::Markdown,
    nature: Nature::Structure,
    load: || Some(tree_sitter_md::LANGUAGE.into()),
    extensions: &["md", "markdown", "mdown", "mkd"],
    block_comments: &[("<!--", "-->")],
    comments: &["html_block"],
    definitions: &[own(&["section"], section), own(&["setext_heading"], underlined)],
    ..Grammar::UNKNOWN
};

pub(super) static HTML: Grammar = Grammar {
    language: Language::Html,
    nature: Nature::Structure,
    load: || Some(tree_sitter_html::LANGUAGE.into()),
    extensions: &["html", "htm", "xhtml"],
    block_comments: &[("<!--", "-->")],
    definitions: &[own(&["element", "script_element", "style_element"], element)],
    ..Grammar::UNKNOWN
};

pub(super) static CSS: Grammar = Grammar {
    language: Language::Css,
    nature: Nature::Structure,
    load: || Some(tree_sitter_css::LANGUAGE.into()),
    extensions: &["css"],
    block_comments: &[("/*", "*/")],
    bodies: &["block", "keyframe_block_list"],
    definitions: &[
        own(&["rule_set"], rule_set),
        own(&["media_statement", "supports_statement", "keyframes_statement", "at_rule"], at_rule),
    ],
    imports: &[import("import_statement")],
    strings: &["string_value"],
    ..Grammar::UNKNOWN
};

/// A heading with all that stands under it.
fn section(place: &Place<'_, '_>) -> Reading {
    match place
        .child(&["atx_heading", "setext_heading"])
        .filter(|it| it.start_byte() == place.node.start_byte())
    {
        Some(heading) => titled(place, heading),
        None => Reading::Nothing,
    }
}

/// The grammar begins a section with such a heading only where no other section is open.
fn underlined(place: &Place<'_, '_>) -> Reading {
    match place.parent.filter(|parent| parent.start_byte() != place.node.start_byte()) {
        Some(_) => titled(place, place.node),
        None => Reading::Nothing,
    }
}

fn titled(place: &Place<'_, '_>, heading: Node<'_>) -> Reading {
    match heading.child_by_field_name("heading_content") {
        Some(title) => place.called(title, SymbolKind::Section, Inside::Module).with(|definition| {
            definition.joint = Joint::Title;
            definition.head_end = Some(heading.end_byte());
        }),
        None => Reading::Nothing,
    }
}

/// An element that has an id, by which it is known in the whole document.
fn element(place: &Place<'_, '_>) -> Reading {
    let Some(tag) = place.child(&["start_tag", "self_closing_tag"]) else {
        return Reading::Nothing;
    };
    let mut cursor = tag.walk();
    let id = tag.named_children(&mut cursor).find(|attribute| {
        attribute.kind() == "attribute"
            && attribute.named_child(0).is_some_and(|name| place.text(name).eq_ignore_ascii_case("id"))
    });
    match id.and_then(|attribute| attribute.named_child(1)) {
        Some(value) => place.called(value, SymbolKind::Section, Inside::Module).with(|definition| {
            definition.name = unquoted(&definition.name).to_owned();
            definition.reach = Reach::Alone;
            definition.head_end = Some(tag.end_byte());
        }),
        None => Reading::Nothing,
    }
}

fn rule_set(place: &Place<'_, '_>) -> Reading {
    match place.child(&["selectors"]) {
        Some(selectors) => named_by_head(place, selectors),
        None => Reading::Nothing,
    }
}

/// `@media print { … }` is named by all that stands before its block.
fn at_rule(place: &Place<'_, '_>) -> Reading {
    match place.child(&["block", "keyframe_block_list"]) {
        Some(_) => named_by_head(place, place.node),
        None => Reading::Nothing,
    }
}

fn named_by_head(place: &Place<'_, '_>, head: Node<'_>) -> Reading {
    place.called(head, SymbolKind::Section, Inside::Module).with(|definition| {
        definition.joint = Joint::Title;
        if let Some(end) = definition.head_end {
            definition.name_range = head.start_byte()..end.min(head.end_byte());
            let text = place.source.get(definition.name_range.clone()).unwrap_or_default();
            definition.name = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    })
}
