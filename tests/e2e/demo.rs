//! The first thing a new user does.

use crate::project::Project;

#[test]
fn the_demo_shows_the_whole_machine() {
    // The demo lays out its own place; only the temporary directory is ours.
    let project = Project::empty("replies: []");
    let output = project.openexec(&["demo"]).env("TMPDIR", project.place()).output().unwrap();
    let text = crate::project::said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "The model is scripted",
        "gate red: 3 of 4 tests failed",
        "fix (attempt 2)",
        "policy: allow",
        "gate passed: 4 tests passed",
        "+    if number > 0 {",
        "done: 1 file changed; run_tests: 4 tests passed",
        "journal:",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
    let first_red =
        text.find("gate red: 1 of 4 tests failed").expect("the first attempt fails in the shadow");
    assert!(first_red < text.find("fix (attempt 2)").unwrap(), "{text}");
    // What it tells the user to type works.
    let look = text.lines().find(|line| line.contains("export XDG_STATE_HOME=")).unwrap();
    let home = |name: &str| {
        let rest = look.split(&format!("{name}=")).nth(1).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    for command in ["show", "undo"] {
        let line = text.lines().find(|line| line.contains(&format!("openexec {command} "))).unwrap();
        let arguments: Vec<&str> =
            line.split_whitespace().skip_while(|word| *word != "openexec").skip(1).collect();
        let output = project
            .openexec(&arguments)
            .env("XDG_STATE_HOME", home("XDG_STATE_HOME"))
            .env("XDG_CONFIG_HOME", home("XDG_CONFIG_HOME"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}\n{}", crate::project::said(&output));
    }
}
