//! What a run knows of the system that it works on: services, runbooks, environments and
//! procedures, frozen when it starts. From here on nothing that changes in the files changes
//! the run, and a replay finds the same.

use super::{Body, Environment, FailureMode, Kind, Procedure, Record, Remedy, Runbook, Service};
use crate::context::{Candidate, RecordTag, Relevance};
use crate::ids::RecordId;
use crate::limits::MEMORY_RECORDS_MAX;
use crate::path::WorkspacePath;
use crate::task::TaskSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The score of a record that the files in question lead to; of one that knows the failure, more.
const SCORE_OF_PLACE: u32 = 2_000;
/// The score of one that leads to another service than the files in question do.
const SCORE_OF_ELSEWHERE: u32 = 500;
/// What the knowledge of a failure adds.
const SCORE_OF_FAILURE: u32 = 1_000;

/// The records of a system, by which runs are guided and judged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operations {
    /// Ordered by kind and id, each once.
    records: Vec<Record>,
}

/// A failure that a runbook knows.
#[derive(Debug, Clone, Copy)]
pub struct KnownFailure<'o> {
    /// The service that the runbook belongs to: one that the files in question lead to, else
    /// the only one that names it.
    pub service: Option<&'o Record>,
    /// True when the files in question lead to that service.
    pub is_near: bool,
    /// The runbook.
    pub runbook: &'o Record,
    /// How it fails.
    pub failure: &'o FailureMode,
    /// The text by which it was known.
    pub known_by: &'o str,
}

impl Operations {
    /// The records of a system among these. Of two of one kind and id the user's own counts,
    /// else the first.
    pub fn new(records: impl IntoIterator<Item = Record>) -> Self {
        let is_of_system = |record: &Record| match record.kind() {
            Kind::Service | Kind::Runbook | Kind::Environment | Kind::Procedure => true,
            Kind::Symbol | Kind::Maintenance => false,
        };
        let mut records: Vec<Record> = records.into_iter().filter(is_of_system).collect();
        let is_shared = |record: &Record| matches!(record.origin, super::Origin::Shared { .. });
        records.sort_by_key(|record| (record.kind(), record.id.clone(), is_shared(record)));
        records.dedup_by(|later, first| (later.kind(), &later.id) == (first.kind(), &first.id));
        Self { records }
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// All of them.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The texts that no model sees, each once, the longest first.
    pub fn masked(&self) -> Vec<&str> {
        let masked: BTreeSet<&str> = self.records.iter().flat_map(Record::masked).collect();
        let mut masked: Vec<&str> = masked.into_iter().collect();
        masked.sort_by_key(|text| std::cmp::Reverse(text.len()));
        masked
    }

    fn find(&self, kind: Kind, id: &RecordId) -> Option<&Record> {
        let at = self.records.binary_search_by(|record| (record.kind(), &record.id).cmp(&(kind, id))).ok()?;
        self.records.get(at)
    }

    /// The environment of this id.
    pub fn environment(&self, id: &RecordId) -> Option<&Environment> {
        match &self.find(Kind::Environment, id)?.body {
            Body::Environment(environment) => Some(environment),
            _ => None,
        }
    }

    /// The procedure of this id.
    pub fn procedure(&self, id: &RecordId) -> Option<&Procedure> {
        match &self.find(Kind::Procedure, id)?.body {
            Body::Procedure(procedure) => Some(procedure),
            _ => None,
        }
    }

    fn services(&self) -> impl Iterator<Item = (&Record, &Service)> {
        self.records.iter().filter_map(|record| match &record.body {
            Body::Service(service) => Some((record, service)),
            _ => None,
        })
    }

    fn runbooks(&self) -> impl Iterator<Item = (&Record, &Runbook)> {
        self.records.iter().filter_map(|record| match &record.body {
            Body::Runbook(runbook) => Some((record, runbook)),
            _ => None,
        })
    }

    /// The services that these files belong to: for each file the one whose path is nearest.
    pub fn services_of(&self, paths: &[WorkspacePath]) -> Vec<&Record> {
        let mut found: Vec<&Record> = Vec::new();
        for path in paths {
            let nearest = self.services().filter(|(_, service)| is_within(path, &service.path)).max_by_key(
                |(record, service)| (service.path.as_str().len(), std::cmp::Reverse(record.id.clone())),
            );
            if let Some((record, _)) = nearest
                && !found.iter().any(|it| it.id == record.id)
            {
                found.push(record);
            }
        }
        found
    }

    /// The services that name a runbook.
    pub(super) fn services_with(&self, runbook: &RecordId) -> Vec<&Record> {
        self.services().map(|(record, _)| record).filter(|service| names_runbook(service, runbook)).collect()
    }

    /// The failures that a text shows, the best known first: those of the services in question,
    /// then those with the longest telling text, then by name and order.
    pub fn failures(&self, text: &str, paths: &[WorkspacePath]) -> Vec<KnownFailure<'_>> {
        let text = folded(text);
        let near = self.services_of(paths);
        let mut known: Vec<KnownFailure<'_>> = Vec::new();
        for (runbook, body) in self.runbooks() {
            let shown = body.failures.iter().filter_map(|failure| {
                let telling = failure.looks_like.iter().filter(|it| text.contains(&folded(it)));
                Some((failure, telling.max_by_key(|it| it.len())?))
            });
            let shown: Vec<(&FailureMode, &String)> = shown.collect();
            if shown.is_empty() {
                continue;
            }
            let close = near.iter().copied().find(|service| names_runbook(service, &runbook.id));
            let service = close.or_else(|| match self.services_with(&runbook.id).as_slice() {
                [only] => Some(*only),
                _ => None,
            });
            let is_near = close.is_some();
            let failures = shown.into_iter();
            known.extend(failures.map(|(failure, known_by)| KnownFailure {
                service,
                is_near,
                runbook,
                failure,
                known_by,
            }));
        }
        // The sort is stable: what is equal stays in the order of the records.
        known.sort_by_key(|it| (!it.is_near, std::cmp::Reverse(it.known_by.len())));
        known
    }

    /// What is to be done about a failure: the first remediation that its runbook approves, and
    /// that its environment allows. Every task of it must be declared.
    ///
    /// # Errors
    /// Says what is missing, and what to write where.
    pub fn remedy(&self, text: &str, paths: &[WorkspacePath], tasks: &TaskSet) -> Result<Remedy, String> {
        let known = self.failures(text, paths);
        let Some(best) = known.first() else {
            let modes: Vec<String> = self
                .runbooks()
                .flat_map(|(record, runbook)| {
                    runbook.failures.iter().map(move |failure| format!("{}/{}", record.id, failure.id))
                })
                .collect();
            return Err(match modes.as_slice() {
                [] => "no runbook is known; write one into .openexec/memory/".to_owned(),
                modes => format!(
                    "no runbook knows this failure by its `looks_like`; the known ones are {}",
                    modes.join(", ")
                ),
            });
        };
        Remedy::of(self, best, tasks)
    }

    /// The records that matter where these files are worked on and this text was printed, as
    /// candidates for a context pack: services, their runbooks and environments; those that
    /// know the failure first.
    pub fn candidates(&self, text: &str, paths: &[WorkspacePath]) -> Vec<Candidate> {
        let mut chosen: Vec<(&Record, u32)> = Vec::new();
        let mut choose = |record: Option<&'_ Record>, score: u32| {
            let Some(record) = record.and_then(|it| self.find(it.kind(), &it.id)) else { return };
            match chosen.iter_mut().find(|(there, _)| there.kind() == record.kind() && there.id == record.id)
            {
                Some((_, there)) => *there = score.max(*there),
                None => chosen.push((record, score)),
            }
        };
        let near = self.services_of(paths);
        for known in self.failures(text, paths) {
            // In a system of many services, others know failures that read alike. What no service
            // names is about all of them.
            let is_anothers = || !self.services_with(&known.runbook.id).is_empty();
            let is_elsewhere = !known.is_near && !near.is_empty() && is_anothers();
            let place = if is_elsewhere { SCORE_OF_ELSEWHERE } else { SCORE_OF_PLACE };
            choose(Some(known.runbook), place + SCORE_OF_FAILURE);
            for id in &known.failure.remediations {
                choose(self.find(Kind::Procedure, id), place - 2);
            }
        }
        for record in near {
            let Body::Service(service) = &record.body else { continue };
            choose(Some(record), SCORE_OF_PLACE);
            for id in &service.runbooks {
                choose(self.find(Kind::Runbook, id), SCORE_OF_PLACE - 1);
            }
            if let Some(id) = &service.environment {
                choose(self.find(Kind::Environment, id), SCORE_OF_PLACE - 3);
            }
        }
        chosen.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
        chosen.truncate(MEMORY_RECORDS_MAX);
        chosen.into_iter().map(|(record, score)| record.candidate(score)).collect()
    }
}

impl Record {
    /// The record as a candidate for a context pack, in an envelope of its own, with what rules
    /// judge it by.
    pub fn candidate(&self, score: u32) -> Candidate {
        Candidate {
            path: None,
            symbol: Some(self.title()),
            lines: None,
            text: self.describe(),
            signature: None,
            relevance: Relevance::Memory,
            score,
            signature_line: None,
            record: Some(RecordTag {
                pointer: self.kind().pointer(),
                labels: self.labels.iter().cloned().collect(),
                files: self.files(),
            }),
        }
    }
}

/// True for a file that is this place or lies below it.
fn is_within(path: &WorkspacePath, place: &WorkspacePath) -> bool {
    path == place || path.as_str().strip_prefix(place.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

fn names_runbook(service: &Record, runbook: &RecordId) -> bool {
    matches!(&service.body, Body::Service(service) if service.runbooks.contains(runbook))
}

/// A text without what does not count when it is compared: case, and how many blanks there are.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
