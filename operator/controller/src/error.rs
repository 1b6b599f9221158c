//! Everything a pass can fail of, and the one table of what each failure means for the status.

use std::fmt;

use operator_api::Reason;

use crate::observed::Obstacle;
use crate::ownership::Owner;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to {doing}")]
    Api {
        doing: String,
        #[source]
        source: ApiError,
    },

    #[error("namespace {0} is being deleted, and nothing can be made in it")]
    NamespaceTerminating(String),

    #[error("spec cannot be read: {0}")]
    Unreadable(String),

    #[error(transparent)]
    Invalid(#[from] operator_render::Invalid),

    #[error("{kind} {name} exists and does not belong to this platform")]
    NotOurs { kind: String, name: String },

    #[error("{kind} {name} of a deleted platform of this name is still there")]
    Leftover { kind: String, name: String },

    #[error(
        "Secret {name} is not labelled as the credentials of this platform: label {missing} is missing"
    )]
    CredentialsNotOurs { name: String, missing: String },

    #[error("Secret {name} cannot be used: {problem}")]
    Credentials {
        name: String,
        problem: operator_render::CredentialsError,
    },

    #[error(
        "Secret {0} is missing, the platform was made with it, and what was made of it is missing or was changed as \
         well: restore it from a backup; to have new credentials made, which ends every session, delete the platform's \
         other Secrets too"
    )]
    CredentialsMissing(String),

    #[error("paused: nothing is changed until spec.paused is taken away")]
    Paused,

    #[error(
        "kind {kind} of {api_version} is not installed in this cluster: install it, or leave the field out that asks for it"
    )]
    KindMissing { kind: String, api_version: String },
    #[error(
        "Secret {0}, which spec.credentials.existingSecret names, does not exist: create it in this namespace with the \
         keys of a credentials Secret"
    )]
    ExistingCredentialsMissing(String),

    #[error(
        "Secret {name}, which spec.credentials.existingSecret names, cannot be used: {problem}"
    )]
    ExistingCredentials {
        name: String,
        problem: operator_render::CredentialsError,
    },

    #[error(transparent)]
    Reference(#[from] operator_render::ReferenceError),

    #[error("failed to generate credentials: no randomness")]
    Randomness,

    #[error("failed to end within {0} s")]
    TimedOut(u64),
}

impl Error {
    pub fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        |source| match terminating_namespace(&source) {
            Some(namespace) => Self::NamespaceTerminating(namespace),
            None => Self::Api {
                doing,
                source: ApiError(source),
            },
        }
    }

    /// What an object of this owner means that has a name the platform needs; nothing if it is ours.
    pub fn in_the_way(owner: Owner, kind: String, name: String) -> Option<Self> {
        match owner {
            Owner::Ours => None,
            Owner::Predecessor => Some(Self::Leftover { kind, name }),
            Owner::Other => Some(Self::NotOurs { kind, name }),
        }
    }

    /// What the status says of it.
    pub fn obstacle(&self) -> Obstacle {
        let reason = match self {
            Self::Unreadable(_) | Self::Invalid(_) => Reason::Invalid,
            Self::NamespaceTerminating(_) => Reason::NamespaceTerminating,
            Self::NotOurs { .. } => Reason::ObjectNotOurs,
            Self::Leftover { .. } => Reason::WaitingForDeletion,
            Self::CredentialsNotOurs { .. }
            | Self::Credentials { .. }
            | Self::CredentialsMissing(_) => Reason::CredentialsInvalid,
            Self::Paused => Reason::Paused,
            Self::KindMissing { .. } => Reason::KindNotInstalled,
            Self::Reference(_)
            | Self::ExistingCredentialsMissing(_)
            | Self::ExistingCredentials { .. } => Reason::SecretMissing,
            Self::Api { .. } | Self::Randomness | Self::TimedOut(_) => Reason::ReconcileFailed,
        };

        Obstacle {
            reason,
            message: chain(self),
        }
    }

    /// The word it is counted under, if it is a failure of a call and not a finding.
    pub fn counted_as(&self) -> Option<&'static str> {
        match self {
            Self::Api { .. } => Some("api"),
            Self::Randomness => Some("randomness"),
            Self::TimedOut(_) => Some("timed_out"),
            _ => None,
        }
    }
}

/// The namespace, if a call was refused because that is being deleted. The API server says so in the details: its
/// sentence and its code are those of any other refusal.
fn terminating_namespace(error: &kube::Error) -> Option<String> {
    let kube::Error::Api(status) = error else {
        return None;
    };
    let causes = &status.details.as_ref()?.causes;
    let cause = causes
        .iter()
        .find(|cause| cause.reason == "NamespaceTerminating")?;
    // "namespace social is being terminated"
    let name = cause.message.split_whitespace().nth(1);

    Some(name.unwrap_or_default().to_owned())
}

/// A failed call, in the API server's own words: the library's `Display` adds a dump of the whole answer.
#[derive(Debug)]
pub struct ApiError(pub kube::Error);

impl ApiError {
    pub fn is_not_found(&self) -> bool {
        matches!(&self.0, kube::Error::Api(status) if status.is_not_found())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            kube::Error::Api(status) if !status.message.is_empty() => f.write_str(&status.message),
            kube::Error::Api(status) => write!(
                f,
                "the API server answered {} {}",
                status.code, status.reason
            ),
            kube::Error::Service(error) => f.write_str(&chain(error.as_ref())),
            error => error.fmt(f),
        }
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            kube::Error::Api(_) | kube::Error::Service(_) => None,
            error => std::error::Error::source(error),
        }
    }
}

/// The error and everything that caused it, from the outside in, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some libraries repeat their cause in their own words.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }

    text
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use kube::core::response::{StatusCause, StatusDetails};

    use super::*;

    #[test]
    fn a_refusal_is_told_once_and_in_the_servers_words() {
        let status = Status::failure("deployments.apps \"demo-post\" is forbidden", "Forbidden")
            .with_code(403);
        let error = Error::api("apply Deployment demo-post")(kube::Error::Api(Box::new(status)));

        assert_eq!(
            chain(&error),
            "failed to apply Deployment demo-post: deployments.apps \"demo-post\" is forbidden"
        );
        assert_eq!(error.obstacle().reason, Reason::ReconcileFailed);
        assert_eq!(error.counted_as(), Some("api"));
    }

    #[test]
    fn a_namespace_that_is_being_deleted_is_no_failure_to_try_again_after() {
        let cause = StatusCause {
            reason: "NamespaceTerminating".to_owned(),
            message: "namespace social is being terminated".to_owned(),
            field: "metadata.namespace".to_owned(),
        };
        let status = Status::failure(
            "secrets \"demo-post\" is forbidden: unable to create new content in namespace social because it is being \
             terminated",
            "Forbidden",
        )
        .with_code(403)
        .with_details(StatusDetails {
            name: "demo-post".to_owned(),
            group: String::new(),
            kind: "secrets".to_owned(),
            uid: String::new(),
            causes: vec![cause],
            retry_after_seconds: 0,
        });
        let error = Error::api("apply Secret demo-post")(kube::Error::Api(Box::new(status)));

        assert_eq!(error.counted_as(), None);
        assert_eq!(
            error.obstacle(),
            Obstacle {
                reason: Reason::NamespaceTerminating,
                message: "namespace social is being deleted, and nothing can be made in it"
                    .to_owned(),
            }
        );
        assert!(!error.obstacle().is_stalling());
    }

    #[test]
    fn what_a_person_must_change_is_no_failure_of_the_operator() {
        let error = Error::NotOurs {
            kind: "Service".to_owned(),
            name: "demo-redis".to_owned(),
        };

        assert_eq!(error.counted_as(), None);
        assert!(error.obstacle().is_stalling());
        assert_eq!(
            error.obstacle().message,
            "Service demo-redis exists and does not belong to this platform"
        );
    }
}
