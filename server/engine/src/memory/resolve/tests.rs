//! Symbols found again, from texts before and after.

use super::*;
use crate::digest::Digest;
use std::collections::BTreeMap;

/// A file's path and text.
type File = (&'static str, &'static str);

/// Two states of a few files.
struct Texts {
    then: BTreeMap<WorkspacePath, &'static str>,
    now: BTreeMap<WorkspacePath, &'static str>,
    moves: PathMap,
}

impl Texts {
    fn new(then: &[File], now: &[File]) -> Self {
        let files = |files: &[File]| files.iter().map(|(name, text)| (path(name), *text)).collect();
        Self { then: files(then), now: files(now), moves: PathMap::default() }
    }

    fn pointer(&self, file: &str, symbol: &str) -> SymbolPointer {
        let then = self.then(&path(file)).unwrap();
        then.named(symbol).next().unwrap().clone()
    }

    fn resolved(&self, file: &str, symbol: &str) -> (PointerState, String) {
        let resolution = resolve(&self.pointer(file, symbol), self);
        let place =
            resolution.place.map(|place| format!("{}:{} {}", place.path, place.lines.0, place.symbol));
        (resolution.state, place.unwrap_or_default())
    }
}

impl World for Texts {
    fn touches(&self, path: &WorkspacePath) -> bool {
        self.then.get(path) != self.now.get(path)
    }

    fn now(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.now.get(path).map(|text| Arc::new(Fingerprints::of(path, text)))
    }

    fn then(&self, path: &WorkspacePath) -> Option<Arc<Fingerprints>> {
        self.then.get(path).map(|text| Arc::new(Fingerprints::of(path, text)))
    }

    fn moved_to(&self, path: &WorkspacePath) -> Option<WorkspacePath> {
        self.moves.file(path).cloned()
    }

    fn lines(&self, then: &WorkspacePath, now: &WorkspacePath) -> Option<LineMap> {
        LineMap::between(self.then.get(then)?, self.now.get(now)?)
    }

    fn newcomers(&self, _: &SymbolPointer, visit: &mut dyn FnMut(&SymbolPointer)) {
        for path in self.now.keys() {
            if let Some(now) = self.now(path) {
                newcomers(&now, self.then(path).as_deref()).for_each(&mut *visit);
            }
        }
    }
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

const TOTAL: &str = "/// The sum.\nfn total(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.price * item.count;\n    }\n    sum\n}\n";
const TOTAL_EDITED: &str = "fn first() {}\n\nfn total(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.price * item.count;\n    }\n    sum + 1\n}\n";
const TOTAL_RENAMED: &str = "fn first() {}\n\nfn price_of(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.price * item.count;\n    }\n    sum\n}\n";
const TOTAL_IN_CART: &str = "impl Cart {\n    fn total(items: &[Item]) -> u64 {\n        let mut sum = 0;\n        for item in items {\n            sum += item.price * item.count;\n        }\n        sum\n    }\n}\n";
const TOTAL_REWRITTEN: &str =
    "fn total(items: &[Item]) -> u64 {\n    items.iter().map(Item::cost).sum()\n}\n";
const OTHER: &str = "fn parse(text: &str) -> Result<Tree, Error> {\n    Parser::new(text).run()\n}\n";

#[test]
fn states_tell_what_became_of_a_symbol() {
    let cases: [(&[File], PointerState, &str); 7] = [
        (&[("a.rs", TOTAL)], PointerState::Exact, "a.rs:1 total"),
        (&[("a.rs", TOTAL_EDITED)], PointerState::Edited, "a.rs:3 total"),
        (&[("a.rs", TOTAL_RENAMED)], PointerState::Renamed, "a.rs:3 price_of"),
        (&[("a.rs", TOTAL_IN_CART)], PointerState::Moved, "a.rs:2 Cart::total"),
        (&[("a.rs", OTHER), ("b.rs", TOTAL)], PointerState::Moved, "b.rs:1 total"),
        (&[("a.rs", TOTAL_REWRITTEN)], PointerState::Suspect, "a.rs:1 total"),
        (&[("a.rs", OTHER)], PointerState::Stale, ""),
    ];
    for (now, state, place) in cases {
        let texts = Texts::new(&[("a.rs", TOTAL)], now);
        assert_eq!(texts.resolved("a.rs", "total"), (state, place.to_owned()));
    }
}

#[test]
fn of_two_copies_of_a_text_none_is_certain_unless_something_tells_them_apart() {
    let cases: [(&[File], PointerState, &str); 5] = [
        (&[("b.rs", TOTAL), ("c.rs", TOTAL)], PointerState::Suspect, "b.rs:1 total"),
        (&[("x/a.rs", TOTAL), ("y/a.rs", TOTAL)], PointerState::Suspect, "x/a.rs:1 total"),
        // A file of the same name, the same own name, the same container.
        (&[("b.rs", TOTAL), ("x/a.rs", TOTAL)], PointerState::Moved, "x/a.rs:1 total"),
        (&[("b.rs", TOTAL_RENAMED), ("c.rs", TOTAL)], PointerState::Moved, "c.rs:1 total"),
        (&[("b.rs", TOTAL_IN_CART), ("c.rs", TOTAL)], PointerState::Moved, "c.rs:1 total"),
    ];
    let pointer = Texts::new(&[("a.rs", TOTAL)], &[]).pointer("a.rs", "total");
    for (now, state, place) in cases {
        // Nothing is known of what stood there before.
        let resolution = resolve(&pointer, &Texts::new(&[], now));
        let found = resolution.place.map(|it| format!("{}:{} {}", it.path, it.lines.0, it.symbol));
        assert_eq!((resolution.state, found.as_deref()), (state, Some(place)));
        let says_so = resolution.why.contains("the same text stands elsewhere as well");
        assert_eq!(says_so, state == PointerState::Suspect, "{}", resolution.why);
    }
}

#[test]
fn what_stood_there_before_is_nobodys_new_name() {
    let both = "fn total(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.price * item.count;\n    }\n    sum\n}\nfn weight(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.weight * item.count;\n    }\n    sum\n}\n";
    let left = "fn weight(items: &[Item]) -> u64 {\n    let mut sum = 0;\n    for item in items {\n        sum += item.weight * item.count;\n    }\n    sum\n}\n";
    let texts = Texts::new(&[("a.rs", both)], &[("a.rs", left)]);
    assert_eq!(texts.resolved("a.rs", "total").0, PointerState::Stale);
    // Without the text before, the likeness is all there is.
    let unknown = Texts::new(&[], &[("a.rs", left)]);
    let resolution = resolve(&texts.pointer("a.rs", "total"), &unknown);
    assert_eq!(resolution.place.unwrap().symbol, "weight");
}

#[test]
fn a_file_is_followed_to_its_new_place() {
    let mut texts = Texts::new(&[("a.rs", TOTAL)], &[("src/cart.rs", TOTAL_EDITED)]);
    texts.moves = PathMap::of_moves([(path("a.rs"), path("src/cart.rs"))]);
    assert_eq!(texts.resolved("a.rs", "total"), (PointerState::Moved, "src/cart.rs:3 total".to_owned()));
}

#[test]
fn overloads_are_told_apart() {
    let then = "class Gson {\n  String toJson(Object value) {\n    if (value == null) { return toJson(JsonNull.INSTANCE); }\n    return toJson(value, value.getClass());\n  }\n  String toJson(JsonElement element) {\n    StringWriter writer = new StringWriter();\n    toJson(element, writer);\n    return writer.toString();\n  }\n}\n";
    let now = "class Gson {\n  String toJson(JsonElement element) {\n    StringWriter writer = new StringWriter();\n    toJson(element, newJsonWriter(writer));\n    return writer.toString();\n  }\n  String toJson(Object value) {\n    if (value == null) { return toJson(JsonNull.INSTANCE); }\n    return toJson(value, value.getClass(), true);\n  }\n}\n";
    let texts = Texts::new(&[("G.java", then)], &[("G.java", now)]);
    let file = texts.then(&path("G.java")).unwrap();
    let line = |ordinal: usize| {
        let pointer = file.named("Gson.toJson").nth(ordinal).unwrap();
        resolve(pointer, &texts).place.unwrap().lines.0
    };
    assert_eq!((line(0), line(1)), (7, 2));
}

#[test]
fn an_overload_that_went_is_not_its_twin() {
    let then = "class A {\n  int f(int a) { return a + one(a) * two(a); }\n  int f(String text) { return text.length(); }\n}\n";
    let now = "class A {\n  int f(int a) { return a + one(a) * two(a); }\n}\n";
    let texts = Texts::new(&[("A.java", then)], &[("A.java", now)]);
    let file = texts.then(&path("A.java")).unwrap();
    assert_eq!(resolve(file.named("A.f").nth(1).unwrap(), &texts).state, PointerState::Stale);
    assert_eq!(resolve(file.named("A.f").next().unwrap(), &texts).state, PointerState::Exact);
}

#[test]
fn small_steps_lead_where_a_large_one_does_not() {
    let steps = || {
        [
            Texts::new(&[("a.rs", TOTAL)], &[("a.rs", TOTAL_RENAMED)]),
            Texts::new(&[("b.rs", OTHER)], &[("b.rs", TOTAL)]),
            Texts::new(&[("a.rs", TOTAL_RENAMED)], &[("a.rs", OTHER), ("c.rs", TOTAL_RENAMED)]),
        ]
    };
    let pointer = steps()[0].pointer("a.rs", "total");
    let followed = follow(&pointer, steps());
    assert_eq!(followed.state, PointerState::Renamed);
    let place = followed.place.unwrap();
    assert_eq!((place.path.as_str(), place.symbol.as_str()), ("c.rs", "price_of"));
}

#[test]
fn one_weak_step_makes_a_suspect() {
    let steps = [
        Texts::new(&[("a.rs", TOTAL)], &[("a.rs", TOTAL_REWRITTEN)]),
        Texts::new(&[("a.rs", TOTAL_REWRITTEN)], &[("b.rs", TOTAL_REWRITTEN)]),
    ];
    let pointer = steps[0].pointer("a.rs", "total");
    assert_eq!(follow(&pointer, steps).state, PointerState::Suspect);
}

#[test]
fn a_record_of_an_earlier_version_is_found_by_its_text_and_suspected_otherwise() {
    let texts = Texts::new(&[("a.rs", TOTAL)], &[("a.rs", TOTAL)]);
    let bare = |text: Digest| SymbolPointer::bare(path("a.rs"), "total", text);
    assert_eq!(resolve(&bare(texts.pointer("a.rs", "total").text), &texts).state, PointerState::Exact);
    assert_eq!(resolve(&bare(Digest::of(b"other")), &texts).state, PointerState::Suspect);
}

#[test]
fn a_saved_file_takes_its_pointers_along() {
    let texts = Texts::new(&[("a.rs", TOTAL), ("b.rs", OTHER)], &[]);
    let pointers = [texts.pointer("a.rs", "total"), texts.pointer("b.rs", "parse")];
    let saved = re_anchor(&pointers, &path("a.rs"), Some(TOTAL), TOTAL_RENAMED);
    assert_eq!(saved.len(), 1);
    assert_eq!(
        (saved[0].state, saved[0].place.as_ref().unwrap().symbol.as_str()),
        (PointerState::Renamed, "price_of")
    );
}

#[test]
fn a_second_version_takes_the_name_of_the_first() {
    let body = |name: &str, method: &str| {
        format!(
            "    fn {name}(&self, buffer: &mut Buffer) -> Poll {{\n        ready(self.io.{method}(buffer, self.waker()))?;\n        Poll::Ready(buffer.len())\n    }}\n"
        )
    };
    let then = format!("impl S {{\n{}{}}}\n", body("peek", "old"), body("peek2", "new"));
    let now = format!("impl S {{\n{}}}\n", body("peek", "new"));
    let texts = Texts::new(&[("a.rs", then.leak())], &[("a.rs", now.leak())]);
    assert_eq!(texts.resolved("a.rs", "S::peek2"), (PointerState::Renamed, "a.rs:2 S::peek".to_owned()));
}

/// Where a symbol of the first of several states stands after the steps through all of them.
fn followed(states: &[&[File]], file: &str, symbol: &str) -> (PointerState, String, u8) {
    let pointer = Texts::new(states[0], &[]).pointer(file, symbol);
    let resolution = follow(&pointer, states.windows(2).map(|pair| Texts::new(pair[0], pair[1])));
    let place = resolution.place.map(|place| format!("{}:{} {}", place.path, place.lines.0, place.symbol));
    (resolution.state, place.unwrap_or_default(), resolution.similarity_percent)
}

#[test]
fn what_comes_back_as_it_was_is_followed_on() {
    let there: &[File] = &[("a.rs", TOTAL)];
    let (state, place, percent) = followed(&[there, &[], there, &[("a.rs", TOTAL_EDITED)]], "a.rs", "total");
    assert_eq!((state, place.as_str()), (PointerState::Edited, "a.rs:3 total"));
    assert!(percent > 80, "{percent}");
    // Also beside others, and after a while.
    let other: &[File] = &[("a.rs", OTHER)];
    let (state, place, _) = followed(&[there, other, &[], other, there], "a.rs", "total");
    assert_eq!((state, place.as_str()), (PointerState::Exact, "a.rs:1 total"));
}

#[test]
fn what_comes_back_otherwise_is_offered_and_never_certain() {
    let there: &[File] = &[("a.rs", TOTAL)];
    for (later, place) in [
        (("a.rs", TOTAL_EDITED), "a.rs:3 total"),
        (("a.rs", TOTAL_REWRITTEN), "a.rs:1 total"),
        (("b.rs", TOTAL), "b.rs:1 total"),
    ] {
        let (state, found, _) = followed(&[there, &[], &[later]], "a.rs", "total");
        assert_eq!((state, found.as_str()), (PointerState::Suspect, place));
        // The doubt stays through later steps.
        let last: &[File] = &[later, ("z.rs", OTHER)];
        assert_eq!(followed(&[there, &[], &[later], last], "a.rs", "total").0, PointerState::Suspect);
    }
    // Two copies of a text are no trace, and neither is what is only like it.
    let copies: &[File] = &[("b.rs", TOTAL), ("c.rs", TOTAL)];
    assert_eq!(followed(&[there, &[], copies], "a.rs", "total").0, PointerState::Stale);
    assert_eq!(followed(&[there, &[], &[("b.rs", TOTAL_EDITED)]], "a.rs", "total").0, PointerState::Stale);
    // What had stood there all the time has not come back.
    let twin: &[File] = &[("a.rs", TOTAL), ("b.rs", TOTAL)];
    let left: &[File] = &[("b.rs", TOTAL)];
    assert_eq!(followed(&[twin, left, left], "a.rs", "total").0, PointerState::Stale);
}
