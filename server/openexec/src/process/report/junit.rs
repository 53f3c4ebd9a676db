//! JUnit XML as pytest, Surefire, Gradle, CTest, Node and Vitest write it. The test cases are
//! counted; what the suites claim in their attributes is not believed.

use super::{Locate, ParsedReport, count, failure, places};
use openexec_engine::path::WorkspacePath;
use openexec_engine::task::{TestCounts, TestFailure};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

#[derive(Default)]
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    line: Option<u32>,
    failed: bool,
    skipped: bool,
    message: String,
}

pub(super) fn parse(text: &str, locate: Locate) -> ParsedReport {
    let Some(cases) = cases(text) else { return ParsedReport::default() };
    let failed = cases.iter().filter(|case| case.failed).count();
    let skipped = cases.iter().filter(|case| case.skipped && !case.failed).count();
    let counts = TestCounts {
        passed: count(cases.len().saturating_sub(failed + skipped)),
        failed: count(failed),
        skipped: count(skipped),
    };
    let failures = cases.iter().filter(|case| case.failed).map(|case| case.failure(locate)).collect();
    ParsedReport { counts: Some(counts), failures }
}

/// All test cases of a well-formed document; nothing for any other.
fn cases(text: &str) -> Option<Vec<Case>> {
    let mut reader = Reader::from_str(text);
    let mut cases: Vec<Case> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut is_report = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                let name = local_name(&element);
                is_report |= path.is_empty() && matches!(name.as_str(), "testsuite" | "testsuites");
                opened(&element, &name, &path, &mut cases)?;
                path.push(name);
            }
            Event::Empty(element) => {
                let name = local_name(&element);
                is_report |= path.is_empty() && matches!(name.as_str(), "testsuite" | "testsuites");
                opened(&element, &name, &path, &mut cases)?;
            }
            Event::End(_) => {
                path.pop()?;
            }
            Event::Text(piece) => said(&path, &mut cases, &piece.decode().ok()?),
            Event::CData(piece) => said(&path, &mut cases, &piece.decode().ok()?),
            Event::GeneralRef(reference) => {
                let name = reference.decode().ok()?;
                let text = match reference.resolve_char_ref().ok()? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&name)?.to_owned(),
                };
                said(&path, &mut cases, &text);
            }
            Event::Eof => return (is_report && path.is_empty()).then_some(cases),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn local_name(element: &BytesStart) -> String {
    String::from_utf8_lossy(element.local_name().as_ref()).into_owned()
}

fn opened(element: &BytesStart, name: &str, path: &[String], cases: &mut Vec<Case>) -> Option<()> {
    let attribute = |name: &str| -> Option<Option<String>> {
        match element.try_get_attribute(name).ok()? {
            Some(attribute) => Some(Some(attribute.unescape_value().ok()?.into_owned())),
            None => Some(None),
        }
    };
    if name == "testcase" {
        cases.push(Case {
            class: attribute("classname")?.unwrap_or_default(),
            name: attribute("name")?.unwrap_or_default(),
            file: attribute("file")?,
            line: attribute("line")?.and_then(|line| line.parse().ok()),
            // CTest says `disabled` and `notrun` here, without an element of their own.
            skipped: matches!(attribute("status")?.as_deref(), Some("disabled" | "notrun")),
            ..Case::default()
        });
        return Some(());
    }
    if path.last().is_some_and(|parent| parent == "testcase")
        && let Some(case) = cases.last_mut()
    {
        match name {
            "failure" | "error" => {
                case.failed = true;
                if let Some(message) = attribute("message")? {
                    case.message.push_str(&message);
                    case.message.push('\n');
                }
            }
            "skipped" => case.skipped = true,
            _ => {}
        }
    }
    Some(())
}

/// Text counts inside of what makes a case fail, and, as CTest writes the output of a failing
/// test beside it, in the case's own output.
fn said(path: &[String], cases: &mut [Case], text: &str) {
    if let [.., parent, name] = path
        && parent == "testcase"
        && let Some(case) = cases.last_mut()
    {
        let matters = matches!(name.as_str(), "failure" | "error") || (name == "system-out" && case.failed);
        if matters {
            case.message.push_str(text);
        }
    }
}

impl Case {
    fn failure(&self, locate: Locate) -> TestFailure {
        failure(&self.full_name(), self.place(locate), &self.message)
    }

    /// As the framework prints it: pytest's node id where the file is known, else the class
    /// and the name.
    fn full_name(&self) -> String {
        let python = self.file.as_deref().and_then(|file| {
            let module = file.strip_suffix(".py")?.replace('/', ".");
            let class = self.class.strip_prefix(&module)?.trim_start_matches('.').replace('.', "::");
            Some(match class.is_empty() {
                true => format!("{file}::{}", self.name),
                false => format!("{file}::{class}::{}", self.name),
            })
        });
        match python {
            Some(node) => node,
            None if self.class.is_empty() || self.class == self.name || self.class == "test" => {
                self.name.clone()
            }
            // Vitest names the file where others name a class.
            None if self.class.contains('/') => format!("{} > {}", self.class, self.name),
            None => format!("{}.{}", self.class, self.name),
        }
    }

    fn place(&self, locate: Locate) -> Option<(WorkspacePath, Option<u32>)> {
        let file = self
            .file
            .as_deref()
            .and_then(locate)
            .or_else(|| locate(&self.class))
            .or_else(|| self.java(locate));
        // Java's stack traces name the file without its directory.
        let in_file =
            |path: &str| locate(path).or_else(|| file.clone().filter(|file| file.file_name() == path));
        match &file {
            Some(file) => {
                let line = places(&self.message, &in_file).filter(|(path, _)| path == file).last();
                Some((file.clone(), line.map(|(_, line)| line).or(self.line)))
            }
            None => places(&self.message, locate).next().map(|(path, line)| (path, Some(line))),
        }
    }

    /// The source of a JVM class, where Maven and Gradle expect it.
    fn java(&self, locate: Locate) -> Option<WorkspacePath> {
        let class = self.class.split('$').next()?.replace('.', "/");
        [("java", "java"), ("kotlin", "kt")]
            .iter()
            .find_map(|(directory, extension)| locate(&format!("src/test/{directory}/{class}.{extension}")))
    }
}
