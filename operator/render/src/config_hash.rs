//! A pod does not notice that a Secret it read at its start has changed. The hash of what it reads is part of its template, so that
//! a change replaces the pod. The public token keys are no part of it: every service reads their file again when it changes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use sha2::{Digest as _, Sha256};

const ANNOTATION: &str = "socialplatform.io/config-hash";

/// Collects the content a pod reads.
#[derive(Default)]
pub(crate) struct ConfigHash(Sha256);

impl ConfigHash {
    pub fn secret(mut self, secret: &Secret) -> Self {
        for (key, value) in secret.data.iter().flatten() {
            self.entry(key.as_bytes(), &value.0);
        }

        self
    }

    /// Annotations of the pod template.
    pub fn annotations(self) -> BTreeMap<String, String> {
        BTreeMap::from([(ANNOTATION.to_owned(), hex::encode(self.0.finalize()))])
    }

    /// Lengths go first, so that no two contents run together into the same bytes.
    fn entry(&mut self, key: &[u8], value: &[u8]) {
        for part in [key, value] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn hash_of(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        let data = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
            .collect();

        ConfigHash::default()
            .secret(&Secret {
                data: Some(data),
                ..Secret::default()
            })
            .annotations()
    }

    #[test]
    fn contents_that_only_read_the_same_run_together_differ() {
        assert_ne!(hash_of(&[("a", "bc")]), hash_of(&[("ab", "c")]));
        assert_ne!(hash_of(&[("a", "b")]), hash_of(&[("a", "b"), ("c", "")]));
        assert_eq!(hash_of(&[("a", "b")]), hash_of(&[("a", "b")]));
    }
}
