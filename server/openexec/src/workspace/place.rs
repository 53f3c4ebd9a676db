//! From a path to what stands there: the walk from the root, one directory handle after the
//! other, with every symbolic link resolved by hand. Nothing is opened but directories; what
//! is no regular file is never opened at all.

use super::{Workspace, files};
use crate::limits::LINKS_FOLLOWED_MAX;
use cap_std::fs::{Dir, Metadata, OpenOptions};
use openexec_engine::limits::FILE_BYTES_MAX;
use openexec_engine::path::{RequestedPath, WorkspacePath, comparison_key};
use openexec_engine::policy::{Entry, PathFacts, Resolved};
use openexec_engine::run::OpenDocument;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path};

/// Where a path leads.
pub(super) enum Place {
    /// Out of the workspace, to nowhere, or in a circle.
    Outside,
    /// Somewhere below the root.
    Inside {
        /// The place itself, without symbolic links.
        real: WorkspacePath,
        /// True when a symbolic link lies on the way.
        linked: bool,
        /// What is there.
        standing: Standing,
    },
}

/// What stands at a place.
pub(super) enum Standing {
    /// Nothing.
    Missing {
        /// The deepest directory on the way that exists.
        parent: Dir,
        /// The names that are missing below it; the last is the file's. Never empty.
        rest: Vec<String>,
    },
    /// A regular file.
    File {
        /// The directory that holds it.
        parent: Dir,
        /// Its name there.
        name: OsString,
        /// What the directory says of it.
        metadata: Box<Metadata>,
    },
    /// A directory.
    Directory,
    /// Something else, or something that could not be examined.
    Other(String),
}

impl Workspace {
    /// Walks to a path.
    pub(super) fn place(&self, path: &WorkspacePath) -> Place {
        let mut walk = Descent {
            root: &self.dir,
            root_path: &self.root,
            trail: Vec::new(),
            pending: path.components().map(|name| (OsString::from(name), Named::ByPath)).collect(),
            links: 0,
        };
        let Ok((standing, missing)) = walk.run() else {
            return Place::Outside;
        };
        let linked = walk.links > 0;
        let real = if linked { walk.real(&missing) } else { Some(path.clone()) };
        match real {
            Some(real) => Place::Inside { real, linked, standing },
            None => Place::Outside,
        }
    }

    pub(super) fn facts_of(&self, requested: &RequestedPath, open: &[OpenDocument]) -> PathFacts {
        let path = match WorkspacePath::parse(requested.as_str()) {
            Ok(path) => path,
            Err(error) => {
                let entry = Entry::Other { what: error.to_string() };
                return PathFacts { entry, resolved: Resolved::Outside, executed_by: None };
            }
        };
        match self.place(&path) {
            Place::Outside => PathFacts {
                entry: Entry::Other { what: "it leads out of the workspace or to nowhere".to_owned() },
                resolved: Resolved::Outside,
                executed_by: None,
            },
            Place::Inside { real, linked, standing } => {
                let buffer = open.iter().find(|document| document.path == real || document.path == path);
                let entry = entry_of(standing, buffer);
                let executed_by = self.executed_by(&real);
                let resolved = if linked { Resolved::Linked { to: real } } else { Resolved::Direct };
                PathFacts { entry, resolved, executed_by }
            }
        }
    }
}

fn entry_of(standing: Standing, buffer: Option<&OpenDocument>) -> Entry {
    let buffered = |links: u64| {
        buffer.map(|document| match document.text.len() {
            bytes if bytes > FILE_BYTES_MAX => Entry::Opaque { bytes: bytes as u64 },
            _ => Entry::Text { text: document.text.clone(), links, version: Some(document.version) },
        })
    };
    match standing {
        Standing::Directory => Entry::Directory,
        Standing::Other(what) => Entry::Other { what },
        Standing::Missing { parent, rest } => match rest.first().and_then(|name| twin_of(&parent, name)) {
            Some(twin) => Entry::Other { what: format!("differs only by case or form from `{twin}`") },
            None => buffered(1).unwrap_or(Entry::Missing),
        },
        Standing::File { parent, name, metadata } => {
            if let Some(entry) = buffered(links_of(&metadata)) {
                return entry;
            }
            match files::load(&parent, &name) {
                Ok(files::Loaded::Text { text, links }) => Entry::Text { text, links, version: None },
                Ok(files::Loaded::Opaque { bytes, .. }) => Entry::Opaque { bytes },
                Err(error) => Entry::Other { what: format!("could not be read: {error}") },
            }
        }
    }
}

/// An entry of the directory that some file system takes for the same name.
fn twin_of(parent: &Dir, name: &str) -> Option<String> {
    let key = comparison_key(name);
    let mut twins: Vec<String> = parent
        .entries()
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|other| other != name && comparison_key(other) == key)
        .collect();
    twins.sort();
    twins.into_iter().next()
}

#[cfg(unix)]
pub(super) fn links_of(metadata: &Metadata) -> u64 {
    use cap_std::fs::MetadataExt as _;
    metadata.nlink()
}

#[cfg(not(unix))]
pub(super) fn links_of(_metadata: &Metadata) -> u64 {
    1
}

/// Who named a component that is still to be walked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// The path itself.
    ByPath,
    /// The target of a symbolic link, which must exist.
    ByLink,
}

struct Outside;

struct Descent<'a> {
    root: &'a Dir,
    root_path: &'a Path,
    /// The real directories below the root, from the outermost to where the walk stands.
    trail: Vec<(OsString, Dir)>,
    pending: VecDeque<(OsString, Named)>,
    links: usize,
}

impl Descent<'_> {
    fn here(&self) -> &Dir {
        self.trail.last().map_or(self.root, |(_, dir)| dir)
    }

    /// Walks to the end. Beside what stands there come the names below the trail.
    fn run(&mut self) -> Result<(Standing, Vec<String>), Outside> {
        while let Some((name, named)) = self.pending.pop_front() {
            if name == ".." {
                self.trail.pop().ok_or(Outside)?;
                continue;
            }
            let metadata = match self.here().symlink_metadata(&name) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound && named == Named::ByPath => {
                    return self.missing(name);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Outside),
                Err(error) => return self.other(name, format!("could not be examined: {error}")),
            };
            if metadata.is_symlink() {
                self.follow(&name)?;
            } else if metadata.is_dir() {
                match open_dir(self.here(), &name) {
                    Ok(dir) => self.trail.push((name, dir)),
                    Err(error) => return self.other(name, format!("could not be opened: {error}")),
                }
            } else if !self.pending.is_empty() {
                let what = format!("`{}` is not a directory", name.display());
                return self.other(name, what);
            } else if metadata.is_file() {
                let parent = match self.here().try_clone() {
                    Ok(parent) => parent,
                    Err(error) => return self.other(name, format!("could not be examined: {error}")),
                };
                let below = vec![utf8(&name)?];
                return Ok((Standing::File { parent, name, metadata: Box::new(metadata) }, below));
            } else {
                return self.other(name, sort_of(&metadata).to_owned());
            }
        }
        Ok((Standing::Directory, Vec::new()))
    }

    fn missing(&mut self, name: OsString) -> Result<(Standing, Vec<String>), Outside> {
        let rest = std::iter::once(name)
            .chain(self.pending.drain(..).map(|(name, _)| name))
            .map(|name| utf8(&name))
            .collect::<Result<Vec<_>, _>>()?;
        match self.here().try_clone() {
            Ok(parent) => Ok((Standing::Missing { parent, rest: rest.clone() }, rest)),
            Err(error) => Ok((Standing::Other(format!("could not be examined: {error}")), rest)),
        }
    }

    fn other(&mut self, name: OsString, what: String) -> Result<(Standing, Vec<String>), Outside> {
        let rest = std::iter::once(name)
            .chain(self.pending.drain(..).map(|(name, _)| name))
            .map(|name| utf8(&name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((Standing::Other(what), rest))
    }

    /// Puts a link's target before what is still to be walked.
    fn follow(&mut self, name: &OsString) -> Result<(), Outside> {
        self.links += 1;
        if self.links > LINKS_FOLLOWED_MAX {
            return Err(Outside);
        }
        let target = self.here().read_link_contents(name).map_err(|_| Outside)?;
        let relative = if target.is_absolute() {
            self.trail.clear();
            target.strip_prefix(self.root_path).map_err(|_| Outside)?
        } else {
            &target
        };
        for component in relative.components().rev() {
            match component {
                Component::Normal(name) => self.pending.push_front((name.to_owned(), Named::ByLink)),
                Component::ParentDir => self.pending.push_front(("..".into(), Named::ByLink)),
                Component::CurDir => {}
                Component::RootDir | Component::Prefix(_) => return Err(Outside),
            }
        }
        Ok(())
    }

    /// The place as a workspace path; `None` when it is the root or has a name that no
    /// workspace path may have.
    fn real(&self, below: &[String]) -> Option<WorkspacePath> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in &self.trail {
            names.push(name.to_str()?);
        }
        names.extend(below.iter().map(String::as_str));
        WorkspacePath::parse(&names.join("/")).ok()
    }
}

fn utf8(name: &OsString) -> Result<String, Outside> {
    name.to_str().map(str::to_owned).ok_or(Outside)
}

/// Opens a directory that is no symbolic link, also if it has become one a moment ago.
pub(super) fn open_dir(parent: &Dir, name: impl AsRef<Path>) -> io::Result<Dir> {
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW);
        let file = parent.open_with(name, &options)?;
        Ok(Dir::from_std_file(file.into_std()))
    }
    #[cfg(not(unix))]
    parent.open_dir(name)
}

fn sort_of(metadata: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use cap_std::fs::FileTypeExt as _;
        let sort = metadata.file_type();
        if sort.is_fifo() {
            return "a named pipe";
        }
        if sort.is_socket() {
            return "a socket";
        }
        if sort.is_block_device() || sort.is_char_device() {
            return "a device";
        }
    }
    let _ = metadata;
    "neither a file nor a directory"
}
