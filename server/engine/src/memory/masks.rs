//! What memory files keep from models. It holds of every file that is YAML, trusted or not and
//! whatever else is wrong with it: what only restricts needs no trust, and a slip of the pen
//! elsewhere in the file must not lift it.

use crate::limits::MASKED_BYTES_MIN;
use crate::yaml::LoadError;
use crate::yaml::problem::Problems;
use crate::yaml::tree::{self, Node, Value};
use std::collections::BTreeSet;

/// The keys whose texts are masked, wherever they stand.
const KEYS: [&str; 2] = ["masked", "redact"];

/// Every text that a memory file wants masked. `file` is its name for people.
///
/// # Errors
/// When it cannot be known, because the file is no YAML: with the place and a remedy.
pub fn masks_of(file: &str, text: &str) -> Result<BTreeSet<String>, LoadError> {
    let mut masks = BTreeSet::new();
    let mut problems = Problems::new(file);
    match tree::parse(text) {
        Ok(tree) => collect(&tree, false, &mut masks),
        Err(fault) => problems.report(fault.place, fault.message, fault.remedy),
    }
    problems.into_result(Some(masks))
}

fn collect(node: &Node, is_masked: bool, masks: &mut BTreeSet<String>) {
    let text = match &node.value {
        Value::Mapping(entries) => {
            for (key, value) in entries {
                let is_key = matches!(&key.value, Value::Text(key) if KEYS.contains(&key.as_str()));
                collect(value, is_masked || is_key, masks);
            }
            return;
        }
        Value::List(items) => return items.iter().for_each(|item| collect(item, is_masked, masks)),
        Value::Text(text) => text.trim().to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Bool(_) | Value::Null => return,
    };
    if is_masked && text.len() >= MASKED_BYTES_MIN {
        masks.insert(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_holds_whatever_else_is_wrong() {
        let masks = |text: &str| masks_of("m.yaml", text).map(|found| found.into_iter().collect::<Vec<_>>());
        let faulty = "version: 9\nservices:\n  - {id: a, ownerz: [x], redact: [Project-Moonshine]}\n\
                      environments:\n  - {masked: [db.example, 10.25, ab]}\nsymbols: [{redact: alone}]\n";
        assert_eq!(masks(faulty).unwrap(), ["10.25", "Project-Moonshine", "alone", "db.example"]);
        assert_eq!(masks("").unwrap(), Vec::<String>::new());
        let error = masks("environments: [{masked: [a\n").unwrap_err();
        assert_eq!(error.diagnostics[0].file, "m.yaml");
    }
}
