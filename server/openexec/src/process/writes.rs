//! Keeps a child that needs the network, and a home of its own, from writing anywhere else.
//!
//! This is Landlock without namespaces: it holds for the child and all that it starts, and
//! cannot be given back. Systems without Landlock have nothing like it: there the child is kept
//! from writing by its own settings alone.

use std::io;
use std::path::PathBuf;
use tokio::process::Command;

/// Lets the command write below `written` only, and signal nobody but itself and what it starts.
/// A place that is not there needs no rule.
///
/// # Errors
/// When the system refuses what it should be able to.
#[cfg(target_os = "linux")]
pub(crate) fn confine_writes(command: &mut Command, written: &[PathBuf]) -> io::Result<()> {
    use ::landlock::{
        ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError,
        Scope,
    };
    use std::os::fd::{AsRawFd as _, OwnedFd};

    /// Later versions keep from connecting to sockets, which keyrings listen on.
    const NEWEST: ABI = ABI::V6;
    /// What programs write to without leaving anything.
    const DEVICES: [&str; 6] =
        ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/random", "/dev/urandom"];

    let writing = AccessFs::from_write(NEWEST);
    let places = written.iter().filter_map(|path| PathFd::new(path).ok().map(|place| (place, path.is_dir())));
    let places = places.map(|(place, is_dir)| {
        let access = if is_dir { writing } else { writing & AccessFs::from_file(NEWEST) };
        PathBeneath::new(place, access)
    });
    let devices = DEVICES.iter().filter_map(|device| PathFd::new(device).ok());
    let devices = devices.map(|place| PathBeneath::new(place, writing & AccessFs::from_file(NEWEST)));
    let rules = || -> Result<Option<OwnedFd>, RulesetError> {
        let rules = Ruleset::default().handle_access(writing)?.scope(Scope::Signal)?.create()?;
        Ok(rules.add_rules(places.chain(devices).map(Ok::<_, RulesetError>))?.into())
    };
    let Some(rules) = rules().map_err(io::Error::other)? else {
        return Ok(());
    };
    // SAFETY: what runs between fork and exec makes two system calls and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            // Without it the kernel lets only the privileged restrict themselves.
            if libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) != 0
            {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
    Ok(())
}

/// Where there is no Landlock, nothing.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub(crate) fn confine_writes(_command: &mut Command, _written: &[PathBuf]) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_is_named_can_be_written_whatever_is_started() {
        let place = tempfile::tempdir().unwrap();
        let named = place.path().join("named");
        std::fs::create_dir(&named).unwrap();
        std::fs::write(place.path().join("kept"), "kept").unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        let mut command = Command::new("sh");
        command.current_dir(place.path()).args([
            "-c",
            "sh -c 'echo a > named/a; echo b > b; echo c > file; echo d > kept; rm kept; mkdir e; mv kept named/k; echo f > /dev/null && echo g > named/g'",
        ]);
        confine_writes(&mut command, &[named.clone(), file.clone(), place.path().join("absent")]).unwrap();
        assert!(command.status().await.unwrap().success());
        let listed = |path: &std::path::Path| {
            let mut names: Vec<_> = std::fs::read_dir(path)
                .unwrap()
                .map(|it| it.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(listed(place.path()), ["file", "kept", "named"]);
        assert_eq!(listed(&named), ["a", "g"]);
        assert_eq!(std::fs::read_to_string(file).unwrap(), "c\n");
        assert_eq!(std::fs::read_to_string(place.path().join("kept")).unwrap(), "kept");
    }
}
