//! The published JSON Schema of blueprint files.

/// The schema, generated from the types that parse the file.
pub fn json_schema() -> serde_json::Value {
    todo!()
}
