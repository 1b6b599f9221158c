//! Quantities as Kubernetes spells them, narrowed to the spellings that mean something for a container or a volume.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

/// Processor time: whole or fractional processors (`2`, `0.5`) or thousandths (`250m`).
///
/// A whole number may be given as a YAML number, as in a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cpu(pub String);

/// An amount of memory or storage with its unit: `512Mi`, `8Gi`, `1.5G`.
///
/// The unit is required: a bare number would be bytes, which nobody means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub String);

impl<'de> Deserialize<'de> for Cpu {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrWhole;

        impl Visitor<'_> for TextOrWhole {
            type Value = Cpu;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of processors, such as 2 or \"250m\"")
            }

            fn visit_u64<E: Error>(self, whole: u64) -> Result<Cpu, E> {
                Ok(Cpu(whole.to_string()))
            }

            fn visit_i64<E: Error>(self, whole: i64) -> Result<Cpu, E> {
                Ok(Cpu(whole.to_string()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Cpu, E> {
                Ok(Cpu(text.to_owned()))
            }
        }

        deserializer.deserialize_any(TextOrWhole)
    }
}

impl JsonSchema for Cpu {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cpu".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Anything finer than a thousandth is refused by Kubernetes, and so it is here, before a pod template is made of it.
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "maxLength": 8,
            "minimum": 1,
            "maximum": 9999,
            "pattern": r"^([1-9][0-9]{0,6}m|[1-9][0-9]{0,3}(\.[0-9]{1,3})?|0\.([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))$",
        })
    }
}

impl JsonSchema for Bytes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 16,
            "pattern": r"^([1-9][0-9]{0,5}(\.[0-9]{1,3})?|0\.([1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9]))(Mi|Gi|Ti|M|G|T)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_may_be_a_number_or_text() {
        assert_eq!(serde_json::from_str::<Cpu>("2").unwrap(), Cpu("2".into()));
        assert_eq!(
            serde_json::from_str::<Cpu>("\"250m\"").unwrap(),
            Cpu("250m".into())
        );
        assert!(serde_json::from_str::<Cpu>("{}").is_err());
    }
}
