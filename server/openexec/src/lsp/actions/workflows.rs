//! The workflows that a place triggers, what each would be given, and what hinders it.

use super::{Offer, Place, RunLine, action, quote, short};
use crate::limits::{DIAGNOSTICS_MAX, RELATED_MAX};
use crate::lsp::protocol::{self, Diagnostic, NumberOrString, Range};
use crate::lsp::roots::below;
use crate::lsp::trust::TrustState;
use openexec_engine::blueprint::{Blueprint, InputName, Trigger};
use openexec_engine::syntax::{Symbol, SymbolKind};
use openexec_engine::text::Position;
use serde_json::{Value, json};

/// The workflows that the place triggers and that have all they need there.
pub(super) fn workflows(place: &Place<'_>) -> Vec<Offer> {
    let mut actions = Vec::new();
    // What the user wrote goes before what the user stands on.
    let order = [
        Trigger::Directive,
        Trigger::Test,
        Trigger::Diagnostic,
        Trigger::Selection,
        Trigger::Symbol,
        Trigger::File,
    ];
    let mut offered = Vec::new();
    for trigger in order {
        for blueprint in &place.offers.blueprints {
            if blueprint.triggers.contains(&trigger)
                && !offered.contains(&&blueprint.name)
                && let Some(work) = workflow(place, blueprint, trigger)
            {
                offered.push(&blueprint.name);
                actions.push(work);
            }
        }
    }
    actions
}

/// What a trigger gives to a run.
struct Given {
    /// What the title says.
    subject: String,
    kind: &'static str,
    range: Range,
    inputs: Vec<(InputName, &'static str, Value)>,
}

fn workflow(place: &Place<'_>, blueprint: &Blueprint, trigger: Trigger) -> Option<Offer> {
    let takes = |name: InputName| blueprint.inputs.iter().any(|input| input.name == name);
    let given = match trigger {
        Trigger::Directive => given_directive(place, blueprint)?,
        Trigger::Test => given_test(place, takes(InputName::FailingTest), blueprint)?,
        Trigger::Diagnostic => given_diagnostics(place)?,
        Trigger::Selection => given_selection(place, blueprint)?,
        Trigger::Symbol => given_symbol(place, blueprint)?,
        Trigger::File => given_file(place, blueprint),
    };
    let has = |name| name == InputName::Target || given.inputs.iter().any(|(given, ..)| *given == name);
    if !blueprint.inputs.iter().all(|input| !input.required || has(input.name)) {
        return None;
    }
    let mut arguments = json!({
        "blueprint": blueprint.name,
        "uri": place.file.uri,
        "range": given.range,
        "version": place.file.version,
    });
    if let Some(members) = arguments.as_object_mut() {
        for (name, key, value) in given.inputs {
            if takes(name) {
                members.insert(key.to_owned(), value);
            }
        }
    }
    let mut title = format!("{} · {}", given.subject, blueprint.name);
    if let Some(model) = &place.offers.model {
        title.push_str(" · ");
        title.push_str(model);
    }
    let hindrance = hindrance(place, blueprint, given.range);
    let action = action(title, format!("{}.{}", given.kind, blueprint.name), "openexec.run", arguments);
    Some(Offer { action, hindrance })
}

/// Why a run of this would come to nothing, as far as that is known without looking.
fn hindrance(place: &Place<'_>, blueprint: &Blueprint, range: Range) -> Option<String> {
    let judged = !blueprint.gates.is_empty();
    let is_ours = place
        .root
        .and_then(|root| below(root, &place.file.path))
        .is_some_and(|path| path.components().next() == Some(".openexec"));
    if is_ours {
        return Some(
            "no run reads or changes what stands in .openexec; the fixes here and your own hand do"
                .to_owned(),
        );
    }
    if let Some(trouble) = &place.offers.trouble {
        return Some(format!("{}; mend it first", quote(trouble)));
    }
    match &place.offers.trust {
        // Trusting it would not help: nothing in it tests.
        Some(TrustState::Untrusted { commands, .. }) if judged && commands.is_empty() => {
            return Some(NO_TEST_TASK.to_owned());
        }
        Some(TrustState::Untrusted { .. }) if judged => {
            return Some(
                "the tasks of this workspace are not trusted; look at them and trust them first".to_owned(),
            );
        }
        Some(TrustState::NothingDeclared) if judged => return Some(NO_TEST_TASK.to_owned()),
        Some(TrustState::Trusted) if judged && !place.offers.has_tests => {
            return Some(NO_TEST_TASK.to_owned());
        }
        Some(_) | None => {}
    }
    if blueprint.asks_a_model() && place.offers.model.is_none() {
        return Some(NO_MODEL.to_owned());
    }
    let busy = place.runs.iter().find(|line| line.is_running() && is_at(place, line, range))?;
    let (run, blueprint) = (short(&busy.view.run), &busy.view.blueprint);
    Some(format!("run {run} ({blueprint}) is at work here; wait for it, or cancel it"))
}

/// What a workspace lacks in which nothing can be judged.
const NO_TEST_TASK: &str = "this workspace declares no task that tests, so no edit could be judged; declare one in .openexec/tasks.yaml";

/// What is missing where no model can be asked.
const NO_MODEL: &str = "no model is configured and none is at hand; `openexec.status` says what is enough";

/// Whether a run is about this place.
fn is_at(place: &Place<'_>, line: &RunLine, range: Range) -> bool {
    let Some(target) = &line.view.target else { return false };
    let (first, last) = target.lines;
    below(&line.root, &place.file.path).is_some_and(|path| path == target.path)
        && range.start.line.saturating_add(1) <= last
        && first <= range.end.line.saturating_add(1)
}

fn given_directive(place: &Place<'_>, blueprint: &Blueprint) -> Option<Given> {
    let directive = place.directive.as_ref()?;
    Some(Given {
        subject: on(blueprint, &format!("“{}”", quote(&directive.instruction))),
        kind: "refactor.rewrite.openexec",
        range: bytes(place, directive.range.start, directive.range.end),
        inputs: vec![(InputName::Instruction, "instruction", json!(directive.instruction))],
    })
}

fn given_test(place: &Place<'_>, fixes: bool, blueprint: &Blueprint) -> Option<Given> {
    if let Some(given) = given_failure(place).filter(|_| fixes) {
        return Some(given);
    }
    let test = enclosing(place, |symbol| symbol.is_test)?;
    let subject = if fixes {
        format!("Fix failing test `{}`", quote(&test.name))
    } else {
        on(blueprint, &format!("test `{}`", quote(&test.name)))
    };
    Some(Given {
        subject,
        kind: "quickfix.openexec",
        range: bytes(place, test.range.start, test.range.end),
        inputs: vec![(InputName::FailingTest, "failing_test", json!(test.name))],
    })
}

/// A test that the last report knows to be red, whatever its syntax looks like: the place that
/// the report names lies in it, or its name is the symbol's.
fn given_failure(place: &Place<'_>) -> Option<Given> {
    let path = below(place.root?, &place.file.path)?;
    let line = place.range.start.line.saturating_add(1);
    let symbol = enclosing(place, |_| true);
    let within = |at: u32| match symbol {
        Some(symbol) => (symbol.lines.0..=symbol.lines.1).contains(&at),
        None => at == line,
    };
    let failure = place.offers.failing.iter().find(|failure| {
        let is_here = failure.path.as_ref().is_none_or(|named| *named == path);
        let is_named = symbol.is_some_and(|symbol| names(&failure.name, &symbol.name));
        // A name alone says little of a symbol that no framework would run.
        let may_be_named = failure.path.is_some() || symbol.is_some_and(|symbol| symbol.is_test);
        is_here && (is_named && may_be_named || failure.path.is_some() && failure.line.is_some_and(within))
    })?;
    let range = symbol.map_or(place.range, |symbol| bytes(place, symbol.range.start, symbol.range.end));
    let name =
        symbol.filter(|symbol| names(&failure.name, &symbol.name)).map_or(&failure.name, |it| &it.name);
    Some(Given {
        subject: format!("Fix `{}` test failure", quote(name)),
        kind: "quickfix.openexec",
        range,
        inputs: vec![(InputName::FailingTest, "failing_test", json!(failure.name))],
    })
}

/// Whether a report's name of a test ends with a symbol's: `tests/test_sums.py::test_adds`.
fn names(reported: &str, symbol: &str) -> bool {
    let last = |name: &str| {
        let cut = name.rfind([':', '.', '/', '#', ' ', '>']).map_or(0, |at| at + 1);
        name.get(cut..).unwrap_or(name).to_owned()
    };
    let is_end = |rest: &str| rest.is_empty() || rest.ends_with([':', '.', '/', '#', ' ', '>']);
    reported.strip_suffix(symbol).is_some_and(is_end) || last(reported) == last(symbol)
}

fn given_diagnostics(place: &Place<'_>) -> Option<Given> {
    let first = place.diagnostics.first()?;
    let message = first.message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let diagnostics: Vec<Value> = place.diagnostics.iter().take(DIAGNOSTICS_MAX).map(trimmed).collect();
    Some(Given {
        subject: format!("Fix this diagnostic: {}", quote(message)),
        kind: "quickfix.openexec",
        range: first.range,
        inputs: vec![(InputName::Diagnostics, "diagnostics", json!(diagnostics))],
    })
}

/// A diagnostic without what only its own server and the editor understand.
fn trimmed(diagnostic: &Diagnostic) -> Value {
    let mut value = json!({ "range": diagnostic.range, "message": diagnostic.message });
    if let Some(members) = value.as_object_mut() {
        if let Some(source) = &diagnostic.source {
            members.insert("source".to_owned(), json!(source));
        }
        if let Some(code) = &diagnostic.code {
            let code = match code {
                NumberOrString::Number(number) => number.to_string(),
                NumberOrString::String(text) => text.clone(),
            };
            members.insert("code".to_owned(), json!(code));
        }
        if let Some(related) = diagnostic.related_information.as_ref().filter(|related| !related.is_empty()) {
            let related: Vec<_> = related.iter().take(RELATED_MAX).collect();
            members.insert("relatedInformation".to_owned(), json!(related));
        }
    }
    value
}

fn given_selection(place: &Place<'_>, blueprint: &Blueprint) -> Option<Given> {
    let (start, end) = (place.range.start, place.range.end);
    (start != end).then(|| Given {
        subject: on(blueprint, "the selection"),
        kind: "refactor.rewrite.openexec",
        range: place.range,
        inputs: Vec::new(),
    })
}

fn given_symbol(place: &Place<'_>, blueprint: &Blueprint) -> Option<Given> {
    let symbol = enclosing(place, |symbol| symbol.kind.is_code())?;
    let sort = if symbol.is_test { "test" } else { kind_of(symbol.kind) };
    Some(Given {
        subject: on(blueprint, &format!("{sort} `{}`", quote(&symbol.name))),
        kind: "refactor.rewrite.openexec",
        range: bytes(place, symbol.range.start, symbol.range.end),
        inputs: Vec::new(),
    })
}

/// What a symbol is, as people call it.
const fn kind_of(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "function",
        SymbolKind::Method => "method",
        SymbolKind::Class => "class",
        SymbolKind::Struct => "struct",
        SymbolKind::Enum => "enum",
        SymbolKind::Interface => "interface",
        SymbolKind::Trait => "trait",
        SymbolKind::Module => "module",
        SymbolKind::Constant => "constant",
        SymbolKind::Type => "type",
        SymbolKind::Section => "section",
        SymbolKind::Key => "key",
    }
}

fn given_file(place: &Place<'_>, blueprint: &Blueprint) -> Given {
    Given {
        subject: on(blueprint, "this file"),
        kind: "source.openexec",
        range: place.range,
        inputs: Vec::new(),
    }
}

/// The innermost symbol around the cursor that fits.
pub(super) fn enclosing<'a>(place: &Place<'a>, fits: fn(&Symbol) -> bool) -> Option<&'a Symbol> {
    let start = place.range.start;
    let position = Position { line: start.line, character: start.character };
    let byte = place.file.text.byte_of(position, place.encoding).ok()?;
    let around = place.symbols.iter().filter(|symbol| fits(symbol));
    around
        .filter(|symbol| symbol.range.start <= byte && byte <= symbol.range.end)
        .min_by_key(|symbol| symbol.range.len())
}

pub(super) fn bytes(place: &Place<'_>, start: usize, end: usize) -> Range {
    let position = |byte| {
        let Position { line, character } = place.file.text.position_of(byte, place.encoding);
        protocol::Position { line, character }
    };
    Range { start: position(start), end: position(end) }
}

/// A workflow and what it is done on, as a title: ``Review `parse` ``, `Add docs: this file`.
fn on(blueprint: &Blueprint, object: &str) -> String {
    let words = quote(&blueprint.name.as_str().replace(['_', '-'], " "));
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    let name: String = first.into_iter().flatten().chain(letters).collect();
    // One word is a verb more often than not.
    if name.contains(' ') { format!("{name}: {object}") } else { format!("{name} {object}") }
}
