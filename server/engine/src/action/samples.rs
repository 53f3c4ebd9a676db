//! Actions for tests: one of each kind, and random ones.

use super::{
    Action, CreateFile, DeleteFile, Finish, InsertAtSymbol, ReadFile, ReadSymbol, RenameFile, ReplaceSymbol,
    ReplaceText, RunTask, Search, Side,
};
use crate::ids::TaskName;
use crate::path::RequestedPath;
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
        Action::CreateFile(CreateFile { path: at("src/b.rs"), text: "fn h() {}\n".into() }),
        Action::DeleteFile(DeleteFile { path: at("src/c.rs") }),
        Action::RenameFile(RenameFile { path: at("src/d.rs"), new_path: at("src/e.rs") }),
        Action::ReadFile(ReadFile { path: at("src/a.rs"), first_line: Some(3), last_line: None }),
        Action::ReadSymbol(ReadSymbol { path: at("src/a.rs"), symbol: "f".into() }),
        Action::Search(Search { text: "needle".into(), below: Some(at("src")) }),
        Action::RunTask(RunTask { task: TaskName::new("test") }),
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
        (path(), text()).prop_map(|(path, text)| Action::CreateFile(CreateFile { path, text })),
        path().prop_map(|path| Action::DeleteFile(DeleteFile { path })),
        (path(), path()).prop_map(|(path, new_path)| Action::RenameFile(RenameFile { path, new_path })),
        (path(), line(), line()).prop_map(|(path, first_line, last_line)| {
            Action::ReadFile(ReadFile { path, first_line, last_line })
        }),
        (path(), text()).prop_map(|(path, symbol)| Action::ReadSymbol(ReadSymbol { path, symbol })),
        (text(), proptest::option::of(path()))
            .prop_map(|(text, below)| Action::Search(Search { text, below })),
        text().prop_map(|task| Action::RunTask(RunTask { task: TaskName::new(task) })),
        text().prop_map(|summary| Action::Finish(Finish { summary })),
    ]
}
