//! Proposals of which a person takes a part: in a terminal and over the protocol.

use crate::client::{Abilities, Client};
use crate::project::{FIXED, LIB, OTHER, Project, THREE_PARTS};
use std::path::Path;

/// A project whose runs nobody has to name a model for.
fn project() -> Project {
    let project = Project::with_other_file(THREE_PARTS);
    let model = project.model();
    let config = format!(
        "default_model: scripted\nmodels: {{scripted: {{api: scripted, file: {}}}}}\n",
        &model["scripted:".len()..]
    );
    std::fs::write(project.place().join("config/openexec/config.yaml"), config).unwrap();
    project
}

fn judged(project: &Project) -> usize {
    project.journal(&project.only_run()).iter().filter(|(name, _)| name == "gate_judged").count()
}

#[test]
fn in_a_terminal() {
    let project = project();
    project.expect(3, &["run", "fix_tests", "--no-input"]);
    let run = project.only_run();
    let before = judged(&project);
    for (part, told) in [
        ("src/other.rs:3", "`src/other.rs` has 2 hunks, and no hunk 3"),
        ("src/nowhere.rs", "`src/nowhere.rs` is not changed"),
        ("../other.rs", "other.rs"),
    ] {
        let output = project.run(&["reject", &run, part]);
        assert!(!output.status.success(), "{part}");
        let text = crate::project::said(&output);
        assert!(text.contains(told), "{part}: {text}");
    }
    let text = project.expect(3, &["reject", &run, "src/other.rs:2", "--no-input"]);
    assert!(text.contains("rejected src/other.rs:2"), "{text}");
    assert_eq!(judged(&project), before + 1, "the rest is verified");
    assert_eq!((project.read("src/lib.rs").as_str(), project.read("src/other.rs").as_str()), (LIB, OTHER));
    // Without the repair the tests stay red: the rest comes back as a whole.
    let text = project.expect(3, &["reject", &run, "src/lib.rs", "--no-input"]);
    assert!(text.contains("does not pass"), "{text}");
    project.expect(0, &["approve", &run]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
    assert_eq!(project.read("src/other.rs"), OTHER.replace("one", "ONE"));
    project.expect(0, &["undo", &run]);
    assert_eq!((project.read("src/lib.rs").as_str(), project.read("src/other.rs").as_str()), (LIB, OTHER));
}

#[test]
fn in_an_editor_at_the_changed_line() {
    let project = project();
    let [state, config] = ["state", "config"].map(|name| project.place().join(name));
    let environment: [(&str, &Path); 2] = [("XDG_STATE_HOME", &state), ("XDG_CONFIG_HOME", &config)];
    let child = Client::spawn(Path::new(env!("CARGO_BIN_EXE_openexec")), &["lsp"], &environment);
    let mut client = Client::of_child(child, &project.root(), Abilities::all());
    let lib = client.open(&project.root().join("src/lib.rs"));
    let other = client.open(&project.root().join("src/other.rs"));
    client.execute("openexec.run", serde_json::json!({ "blueprint": "fix_tests" })).unwrap();
    client
        .choose(&other, (8, 0), |title| title.starts_with("Leave this out") && title.contains("other.rs:9"))
        .unwrap();
    // The rest is another proposal: the first hunk can still be left out, the second is gone.
    client
        .choose(&other, (0, 0), |title| title.starts_with("Leave this out") && title.contains("other.rs:1"))
        .unwrap();
    client.choose(&lib, (0, 0), |title| title.starts_with("Apply run")).unwrap();
    client.wait_for_message("undo with");
    assert_eq!((client.text(&lib), client.text(&other)), (FIXED, OTHER));
    client.leave();
}
