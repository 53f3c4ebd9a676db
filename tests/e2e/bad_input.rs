//! What goes wrong around a run: each ends in a clear message and a state from which the user
//! can go on, and the user's files are as they were.

use crate::project::{CHECK, FIXED, LIB, ONE_ATTEMPT, Project, said};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

/// Declares `argv` as the test task, with the shortest time-out.
fn with_task(argv: &str) -> Project {
    let project = Project::empty(ONE_ATTEMPT);
    project.write("src/lib.rs", LIB);
    project.write(
        ".openexec/tasks.yaml",
        &format!(
            "version: 1\ntasks:\n  - {{ name: test, kind: test, argv: {argv}, report: tap, timeout: fast }}\n"
        ),
    );
    project.trust();
    project
}

#[test]
fn a_project_without_tests_is_told_so_before_a_model_is_called() {
    let project = Project::empty(ONE_ATTEMPT);
    project.write("src/lib.rs", LIB);
    let text = project.run_blueprint(1, "fix_tests", &[]);
    assert!(text.contains("no task is declared for `run_tests`") && text.contains("tasks.yaml"), "{text}");
    assert!(!text.contains('→'), "{text}");
}

#[test]
fn a_test_command_that_does_not_exist_pauses_with_what_to_do() {
    let project = with_task("[no-such-program]");
    let text = project.run_blueprint(3, "fix_tests", &[]);
    assert!(text.contains("no-such-program") && text.contains("openexec resume"), "{text}");
}

#[test]
fn a_test_command_that_hangs_is_killed_as_a_tree() {
    let project = with_task(
        "[python3, -c, \"import subprocess, time; subprocess.Popen(['sleep', '317']); time.sleep(317)\"]",
    );
    let text = project.run_blueprint(3, "fix_tests", &[]);
    assert!(text.contains("was killed after 10 s"), "{text}");
    let left = Command::new("pgrep").args(["-f", "sleep 317"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "", "a process outlived its task");
    assert_eq!(project.read("src/lib.rs"), LIB);
}

#[test]
fn a_flood_of_output_is_kept_out_of_the_journal() {
    let flood = "[python3, -c, \"print('x' * 100_000_000); print('1..1'); print('not ok 1 - is the answer'); raise SystemExit(1)\"]";
    let project = with_task(flood);
    project.run_blueprint(3, "fix_tests", &[]);
    let journal: usize =
        project.journal(&project.only_run()).iter().map(|(_, event)| event.to_string().len()).sum();
    assert!(journal < 2_000_000, "{journal} bytes");
}

#[test]
fn a_damaged_journal_names_the_place_and_keeps_the_rest() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust().run_blueprint(0, "fix_tests", &[]);
    let run = project.only_run();
    let database = walk_to(project.place(), "state.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    // Whoever tampers can drop the triggers; the chain still tells.
    let triggers: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for trigger in triggers {
        connection.execute(&format!("DROP TRIGGER \"{trigger}\""), []).unwrap();
    }
    let changed = connection
        .execute("UPDATE journal SET body = replace(body, 'made it right', 'made it wrong') WHERE body LIKE '%made it right%'", [])
        .unwrap();
    assert!(changed > 0);
    drop(connection);
    let text = project.expect(1, &["show", &run]);
    assert!(text.contains("is damaged at event") && text.contains("events before it are intact"), "{text}");
    let text = project.expect(1, &["undo", &run]);
    assert!(text.contains("is damaged at event"), "{text}");
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

#[test]
fn a_database_that_is_none_is_refused_with_what_to_do() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust().run_blueprint(0, "fix_tests", &[]);
    let database = walk_to(project.place(), "state.db");
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
    }
    std::fs::write(&database, "this is no database, whatever its name says\n".repeat(200)).unwrap();
    let text = project.expect(1, &["runs"]);
    assert!(text.contains("state.db"), "{text}");
}

#[test]
fn a_workspace_that_vanishes_mid_run_pauses_the_run() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    project.trust();
    let model = project.model();
    let root = project.root().display().to_string();
    let mut child = project
        .openexec(&["run", "fix_tests", "--model", &model, "--step", "--workspace", &root])
        .current_dir(project.place())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.starts_with("recorded ") && line.ends_with(" edits_planned") {
            std::fs::rename(project.root(), project.place().join("elsewhere")).unwrap();
        }
        if line.starts_with("next ") || line.starts_with("recorded ") {
            stdin.write_all(b"\n").unwrap();
        } else {
            last = line;
        }
    }
    assert_eq!(child.wait().unwrap().code(), Some(3), "{last}");
    // It comes back, and the run goes on.
    std::fs::rename(project.place().join("elsewhere"), project.root()).unwrap();
    assert_eq!(project.read("src/lib.rs"), LIB);
    project.expect(0, &["resume", &project.only_run()]);
    assert_eq!(project.read("src/lib.rs"), FIXED);
}

#[test]
fn a_full_disk_stops_the_run_and_changes_nothing() {
    let project = Project::scripted_tests(ONE_ATTEMPT, CHECK);
    let state = project.place().join("state");
    std::fs::create_dir_all(&state).unwrap();
    // User scope on a file system of 300 KiB, in a mount namespace of its own.
    let script = "mount -t tmpfs -o size=300k tmpfs \"$XDG_STATE_HOME\" && \"$0\" trust && \"$0\" run fix_tests --model \"$1\"";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            env!("CARGO_BIN_EXE_openexec"),
            &project.model(),
        ])
        .current_dir(project.root())
        .env("XDG_STATE_HOME", &state)
        .env("XDG_CONFIG_HOME", project.place().join("config"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = said(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("stopped:") && text.contains("has no room left"), "{text}");
    assert_eq!(project.read("src/lib.rs"), LIB);
}

fn walk_to(place: &std::path::Path, name: &str) -> std::path::PathBuf {
    let mut waiting = vec![place.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() == name {
                return entry.path();
            }
            if entry.file_type().unwrap().is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    panic!("there is no {name} below {}", place.display());
}
