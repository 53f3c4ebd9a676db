//! The private directory of one call. Nothing of it outlives the call.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(super) struct Scratch {
    /// Its deletion.
    _place: TempDir,
    /// Where the tool starts; nothing is in it.
    work: PathBuf,
    /// A home for tools that have none yet, and for what they write besides.
    home: PathBuf,
    /// What the tool may read only.
    given: PathBuf,
}

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        // Only the user may look inside.
        let place = tempfile::Builder::new().prefix("openexec-").tempdir()?;
        let root = place.path().canonicalize()?;
        let scratch = Self {
            _place: place,
            work: root.join("work"),
            home: root.join("home"),
            given: root.join("given"),
        };
        for directory in [&scratch.work, &scratch.home, &scratch.given] {
            std::fs::create_dir(directory)?;
        }
        Ok(scratch)
    }

    pub(super) fn work(&self) -> &Path {
        &self.work
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Writes a file that the tool may read. Gives its path.
    pub(super) fn give(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.given.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Puts a file of the user's into the home: as a link, so that what the tool renews is
    /// renewed where it is kept.
    pub(super) fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        #[cfg(unix)]
        return std::os::unix::fs::symlink(file, self.home.join(name));
        #[cfg(not(unix))]
        return std::fs::copy(file, self.home.join(name)).map(|_| ());
    }

    /// Where the tool may write.
    pub(super) fn written(&self) -> impl Iterator<Item = PathBuf> {
        [self.work.clone(), self.home.clone()].into_iter()
    }

    /// Temporary files stay here, and nothing is coloured or asked.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&'static str, OsString)> {
        let home = self.home.clone().into_os_string();
        let temporary = ["TMPDIR", "TMP", "TEMP"].map(|name| (name, home.clone()));
        let fixed = [("TERM", "dumb"), ("NO_COLOR", "1"), ("CI", "1")];
        temporary.into_iter().chain(fixed.map(|(name, value)| (name, OsString::from(value))))
    }
}
