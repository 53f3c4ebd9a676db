//! What memory keeps from models holds whatever else is wrong with its files.

use crate::project::Project;

const ANSWER: &str =
    "replies:\n  - stage: answer\n    reply: {actions: [{id: a1, kind: finish, summary: Nothing.}]}\n";
const RECORDS: &str = "version: 1\nenvironments:\n  - {id: prod, masked: [masked.host.example]}\nservices:\n  \
                       - {id: api, path: src, redact: [PROJECT-MOONSHINE]}\n";
const SOURCE: &str =
    "def host():\n    # PROJECT-MOONSHINE, zxq-981-mfkw-77\n    return \"masked.host.example\"\n";
/// What nobody else may read.
const KEPT: [&str; 3] = ["masked.host.example", "PROJECT-MOONSHINE", "zxq-981-mfkw-77"];

fn project(records: &str) -> Project {
    let project = Project::empty(ANSWER);
    project.write("src/a.py", SOURCE);
    project.write(".env", "API_TOKEN=zxq-981-mfkw-77\n");
    project.write(".openexec/memory/m.yaml", records);
    project
}

fn ask(project: &Project, code: i32) -> String {
    let how = ["--at-place", "src/a.py:1", "--model", &project.model(), "--no-input"];
    project.expect(code, &[&["run", "answer", "--instruction", "q"], how.as_slice()].concat())
}

#[test]
fn a_mask_needs_no_trust_and_no_faultless_file() {
    let faulty = RECORDS.replace("{id: api", "{id: api, ownerz: [x]");
    for (records, is_trusted) in [(RECORDS, true), (RECORDS, false), (&faulty, true)] {
        let project = project(records);
        if is_trusted {
            project.trust();
        }
        ask(&project, 0);
        let request = project.expect(0, &["show", &project.only_run(), "--request", "1"]);
        assert!(request.contains("def host()"), "{request}");
        let context = project.expect(0, &["context", "--at", "src/a.py:1"]);
        assert!(context.contains("def host()"), "{context}");
        for kept in KEPT {
            assert!(!request.contains(kept) && !context.contains(kept), "{kept}\n{request}\n{context}");
        }
    }
}

#[test]
fn nothing_is_shown_to_a_model_while_it_is_not_known_what_is_masked() {
    let project = project("version: 1\nenvironments: [{id: prod, masked: [masked.host.example\n");
    let said = ask(&project, 1);
    assert!(said.contains("m.yaml:") && said.contains("not known what memory keeps"), "{said}");
    let said = project.expect(1, &["context", "--at", "src/a.py:1"]);
    assert!(said.contains("m.yaml:"), "{said}");
}

#[test]
fn a_place_at_which_nothing_can_be_shown_is_an_error() {
    let project = project(RECORDS);
    for (place, why) in
        [("src/b.py:1", "no such file"), ("src/a.py:99", "only 3 lines"), (".env:1", "secrets")]
    {
        let said = project.expect(1, &["context", "--at", place]);
        assert!(said.contains(why), "{place}: {said}");
    }
}
