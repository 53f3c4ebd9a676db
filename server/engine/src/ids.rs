//! Names and numbers that must not be mixed up, each with a type of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_id! {
    /// One execution of a blueprint. The edge assigns a UUID of version 7, so ids sort by time.
    RunId;
    /// The name of a blueprint, such as `fix_tests`.
    BlueprintName;
    /// The id of a stage within its blueprint.
    StageId;
    /// The name of a declared task, such as `test`.
    TaskName;
    /// The name under which a stage's output is passed on, such as `patch`.
    ArtifactName;
    /// A model as the user's configuration names it.
    ModelName;
    /// The id that the model gave an action; unique within one reply.
    ActionId;
    /// The id of a policy rule, such as `never.git`.
    RuleId;
    /// The name of a toolset, such as `coding_backend`.
    ToolsetName;
    /// The id of a memory record, unique among those of its kind.
    RecordId;
}

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )*};
}

number_id! {
    /// One attempt of a stage, counted from 1 within the run.
    StepId;
    /// One thing the engine asked the driver to do, counted from 1 within the run.
    CommandId;
}
