//! The published JSON Schema of memory files.

use super::file::RecordsFile;

/// The schema, generated from the types that parse the file.
pub fn json_schema() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<RecordsFile>().to_value()
}

#[cfg(test)]
mod tests;
