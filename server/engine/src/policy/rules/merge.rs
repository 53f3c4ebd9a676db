//! One policy of two scopes. The user's comes first; the workspace's only narrows it.
//!
//! INVARIANT: nothing that a workspace writes gives a run more than it would have without it.
//! What would is an error, and no run starts: a file that tries is not to be half obeyed.

use super::{Declaration, Destination, EgressRule, Rule};
use crate::policy::{ApprovalMode, Capability, PolicySnapshot, SandboxMode, Verdict};
use crate::yaml::{LoadError, Place, Placed, Problems};
use std::collections::BTreeSet;

/// How every refusal of a wider workspace begins.
const WIDENS: &str = "workspace configuration cannot widen";

/// Brings the two scopes together. Where the user has no policy, the built-in one stands in
/// its place: `workspace_write`, and what the user is asked about is what the built-in rules ask.
///
/// # Errors
/// What a scope asks for that it cannot have, with its place and a remedy.
pub fn merge(
    user: Option<&Declaration>,
    workspace: Option<&Declaration>,
) -> Result<PolicySnapshot, LoadError> {
    let base = match user {
        Some(user) => of_user(user)?,
        None => PolicySnapshot::built_in(SandboxMode::default(), ApprovalMode::default()),
    };
    match workspace {
        Some(workspace) => narrowed(&base, workspace),
        None => Ok(base),
    }
}

fn of_user(user: &Declaration) -> Result<PolicySnapshot, LoadError> {
    let mut problems = Problems::new(&user.file);
    let sandbox = user.sandbox.as_ref().map_or(SandboxMode::default(), |mode| mode.value);
    let approval_mode = user.approval_mode.as_ref().map_or(ApprovalMode::default(), |mode| mode.value);
    let mut snapshot = PolicySnapshot::built_in(sandbox, approval_mode);
    if let Some(listed) = &user.capabilities {
        for capability in listed.iter().filter(|it| !snapshot.capabilities.contains(&it.value)) {
            problems.report(
                capability.place,
                format!(
                    "the sandbox mode `{}` does not have the capability `{}`",
                    sandbox.name(),
                    capability.value.name()
                ),
                "remove it, or write a wider `sandbox`",
            );
        }
        snapshot.capabilities = with_implied(listed).intersection(&snapshot.capabilities).copied().collect();
    }
    snapshot.network_allowlist = user.hosts.iter().flatten().map(|host| host.value.clone()).collect();
    snapshot.redact = user.redact.clone();
    snapshot.rules = rules(user);
    snapshot.egress = egress(user);
    problems.into_result(Some(snapshot))
}

fn narrowed(base: &PolicySnapshot, workspace: &Declaration) -> Result<PolicySnapshot, LoadError> {
    let mut problems = Problems::new(&workspace.file);
    let mut widens = |place: Place, what: String, remedy: &str| {
        problems.report(place, format!("{WIDENS}: {what}"), remedy);
    };
    let mut snapshot = base.clone();
    if let Some(mode) = &workspace.sandbox {
        if mode.value > base.sandbox {
            let what =
                format!("`sandbox` is `{}`, and the user's is `{}`", mode.value.name(), base.sandbox.name());
            widens(
                mode.place,
                what,
                "write the same or a narrower mode; a wider one stands in the user's own policy.yaml",
            );
        }
        snapshot.sandbox = mode.value.min(base.sandbox);
    }
    if let Some(mode) = &workspace.approval_mode {
        if mode.value < base.approval_mode {
            widens(
                mode.place,
                "`approval_mode` asks less often than the user's".to_owned(),
                "remove it, or write `always`",
            );
        }
        snapshot.approval_mode = mode.value.max(base.approval_mode);
    }
    if let Some(listed) = &workspace.capabilities {
        for capability in listed.iter().filter(|it| !base.capabilities.contains(&it.value)) {
            widens(
                capability.place,
                format!("the user's policy does not have the capability `{}`", capability.value.name()),
                "remove it; a capability is given by the user's own policy.yaml",
            );
        }
        snapshot.capabilities = with_implied(listed).intersection(&base.capabilities).copied().collect();
    }
    if let Some(hosts) = &workspace.hosts {
        for host in hosts.iter().filter(|host| !base.network_allowlist.contains(&host.value)) {
            widens(
                host.place,
                format!("the user's policy does not let `{}` be reached", host.value),
                "remove it; hosts are named by the user's own policy.yaml",
            );
        }
        let listed: BTreeSet<String> = hosts.iter().map(|host| host.value.clone()).collect();
        snapshot.network_allowlist = listed.intersection(&base.network_allowlist).cloned().collect();
    }
    for rule in workspace.rules.iter().filter(|rule| rule.value.effect == Verdict::Allow) {
        widens(
            rule.place,
            format!("rule `{}` allows", rule.value.id),
            "write `ask` or `block`, or put the rule into the user's own policy.yaml",
        );
    }
    for rule in workspace.egress.iter().filter(|rule| rule.value.to == Destination::Any) {
        widens(
            rule.place,
            "an egress rule lets texts go to any model".to_owned(),
            "write `none` or `local`, or remove the rule: without one a text may go",
        );
    }
    let mode = PolicySnapshot::built_in(snapshot.sandbox, snapshot.approval_mode);
    snapshot.capabilities = snapshot.capabilities.intersection(&mode.capabilities).copied().collect();
    // The more is redacted, the less leaves: a workspace may add.
    snapshot.redact.extend(&workspace.redact);
    snapshot.rules.extend(rules(workspace));
    snapshot.egress.extend(egress(workspace));
    problems.into_result(Some(snapshot))
}

/// Who may change files may have the change judged by declared tasks and may remember what was
/// done: the public contract's capabilities know neither by a name of its own.
fn with_implied(listed: &[Placed<Capability>]) -> BTreeSet<Capability> {
    let mut capabilities: BTreeSet<Capability> = listed.iter().map(|it| it.value).collect();
    if capabilities.contains(&Capability::RepoWrite) {
        capabilities.extend([Capability::RunTasks, Capability::MemoryWrite]);
    }
    capabilities
}

fn rules(declaration: &Declaration) -> Vec<Rule> {
    declaration.rules.iter().map(|rule| rule.value.clone()).collect()
}

fn egress(declaration: &Declaration) -> Vec<EgressRule> {
    declaration.egress.iter().map(|rule| rule.value.clone()).collect()
}
