//! What a file of ours declares, for outlines: stages, rules, tasks, models.

use super::{Kind, OwnFile};
use crate::lsp::protocol::{
    DocumentSymbol, DocumentSymbolResponse, Location, SymbolInformation, SymbolKind, Url,
};
use openexec_engine::memory::Kind as RecordKind;
use openexec_engine::outline::{Entry, Node};
use openexec_engine::text::visible;

/// The symbols of a file, nested where the client takes them so.
#[allow(deprecated, reason = "the protocol's types still have the field `deprecated`, which is never set")]
pub(in crate::lsp) fn symbols(file: &OwnFile, nested: bool) -> DocumentSymbolResponse {
    let found = declared(file);
    if nested {
        let symbol = |(name, detail, whole, selection): (String, String, &Node, &Node)| DocumentSymbol {
            name,
            detail: (!detail.is_empty()).then_some(detail),
            kind: kind(file.kind),
            tags: None,
            deprecated: None,
            range: file.range(&(whole.range.start.min(selection.range.start)..whole.range.end)),
            selection_range: file.range(&selection.range),
            children: None,
        };
        return DocumentSymbolResponse::Nested(found.into_iter().map(symbol).collect());
    }
    let symbol = |(name, _, whole, _): (String, String, &Node, &Node)| {
        Some(SymbolInformation {
            name,
            kind: kind(file.kind),
            tags: None,
            deprecated: None,
            location: Location { uri: Url::parse(&file.uri).ok()?, range: file.range(&whole.range) },
            container_name: None,
        })
    };
    DocumentSymbolResponse::Flat(found.into_iter().filter_map(symbol).collect())
}

fn kind(kind: Kind) -> SymbolKind {
    match kind {
        Kind::Blueprint => SymbolKind::EVENT,
        Kind::Policy(_) => SymbolKind::KEY,
        Kind::Tasks => SymbolKind::FUNCTION,
        Kind::Config => SymbolKind::OBJECT,
        Kind::Memory => SymbolKind::STRING,
    }
}

/// Name, detail, the whole and the name of each.
fn declared(file: &OwnFile) -> Vec<(String, String, &Node, &Node)> {
    let Some(root) = file.outline.root() else { return Vec::new() };
    let (list, name, details): (_, _, &[&str]) = match file.kind {
        Kind::Blueprint => ("stages", "id", &["action", "type"]),
        Kind::Policy(_) => ("rules", "id", &["effect"]),
        Kind::Tasks => ("tasks", "name", &["kind"]),
        Kind::Memory => {
            let lists = RecordKind::ALL.into_iter().filter_map(|kind| Some((kind, root.get(kind.list())?)));
            let records = lists.flat_map(|(kind, list)| list.items().iter().map(move |item| (kind, item)));
            let found = records.filter_map(|(kind, item)| {
                let named = item.get("id")?;
                let id = named.text().filter(|id| !id.is_empty())?;
                Some((visible(id), kind.name().to_owned(), item, named))
            });
            return found.collect();
        }
        Kind::Config => {
            let models = root.get("models").map(Node::entries).unwrap_or_default();
            let mut found = Vec::new();
            for Entry { key, value } in models {
                if let Some(name) = key.text().filter(|name| !name.is_empty()) {
                    found.push((
                        visible(name),
                        visible(value.text_of("api").unwrap_or_default()),
                        value,
                        key,
                    ));
                }
            }
            return found;
        }
    };
    let items = root.get(list).map(Node::items).unwrap_or_default();
    let found = items.iter().filter_map(|item| {
        let named = item.get(name)?;
        let detail = details.iter().find_map(|key| item.text_of(key)).unwrap_or_default();
        Some((visible(named.text().filter(|name| !name.is_empty())?), visible(detail), item, named))
    });
    found.collect()
}
