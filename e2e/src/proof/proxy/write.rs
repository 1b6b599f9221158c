//! One write, and whether it changed anything.

use axum::body::Bytes;
use http::Method;
use operator_api::names::MANAGER;
use serde_json::{Value, json};

use super::is_about_leases;

/// What the operator asked to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub verb: Method,
    pub path: String,
    pub status: u16,
    /// Whether something else is stored after it than before. An operator that starts applies all there is once more,
    /// mostly to no effect, and to be ended after such a write is to be ended before it.
    pub is_effective: bool,
}

impl std::fmt::Display for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = self.path.rsplit("/namespaces/").next().unwrap_or_default();
        let short = short.split_once('/').map_or(short, |(_, object)| object);
        write!(f, "{} {short} {}", self.verb, self.status)
    }
}

/// A question about rights changes nothing, and a Lease nothing that counts.
pub fn is_counted(path: &str) -> bool {
    let is_question = [
        "/apis/authorization.k8s.io/",
        "/apis/authentication.k8s.io/",
    ]
    .iter()
    .any(|group| path.contains(group));

    !is_question && !is_about_leases(path)
}

/// The object that a write is about, without what comes after its name.
pub fn object_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();

    path.trim_end_matches("/status")
        .trim_end_matches("/scale")
        .to_owned()
}

/// Whether the answer tells of another object than there was.
pub fn is_effective(path: &str, before: Option<&Value>, answer: &Bytes) -> bool {
    let Ok(after) = serde_json::from_slice::<Value>(answer) else {
        return true;
    };
    let is_about_status = path
        .split('?')
        .next()
        .is_some_and(|path| path.ends_with("/status"));
    let what_counts = |object: &Value| {
        let mut metadata = object["metadata"].clone();
        // These move with the status, which others write at any time.
        for moving in ["resourceVersion", "generation", "managedFields"] {
            metadata[moving].take();
        }
        metadata["annotations"]["deployment.kubernetes.io/revision"].take();
        let status = is_about_status.then(|| object["status"].clone());
        let mut content = object.clone();
        content["status"].take();
        content["metadata"].take();

        json!([metadata, status, content, owned(object)])
    };

    before.is_none_or(|before| what_counts(before) != what_counts(&after))
}

/// Which fields are the operator's, apart from those of a status.
fn owned(object: &Value) -> Vec<Value> {
    let managers = object["metadata"]["managedFields"].as_array();

    managers
        .into_iter()
        .flatten()
        .filter(|manager| manager["manager"] == MANAGER && manager["subresource"].is_null())
        .map(|manager| manager["fieldsV1"].clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/a/deployments/demo-post?force=true";

    fn object(version: u32, replicas: u32, ready: u32) -> Value {
        json!({
            "metadata": { "name": "demo-post", "resourceVersion": version.to_string() },
            "spec": { "replicas": replicas },
            "status": { "readyReplicas": ready },
        })
    }

    fn is_effective_on(path: &str, before: &Value, after: &Value) -> bool {
        is_effective(path, Some(before), &Bytes::from(after.to_string()))
    }

    #[test]
    fn a_write_that_changes_nothing_is_told_from_one_that_does() {
        let before = object(1, 1, 0);

        assert!(!is_effective_on(DEPLOYMENT, &before, &before));
        assert!(is_effective_on(DEPLOYMENT, &before, &object(2, 2, 0)));
        assert!(is_effective(
            DEPLOYMENT,
            None,
            &Bytes::from(before.to_string())
        ));
    }

    #[test]
    fn a_status_that_others_write_meanwhile_is_not_ours() {
        let (before, after) = (object(1, 1, 0), object(2, 1, 1));

        assert!(!is_effective_on(DEPLOYMENT, &before, &after));
        assert!(is_effective_on(
            "/apis/a/v1/namespaces/a/b/c/status?x=y",
            &before,
            &after
        ));
    }

    #[test]
    fn subresources_are_parts_of_their_object() {
        assert_eq!(
            object_path("/a/socialplatforms/demo/status?x=y"),
            "/a/socialplatforms/demo"
        );
        assert_eq!(
            object_path("/a/services/demo-status"),
            "/a/services/demo-status"
        );
    }
}
