//! What a hostile task tries, with the tools that such tasks use. Each attempt must come to
//! nothing; a machine without the tool fails the test, which then has shown nothing.

use super::{Place, changes, eventually, listing, path, processes_with, sh, succeeded, task, write};
use openexec::process::TaskLimits;
use openexec_engine::edit::ChangeSet;
use openexec_engine::task::{TaskExit, TaskReport};
use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;

/// Ends the test where a program that it is about is not installed.
fn needs(programs: &[&str]) {
    for program in programs {
        let path = std::env::var_os("PATH").unwrap();
        let found = std::env::split_paths(&path).any(|dir| dir.join(program).is_file());
        assert!(found, "this test needs `{program}`; install it");
    }
}

/// Runs a Python script in the sandbox.
async fn python(place: &Place, script: &str) -> TaskReport {
    needs(&["python3"]);
    place.shadow.run(&task(&["python3", "-c", script]), 60_000, &[]).await
}

/// A program of the host that does nothing, and ends with this value.
struct Bystander(std::process::Child);

impl Bystander {
    fn with_key(key: &str) -> Self {
        let mut command = Command::new("sleep");
        Self(command.arg("1000").env("FAKE_API_KEY", key).stdin(Stdio::null()).spawn().unwrap())
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn no_road_leads_to_the_network() {
    needs(&["curl", "bash", "python3"]);
    let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
    let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
    let (tcp_port, udp_port) = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    let place = Place::new(&[]).await;
    let script = format!(
        "for host in 127.0.0.1 localhost 10.0.0.1 192.0.2.1 169.254.169.254 example.org; do \
           curl -s -m 5 --noproxy '*' http://$host:{tcp_port}/ && echo \"curl reached $host\"; \
           timeout 5 bash -c \"exec 3<>/dev/tcp/$host/{tcp_port}\" 2>/dev/null && echo \"bash reached $host\"; \
         done; getent hosts example.org && echo resolved; echo tried"
    );
    assert_eq!(place.sh(&script).await.output, "tried\n");
    let script = format!(
        "import socket\n\
         def attempt(name, do):\n\
         \x20   try: do(); print(name, 'worked')\n\
         \x20   except OSError: pass\n\
         def udp(host): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (host, {udp_port}))\n\
         def raw(): socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n\
         def ping():\n\
         \x20   s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)\n\
         \x20   s.sendto(b'\\x08\\0\\0\\0\\0\\0\\0\\0', ('192.0.2.1', 0))\n\
         attempt('udp to another host', lambda: udp('192.0.2.1'))\n\
         attempt('raw', raw)\n\
         attempt('ping', ping)\n\
         attempt('tcp over ipv6', lambda: socket.create_connection(('2001:db8::1', 80), 5))\n\
         attempt('dns', lambda: socket.getaddrinfo('example.org', 80))\n\
         udp('127.0.0.1')\n\
         print('tried')\n"
    );
    assert_eq!(python(&place, &script).await.output, "tried\n");
    tcp.set_nonblocking(true).unwrap();
    assert!(tcp.accept().is_err());
    udp.set_nonblocking(true).unwrap();
    assert!(udp.recv(&mut [0; 8]).is_err(), "what was sent to 127.0.0.1 stayed in the sandbox");
}

#[tokio::test]
async fn abstract_sockets_of_the_host_cannot_be_reached() {
    use std::os::linux::net::SocketAddrExt as _;
    let name = format!("openexec-e2e-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let place = Place::new(&[]).await;
    let script = format!(
        "import socket\n\
         try: socket.socket(socket.AF_UNIX).connect('\\0{name}'); print('reached')\n\
         except ConnectionRefusedError: print('refused')\n"
    );
    assert_eq!(python(&place, &script).await.output, "refused\n");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

/// Those that were there already are covered; these come while the task waits for them.
#[tokio::test]
async fn sockets_that_are_bound_later_cannot_be_reached() {
    let place = Place::new(&[]).await;
    let later = place.dir.path().join("later");
    std::fs::create_dir(&later).unwrap();
    let ready = place.dir.path().join("state/shadow/run-1/upper/ready");
    let beside = later.join("agent.sock");
    // Names are listed, not looked up: a kernel may remember that there was nothing.
    let script = format!(
        "import os, socket\n\
         open('ready', 'w').close()\n\
         while not os.listdir('{directory}'): pass\n\
         for path in ('{beside}', '{directory}/../ws/agent.sock'):\n\
         \x20   try: socket.socket(socket.AF_UNIX).connect(path); print('reached', path)\n\
         \x20   except OSError as error: print(error.strerror)\n",
        directory = later.display(),
        beside = beside.display(),
    );
    let attempt = task(&["python3", "-c", &script]);
    let listeners = std::cell::OnceCell::new();
    let bind = async {
        while !ready.exists() {
            tokio::task::yield_now().await;
        }
        let places = [place.root().join("agent.sock"), beside.clone()];
        let bound = places.map(|path| UnixListener::bind(path).unwrap());
        listeners.set(bound).unwrap();
        std::future::pending::<()>().await
    };
    let report = tokio::select! {
        report = place.shadow.run(&attempt, 60_000, &[]) => report,
        () = bind => unreachable!("it waits for the task"),
    };
    let listeners = listeners.into_inner().expect("the task began and waited for the sockets");
    succeeded(&report);
    assert!(report.output.contains("Connection refused"), "it saw them: {}", report.output);
    assert!(!report.output.contains("reached"), "{}", report.output);
    for listener in listeners {
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err());
    }
}

#[tokio::test]
async fn version_control_and_our_own_directory_are_read_only() {
    needs(&["git"]);
    let place = Place::new(&[("a.txt", "a\n"), (".openexec/tasks.yaml", "version: 1\n")]).await;
    let root = place.root();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=e2e", "-c", "user.email=e2e@localhost"]).args(arguments);
        let output = command.current_dir(&root).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "base"]);
    let before = listing(&root);
    let report = place
        .sh("git config user.name evil && echo configured; \
             echo 'touch /tmp/x' > .git/hooks/pre-commit && echo hooked; \
             git config --get user.name && echo 'it holds'; \
             rm -rf .git/objects && echo removed; mv .git git && echo moved; rmdir .git && echo gone; \
             ln -sf /etc .git/hooks && echo linked; \
             echo x >> .openexec/tasks.yaml && echo declared; touch .openexec/new.yaml && echo added; \
             mv .openexec elsewhere && echo 'moved ours'; true")
        .await;
    for word in ["configured", "hooked", "holds", "removed\n", "moved", "gone", "linked", "declared", "added"]
    {
        assert!(!report.output.contains(word), "{word}: {}", report.output);
    }
    // What builds ask of it is answered.
    let report = place.sh("touch a.txt; git status --short; git describe --always; git log --oneline").await;
    succeeded(&report);
    assert!(report.output.lines().count() == 2 && report.output.contains("base"), "{}", report.output);
    assert_eq!(listing(&root), before);
}

/// What version control and the runtime would execute later must not come to be either.
#[tokio::test]
async fn protected_places_that_do_not_exist_yet_stay_so() {
    needs(&["git"]);
    let place = Place::new(&[("a.txt", "a\n"), ("sub/b.txt", "b\n")]).await;
    let before = listing(&place.root());
    let plant = "mkdir -p .git/hooks && echo evil > .git/hooks/pre-commit; \
                 mkdir -p .openexec/blueprints && echo evil > .openexec/tasks.yaml; \
                 git init --quiet sub/inner && git -C sub/inner config core.hooksPath /tmp/hooks; \
                 git init --quiet sub && echo evil > sub/.git/hooks/post-checkout; \
                 mkdir -p .git/report && echo '<testsuite><testcase name=\"a\"/></testsuite>' > .git/report/r.xml; true";
    succeeded(&place.sh(plant).await);
    let look = "ls -A . sub; test ! -e .git && test ! -e .openexec && test ! -e sub/.git && test ! -e sub/inner/.git";
    let report = place.sh(look).await;
    succeeded(&report);
    assert_eq!(report.output, ".:\na.txt\nsub\n\nsub:\nb.txt\ninner\n");
    // A link in their place leads nobody anywhere.
    succeeded(&place.sh("ln -s /etc .git; ln -s /etc .openexec; ln -s / out").await);
    let report = place.sh("test ! -L .git && test ! -L .openexec").await;
    succeeded(&report);
    place.shadow.write(&[], &ChangeSet::default()).await.unwrap();
    let report = place.sh("ls -A . sub").await;
    assert_eq!(report.output, ".:\na.txt\nsub\n\nsub:\nb.txt\n");
    assert_eq!(listing(&place.root()), before);
}

/// A proposal may declare tasks; that it can be seen makes it no less protected.
#[tokio::test]
async fn a_proposed_file_in_a_protected_place_is_seen_and_read_only() {
    let place = Place::new(&[("a.txt", "a\n")]).await;
    let edits = changes(&[(".openexec/memory/x.yaml", None, Some("proposed\n"))]);
    place.shadow.write(&[], &edits).await.unwrap();
    for _ in 0..2 {
        let report = place.sh("cat .openexec/memory/x.yaml; echo x > .openexec/memory/x.yaml").await;
        assert!(report.output.contains("proposed\n"), "{}", report.output);
        assert_ne!(report.exit, TaskExit::Exited { code: 0 });
    }
}

#[tokio::test]
async fn a_source_that_became_a_link_leads_nowhere() {
    let place = Place::new(&[("src/lib.rs", "base\n"), ("src/other.rs", "other\n")]).await;
    let outside = place.dir.path().join("outside.rs");
    write(&outside, "outside\n");
    let plant = format!(
        "ln -sf {outside} src/lib.rs; rm src/other.rs; ln -s / src/other.rs; ln -s {outside} new.rs; \
         echo x > src/lib.rs; echo x > new.rs; true",
        outside = outside.display()
    );
    let report = place.shadow.run(&sh(&plant), 60_000, &[path("src/lib.rs"), path("src/other.rs")]).await;
    assert_eq!(report.rewritten, [], "what a link shows is no text of the task");
    let edits =
        changes(&[("src/lib.rs", Some("base\n"), Some("proposed\n")), ("new.rs", None, Some("new\n"))]);
    place.shadow.write(&[], &edits).await.unwrap();
    let report = place.sh("cat src/lib.rs new.rs src/other.rs; find . -type l").await;
    assert_eq!(report.output, "proposed\nnew\nother\n");
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "outside\n");
    assert_eq!(std::fs::read_to_string(place.root().join("src/lib.rs")).unwrap(), "base\n");
}

#[tokio::test]
async fn no_environment_of_another_process_can_be_read() {
    let key = format!("sk-fake-{}", std::process::id());
    let mut bystander = Bystander::with_key(&key);
    let pid = bystander.0.id();
    let place = Place::new(&[]).await;
    let script = format!(
        "import glob\n\
         for path in glob.glob('/proc/*/environ') + ['/proc/{pid}/environ', '/proc/1/environ', '/proc/1/task/1/environ']:\n\
         \x20   try: data = open(path, 'rb').read()\n\
         \x20   except OSError: continue\n\
         \x20   if b'sk-fake' in data or b'CARGO_MANIFEST' in data: print('read', path)\n\
         \x20   if path == '/proc/1/environ' and data: print('init has', data)\n\
         for path in ('/proc/1/mem', '/proc/1/maps', '/proc/1/fd/0', '/proc/1/root', '/proc/1/cwd', '/proc/{pid}/mem'):\n\
         \x20   try: open(path, 'rb').read(1); print('opened', path)\n\
         \x20   except IsADirectoryError: print('reached', path)\n\
         \x20   except OSError: pass\n\
         import os\n\
         print(sorted(os.listdir('/proc/self/fd')))\n"
    );
    let report = python(&place, &script).await;
    // The fourth is the directory that is being listed.
    assert_eq!(report.output, "['0', '1', '2', '3']\n");
    assert!(bystander.is_alive());
}

/// Calls by number, as a program without a C library's blessing makes them.
#[tokio::test]
async fn calls_into_the_rest_of_the_kernel_are_refused() {
    let place = Place::new(&[]).await;
    let calls: [(&str, i64, &str); 17] = [
        ("io_uring_setup", libc::SYS_io_uring_setup, "8, ctypes.create_string_buffer(256)"),
        ("add_key", libc::SYS_add_key, "b'user', b'e2e', b'x', 1, -4"),
        ("request_key", libc::SYS_request_key, "b'user', b'e2e', None, 0"),
        ("keyctl", libc::SYS_keyctl, "0, -4, 1"),
        ("unshare user", libc::SYS_unshare, "0x10000000"),
        ("unshare mount", libc::SYS_unshare, "0x00020000"),
        ("clone user", libc::SYS_clone, "0x10000000 | 17, 0, 0, 0, 0"),
        ("clone3", libc::SYS_clone3, "ctypes.create_string_buffer(88), 88"),
        ("setns", libc::SYS_setns, "0, 0"),
        ("mount", libc::SYS_mount, "b'none', b'/tmp', b'tmpfs', 0, None"),
        ("umount", libc::SYS_umount2, "b'/tmp', 2"),
        ("fsopen", libc::SYS_fsopen, "b'tmpfs', 0"),
        ("bpf", libc::SYS_bpf, "0, ctypes.create_string_buffer(128), 128"),
        ("perf_event_open", libc::SYS_perf_event_open, "ctypes.create_string_buffer(128), 0, -1, -1, 0"),
        ("userfaultfd", libc::SYS_userfaultfd, "1"),
        ("chroot", libc::SYS_chroot, "b'/tmp'"),
        ("ptrace init", libc::SYS_ptrace, "16, 1, 0, 0"),
    ];
    let lines: String = calls
        .iter()
        .map(|(name, number, arguments)| format!("attempt('{name}', {number}, {arguments})\n"))
        .collect();
    let script = format!(
        "import ctypes, errno, fcntl, os\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         def attempt(name, number, *arguments):\n\
         \x20   ctypes.set_errno(0)\n\
         \x20   result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))\n\
         \x20   if result != -1: print(name, 'worked:', result)\n\
         \x20   elif ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS): print(name, 'is open:', os.strerror(ctypes.get_errno()))\n\
         {lines}\
         ours, theirs = os.openpty()\n\
         for request in (0x5412, 0x541c, 0x5412 | 1 << 32):\n\
         \x20   attempt('ioctl', {ioctl}, theirs, request, b'x')\n\
         if os.uname().machine == 'x86_64':\n\
         \x20   attempt('x32 socket', 0x40000029, 40, 1, 0)\n\
         \x20   attempt('x32 getpid', 0x40000027)\n\
         print('done')\n",
        ioctl = libc::SYS_ioctl,
    );
    assert_eq!(python(&place, &script).await.output, "done\n");
    let report = place.sh("unshare -Ur true || unshare -n true || unshare -m true || echo refused").await;
    assert!(report.output.contains("refused\n"), "{}", report.output);
}

/// To the kernel, root in a namespace of root's own is root as far as files go.
#[tokio::test]
async fn switches_of_the_machine_cannot_be_opened() {
    let place = Place::new(&[]).await;
    let script = "import glob, os\n\
        paths = ['/proc/sysrq-trigger', '/proc/self/oom_score_adj', '/proc/1/oom_score_adj', '/sys/power/state']\n\
        paths += glob.glob('/proc/sys/kernel/*') + glob.glob('/proc/sys/vm/*') + glob.glob('/proc/sys/fs/*')\n\
        paths += glob.glob('/proc/sys/net/*/*') + glob.glob('/sys/kernel/*') + glob.glob('/sys/fs/cgroup/*')\n\
        paths += glob.glob('/sys/fs/cgroup/*/cgroup.procs') + ['/dev/new', '/run/new', '/sys/new', '/proc/new']\n\
        tried = 0\n\
        for path in paths:\n\
        \x20   if os.path.isdir(path): path += '/new'\n\
        \x20   tried += 1\n\
        \x20   try: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)); print('opened', path)\n\
        \x20   except OSError: pass\n\
        print(tried > 50)\n";
    assert_eq!(python(&place, script).await.output, "True\n");
}

#[tokio::test]
async fn signals_stay_in_the_sandbox() {
    let mut bystander = Bystander::with_key("none");
    let place = Place::new(&[]).await;
    let script = format!(
        "kill -9 {} {} 2>/dev/null || echo 'nobody there'; kill -9 -1; echo tried",
        bystander.0.id(),
        std::process::id()
    );
    let report = place.sh(&script).await;
    assert!(report.output.contains("nobody there\n"), "{:?} {}", report.exit, report.output);
    assert!(bystander.is_alive());
}

#[tokio::test]
async fn a_fork_bomb_goes_off_in_a_box() {
    needs(&["bash"]);
    let place = Place::with_limits(&[], TaskLimits { processes: 400, ..TaskLimits::default() }).await;
    let mark = format!("openexec-e2e-bomb-{}", std::process::id());
    let bomb =
        task(&["bash", "-c", &format!(": {mark}; bomb() {{ bomb | bomb & }}; bomb; wait; sleep 1000")]);
    let most = async {
        let (mut most, deadline) = (0, Instant::now() + Duration::from_secs(20));
        while most <= 100 {
            assert!(Instant::now() < deadline, "the bomb never went off");
            most = most.max(processes_with(&mark));
            let usable = tokio::process::Command::new("true").status().await;
            assert!(usable.unwrap().success(), "others start processes meanwhile");
        }
        most
    };
    let (report, most) = tokio::join!(place.shadow.run(&bomb, 10_000, &[]), most);
    assert!(most > 100 && most <= 400, "{most} processes");
    assert!(matches!(report.exit, TaskExit::TimedOut { .. } | TaskExit::Exited { .. }), "{:?}", report.exit);
    eventually("all processes are gone", || processes_with(&mark) == 0);
    succeeded(&place.sh("true").await);
}

#[tokio::test]
async fn a_memory_bomb_is_ended() {
    let limits =
        TaskLimits { memory_bytes: 512 * MIB, process_memory_bytes: 256 * MIB, ..TaskLimits::default() };
    let place = Place::with_limits(&[], limits).await;
    let one = "try: bytearray(300 << 20); print('got it')\nexcept MemoryError: print('refused')";
    assert_eq!(python(&place, one).await.output, "refused\n");
    // Each of them stays below its own limit.
    let many = "import os, time\n\
                for _ in range(8):\n\
                \x20   if os.fork() == 0:\n\
                \x20       data = bytearray(os.urandom(1 << 20)) * 150\n\
                \x20       time.sleep(1000)\n\
                os.wait()\nprint('survived')\n";
    let report = python(&place, many).await;
    assert!(report.output.contains("more than 512 MiB of memory"), "{:?} {}", report.exit, report.output);
    assert_eq!(report.exit, TaskExit::Signalled { signal: 9 });
    succeeded(&place.sh("true").await);
}

#[tokio::test]
async fn a_disk_is_not_filled() {
    let limits = TaskLimits { disk_bytes: 128 * MIB, file_bytes: 64 * MIB, ..TaskLimits::default() };
    let place = Place::with_limits(&[], limits).await;
    let report = place.sh("head -c 100000000 /dev/zero > big; stat -c %s big").await;
    assert!(report.output.contains(&format!("{}\n", 64 * MIB)), "{}", report.output);
    let report = place.sh("i=0; while head -c 50000000 /dev/zero > $i && sync $i; do i=$((i+1)); done").await;
    assert!(report.output.contains("more than 128 MiB to disk"), "{:?} {}", report.exit, report.output);
    assert_eq!(report.exit, TaskExit::Signalled { signal: 9 });
    // Memory that looks like a disk counts as what it is.
    let report = place.sh("df --output=size -B1 /dev/shm /dev /run | tail -n 3").await;
    let sizes: Vec<u64> = report.output.split_whitespace().map(|size| size.parse().unwrap()).collect();
    assert_eq!(sizes, [openexec::limits::TASK_SHARED_MEMORY_BYTES_MAX, MIB, MIB]);
}

#[tokio::test]
async fn limits_of_the_kernel_are_in_force() {
    let place = Place::new(&[]).await;
    let limited = task(&["bash", "-c", "ulimit -t; ulimit -c; ulimit -Ht; ulimit -f"]);
    let report = place.shadow.run(&limited, 10_000, &[]).await;
    let cpu = 10 * std::thread::available_parallelism().unwrap().get() as u64;
    let hard = cpu + openexec::limits::TASK_CPU_GRACE_SECONDS;
    let blocks = openexec::limits::TASK_FILE_BYTES_MAX / 1024;
    assert_eq!(report.output, format!("{cpu}\n0\n{hard}\n{blocks}\n"));
}

/// Runs itself once more with a home in which there is something to find.
#[tokio::test]
async fn secrets_of_the_user_cannot_be_read() {
    const HOME: &str = "OPENEXEC_E2E_HOME_WITH_SECRETS";
    if std::env::var_os(HOME).is_none() {
        let home = tempfile::tempdir().unwrap();
        for place in [
            ".ssh/id_ed25519",
            ".config/gh/hosts.yml",
            ".netrc",
            ".cargo/credentials.toml",
            ".docker/config.json",
            "vault/credentials",
            "runtime/bus",
            "kube/config",
            ".m2/settings.xml",
        ] {
            write(&home.path().join(place), "secret");
        }
        // A link, as tools that manage such files make them; and a tool among the secrets.
        std::os::unix::fs::symlink(home.path().join("vault"), home.path().join(".aws")).unwrap();
        write(&home.path().join(".config/nvm/bin/tool"), "no secret");
        write(&home.path().join(".m2/repository/jar"), "no secret");
        write(&home.path().join("notes.txt"), "no secret");
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sandbox::attacks::secrets_of_the_user_cannot_be_read", "--nocapture"])
            .env(HOME, "1")
            .env("HOME", home.path())
            .env("PATH", format!("{path}:{}", home.path().join(".config/nvm/bin").display()))
            .env("XDG_RUNTIME_DIR", home.path().join("runtime"))
            .env("KUBECONFIG", home.path().join("kube/config"))
            .env("CARGO_HOME", home.path().join(".cargo"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return;
    }
    let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap());
    let place = Place::new(&[("a.txt", "a\n")]).await;
    let report =
        place.sh(&format!("grep -rl '^secret' {home} 2>/dev/null; echo looked", home = home.display())).await;
    succeeded(&report);
    assert_eq!(report.output, "looked\n");
    let report = place
        .sh(&format!(
            "cd {}; cat notes.txt .config/nvm/bin/tool .m2/repository/jar; ls -A .config .ssh; touch x .config/x .config/nvm/x 2>/dev/null && echo wrote; true",
            home.display()
        ))
        .await;
    assert_eq!(report.output, "no secretno secretno secret.config:\nnvm\n\n.ssh:\n");
}

/// What has no descriptor cannot be leaked: neither the server's files nor its sockets.
#[tokio::test]
async fn no_descriptor_is_inherited() {
    let mut leaked = std::fs::File::open("/etc/hostname").unwrap();
    let leaked_fd = std::os::fd::AsRawFd::as_raw_fd(&leaked);
    // SAFETY: the descriptor is open; its flag is cleared as a careless library would do it.
    assert_eq!(unsafe { libc::fcntl(leaked_fd, libc::F_SETFD, 0) }, 0);
    let place = Place::new(&[]).await;
    let report =
        place.sh("ls -l /proc/self/fd | grep -v -e pipe: -e /dev/null -e /proc/ -e total; echo looked").await;
    assert_eq!(report.output, "looked\n");
    leaked.read_to_end(&mut Vec::new()).unwrap();
}
