//! What every request handler may use.

use std::sync::Arc;

use axum::extract::FromRef;
use database::idempotency::Idempotency;
use service_kit::Authenticator;

use crate::media_type::MediaType;
use crate::store::Store;

#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub authenticator: Authenticator,
    pub idempotency: Idempotency,
    pub limits: Limits,
}

/// What is taken.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest file.
    pub max_upload_bytes: u64,
    pub allowed_types: Arc<[MediaType]>,
    /// What all files of one person may take.
    pub user_quota_bytes: u64,
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
