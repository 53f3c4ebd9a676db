use super::*;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

fn write(tree: &Tree, at: &str, text: Option<&str>) -> Result<(), String> {
    tree.workspace.write(&path(at), text).map_err(|error| error.to_string())
}

#[test]
fn files_are_created_replaced_and_deleted() {
    let tree = Tree::with(&[("a.txt", "old")]);
    write(&tree, "a.txt", Some("new")).unwrap();
    write(&tree, "x/y/z.txt", Some("made")).unwrap();
    assert_eq!(tree.workspace.read(&path("a.txt")).unwrap().as_deref(), Some("new"));
    assert_eq!(tree.workspace.read(&path("x/y/z.txt")).unwrap().as_deref(), Some("made"));
    write(&tree, "a.txt", None).unwrap();
    write(&tree, "a.txt", None).unwrap();
    assert_eq!(tree.workspace.read(&path("a.txt")).unwrap(), None);
    assert_eq!(tree.workspace.read(&path("x/none/z.txt")).unwrap(), None);
    // No temporary file stays behind.
    assert_eq!(tree.names(""), ["x"]);
    assert_eq!(tree.names("x/y"), ["z.txt"]);
}

#[test]
fn mode_and_owner_are_kept() {
    let tree = Tree::with(&[("run.sh", "old")]);
    fs::set_permissions(tree.at("run.sh"), fs::Permissions::from_mode(0o751)).unwrap();
    let before = fs::metadata(tree.at("run.sh")).unwrap();
    write(&tree, "run.sh", Some("new")).unwrap();
    let after = fs::metadata(tree.at("run.sh")).unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert_eq!(fs::read_to_string(tree.at("run.sh")).unwrap(), "new");
}

/// Whoever has the file open reads the old text to its end: the new one is another file.
#[test]
fn a_reader_sees_the_old_text_or_the_new_one() {
    let tree = Tree::with(&[("a.txt", "old")]);
    let before = fs::metadata(tree.at("a.txt")).unwrap().ino();
    let reader = fs::File::open(tree.at("a.txt")).unwrap();
    write(&tree, "a.txt", Some("entirely new")).unwrap();
    assert_eq!(std::io::read_to_string(reader).unwrap(), "old");
    assert_ne!(fs::metadata(tree.at("a.txt")).unwrap().ino(), before);
}

#[test]
fn what_cannot_be_written_is_left_alone() {
    let tree = Tree::with(&[("dir/a.txt", "a"), ("file", "f"), ("locked.txt", "l")]);
    tree.link("dir", "link");
    tree.link("dir/a.txt", "link.txt");
    fs::set_permissions(tree.at("locked.txt"), fs::Permissions::from_mode(0o444)).unwrap();
    for (at, reason) in [
        ("dir", "`dir`: it is a directory; name a file in it"),
        ("file/x", "`file/x`: `file` is not a directory"),
        ("link/a.txt", "`link/a.txt`: it is reached through a symbolic link; change `dir/a.txt` itself"),
        ("link.txt", "`link.txt`: it is reached through a symbolic link; change `dir/a.txt` itself"),
        ("locked.txt", "`locked.txt`: it is write-protected; make it writable first"),
    ] {
        assert_eq!(write(&tree, at, Some("x")).unwrap_err(), reason);
    }
    assert_eq!(write(&tree, "dir", None).unwrap_err(), "`dir`: it is a directory; only files are deleted");
    assert_eq!(
        write(&tree, "locked.txt", None).unwrap_err(),
        "`locked.txt`: it is write-protected; make it writable first"
    );
    assert!(write(&tree, "link.txt", None).is_err());
    assert_eq!(fs::read_to_string(tree.at("dir/a.txt")).unwrap(), "a");
    assert_eq!(tree.names(""), ["dir", "file", "link", "link.txt", "locked.txt"]);
}

#[test]
fn what_cannot_be_read_says_why() {
    let tree = Tree::with(&[("dir/a.txt", "a")]);
    tree.put("latin1.txt", b"\xfc");
    tree.put("big", vec![b'x'; openexec_engine::limits::FILE_BYTES_MAX + 1]);
    for (at, reason) in [
        ("dir", "`dir`: it is a directory; name a file in it"),
        ("latin1.txt", "`latin1.txt`: it is not UTF-8 text"),
        ("big", "`big`: it has 2097153 bytes, more than the 2097152 that are read"),
    ] {
        assert_eq!(tree.workspace.read(&path(at)).unwrap_err().to_string(), reason);
    }
}

/// Where this test runs a second time, inside mounts of its own.
const MOUNTED: &str = "OPENEXEC_TEST_MOUNTED";

/// A full disk and a read-only one, as they are: file systems mounted for this test alone, in
/// namespaces that need no privilege.
#[test]
fn a_full_or_read_only_disk_leaves_nothing_half_written() {
    if let Some(mounted) = std::env::var_os(MOUNTED) {
        return within_mounts(Path::new(&mounted));
    }
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("full")).unwrap();
    fs::create_dir(dir.path().join("fixed")).unwrap();
    let script = "set -e; cd \"$1\"; \
        mount -t tmpfs -o size=64k tmpfs full; echo old > full/a.txt; \
        mount -t tmpfs tmpfs fixed; echo old > fixed/a.txt; mount -o remount,ro fixed; \
        shift; exec \"$@\"";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "workspace::tests::files::a_full_or_read_only_disk_leaves_nothing_half_written"])
        .arg("--nocapture")
        .env(MOUNTED, dir.path())
        .output()
        .expect("this test needs `unshare` of util-linux");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "needs user and mount namespaces without privilege: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn within_mounts(dir: &Path) {
    let full = Workspace::open(&dir.join("full")).unwrap();
    let large = "x".repeat(256 * 1024);
    for at in ["a.txt", "new/deep/b.txt"] {
        let reason = full.write(&path(at), Some(&large)).unwrap_err().to_string();
        assert!(reason.contains("nothing has changed: No space left on device"), "{reason}");
        assert!(reason.contains("free some space"), "{reason}");
    }
    assert_eq!(fs::read_to_string(dir.join("full/a.txt")).unwrap(), "old\n");
    assert_eq!(fs::read_dir(dir.join("full")).unwrap().count(), 1);
    full.write(&path("a.txt"), Some("fits")).unwrap();

    let fixed = Workspace::open(&dir.join("fixed")).unwrap();
    for (at, text) in [("a.txt", Some("x")), ("a.txt", None), ("new/b.txt", Some("x"))] {
        let reason = fixed.write(&path(at), text).unwrap_err().to_string();
        assert!(reason.contains("mounted read-only"), "{reason}");
    }
    assert_eq!(fs::read_to_string(dir.join("fixed/a.txt")).unwrap(), "old\n");
}
