//! What every request handler may use.

use std::sync::Arc;

use axum::extract::FromRef;
use token::Verifier;

use crate::store::Store;

#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub verifier: Arc<Verifier>,
}

impl FromRef<App> for Arc<Verifier> {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}
