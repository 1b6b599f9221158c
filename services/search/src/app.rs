//! What every request handler may use.

use axum::extract::FromRef;
use service_kit::Authenticator;

use crate::store::Store;

#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub authenticator: Authenticator,
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
