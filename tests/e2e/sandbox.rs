//! What a task can do inside the shadow, and what it cannot.

mod attacks;
mod gateway;
mod toolchains;

use openexec::process::{Launcher, TaskLimits};
use openexec::shadow::{Shadow, probe};
use openexec_engine::edit::{ChangeSet, FileChange};
use openexec_engine::ids::RunId;
use openexec_engine::path::WorkspacePath;
use openexec_engine::run::OpenDocument;
use openexec_engine::task::{ReportFormat, Task, TaskExit, TaskKind, TaskReport, TimeoutClass};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A workspace and a shadow of it.
struct Place {
    shadow: Shadow,
    dir: tempfile::TempDir,
}

impl Drop for Place {
    /// The kernel leaves directories of mode 000 in an overlay's work directory, which only root
    /// can remove without looking at them first.
    fn drop(&mut self) {
        use std::os::unix::fs::PermissionsExt as _;
        let below = |directory: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
            let real = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            real.map(|entry| entry.path()).collect()
        };
        let shadows = below(&self.dir.path().join("state/shadow"));
        let layers: Vec<PathBuf> = shadows.iter().flat_map(|shadow| below(shadow)).collect();
        let caches = layers.iter().filter(|layer| !layer.ends_with("upper")).flat_map(|layer| below(layer));
        for layer in layers.iter().cloned().chain(caches) {
            if layer.file_name().is_some_and(|name| name.to_string_lossy().starts_with("work-")) {
                for kernels in ["work", "work/incompat", "work/incompat/volatile"] {
                    let mode = std::fs::Permissions::from_mode(0o700);
                    let _ = std::fs::set_permissions(layer.join(kernels), mode);
                }
            }
        }
    }
}

fn launcher() -> Launcher {
    Launcher::at(env!("CARGO_BIN_EXE_openexec"))
}

impl Place {
    async fn new(files: &[(&str, &str)]) -> Self {
        Self::with_limits(files, TaskLimits::default()).await
    }

    async fn with_limits(files: &[(&str, &str)], limits: TaskLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("ws");
        for (path, text) in files {
            write(&root.join(path), text);
        }
        std::fs::create_dir_all(&root).unwrap();
        let shadow = prepare(&root, &dir.path().join("state")).await.with_limits(limits);
        Self { shadow, dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("ws")
    }

    async fn sh(&self, script: &str) -> TaskReport {
        self.shadow.run(&sh(script), 60_000, &[]).await
    }
}

async fn prepare(root: &Path, state: &Path) -> Shadow {
    Shadow::prepare(&launcher(), root, state, &RunId::new("run-1"), false)
        .await
        .expect("this machine can confine tasks")
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn task(argv: &[&str]) -> Task {
    Task {
        name: "task".into(),
        kind: TaskKind::Other,
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        cwd: None,
        env: BTreeMap::new(),
        report: ReportFormat::Auto,
        report_file: None,
        timeout: TimeoutClass::Medium,
        network: Vec::new(),
        origin: "test".to_owned(),
        params: Vec::new(),
        writes: Vec::new(),
    }
}

fn sh(script: &str) -> Task {
    task(&["/bin/sh", "-c", script])
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::parse(text).unwrap()
}

fn changes(files: &[(&str, Option<&str>, Option<&str>)]) -> ChangeSet {
    let own = |text: Option<&str>| text.map(str::to_owned);
    ChangeSet {
        files: files
            .iter()
            .map(|(name, base, proposed)| {
                (path(name), FileChange { base: own(*base), proposed: own(*proposed), renamed_from: None })
            })
            .collect(),
    }
}

fn open(name: &str, text: &str) -> OpenDocument {
    OpenDocument { path: path(name), version: 1, text: text.to_owned() }
}

fn succeeded(report: &TaskReport) {
    assert_eq!(report.exit, TaskExit::Exited { code: 0 }, "{}", report.output);
}

/// Every path below `root`, with its content and its modification time.
fn listing(root: &Path) -> BTreeMap<PathBuf, (Vec<u8>, Option<std::time::SystemTime>)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = if metadata.is_dir() {
                pending.push(path.clone());
                Vec::new()
            } else {
                std::fs::read(&path).unwrap()
            };
            found.insert(path, (content, metadata.modified().ok()));
        }
    }
    found
}

/// Waits until something holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "it never held: {what}");
        std::thread::yield_now();
    }
}

/// Processes of this machine whose arguments contain `mark`.
fn processes_with(mark: &str) -> usize {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| {
            std::fs::read(entry.path().join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(mark))
        })
        .count()
}

#[tokio::test]
async fn this_machine_confines_tasks() {
    let state = tempfile::tempdir().unwrap();
    let confinement = probe(&launcher(), state.path()).await;
    assert!(confinement.confined && confinement.name.starts_with("overlay+namespaces"), "{confinement:?}");
    let parts: Vec<&str> = confinement.parts.iter().map(|part| part.name).collect();
    assert_eq!(parts, ["second layer (Landlock)", "limit of memory", "sockets of the host"]);
    for part in &confinement.parts {
        println!("{}: {} ({})", part.name, part.detail, part.in_force);
    }
    assert_eq!(confinement.name.contains("+cgroup"), confinement.parts[1].in_force);
    assert!(confinement.parts[2].in_force, "{confinement:?}");
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0, "probing leaves nothing behind");
}

#[tokio::test]
async fn a_helper_that_cannot_be_used_confines_nothing() {
    let state = tempfile::tempdir().unwrap();
    let root = tempfile::tempdir().unwrap();
    for helper in ["/nonexistent/openexec", "/bin/true"] {
        let launcher = Launcher::at(helper);
        let confinement = probe(&launcher, state.path()).await;
        assert!(!confinement.confined && confinement.remedy.is_some());
        let refused = Shadow::prepare(&launcher, root.path(), state.path(), &RunId::new("r"), false).await;
        let message = refused.err().expect("refused").to_string();
        assert!(message.contains("allow_unsandboxed_tasks: true"), "{message}");
    }
}

#[tokio::test]
async fn the_task_runs_at_the_workspaces_own_path() {
    let place = Place::new(&[("a.txt", "base\n")]).await;
    let report = place.sh("pwd; cat a.txt").await;
    succeeded(&report);
    assert_eq!(report.output, format!("{}\nbase\n", place.root().canonicalize().unwrap().display()));
    assert_eq!(report.sandbox, place.shadow.confinement().name);
}

#[tokio::test]
async fn the_users_tree_survives_a_task_that_destroys_everything() {
    let files =
        [("src/a.txt", "a\n"), ("src/deep/b.txt", "b\n"), (".git/config", "[core]\n"), ("c.txt", "c\n")];
    let place = Place::new(&files).await;
    let before = listing(&place.root());
    let report = place
        .sh("echo x >> src/a.txt; rm -rf src .git c.txt 2>/dev/null; mkdir src; echo new > src/new.txt; \
             chmod 000 src; ln -s /etc .git 2>/dev/null; ls -A; ")
        .await;
    succeeded(&report);
    assert_eq!(report.output, ".git\nsrc\n");
    assert_eq!(listing(&place.root()), before);
    // Nor does what it left behind lead the next verification astray.
    place.shadow.write(&[], &ChangeSet::default()).await.unwrap();
    let report =
        place.sh("cat src/a.txt src/deep/b.txt .git/config c.txt; ls -A . src; test ! -L .git").await;
    succeeded(&report);
    assert_eq!(report.output, "a\nb\n[core]\nc\n.:\n.git\nc.txt\nsrc\n\nsrc:\na.txt\ndeep\n");
    assert_eq!(listing(&place.root()), before);
}

#[tokio::test]
async fn a_link_that_a_task_left_is_not_followed() {
    let place = Place::new(&[("src/lib.rs", "base\n")]).await;
    let outside = place.dir.path().join("outside");
    write(&outside.join("lib.rs"), "outside\n");
    succeeded(&place.sh(&format!("rm -rf src && ln -s {} src", outside.display())).await);
    place.shadow.write(&[], &changes(&[("src/lib.rs", Some("base\n"), Some("proposed\n"))])).await.unwrap();
    assert_eq!(std::fs::read_to_string(outside.join("lib.rs")).unwrap(), "outside\n");
    let report = place.sh("cat src/lib.rs").await;
    assert_eq!(report.output, "proposed\n");
}

#[tokio::test]
async fn the_shadow_holds_base_buffers_and_edits() {
    let place = Place::new(&[
        ("base.txt", "base\n"),
        ("open.txt", "disk\n"),
        ("edit.txt", "old\n"),
        ("gone.txt", "x\n"),
    ])
    .await;
    let root = place.root();
    let edits = changes(&[
        ("edit.txt", Some("old\n"), Some("new\n")),
        ("gone.txt", Some("x\n"), None),
        ("made/new.txt", None, Some("made\n")),
    ]);
    place.shadow.write(&[open("open.txt", "buffer\n")], &edits).await.unwrap();
    let script = "cat base.txt open.txt edit.txt made/new.txt; ls";
    let report = place.sh(script).await;
    assert_eq!(report.output, "base\nbuffer\nnew\nmade\nbase.txt\nedit.txt\nmade\nopen.txt\n");
    // The user saves another file meanwhile, and the run takes its edits back.
    write(&root.join("base.txt"), "saved\n");
    let back = changes(&[("edit.txt", Some("old\n"), Some("old\n"))]);
    place.shadow.write(&[], &back).await.unwrap();
    let report = place.sh("cat base.txt open.txt edit.txt gone.txt; ls; stat -c %Y edit.txt").await;
    let (texts, modified) = report.output.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(texts, "saved\ndisk\nold\nx\nbase.txt\nedit.txt\ngone.txt\nopen.txt");
    let users = std::fs::metadata(root.join("edit.txt")).unwrap().modified().unwrap();
    let users = users.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(modified.parse::<u64>().unwrap() >= users);
}

#[tokio::test]
async fn what_is_right_already_keeps_its_time() {
    let place = Place::new(&[("edit.txt", "old\n"), ("same.txt", "same\n")]).await;
    let edits = changes(&[("edit.txt", Some("old\n"), Some("new\n"))]);
    place.shadow.write(&[open("same.txt", "same\n")], &edits).await.unwrap();
    let script = "stat -c %y edit.txt same.txt";
    let first = place.sh(script).await;
    place.shadow.write(&[open("same.txt", "same\n")], &edits).await.unwrap();
    assert_eq!(place.sh(script).await.output, first.output);
    // Back at the base: newer than the edit, or a build would take the edit's result for fresh.
    place.shadow.write(&[], &ChangeSet::default()).await.unwrap();
    let now = place.sh(script).await.output;
    let line = |text: &str, number: usize| text.lines().nth(number).unwrap().to_owned();
    assert!(line(&now, 0) > line(&first.output, 0), "{now} {}", first.output);
    assert_eq!(line(&now, 1), line(&first.output, 1));
}

#[tokio::test]
async fn caches_outlive_a_verification_and_sources_do_not() {
    let place = Place::new(&[("Cargo.toml", ""), ("src/target/mod.rs", "real\n")]).await;
    succeeded(
        &place
            .sh("mkdir -p target node_modules && echo warm > target/x && echo warm > node_modules/y && \
                   echo scribble > src/target/mod.rs && touch src/target/CACHEDIR.TAG")
            .await,
    );
    place.shadow.write(&[], &ChangeSet::default()).await.unwrap();
    let report = place.sh("cat target/x node_modules/y src/target/mod.rs; ls src/target").await;
    assert_eq!(report.output, "warm\nwarm\nreal\nmod.rs\n");
}

#[tokio::test]
async fn rewritten_files_are_reported() {
    let place = Place::new(&[("a.txt", "a\n"), ("b.txt", "b\n")]).await;
    let report =
        place.shadow.run(&sh("echo formatted > a.txt"), 10_000, &[path("a.txt"), path("b.txt")]).await;
    assert_eq!(report.rewritten, [(path("a.txt"), "formatted\n".to_owned())]);
    assert_eq!(std::fs::read_to_string(place.root().join("a.txt")).unwrap(), "a\n");
}

#[tokio::test]
async fn a_stale_report_is_never_read() {
    let passing = r#"<testsuite><testcase name="a"/></testsuite>"#;
    let place = Place::new(&[("report.xml", passing)]).await;
    let mut reporting = sh("true");
    reporting.kind = TaskKind::Test;
    reporting.report = ReportFormat::Junit;
    reporting.report_file = Some(path("report.xml"));
    assert_eq!(place.shadow.run(&reporting, 10_000, &[]).await.tests, None);
    reporting.argv = sh(&format!("echo '{passing}' > report.xml")).argv;
    assert_eq!(place.shadow.run(&reporting, 10_000, &[]).await.tests.map(|counts| counts.passed), Some(1));
    reporting.argv = sh("true").argv;
    assert_eq!(place.shadow.run(&reporting, 10_000, &[]).await.tests, None, "that of the task before");
}

#[tokio::test]
async fn there_is_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "import socket\n\
         s = socket.create_server(('127.0.0.1', 0))\n\
         socket.create_connection(s.getsockname()).close(); print('own loopback works')\n\
         try:\n    socket.create_connection(('127.0.0.1', {port}), 5); print('reached the host')\n\
         except OSError: print('refused')\n"
    );
    let place = Place::new(&[]).await;
    let report = place.shadow.run(&task(&["python3", "-c", &script]), 60_000, &[]).await;
    assert_eq!(report.output, "own loopback works\nrefused\n");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

#[tokio::test]
async fn sockets_of_the_host_cannot_be_reached() {
    let place = Place::new(&[]).await;
    let in_tmp = std::env::temp_dir().join(format!("openexec-e2e-{}.sock", std::process::id()));
    let in_workspace = place.root().join("agent.sock");
    let beside = place.dir.path().join("beside.sock");
    let listeners =
        [&in_tmp, &in_workspace, &beside].map(|path| std::os::unix::net::UnixListener::bind(path).unwrap());
    for path in [&in_tmp, &in_workspace, &beside] {
        let script = format!(
            "import socket\n\
             try: socket.socket(socket.AF_UNIX).connect('{}'); print('reached')\n\
             except OSError: print('out of reach')\n",
            path.display()
        );
        let report = place.shadow.run(&task(&["python3", "-c", &script]), 60_000, &[]).await;
        assert_eq!(report.output, "out of reach\n", "{}", path.display());
    }
    std::fs::remove_file(&in_tmp).unwrap();
    for listener in listeners {
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err());
    }
}

#[tokio::test]
async fn only_common_families_of_sockets_can_be_opened() {
    let script = "import socket\n\
                  for family in (socket.AF_VSOCK, socket.AF_PACKET, socket.AF_ALG):\n\
                  \x20   try: socket.socket(family, socket.SOCK_STREAM); print('opened', family)\n\
                  \x20   except PermissionError: pass\n\
                  a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))\n";
    let place = Place::new(&[]).await;
    let report = place.shadow.run(&task(&["python3", "-c", script]), 60_000, &[]).await;
    assert_eq!(report.output, "b'x'\n");
}

#[tokio::test]
async fn nothing_outside_can_be_written() {
    let place = Place::new(&[]).await;
    let outside = place.dir.path().join("outside.txt");
    let report = place
        .sh(&format!(
            "for place in {} /etc/openexec-e2e /usr/openexec-e2e /var/openexec-e2e /root/openexec-e2e /sys/openexec-e2e; \
             do (echo x > $place) 2>/dev/null && echo \"wrote $place\"; done; \
             echo x > $TMPDIR/mine && echo x > $HOME/mine && echo x > /dev/null && ls /dev; mount -o remount,rw / 2>/dev/null && echo remounted; \
             umount {} 2>/dev/null && echo unmounted; true",
            outside.display(),
            place.root().display(),
        ))
        .await;
    assert_eq!(
        report.output,
        "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n"
    );
    assert!(!outside.exists());
    assert!(!std::env::temp_dir().join("mine").exists());
}

#[tokio::test]
async fn privileges_are_gone_for_good() {
    let place = Place::new(&[]).await;
    let report = place.sh("grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status").await;
    let values: Vec<&str> = report.output.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(values, ["0000000000000000"; 5].into_iter().chain(["1"]).collect::<Vec<_>>());
    // A namespace of its own gives a task no way back to what lies beneath.
    let report = place
        .sh("unshare -Urm sh -c 'mount -o remount,bind,rw / && echo x > /etc/openexec-e2e' 2>&1; test ! -e /etc/openexec-e2e")
        .await;
    succeeded(&report);
}

#[tokio::test]
async fn the_environment_is_clean() {
    // PATH is all that the tests can rely on; the rest of this process's environment is whatever it is.
    let place = Place::new(&[]).await;
    let mut printing = task(&["/usr/bin/env"]);
    printing.env.insert("ADDED".to_owned(), "by the task".to_owned());
    let report = place.shadow.run(&printing, 10_000, &[]).await;
    let names: Vec<&str> =
        report.output.lines().filter_map(|line| line.split_once('=')).map(|pair| pair.0).collect();
    assert!(names.contains(&"ADDED") && names.contains(&"PATH") && names.contains(&"CI"));
    // cargo sets this one for every test.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !names.contains(&"CARGO_MANIFEST_DIR"));
    assert!(report.output.contains("\nHOME=/tmp/home\n"));
}

#[tokio::test]
async fn other_processes_cannot_be_seen() {
    let place = Place::new(&[]).await;
    let report = place
        .sh(&format!(
            "cat /proc/{}/environ 2>/dev/null && echo seen; tr '\\0' '\\n' < /proc/1/environ 2>/dev/null; echo /proc/[0-9]*",
            std::process::id()
        ))
        .await;
    let processes = report.output.trim().split(' ').filter(|entry| entry.starts_with("/proc/")).count();
    assert!(!report.output.contains("seen") && !report.output.contains("CARGO"), "{}", report.output);
    assert!((1..=3).contains(&processes), "{}", report.output);
}

#[tokio::test]
async fn the_state_is_out_of_sight() {
    let place = Place::new(&[]).await;
    let journal = place.dir.path().join("state/journal.db");
    write(&journal, "secret");
    let report = place.sh(&format!("cat {}", journal.display())).await;
    assert_eq!(report.exit, TaskExit::Exited { code: 1 });
    assert!(!report.output.contains("secret"));
}

#[tokio::test]
async fn the_ways_to_end_are_told_apart() {
    let place = Place::new(&[]).await;
    assert_eq!(place.sh("exit 7").await.exit, TaskExit::Exited { code: 7 });
    assert_eq!(place.sh("kill -9 $$").await.exit, TaskExit::Signalled { signal: 9 });
    assert_eq!(place.sh("exit 137").await.exit, TaskExit::Exited { code: 137 });
    let missing = place.shadow.run(&task(&["no-such-program-anywhere"]), 10_000, &[]).await;
    let TaskExit::NotStarted { reason } = missing.exit else { panic!("{:?}", missing.exit) };
    assert!(reason.contains("`no-such-program-anywhere`") && reason.contains("install it"), "{reason}");
    let mut nowhere = sh("true");
    nowhere.cwd = Some(path("no/such/directory"));
    let nowhere = place.shadow.run(&nowhere, 10_000, &[]).await;
    let TaskExit::NotStarted { reason } = nowhere.exit else { panic!("{:?}", nowhere.exit) };
    assert!(reason.contains("no/such/directory"), "{reason}");
}

#[tokio::test]
async fn a_task_that_hangs_is_killed_with_all_its_descendants() {
    let place = Place::new(&[]).await;
    let mark = format!("openexec-e2e-hang-{}", std::process::id());
    let script = format!("setsid sh -c 'sleep 1000; : {mark}' & setsid sh -c 'sleep 1000; : {mark}' & wait");
    let report = place.shadow.run(&sh(&script), 1_000, &[]).await;
    assert_eq!(report.exit, TaskExit::TimedOut { limit_ms: 1_000 });
    eventually("all processes are gone", || processes_with(&mark) == 0);
}

#[tokio::test]
async fn a_descendant_that_holds_the_pipes_holds_nobody_up() {
    let place = Place::new(&[]).await;
    let mark = format!("openexec-e2e-hold-{}", std::process::id());
    let started = Instant::now();
    let report = place.sh(&format!("setsid sh -c 'sleep 1000; : {mark}' & echo done")).await;
    succeeded(&report);
    assert_eq!(report.output, "done\n");
    assert!(started.elapsed() < Duration::from_secs(20));
    eventually("the descendant is gone", || processes_with(&mark) == 0);
}

#[tokio::test]
async fn a_dropped_future_kills_the_tree() {
    let place = Place::new(&[]).await;
    let mark = format!("openexec-e2e-drop-{}", std::process::id());
    let script = format!("setsid sh -c 'sleep 1000; : {mark}' & wait");
    let task = sh(&script);
    tokio::select! {
        report = place.shadow.run(&task, 60_000, &[]) => panic!("it ended: {report:?}"),
        () = async {
            while processes_with(&format!("sleep 1000; : {mark}")) == 0 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    eventually("all processes are gone", || processes_with(&mark) == 0);
}

/// Threads and processes are counted together; threads are gone sooner.
#[tokio::test]
async fn the_number_of_processes_is_bounded() {
    let place = Place::new(&[]).await;
    let script = "import os, threading\n\
                  threading.stack_size(65536)\n\
                  forever, started = threading.Event(), 0\n\
                  try:\n\
                  \x20   while started < 20000:\n\
                  \x20       threading.Thread(target=forever.wait, daemon=True).start()\n\
                  \x20       started += 1\n\
                  except RuntimeError:\n\
                  \x20   try: os.fork(); print('forked')\n\
                  \x20   except OSError: print('no fork either')\n\
                  print(started, flush=True)\n\
                  os._exit(0)\n";
    let report = place.shadow.run(&task(&["python3", "-c", script]), 120_000, &[]).await;
    succeeded(&report);
    let (fork, started) = report.output.trim().split_once('\n').unwrap();
    assert_eq!(fork, "no fork either");
    assert!(started.parse::<u64>().unwrap() < openexec::limits::TASK_PROCESSES_MAX, "{started}");
}

#[tokio::test]
async fn much_output_is_counted_and_cut() {
    let place = Place::new(&[]).await;
    let report = place.sh("echo head; head -c 100000000 /dev/zero | tr '\\0' x; echo; echo tail").await;
    succeeded(&report);
    assert_eq!(report.output_bytes, 100_000_011);
    assert!(report.output.starts_with("head\n") && report.output.ends_with("\ntail\n"));
    assert!(report.output.len() <= openexec_engine::limits::OUTPUT_KEPT_BYTES_MAX);
}

#[tokio::test]
async fn a_shadow_is_taken_over() {
    let place = Place::new(&[("a.txt", "a\n")]).await;
    place.shadow.write(&[], &changes(&[("a.txt", Some("a\n"), Some("b\n"))])).await.unwrap();
    let again = prepare(&place.root(), &place.dir.path().join("state")).await;
    assert_eq!(again.run(&sh("cat a.txt"), 10_000, &[]).await.output, "b\n");
}

#[tokio::test]
async fn a_removed_shadow_leaves_nothing_behind() {
    let place = Place::new(&[("a/b.txt", "b\n")]).await;
    succeeded(&place.sh("rm -r a && mkdir -p a/c && chmod 000 a/c a && mkfifo pipe").await);
    let again = prepare(&place.root(), &place.dir.path().join("state")).await;
    again.remove().await.unwrap();
    assert_eq!(std::fs::read_dir(place.dir.path().join("state/shadow")).unwrap().count(), 0);
}

#[tokio::test]
async fn without_a_sandbox_tasks_run_in_a_copy_if_the_user_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("ws");
    for (path, text) in [("src/a.txt", "a\n"), (".git/config", "x"), ("gone.txt", "x\n")] {
        write(&root.join(path), text);
    }
    let before = listing(&root);
    let launcher = Launcher::at("/nonexistent/openexec");
    let shadow =
        Shadow::prepare(&launcher, &root, &dir.path().join("state"), &RunId::new("r"), true).await.unwrap();
    assert_eq!(shadow.confinement().name, "copy");
    let edits = changes(&[
        ("src/a.txt", Some("a\n"), Some("b\n")),
        ("gone.txt", Some("x\n"), None),
        ("new/n.txt", None, Some("n\n")),
    ]);
    shadow.write(&[], &edits).await.unwrap();
    let script = "cat src/a.txt new/n.txt; ls -A; echo scribble > src/a.txt; echo junk > junk";
    let report = shadow.run(&sh(script), 10_000, &[]).await;
    assert_eq!((report.output.as_str(), report.sandbox.as_str()), ("b\nn\nnew\nsrc\n", "copy"));
    shadow.write(&[], &ChangeSet::default()).await.unwrap();
    assert_eq!(shadow.run(&sh("cat src/a.txt; ls -A"), 10_000, &[]).await.output, "a\ngone.txt\nsrc\n");
    let report = shadow.run(&sh("sleep 1000 & sleep 1000"), 500, &[]).await;
    assert_eq!(report.exit, TaskExit::TimedOut { limit_ms: 500 });
    let missing = shadow.run(&task(&["no-such-program-anywhere"]), 10_000, &[]).await;
    assert!(matches!(missing.exit, TaskExit::NotStarted { .. }));
    assert_eq!(listing(&root), before);
    shadow.remove().await.unwrap();
}

/// `cargo test --test e2e sandbox_costs -- --nocapture` prints how much.
#[tokio::test]
async fn sandbox_costs_little() {
    let place = Place::new(&[("a.txt", "a\n")]).await;
    let started = Instant::now();
    for _ in 0..20 {
        succeeded(&place.shadow.run(&task(&["true"]), 10_000, &[]).await);
    }
    let each = started.elapsed() / 20;
    println!("`true` in the sandbox, start to end: {each:?}");
    assert!(each < Duration::from_secs(5), "{each:?}");
}
