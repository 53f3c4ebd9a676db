//! What redaction finds, what it takes for a secret that is none, and how fast it is.
//!
//! `SECRETS_CORPUS=FILE cargo bench -p openexec-engine --features large-grammars --bench secrets`
//!
//! The corpus is a gzipped JSON document, or a folder with `corpus_dev.json.gz` in it, by default
//! `../shared/secrets`: under `gitleaks_rule_tests` and `detect_secrets_tests` lists of `text`,
//! `is_secret` and, where known, `path` and `secrets`, the exact values. All of them are fake;
//! their texts stay out of this repository, because push protection would stop them.
//!
//! A secret counts as found when not one of its values is left in the text, or when its file is
//! one that no model is shown. The speed is that of one thread over the files of this repository,
//! or of the folder `SECRETS_SPEED`, with fresh redactions for each file; the best of some passes.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot be made must end the bench"
)]
#![expect(clippy::disallowed_methods, reason = "a bench reads its data and looks at the clock")]

use flate2::read::GzDecoder;
use openexec_engine::path::WorkspacePath;
use openexec_engine::policy::{PathClass, classify};
use openexec_engine::redact::{PersonalData, Redactions};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Passes over the files, of which the fastest counts.
const PASSES: usize = 5;
/// Bytes of the largest file that is redacted, as in a run.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

#[derive(Deserialize)]
struct Corpus {
    gitleaks_rule_tests: Vec<Case>,
    detect_secrets_tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    is_secret: bool,
    path: Option<String>,
    #[serde(default)]
    secrets: Vec<String>,
}

/// How many of the secrets were found, and how many others were taken for one.
#[derive(Default)]
struct Score {
    secrets: usize,
    found: usize,
    others: usize,
    alarms: usize,
}

impl Score {
    fn of(cases: &[Case], classes: &BTreeSet<PersonalData>) -> Self {
        let mut score = Self::default();
        for case in cases {
            let path =
                case.path.as_ref().map(|path| WorkspacePath::parse(path).expect("a path of the corpus"));
            let (redacted, count) = Redactions::of(classes.clone()).redact_in(path.as_ref(), &case.text);
            let hidden = path.is_some_and(|path| classify(&path).contains(&PathClass::Secret));
            match case.is_secret {
                true => {
                    let gone = count > 0 && case.secrets.iter().all(|secret| !redacted.contains(secret));
                    score.secrets += 1;
                    score.found += usize::from(hidden || gone);
                }
                false => {
                    score.others += 1;
                    score.alarms += usize::from(count > 0);
                }
            }
        }
        score
    }

    fn recall(&self) -> f64 {
        self.found as f64 / self.secrets as f64
    }

    fn alarms(&self) -> f64 {
        self.alarms as f64 / self.others as f64
    }
}

fn corpus() -> Corpus {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let place = std::env::var_os("SECRETS_CORPUS").map_or(root.join("../shared/secrets"), PathBuf::from);
    let file = if place.is_dir() { place.join("corpus_dev.json.gz") } else { place };
    let read = std::fs::File::open(&file);
    let read =
        read.unwrap_or_else(|error| panic!("{}: {error}; name the corpus in SECRETS_CORPUS", file.display()));
    let mut text = String::new();
    GzDecoder::new(read).read_to_string(&mut text).expect("the corpus is gzipped JSON");
    serde_json::from_str(&text).expect("the corpus has the form that this bench describes")
}

/// The texts below a folder, but for what tools put there.
fn texts(folder: &Path, texts: &mut Vec<(Option<WorkspacePath>, String)>, root: &Path) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_symlink()
            || name.starts_with('.')
            || matches!(name.as_str(), "target" | "node_modules" | "fuzz")
        {
            continue;
        }
        if path.is_dir() {
            self::texts(&path, texts, root);
        } else if path.metadata().is_ok_and(|metadata| metadata.len() <= FILE_BYTES_MAX)
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            texts.push((WorkspacePath::parse(&inside).ok(), text));
        }
    }
}

fn megabytes_a_second() -> (f64, f64) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = std::env::var_os("SECRETS_SPEED").map_or(here, PathBuf::from);
    let mut files = Vec::new();
    texts(&root, &mut files, &root);
    let megabytes = files.iter().map(|(_, text)| text.len()).sum::<usize>() as f64 / 1e6;
    assert!(megabytes > 0.0, "{}: there is no text to measure with", root.display());
    let pass = || {
        let began = Instant::now();
        for (path, text) in &files {
            std::hint::black_box(Redactions::default().redact_in(path.as_ref(), std::hint::black_box(text)));
        }
        began.elapsed()
    };
    let best = (0..PASSES).map(|_| pass()).min().unwrap_or(Duration::MAX);
    (megabytes, megabytes / best.as_secs_f64())
}

fn main() {
    let corpus = corpus();
    let (none, ip) = (BTreeSet::new(), BTreeSet::from([PersonalData::Ip]));
    let gitleaks = Score::of(&corpus.gitleaks_rule_tests, &none);
    let plugins = Score::of(&corpus.detect_secrets_tests, &none);
    // One of the plugins looks for public addresses, which are a class of personal data here.
    let with_ip = Score::of(&corpus.detect_secrets_tests, &ip);
    let (megabytes, speed) = megabytes_a_second();
    println!(
        "secrets: gitleaks_rule_tests recall {:.4} ({}/{}) alarms {:.4} ({}/{}); detect_secrets_tests recall {:.4} \
         ({}/{}), with `redact: [ip]` {:.4}; {speed:.1} MB/s on one core ({megabytes:.1} MB)",
        gitleaks.recall(),
        gitleaks.found,
        gitleaks.secrets,
        gitleaks.alarms(),
        gitleaks.alarms,
        gitleaks.others,
        plugins.recall(),
        plugins.found,
        plugins.secrets,
        with_ip.recall(),
    );
}
