//! From a task to a pack, through the engine's ranking and its plan.

use crate::score::{Lines, Span, rendered, tokens};
use crate::task::{Task, View};
use openexec_engine::context::plan::{Offer, Portion, Shares, choose};
use openexec_engine::context::rank::{Query, Weights, rank};
use openexec_engine::index::Corpus;
use openexec_engine::path::WorkspacePath;
use tiktoken_rs::CoreBPE;

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

pub(crate) fn pack(
    corpus: &Corpus,
    task: &Task,
    view: View,
    budget: usize,
    co_changed: &[(WorkspacePath, u32)],
    vocabulary: &CoreBPE,
    lines_of: &mut Lines<'_>,
) -> Vec<Span> {
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
    let shares = if view == View::Symbol { Shares::CURSOR } else { Shares::SEARCH };
    let ranked = rank(corpus, &query, &Weights::default());
    let mut files: Vec<&WorkspacePath> = ranked.iter().map(|it| it.path).collect();
    files.sort();
    files.dedup();
    let offers: Vec<Offer> = ranked
        .iter()
        .map(|it| Offer {
            file: files.binary_search(&it.path).expect("all files are listed"),
            lines: (it.definition.head_line, it.definition.lines.1),
            signature_line: it.definition.name_line,
            has_body: it.has_body(),
        })
        .collect();
    let lines = |offer: &Offer, portion: Portion| match portion {
        Portion::Body => offer.lines,
        Portion::Signature => (offer.signature_line, offer.signature_line),
    };
    let chosen = choose(&offers, budget, shares, &mut |at, portion, is_shown| {
        let (first, last) = lines(&offers[at], portion);
        let file = ranked[at].path.as_str();
        let text = lines_of(file).expect("ranked files are there");
        let shown: Vec<&str> =
            (first..=last).filter_map(|line| Some(text.get(line as usize - 1)?.as_str())).collect();
        tokens(vocabulary, &rendered(file, is_shown, &shown))
    });
    chosen
        .into_iter()
        .map(|(at, portion)| {
            let (first, last) = lines(&offers[at], portion);
            (ranked[at].path.to_string(), first, last)
        })
        .collect()
}
