//! The page on which the built-in toolsets stand: no blueprint declares them, and whoever follows
//! the name of one arrives there.

use super::complete::meaning;
use openexec_engine::ids::ToolsetName;
use openexec_engine::policy::{toolset, toolset_names};
use std::fmt::Write as _;

/// What the page is called.
pub(in crate::lsp) const PAGE: &str = "toolsets.md";

/// The page, and the line on which a toolset begins, counted from 0; nothing for a name that
/// is none's.
pub(in crate::lsp) fn page_of(name: &str) -> Option<(String, u32)> {
    toolset(&ToolsetName::new(name))?;
    let mut page = "# Toolsets\n\nAn agent stage has one of these, and can do nothing else. A blueprint \
                    chooses among them and defines none.\n"
        .to_owned();
    let mut line = 0;
    for known in toolset_names() {
        page.push('\n');
        if known == name {
            line = page.matches('\n').count();
        }
        // Writing to a String cannot fail.
        let _ = writeln!(page, "## {known}\n\n{}", meaning(known));
    }
    Some((page, u32::try_from(line).ok()?))
}
