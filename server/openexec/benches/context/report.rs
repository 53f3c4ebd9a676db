//! What the bench prints.

use crate::measure::{Form, Line};
use crate::score::Score;
use crate::task::View;

#[derive(Default)]
pub(crate) struct Report(Vec<Line>);

impl Report {
    pub(crate) fn take(&mut self, line: Line) {
        self.0.push(line);
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.0.iter().all(|line| line.is_same && line.score.tokens <= line.budget)
    }

    pub(crate) fn print(&self, budgets: &[usize], by_language: bool, by_repository: bool) {
        println!(
            "budget  view    form   of                     n    files  signature  body   tokens max  ms p50  ms p95"
        );
        for &budget in budgets {
            for (view, form) in View::ALL.into_iter().flat_map(|view| Form::ALL.map(|form| (view, form))) {
                let is_wanted = |it: &&Line| it.budget == budget && it.view == view && it.form == form;
                let lines: Vec<&Line> = self.0.iter().filter(is_wanted).collect();
                print("all", &lines);
                if by_language {
                    grouped(&lines, |line| &line.language);
                }
                if by_repository {
                    grouped(&lines, |line| &line.repository);
                }
            }
        }
        let over = self.0.iter().filter(|line| line.score.tokens > line.budget).count();
        let differing = self.0.iter().filter(|line| !line.is_same).count();
        println!(
            "packs over their budget: {over} of {}; different when built twice: {differing}",
            self.0.len()
        );
    }
}

fn grouped(lines: &[&Line], group: impl Fn(&Line) -> &str) {
    let mut names: Vec<&str> = lines.iter().map(|line| group(line)).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let members: Vec<&Line> = lines.iter().copied().filter(|line| group(line) == name).collect();
        print(name, &members);
    }
}

fn print(of: &str, lines: &[&Line]) {
    let Some(Line { budget, view, form, .. }) = lines.first() else { return };
    let mean = |share: fn(&Score) -> Option<f64>| {
        let shares: Vec<f64> = lines.iter().filter_map(|line| share(&line.score)).collect();
        shares.iter().sum::<f64>() / shares.len() as f64
    };
    let mut times: Vec<f64> = lines.iter().map(|line| line.milliseconds).collect();
    times.sort_by(f64::total_cmp);
    let time = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    println!(
        "{budget:<7} {:<7} {:<6} {of:<22} {:<4} {:.3}  {:.3}      {:.3}  {:<11} {:<7.1} {:.1}",
        view.name(),
        form.name(),
        lines.len(),
        mean(|score| score.files),
        mean(|score| score.signatures),
        mean(|score| score.bodies),
        lines.iter().map(|line| line.score.tokens).max().unwrap_or_default(),
        time(50),
        time(95),
    );
}
