//! From a task to a pack: through the engine's ranking, and then in two forms. One is what a run
//! sends, envelopes and all; the other is the same plan for the plain form in which scorers of
//! other tools render, so that it can be compared with theirs.

use crate::score::{Lines, Span, VOCABULARY, rendered, tokens};
use crate::task::{Task, View};
use openexec_engine::context::plan::{Offer, Portion, Shares, choose};
use openexec_engine::context::rank::{Query, Ranked, Weights, candidates, rank};
use openexec_engine::context::{Budget, Envelopes, PackPart, Shown, build};
use openexec_engine::index::Corpus;
use openexec_engine::path::WorkspacePath;
use openexec_engine::redact::Redactions;
use openexec_engine::workers::Alone;

/// The files from which a view starts.
pub(crate) fn seeds(task: &Task, view: View) -> Vec<WorkspacePath> {
    let names: Vec<&String> = match view {
        View::Issue => Vec::new(),
        View::Test => task
            .failing_tests
            .iter()
            .map(|test| &test.file)
            .chain(task.seed_test.iter().map(|test| &test.file))
            .collect(),
        View::Symbol => vec![&task.seed_symbol.file],
    };
    let mut paths: Vec<WorkspacePath> =
        names.into_iter().filter_map(|name| WorkspacePath::parse(name).ok()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The definitions of a corpus, ranked for a task.
pub(crate) fn ranked<'a>(
    corpus: &'a Corpus,
    task: &Task,
    view: View,
    co_changed: &[(WorkspacePath, u32)],
) -> Vec<Ranked<'a>> {
    let seeds = seeds(task, view);
    let mut query = Query { texts: vec![&task.text], ..Query::default() };
    query.co_changed = co_changed.iter().map(|(path, weight)| (path, *weight)).collect();
    match view {
        View::Issue => {}
        View::Test => {
            query.code = task.failing_tests.iter().filter_map(|test| test.code.as_deref()).collect();
            query.code.extend(task.failing_tests.iter().filter_map(|test| test.name.as_deref()));
            let line = |path: &WorkspacePath| {
                task.seed_test.as_ref().filter(|test| test.file == path.as_str()).and_then(|test| test.line)
            };
            query.tests = seeds.iter().map(|path| (path, line(path))).collect();
        }
        View::Symbol => query.cursor = seeds.first().map(|path| (path, task.seed_symbol.line)),
    }
    rank(corpus, &query, &Weights::default(), &Alone)
}

/// What a run would send of it.
pub(crate) fn sent(ranked: &[Ranked<'_>], budget: usize, lines_of: &mut Lines<'_>) -> (Vec<Span>, usize) {
    let found = candidates(ranked, &mut |path, (first, last)| {
        let lines = lines_of(path.as_str())?;
        let lines = lines.get(first as usize - 1..(last as usize).min(lines.len()))?;
        Some(lines.iter().map(|line| format!("{line}\n")).collect())
    });
    let budget = Budget { tokens: budget, vocabulary: VOCABULARY };
    let pack = build(&found, budget, &mut Redactions::default(), &mut Envelopes::new("a bench"));
    let shown = pack.parts.iter().filter(|part| part.shown != Shown::LeftOut);
    let span = |part: &PackPart| {
        let (first, last) = part.lines?;
        Some((part.path.as_ref()?.to_string(), first, last))
    };
    // What stands in another part already is none of its own.
    let spans = shown.filter(|part| part.tokens > 0).filter_map(span).collect();
    (spans, tokens(&pack.text))
}

/// The plan of a run for the form in which the scorer renders.
pub(crate) fn scored(
    ranked: &[Ranked<'_>],
    view: View,
    budget: usize,
    lines_of: &mut Lines<'_>,
) -> Vec<Span> {
    let shares = if view == View::Symbol { Shares::CURSOR } else { Shares::SEARCH };
    let mut files: Vec<&WorkspacePath> = ranked.iter().map(|it| it.path).collect();
    files.sort();
    files.dedup();
    let offers: Vec<Offer> = ranked
        .iter()
        .map(|it| Offer {
            file: files.binary_search(&it.path).expect("all files are listed"),
            lines: Some((it.definition.head_line, it.definition.lines.1)),
            is_divisible: true,
            has_body: it.has_body(),
            signature_line: Some(it.definition.name_line),
            kin: 0,
            is_certain: false,
        })
        .collect();
    let chosen = choose(&offers, budget, shares, &mut |asked| {
        let ranked = &ranked[asked.offer];
        let line = (ranked.definition.name_line, ranked.definition.name_line);
        let text = lines_of(ranked.path.as_str()).expect("ranked files are there");
        let pieces = asked.pieces.unwrap_or(std::slice::from_ref(&line));
        let shown: Vec<&str> = pieces
            .iter()
            .flat_map(|(first, last)| *first..=*last)
            .filter_map(|line| Some(text.get(line as usize - 1)?.as_str()))
            .collect();
        let is_shown = asked.has_bodies || asked.has_signatures;
        tokens(&rendered(ranked.path.as_str(), is_shown, &shown))
    });
    let spans = chosen.into_iter().flat_map(|it| {
        let ranked = &ranked[it.offer];
        let line = (ranked.definition.name_line, ranked.definition.name_line);
        let lines = (ranked.definition.head_line, ranked.definition.lines.1);
        let span = if it.portion == Portion::Body { lines } else { line };
        [(ranked.path.to_string(), span.0, span.1)]
    });
    spans.collect()
}
