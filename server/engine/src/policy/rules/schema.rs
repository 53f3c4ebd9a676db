//! The published JSON Schema of policy files.

use super::file::PolicyFile;

/// The schema, generated from the types that parse the file.
pub fn json_schema() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<PolicyFile>().to_value()
}

#[cfg(test)]
mod tests;
