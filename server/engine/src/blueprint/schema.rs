//! The published JSON Schema of blueprint files.

use super::load::file::BlueprintFile;

/// The schema, generated from the types that parse the file.
pub fn json_schema() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<BlueprintFile>().to_value()
}

#[cfg(test)]
mod tests;
