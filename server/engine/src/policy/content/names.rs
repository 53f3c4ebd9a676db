//! New files whose names mean more than they say: a module that Python would import instead of
//! its own, and the file by which git knows a repository. Asked about when the file is new; what
//! stands there already is the user's.

use super::Objection;
use crate::path::WorkspacePath;
use crate::policy::Verdict;

/// The top-level modules of Python 3.11's standard library (`sys.stdlib_module_names`), without
/// private ones and those that nothing imports.
const PYTHON_MODULES: &str = "abc aifc argparse array ast asynchat asyncio asyncore atexit audioop base64 \
    bdb binascii bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop \
    collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg crypt csv \
    ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip \
    enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt \
    getpass gettext glob graphlib grp gzip hashlib heapq hmac html http imaplib imghdr imp importlib inspect \
    io ipaddress itertools json keyword linecache locale logging lzma mailbox mailcap marshal math mimetypes \
    mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode \
    operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib \
    posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pyexpat queue quopri random re \
    readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal \
    site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat \
    statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile \
    telnetlib tempfile termios textwrap threading time timeit tkinter token tokenize tomllib trace traceback \
    tracemalloc tty turtle types typing unicodedata unittest urllib uu uuid venv warnings wave weakref \
    webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo";

/// What a new file's name objects to.
pub(super) fn misleading(path: &WorkspacePath, base: &str, text: &str) -> Option<Objection> {
    if !base.is_empty() {
        return None;
    }
    shadowing(path).or_else(|| git_folder(path, text))
}

/// A program that is started from the root finds its modules there first.
fn shadowing(path: &WorkspacePath) -> Option<Objection> {
    let mut parts = path.as_str().split('/');
    let first = parts.next()?;
    let module = match parts.next() {
        None => first.strip_suffix(".py")?,
        Some("__init__.py") => first,
        Some(_) => return None,
    };
    let is_known = PYTHON_MODULES.split_ascii_whitespace().any(|known| known.eq_ignore_ascii_case(module));
    is_known.then(|| Objection {
        rule: "content.shadows_module",
        verdict: Verdict::Ask,
        found: module.to_owned(),
        remedy: "python would import it instead of its own module; give the file another name",
    })
}

/// Git takes a folder with such a `HEAD` for a repository, and obeys the `config` beside it.
fn git_folder(path: &WorkspacePath, text: &str) -> Option<Objection> {
    if path.comparison_key().rsplit('/').next() != Some("head") {
        return None;
    }
    let line = text.trim_end();
    let is_hash = matches!(line.len(), 40 | 64) && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    (line.starts_with("ref:") || is_hash).then(|| Objection {
        rule: "content.git_folder",
        verdict: Verdict::Ask,
        found: line.chars().take(80).flat_map(char::escape_debug).collect(),
        remedy: "git would take the folder for a repository and obey its configuration; name the file otherwise",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, base: &str, text: &str) -> Option<&'static str> {
        let path = WorkspacePath::parse(path).unwrap();
        misleading(&path, base, text).map(|objection| objection.rule)
    }

    #[test]
    fn names_that_mean_more_are_asked_about_when_they_are_new() {
        for (path, text, expected) in [
            ("logging.py", "import os\n", "content.shadows_module"),
            ("Random.py", "", "content.shadows_module"),
            ("json/__init__.py", "", "content.shadows_module"),
            ("docs/sample/HEAD", "ref: refs/heads/main\n", "content.git_folder"),
            ("x/head", &"0123456789".repeat(4), "content.git_folder"),
        ] {
            assert_eq!(rule(path, "", text), Some(expected), "{path}");
            assert_eq!(rule(path, "x\n", text), None, "{path}");
        }
        for (path, text) in [
            ("app/logging.py", ""),
            ("logger.py", ""),
            ("logging.pyi", ""),
            ("src/json/__init__.py", ""),
            ("json/decoder.py", ""),
            ("docs/HEAD", "The head of the queue.\n"),
            ("src/head.rs", "ref: x\n"),
        ] {
            assert_eq!(rule(path, "", text), None, "{path}");
        }
    }
}
