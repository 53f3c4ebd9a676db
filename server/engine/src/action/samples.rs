//! Actions for tests: one of each kind, and random ones.

use super::{
    Action, CreateFile, DeleteFile, Finish, InsertAtSymbol, Place, PlaceRange, ReadFile, ReadSymbol,
    Remember, RenameFile, ReplaceRange, ReplaceSymbol, ReplaceText, RunTask, Search, Side,
};
use crate::ids::TaskName;
use crate::path::RequestedPath;
use crate::task::TaskArg;
use proptest::prelude::*;
use serde_json::{Value, json};

fn at(path: &str) -> RequestedPath {
    RequestedPath::new(path)
}

/// One action of each kind, in the order of `ActionKind::ALL`.
pub(crate) fn one_of_each() -> Vec<Action> {
    vec![
        Action::ReplaceText(ReplaceText { path: at("src/a.rs"), old: "one".into(), new: "two".into() }),
        Action::ReplaceSymbol(ReplaceSymbol {
            path: at("src/a.rs"),
            symbol: "f".into(),
            text: "fn f() {}".into(),
        }),
        Action::InsertAtSymbol(InsertAtSymbol {
            path: at("src/a.rs"),
            symbol: "f".into(),
            side: Side::After,
            text: "fn g() {}".into(),
        }),
        Action::ReplaceRange(ReplaceRange {
            path: at("src/a.rs"),
            base_hash: Some(crate::digest::Digest::of(b"text").to_string()),
            version: None,
            range: PlaceRange {
                start: Place { line: 0, character: 3 },
                end: Place { line: 1, character: 0 },
            },
            text: "two".into(),
        }),
        Action::CreateFile(CreateFile { path: at("src/b.rs"), text: "fn h() {}\n".into(), overwrite: true }),
        Action::DeleteFile(DeleteFile { path: at("src/c.rs"), base_hash: None }),
        Action::RenameFile(RenameFile { path: at("src/d.rs"), new_path: at("src/e.rs"), base_hash: None }),
        Action::ReadFile(ReadFile { path: at("src/a.rs"), first_line: Some(3), last_line: None }),
        Action::ReadSymbol(ReadSymbol { path: at("src/a.rs"), symbol: "f".into() }),
        Action::Search(Search { text: "needle".into(), below: Some(at("src")) }),
        Action::RunTask(RunTask {
            task: TaskName::new("test"),
            args: vec![TaskArg { name: "filter".into(), value: "adds".into() }],
        }),
        Action::Remember(Remember {
            text: "two spaces".into(),
            key: Some("style.indent".into()),
            scope: Some("workspace".into()),
        }),
        Action::Finish(Finish { summary: "done".into() }),
    ]
}

/// The action as a model writes it in a document.
pub(crate) fn on_the_wire(id: &str, action: &Action) -> Value {
    let mut value = json!({ "id": id });
    let fields = serde_json::to_value(action).unwrap();
    value.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    value
}

/// The action's arguments as a model writes them in a tool call.
pub(crate) fn arguments(action: &Action) -> Value {
    let mut value = serde_json::to_value(action).unwrap();
    value.as_object_mut().unwrap().remove("kind");
    value
}

/// Any action, with any texts.
pub(crate) fn any_action() -> impl Strategy<Value = Action> {
    let text = || prop_oneof![any::<String>(), "[a-z/.\\\\\"\n]{0,20}".prop_map(String::from)];
    let path = move || text().prop_map(RequestedPath::new);
    let line = || proptest::option::of(any::<u32>());
    let maybe = move || proptest::option::of(text());
    let place = || (any::<u32>(), any::<u32>()).prop_map(|(line, character)| Place { line, character });
    let range = (place(), place()).prop_map(|(start, end)| PlaceRange { start, end });
    let side = prop_oneof![Just(Side::Before), Just(Side::After)];
    prop_oneof![
        (path(), text(), text()).prop_map(|(path, old, new)| Action::ReplaceText(ReplaceText {
            path,
            old,
            new
        })),
        (path(), text(), text()).prop_map(|(path, symbol, text)| Action::ReplaceSymbol(ReplaceSymbol {
            path,
            symbol,
            text
        })),
        (path(), text(), side, text()).prop_map(|(path, symbol, side, text)| {
            Action::InsertAtSymbol(InsertAtSymbol { path, symbol, side, text })
        }),
        (path(), maybe(), proptest::option::of(any::<u32>()), range, text()).prop_map(
            |(path, base_hash, version, range, text)| {
                Action::ReplaceRange(ReplaceRange { path, base_hash, version, range, text })
            }
        ),
        (path(), text(), any::<bool>()).prop_map(|(path, text, overwrite)| Action::CreateFile(CreateFile {
            path,
            text,
            overwrite
        })),
        (path(), maybe()).prop_map(|(path, base_hash)| Action::DeleteFile(DeleteFile { path, base_hash })),
        (path(), path(), maybe()).prop_map(|(path, new_path, base_hash)| {
            Action::RenameFile(RenameFile { path, new_path, base_hash })
        }),
        (path(), line(), line()).prop_map(|(path, first_line, last_line)| {
            Action::ReadFile(ReadFile { path, first_line, last_line })
        }),
        (path(), text()).prop_map(|(path, symbol)| Action::ReadSymbol(ReadSymbol { path, symbol })),
        (text(), proptest::option::of(path()))
            .prop_map(|(text, below)| Action::Search(Search { text, below })),
        (text(), proptest::collection::vec((text(), text()), 0..3)).prop_map(|(task, args)| {
            let args = args.into_iter().map(|(name, value)| TaskArg { name, value }).collect();
            Action::RunTask(RunTask { task: TaskName::new(task), args })
        }),
        (text(), maybe(), maybe()).prop_map(|(text, key, scope)| Action::Remember(Remember {
            text,
            key,
            scope
        })),
        text().prop_map(|summary| Action::Finish(Finish { summary })),
    ]
}
