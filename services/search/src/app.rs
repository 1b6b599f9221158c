//! What every request handler may use.

use std::sync::Arc;

use axum::extract::FromRef;
use service_kit::Authenticator;

use crate::engine::Engine;

#[derive(Clone)]
pub struct App {
    pub engine: Arc<dyn Engine>,
    pub authenticator: Authenticator,
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
