//! The second layer: even if a mount were other than it should be, the task could write only
//! where this lets it, could reach no socket with a name that the host gave, and could signal
//! nobody outside. Kernels before 5.13 do not have it; each later one can do a little more.

use super::{Refused, Step as _};
use crate::process::spec::SandboxSpec;
use ::landlock::{
    ABI, Access as _, AccessFs, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use std::path::{Path, PathBuf};

/// The newest abilities that are asked for. Older kernels give what they have: scopes for
/// signals and abstract sockets since 6 (Linux 6.12), sockets with paths since 9 (Linux 7.1).
const NEWEST: ABI = ABI::V9;

/// Places outside of overlays that a task may write to.
const WRITTEN: [&str; 5] = ["/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/dev/pts"];
/// Devices that it may write to.
const DEVICES: [&str; 6] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// Restricts this process and all that it starts. Says which version of Landlock holds; 0 where
/// the kernel has none.
pub(super) fn restrict(spec: &SandboxSpec) -> Result<u8, Refused> {
    enforce(spec).step(|| "restrict writes with Landlock".to_owned()).map(|status| version(&status))
}

fn enforce(spec: &SandboxSpec) -> Result<RestrictionStatus, ::landlock::RulesetError> {
    let writing = AccessFs::from_write(NEWEST);
    let written = WRITTEN
        .iter()
        .map(PathBuf::from)
        .chain(spec.overlays.iter().map(|overlay| overlay.at.clone()))
        .filter_map(|path| rule(&path, writing));
    let devices =
        DEVICES.iter().filter_map(|device| rule(Path::new(device), writing & AccessFs::from_file(NEWEST)));
    Ruleset::default()
        .handle_access(writing)?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(written.chain(devices).map(Ok::<_, ::landlock::RulesetError>))?
        .restrict_self()
}

/// A place that is not there needs no rule.
fn rule(path: &Path, access: ::landlock::BitFlags<AccessFs>) -> Option<PathBeneath<PathFd>> {
    PathFd::new(path).ok().map(|place| PathBeneath::new(place, access))
}

fn version(status: &RestrictionStatus) -> u8 {
    match (&status.ruleset, &status.landlock) {
        (RulesetStatus::NotEnforced, _) => 0,
        (_, LandlockStatus::Available { effective_abi, .. }) => *effective_abi as u8,
        _ => 0,
    }
}
