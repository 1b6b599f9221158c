//! Why a request was not answered by a service, and what the client is told of it.

use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use service_kit::Problem;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),

    #[error("the body ended before it was whole")]
    BrokenBody,

    #[error("transfer-encoding may only be chunked")]
    UnclearLength,

    #[error("there must be one host line")]
    UnclearHost,

    /// The client did not send its body in time.
    #[error("the body took too long")]
    SlowBody,

    #[error("failed to connect to {upstream}")]
    Unreachable {
        upstream: &'static str,
        #[source]
        source: hyper_util::client::legacy::Error,
    },

    #[error("failed to read the answer of {upstream}")]
    BrokenAnswer {
        upstream: &'static str,
        #[source]
        source: hyper_util::client::legacy::Error,
    },

    /// Somebody else is where the service should be.
    #[error("a stranger answered with {status} in the place of {upstream}")]
    Stranger {
        upstream: &'static str,
        status: StatusCode,
    },

    #[error("{upstream} took too long")]
    SlowAnswer { upstream: &'static str },

    /// As many requests are with the service as may be at once.
    #[error("{upstream} has no place left")]
    Full { upstream: &'static str },

    #[error("failed to understand how {upstream} describes itself")]
    NoDescription { upstream: &'static str },
}

impl Error {
    /// Which service failed, and how; none when the client did.
    pub fn upstream_and_reason(&self) -> Option<[&'static str; 2]> {
        match self {
            Self::TooLarge(_)
            | Self::BrokenBody
            | Self::UnclearLength
            | Self::UnclearHost
            | Self::SlowBody => None,
            Self::Unreachable { upstream, .. } => Some([upstream, "unreachable"]),
            Self::BrokenAnswer { upstream, .. } => Some([upstream, "broken"]),
            Self::Stranger { upstream, .. } => Some([upstream, "stranger"]),
            Self::SlowAnswer { upstream } => Some([upstream, "timeout"]),
            Self::Full { upstream } => Some([upstream, "full"]),
            Self::NoDescription { upstream } => Some([upstream, "description"]),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLarge(limit) => Self::too_large(limit),
            Error::BrokenBody => Self::malformed("broken_body", error.to_string()),
            // Nothing that follows on this connection can be trusted.
            Error::UnclearLength => Self::malformed("unclear_length", error.to_string())
                .with_header(CONNECTION, HeaderValue::from_static("close")),
            Error::UnclearHost => Self::malformed("unclear_host", error.to_string()),
            Error::SlowBody => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_timeout",
                error.to_string(),
            ),
            // No names and addresses of services in what the client reads.
            Error::Unreachable { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "upstream_unreachable",
                "the service that answers this is away for a moment, try again",
            )
            .with_header(RETRY_AFTER, HeaderValue::from_static("1")),
            Error::BrokenAnswer { .. } | Error::NoDescription { .. } => Self::new(
                StatusCode::BAD_GATEWAY,
                "upstream_broken",
                "the service that answers this broke off: whether it did what was asked is unknown",
            ),
            Error::Stranger { .. } => Self::new(
                StatusCode::BAD_GATEWAY,
                "upstream_broken",
                "something else answered in the place of the service: whether it did what was asked is unknown",
            ),
            Error::SlowAnswer { .. } => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "upstream_timeout",
                "the service that answers this took too long",
            ),
            Error::Full { .. } => Self::overloaded(),
        }
    }
}
