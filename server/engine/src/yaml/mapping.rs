//! Mappings with a closed set of keys. One definition gives the type, how it is read, and its
//! schema, so that none of them can know a key that another does not.

use super::Mend;
use super::problem::{Problems, closest, one_of};
use super::read::shown;
use super::tree::Node;

/// Defines a mapping of a file: its type, how it is read, and its schema. `$hint` gives the
/// remedy for keys that people expect and that do not exist.
macro_rules! mapping {
    (
        $visibility:vis, $hint:ident;
        $(#[$attribute:meta])*
        $type:ident, $what:literal {
            $($(#[$field_attribute:meta])* $key:literal $field:ident: $value:ty,)*
        }
    ) => {
        #[derive(Debug, Default, JsonSchema)]
        #[schemars(deny_unknown_fields, default)]
        $(#[$attribute])*
        $visibility struct $type {
            $($(#[$field_attribute])* #[schemars(rename = $key)]
            pub(super) $field: $crate::yaml::Entry<$value>,)*
        }

        impl $type {
            /// The keys that it can have.
            pub(super) const KEYS: &[&str] = &[$($key),*];
        }

        impl $crate::yaml::Read for $type {
            fn read(node: &$crate::yaml::Node, subject: &str, problems: &mut $crate::yaml::Problems<'_>) -> Option<Self> {
                let $crate::yaml::Value::Mapping(entries) = &node.value else {
                    let wanted = format!("a mapping with {}", $crate::yaml::problem::one_of(Self::KEYS));
                    $crate::yaml::wrong_kind(node, subject, &wanted, problems);
                    return None;
                };
                let mut read = Self::default();
                let mut unknown = Vec::new();
                for (key, value) in entries {
                    let $crate::yaml::Value::Text(name) = &key.value else {
                        $crate::yaml::wrong_kind(key, concat!("a key of ", $what), "text", problems);
                        continue;
                    };
                    match name.as_str() {
                        $($key if !read.$field.is_absent() => $crate::yaml::problem::report_duplicate(key, name, problems),)*
                        $($key => read.$field = $crate::yaml::Entry::read(value, concat!("`", $key, "`"), problems),)*
                        _ => unknown.push((key, name)),
                    }
                }
                for (key, name) in unknown {
                    match $crate::yaml::mapping::report_unknown(key, name, $what, Self::KEYS, $hint, problems) {
                        $(Some($key) => read.$field.suspect(),)*
                        _ => {}
                    }
                }
                Some(read)
            }
        }
    };
}

pub(crate) use mapping;

/// Reports a key that does not exist and gives the one that was probably meant.
pub(crate) fn report_unknown<'k>(
    key: &Node,
    name: &str,
    what: &str,
    keys: &[&'k str],
    hint: fn(&str) -> Option<&'static str>,
    problems: &mut Problems<'_>,
) -> Option<&'k str> {
    let meant = closest(name, keys);
    let remedy = match (meant, hint(name)) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, Some(hint)) => hint.to_owned(),
        (None, None) => format!("remove it, or write {}", one_of(keys)),
    };
    let mend = meant.map(|meant| Mend::Instead(meant.to_owned()));
    problems.report_mendable(key.place, format!("`{}` is not a key of {what}", shown(name)), remedy, mend);
    meant
}
